//! Days on which periods end. Pure: time zones are rules of text, not a database that differs from
//! machine to machine.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest part of a period, in its unit: 100 years.
const YEARS_MAX: u32 = 100;
const MONTHS_MAX: u32 = 1_200;
const DAYS_MAX: u32 = 36_525;

/// Longest text of a zone.
const ZONE_CHARS_MAX: usize = 64;

/// A length of time in the calendar's own units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Period {
    #[serde(default)]
    pub years: u32,
    #[serde(default)]
    pub months: u32,
    #[serde(default)]
    pub days: u32,
}

/// The period is longer than a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a period is at most 100 years, 1200 months and 36525 days")]
pub struct PeriodError;

impl Period {
    pub const fn years(years: u32) -> Self {
        Self { years, months: 0, days: 0 }
    }

    pub const fn months(months: u32) -> Self {
        Self { years: 0, months, days: 0 }
    }

    pub const fn days(days: u32) -> Self {
        Self { years: 0, months: 0, days }
    }

    pub fn check(self) -> Result<Self, PeriodError> {
        let fits = self.years <= YEARS_MAX && self.months <= MONTHS_MAX && self.days <= DAYS_MAX;
        if fits { Ok(self) } else { Err(PeriodError) }
    }

    /// The last day of the period that `begins` on (or at the end of the year of) `day`: years and
    /// months first, then days; a day that the month does not have is its last one (BGB §188 (2),
    /// (3)). `None` beyond the calendar's end in the year 9999.
    pub fn last_day(self, day: Date, begins: Begins) -> Option<Date> {
        let first = match begins {
            Begins::AtEvent => day,
            Begins::AtYearEnd => Date::new(day.year(), 12, 31).ok()?,
        };
        let months = i64::from(self.years) * 12 + i64::from(self.months);
        let months = Span::new().try_months(months).ok()?;
        let days = Span::new().try_days(i64::from(self.days)).ok()?;
        first.checked_add(months).ok()?.checked_add(days).ok()
    }
}

/// When a period begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// With the day itself, which does not count (BGB §187 (1)).
    #[default]
    AtEvent,
    /// With the end of the calendar year in which the day lies (AO §147 (4), HGB §257 (5)).
    AtYearEnd,
}

/// The time zone in which a tenant's days begin and end.
///
/// Named by an IANA name from a small table or by a POSIX `TZ` rule such as
/// `CET-1CEST,M3.5.0,M10.5.0/3`. Today's rule counts for all years: what it was before 1996 shifts
/// no day by more than an hour.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// The text names no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a known time zone: expected a name such as Europe/Berlin or UTC, or a POSIX rule such as \
     CET-1CEST,M3.5.0,M10.5.0/3"
)]
pub struct ZoneError;

const CENTRAL_EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const EASTERN_EUROPE: &str = "EET-2EEST,M3.5.0/3,M10.5.0/4";

/// IANA names and the rule of their present time (tz database 2025b).
const ZONES: &[(&str, &str)] = &[
    ("America/Chicago", "CST6CDT,M3.2.0,M11.1.0"),
    ("America/Denver", "MST7MDT,M3.2.0,M11.1.0"),
    ("America/Los_Angeles", "PST8PDT,M3.2.0,M11.1.0"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("America/Sao_Paulo", "<-03>3"),
    ("America/Toronto", "EST5EDT,M3.2.0,M11.1.0"),
    ("Asia/Dubai", "<+04>-4"),
    ("Asia/Kolkata", "IST-5:30"),
    ("Asia/Shanghai", "CST-8"),
    ("Asia/Singapore", "<+08>-8"),
    ("Asia/Tokyo", "JST-9"),
    ("Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"),
    ("Europe/Amsterdam", CENTRAL_EUROPE),
    ("Europe/Athens", EASTERN_EUROPE),
    ("Europe/Berlin", CENTRAL_EUROPE),
    ("Europe/Brussels", CENTRAL_EUROPE),
    ("Europe/Bucharest", EASTERN_EUROPE),
    ("Europe/Budapest", CENTRAL_EUROPE),
    ("Europe/Copenhagen", CENTRAL_EUROPE),
    ("Europe/Dublin", "GMT0IST,M3.5.0/1,M10.5.0"),
    ("Europe/Helsinki", EASTERN_EUROPE),
    ("Europe/Istanbul", "<+03>-3"),
    ("Europe/Lisbon", "WET0WEST,M3.5.0/1,M10.5.0"),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Europe/Luxembourg", CENTRAL_EUROPE),
    ("Europe/Madrid", CENTRAL_EUROPE),
    ("Europe/Oslo", CENTRAL_EUROPE),
    ("Europe/Paris", CENTRAL_EUROPE),
    ("Europe/Prague", CENTRAL_EUROPE),
    ("Europe/Rome", CENTRAL_EUROPE),
    ("Europe/Sofia", EASTERN_EUROPE),
    ("Europe/Stockholm", CENTRAL_EUROPE),
    ("Europe/Vaduz", CENTRAL_EUROPE),
    ("Europe/Vienna", CENTRAL_EUROPE),
    ("Europe/Warsaw", CENTRAL_EUROPE),
    ("Europe/Zurich", CENTRAL_EUROPE),
    ("UTC", "UTC0"),
];

impl Zone {
    /// The names that need no rule, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ZONES.iter().map(|(name, _)| *name)
    }

    /// The day on which the moment lies here; `None` outside the calendar.
    pub fn day_of(&self, at: Timestamp) -> Option<Date> {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// The first moment after the day; `None` outside the calendar.
    pub fn end_of(&self, day: Date) -> Option<Timestamp> {
        let next = day.tomorrow().ok()?.at(0, 0, 0, 0);
        // Where a clock change skips midnight the later moment counts: never too early.
        let at = self.zone.to_ambiguous_timestamp(next).later().ok()?;
        Some(Timestamp::from_micros(at.as_microsecond()))
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Zone {
    /// Where most of those who must keep mail to the end of a calendar year are.
    fn default() -> Self {
        let zone = TimeZone::posix(CENTRAL_EUROPE).unwrap_or(TimeZone::UTC);
        Self { name: "Europe/Berlin".to_owned(), zone }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let known = ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        if let Some((name, rule)) = known {
            let zone = TimeZone::posix(rule).map_err(|_| ZoneError)?;
            return Ok(Self { name: (*name).to_owned(), zone });
        }
        if text.is_empty() || text.chars().count() > ZONE_CHARS_MAX {
            return Err(ZoneError);
        }
        let zone = TimeZone::posix(text).map_err(|_| ZoneError)?;
        Ok(Self { name: text.to_owned(), zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
