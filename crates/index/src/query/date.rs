use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as Duration, ToSpan};
use model::Timestamp;

/// What gives dates their meaning: the present moment and the reader's time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub now: Timestamp,
    pub zone: TimeZone,
}

impl Calendar {
    pub fn utc(now: Timestamp) -> Self {
        Self { now, zone: TimeZone::UTC }
    }

    /// The zone of this IANA name, UTC when there is none.
    pub fn in_zone(now: Timestamp, name: &str) -> Self {
        Self { now, zone: TimeZone::get(name).unwrap_or(TimeZone::UTC) }
    }

    /// The first moment of the time that `date` names, and the first moment after it.
    pub(crate) fn period(&self, date: DateSpec) -> (Timestamp, Timestamp) {
        let (first, length) = self.first_day(date);
        let after = first.checked_add(length).unwrap_or(Date::MAX);
        (self.midnight(first), self.midnight(after))
    }

    fn first_day(&self, date: DateSpec) -> (Date, Duration) {
        let day = |y, m, d| Date::new(y, m, d).unwrap_or(Date::MIN);
        let ago = |length: Duration| self.today().checked_sub(length).unwrap_or(Date::MIN);
        match date {
            DateSpec::Ago(count, unit) => {
                let count = i64::from(count);
                let length = match unit {
                    Unit::Days => count.days(),
                    Unit::Weeks => count.weeks(),
                    Unit::Months => count.months(),
                    Unit::Years => count.years(),
                };
                (ago(length), 1.day())
            }
            DateSpec::Day(y, m, d) => (day(y, m, d), 1.day()),
            DateSpec::Month(y, m) => (day(y, m, 1), 1.month()),
            DateSpec::Today => (self.today(), 1.day()),
            DateSpec::Year(y) => (day(y, 1, 1), 1.year()),
            DateSpec::Yesterday => (ago(1.day()), 1.day()),
        }
    }

    fn today(&self) -> Date {
        jiff::Timestamp::from_microsecond(self.now.as_micros())
            .map_or(Date::ZERO, |now| now.to_zoned(self.zone.clone()).date())
    }

    fn midnight(&self, date: Date) -> Timestamp {
        let moment = date.to_zoned(self.zone.clone()).map(|zoned| zoned.timestamp());
        match moment {
            Ok(moment) => Timestamp::from_micros(moment.as_microsecond()),
            Err(_) if date.year() > 0 => Timestamp::from_micros(i64::MAX),
            Err(_) => Timestamp::from_micros(i64::MIN),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

/// A date as it was asked for; [`Calendar`] says which moments it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateSpec {
    /// The day so long before today; at most four digits.
    Ago(u16, Unit),
    Day(i16, i8, i8),
    Month(i16, i8),
    Today,
    Year(i16),
    Yesterday,
}

impl DateSpec {
    /// ISO (`2024`, `2024-03`, `2024-03-01`, also with slashes), German (`1.3.2024`, `3.2024`),
    /// `today`, `yesterday`, `7d`, `2w`, `6m`, `1y`. Only days that exist.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        match text.as_str() {
            "today" | "heute" => return Some(Self::Today),
            "yesterday" | "gestern" => return Some(Self::Yesterday),
            _ => {}
        }
        if let Some(ago) = Self::parse_ago(&text) {
            return Some(ago);
        }
        let german = text.contains('.');
        let mut parts: Vec<&str> =
            text.split(|c| if german { c == '.' } else { matches!(c, '-' | '/') }).collect();
        if german {
            parts.reverse();
        }
        let (year, rest) = parts.split_first()?;
        let year = number(year, 4, 4)?;
        match rest {
            [] if !german => Some(Self::Year(year)),
            [month] => {
                let month = number(month, 1, 2)? as i8;
                Date::new(year, month, 1).ok().map(|_| Self::Month(year, month))
            }
            [month, day] => {
                let (month, day) = (number(month, 1, 2)? as i8, number(day, 1, 2)? as i8);
                Date::new(year, month, day).ok().map(|_| Self::Day(year, month, day))
            }
            _ => None,
        }
    }

    fn parse_ago(text: &str) -> Option<Self> {
        let unit = match text.as_bytes().last()? {
            b'd' | b't' => Unit::Days,
            b'w' => Unit::Weeks,
            b'm' => Unit::Months,
            b'y' | b'j' => Unit::Years,
            _ => return None,
        };
        number(&text[..text.len() - 1], 1, 4).map(|count| Self::Ago(count as u16, unit))
    }
}

/// A decimal number of so many digits at least and at most (4).
fn number(text: &str, digits_min: usize, digits_max: usize) -> Option<i16> {
    let fits = (digits_min..=digits_max).contains(&text.len());
    (fits && text.bytes().all(|octet| octet.is_ascii_digit())).then(|| text.parse().ok())?
}

impl fmt::Display for DateSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(count, unit) => {
                let unit = match unit {
                    Unit::Days => 'd',
                    Unit::Weeks => 'w',
                    Unit::Months => 'm',
                    Unit::Years => 'y',
                };
                write!(f, "{count}{unit}")
            }
            Self::Day(y, m, d) => write!(f, "{y:04}-{m:02}-{d:02}"),
            Self::Month(y, m) => write!(f, "{y:04}-{m:02}"),
            Self::Today => f.write_str("today"),
            Self::Year(y) => write!(f, "{y:04}"),
            Self::Yesterday => f.write_str("yesterday"),
        }
    }
}
