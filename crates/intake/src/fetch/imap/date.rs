//! Dates of IMAP: `INTERNALDATE` (RFC 9051 §9, `date-time`) and the days of `SEARCH`.

use model::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_SECONDS: i64 = 86_400;

/// `" 7-Feb-1994 21:52:25 -0800"`, also without the leading blank. `None` when it is no such date.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let mut words = text.split_ascii_whitespace();
    let (day, clock, zone) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let mut parts = day.split('-');
    let (day, month, year) = (number(parts.next()?)?, parts.next()?, number(parts.next()?)?);
    let month = MONTHS.iter().position(|it| it.eq_ignore_ascii_case(month))? as i64 + 1;
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    // Sixty is a leap second.
    let second = number(parts.next()?)?;
    let sane = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !sane || !(1..=9999).contains(&year) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let local = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_seconds(local - offset(zone)?))
}

/// As `APPEND` takes it, in UTC.
pub(super) fn format(moment: Timestamp) -> String {
    let seconds = moment.as_seconds();
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_SECONDS));
    let rest = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{day:2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

/// As `SINCE` and `BEFORE` take it: the day in UTC.
pub(super) fn day(moment: Timestamp) -> String {
    let (year, month, day) = civil_from_days(moment.as_seconds().div_euclid(DAY_SECONDS));
    format!("{day}-{month}-{year:04}")
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|it| it.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// `+0130` in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 {
        return None;
    }
    let number = number(digits)?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar; a year begins in March here.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, &'static str, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    // March is 0 here and 2 in the list.
    let month = (month + 2) % 12;
    let year = era * 400 + year + i64::from(month < 2);
    // `month` is below twelve.
    (year, MONTHS[month as usize], day)
}
