//! UTCTime and GeneralizedTime (X.690 §11.7, §11.8; RFC 5280 §4.1.2.5; RFC 3161 §2.4.2).

use model::Timestamp;

use crate::der::{GENERALIZED_TIME, Reader, Tlv, UTC_TIME};
use crate::{EvidenceError, Result};

const FLAW: EvidenceError =
    EvidenceError::Malformed { structure: "a time", flaw: "it is not a time in UTC" };

/// Either kind, as certificates and revocation lists have it.
pub fn read(reader: &mut Reader<'_>) -> Result<Timestamp> {
    let element = reader.next()?;
    parse(element)
}

pub fn parse(element: Tlv<'_>) -> Result<Timestamp> {
    match element.tag {
        UTC_TIME => utc(element.value),
        GENERALIZED_TIME => generalized(element.value),
        _ => Err(FLAW),
    }
}

fn utc(text: &[u8]) -> Result<Timestamp> {
    let (year, rest) = text.split_at_checked(2).ok_or(FLAW)?;
    // RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century.
    let century = if digits(year)? >= 50 { b"19" } else { b"20" };
    let rest = rest.strip_suffix(b"Z").filter(|rest| rest.len() == 10).ok_or(FLAW)?;
    seconds(&[century, year, rest].concat())
}

/// `YYYYMMDDhhmmss[.f…]Z`; a fraction does not end with zero. Below microseconds it is cut.
pub fn generalized(text: &[u8]) -> Result<Timestamp> {
    let text = text.strip_suffix(b"Z").ok_or(FLAW)?;
    let (whole, fraction) = text.split_at_checked(14).ok_or(FLAW)?;
    let start = seconds(whole)?;
    let micros = match fraction {
        [] => 0,
        [b'.', decimals @ ..] if !decimals.is_empty() && decimals.last() != Some(&b'0') => {
            if decimals.len() > 18 {
                return Err(FLAW);
            }
            let shown = &decimals[..decimals.len().min(6)];
            digits(decimals)?;
            digits(shown)? * 10i64.pow(6 - shown.len() as u32)
        }
        _ => return Err(FLAW),
    };
    Ok(Timestamp::from_micros(start.as_micros() + micros))
}

fn seconds(text: &[u8]) -> Result<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to).ok_or(FLAW).and_then(digits);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return Err(FLAW),
    };
    if text.len() != 14 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(FLAW);
    }
    let time = hour * 3600 + minute * 60 + second;
    Ok(Timestamp::from_seconds(days_from_civil(year, month, day) * 86_400 + time))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn digits(text: &[u8]) -> Result<i64> {
    text.iter().try_fold(0i64, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + i64::from(digit - b'0')),
        _ => Err(FLAW),
    })
}

/// A GeneralizedTime in DER with as many decimals as needed, at most six.
pub fn write_generalized(at: Timestamp) -> Vec<u8> {
    let mut octets = Vec::with_capacity(24);
    append_generalized(&mut octets, at);
    octets
}

/// [`write_generalized`] behind what is there.
pub fn append_generalized(into: &mut Vec<u8>, at: Timestamp) {
    let micros = at.as_micros();
    let (days, of_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (year, month, day) = civil_from_days(days);
    let (seconds, mut fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    into.extend_from_slice(&[GENERALIZED_TIME, 0]);
    let start = into.len();
    match year {
        0..=9999 => append_digits(into, year, 4),
        // No reader takes it, and no archive lives to see it.
        _ => into.extend_from_slice(format!("{year:04}").as_bytes()),
    }
    [month, day, hour, minute, second].into_iter().for_each(|it| append_digits(into, it, 2));
    if fraction > 0 {
        let mut decimals = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            decimals -= 1;
        }
        into.push(b'.');
        append_digits(into, fraction, decimals);
    }
    into.push(b'Z');
    // At most 28 octets.
    into[start - 1] = (into.len() - start) as u8;
}

fn append_digits(into: &mut Vec<u8>, number: i64, count: u32) {
    for place in (0..count).rev() {
        into.push(b'0' + (number / 10i64.pow(place) % 10) as u8);
    }
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
