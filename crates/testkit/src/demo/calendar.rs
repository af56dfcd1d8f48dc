//! Dates as people in Germany and Britain write them, without a time zone database: central
//! European time with the summer time rule in force since 1996.

use super::story::Language;

const DAY_SECONDS: i64 = 86_400;
const WEEKDAYS_EN: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WEEKDAYS_DE: [&str; 7] =
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// A moment split up in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    /// 0 is Monday.
    pub weekday: usize,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub offset_hours: i64,
}

/// Days since 1970-01-01 → year, month, day (Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The last Sunday of a month of 31 days, at 01:00 UTC.
fn last_sunday(year: i64, month: i64) -> i64 {
    let last = days(year, month, 31);
    let weekday = (last + 3).rem_euclid(7);
    (last - (weekday + 1) % 7) * DAY_SECONDS + 3_600
}

impl Local {
    pub fn at(seconds: i64) -> Self {
        let (year, ..) = civil(seconds.div_euclid(DAY_SECONDS));
        let summer = (last_sunday(year, 3)..last_sunday(year, 10)).contains(&seconds);
        let offset_hours = if summer { 2 } else { 1 };
        let local = seconds + offset_hours * 3_600;
        let day_number = local.div_euclid(DAY_SECONDS);
        let (year, month, day) = civil(day_number);
        let in_day = local.rem_euclid(DAY_SECONDS);
        Self {
            year,
            month,
            day,
            weekday: (day_number + 3).rem_euclid(7) as usize,
            hour: in_day / 3_600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            offset_hours,
        }
    }

    /// RFC 5322 §3.3 date-time with the local offset.
    pub fn rfc5322(&self) -> String {
        format!(
            "{}, {:02} {} {} {:02}:{:02}:{:02} +0{}00",
            &WEEKDAYS_EN[self.weekday][..3],
            self.day,
            &MONTHS_EN[self.month as usize - 1][..3],
            self.year,
            self.hour,
            self.minute,
            self.second,
            self.offset_hours
        )
    }

    pub fn date(&self, language: Language) -> String {
        match language {
            Language::De => format!("{:02}.{:02}.{}", self.day, self.month, self.year),
            Language::En => {
                format!("{} {} {}", self.day, MONTHS_EN[self.month as usize - 1], self.year)
            }
        }
    }

    pub fn weekday_date(&self, language: Language) -> String {
        match language {
            Language::De => format!(
                "{}, {}. {}",
                WEEKDAYS_DE[self.weekday],
                self.day,
                MONTHS_DE[self.month as usize - 1]
            ),
            Language::En => format!(
                "{}, {} {}",
                WEEKDAYS_EN[self.weekday],
                self.day,
                MONTHS_EN[self.month as usize - 1]
            ),
        }
    }

    /// As Outlook writes it above a quoted mail.
    pub fn sent(&self, language: Language) -> String {
        let month = self.month as usize - 1;
        match language {
            Language::De => format!(
                "{}, {}. {} {} {:02}:{:02}",
                WEEKDAYS_DE[self.weekday],
                self.day,
                MONTHS_DE[month],
                self.year,
                self.hour,
                self.minute
            ),
            Language::En => format!(
                "{}, {} {} {} {:02}:{:02}",
                WEEKDAYS_EN[self.weekday],
                self.day,
                MONTHS_EN[month],
                self.year,
                self.hour,
                self.minute
            ),
        }
    }
}

/// RFC 5322 date-time in UTC, as Exchange writes it.
pub fn utc(seconds: i64) -> String {
    let day_number = seconds.div_euclid(DAY_SECONDS);
    let (year, month, day) = civil(day_number);
    let in_day = seconds.rem_euclid(DAY_SECONDS);
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} +0000",
        &WEEKDAYS_EN[(day_number + 3).rem_euclid(7) as usize][..3],
        day,
        &MONTHS_EN[month as usize - 1][..3],
        year,
        in_day / 3_600,
        in_day / 60 % 60,
        in_day % 60
    )
}

/// The next working day at or after the day of `seconds`, same time of day.
pub fn working_day(seconds: i64) -> i64 {
    match Local::at(seconds).weekday {
        5 => seconds + 2 * DAY_SECONDS,
        6 => seconds + DAY_SECONDS,
        _ => seconds,
    }
}
