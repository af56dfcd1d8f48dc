use model::Timestamp;

/// A mail as an entry of a mailbox file in the mboxrd form: LF line ends, lines that begin with
/// `From ` behind any number of `>` get one more, so that reading can take it back.
pub fn mbox_entry(octets: &[u8], at: Timestamp) -> Vec<u8> {
    let mut entry = Vec::with_capacity(octets.len() + octets.len() / 50 + 100);
    entry.extend_from_slice(format!("From MAILER-DAEMON {}\n", asctime(at)).as_bytes());
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let quotes = text.iter().take_while(|octet| **octet == b'>').count();
        if text[quotes..].starts_with(b"From ") {
            entry.push(b'>');
        }
        entry.extend_from_slice(text);
        entry.push(b'\n');
    }
    entry.push(b'\n');
    entry
}

/// `Thu Jan  1 00:00:00 1970`, in UTC.
fn asctime(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at.as_micros().div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let weekday = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)];
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0).min(11)];
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{:02} {year}", second % 60)
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_from_are_quoted_and_line_ends_become_lf() {
        let entry = mbox_entry(b"A: b\r\n\r\nFrom x\r\n>From y\r\nz", Timestamp::from_seconds(0));
        let expected = "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n\
                        A: b\n\n>From x\n>>From y\nz\n\n";
        assert_eq!(String::from_utf8(entry).expect("text"), expected);
        let leap = Timestamp::from_seconds(1_709_210_096);
        assert_eq!(asctime(leap), "Thu Feb 29 12:34:56 2024");
    }
}
