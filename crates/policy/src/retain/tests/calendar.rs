use super::*;

#[test]
fn a_period_from_the_end_of_the_year_always_ends_on_31_december() {
    for (received, expected) in [
        (date(2018, 1, 1), date(2024, 12, 31)),
        (date(2018, 12, 31), date(2024, 12, 31)),
        (date(2019, 1, 1), date(2025, 12, 31)),
        (date(2024, 2, 29), date(2030, 12, 31)),
    ] {
        let end = Period::years(6).last_day(received, Begins::AtYearEnd);
        assert_eq!(end, Some(expected), "{received}");
    }
}

#[test]
fn a_day_that_the_month_does_not_have_is_its_last_one() {
    for (first, period, expected) in [
        (date(2024, 2, 29), Period::years(1), date(2025, 2, 28)),
        (date(2024, 2, 29), Period::years(4), date(2028, 2, 29)),
        (date(2023, 2, 28), Period::years(1), date(2024, 2, 28)),
        (date(2024, 8, 31), Period::months(6), date(2025, 2, 28)),
        (date(2023, 8, 31), Period::months(6), date(2024, 2, 29)),
        (date(2024, 1, 31), Period { years: 0, months: 1, days: 1 }, date(2024, 3, 1)),
        (date(2024, 12, 31), Period::days(1), date(2025, 1, 1)),
        (date(2024, 2, 28), Period::days(1), date(2024, 2, 29)),
        (date(2024, 1, 1), Period::days(366), date(2025, 1, 1)),
        (date(2024, 5, 5), Period::default(), date(2024, 5, 5)),
    ] {
        assert_eq!(period.last_day(first, Begins::AtEvent), Some(expected), "{first} {period:?}");
    }
}

#[test]
fn months_after_the_end_of_the_year_count_from_31_december() {
    let end = Period::months(6).last_day(date(2024, 3, 3), Begins::AtYearEnd);
    assert_eq!(end, Some(date(2025, 6, 30)));
}

#[test]
fn an_end_beyond_the_calendar_is_none() {
    assert_eq!(Period::years(100).last_day(date(9990, 1, 1), Begins::AtEvent), None);
    assert!(Period::years(101).check().is_err());
    assert!(Period { years: 100, months: 1_200, days: 36_525 }.check().is_ok());
}

/// One hour decides about a year: at 23:30 UTC on 31 December it is January in Berlin.
#[test]
fn the_year_ends_where_the_tenant_is() {
    let moment = at("2018-12-31T23:30:00Z");
    for (name, day, end) in [
        ("UTC", date(2018, 12, 31), "2025-01-01T00:00:00Z"),
        ("Europe/Berlin", date(2019, 1, 1), "2025-12-31T23:00:00Z"),
        ("europe/vienna", date(2019, 1, 1), "2025-12-31T23:00:00Z"),
        ("America/New_York", date(2018, 12, 31), "2025-01-01T05:00:00Z"),
        ("Asia/Tokyo", date(2019, 1, 1), "2025-12-31T15:00:00Z"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", date(2019, 1, 1), "2025-12-31T23:00:00Z"),
    ] {
        let zone = zone(name);
        assert_eq!(zone.day_of(moment), Some(day), "{name}");
        let last = Period::years(6).last_day(day, Begins::AtYearEnd).expect("an end");
        assert_eq!(zone.end_of(last), Some(at(end)), "{name}");
    }
}

#[test]
fn days_of_a_clock_change_end_when_the_next_one_begins() {
    let berlin = Zone::default();
    assert_eq!(berlin.name(), "Europe/Berlin");
    // 30 March 2025 has 23 hours, 26 October 2025 has 25.
    for (day, end) in [
        (date(2025, 3, 29), "2025-03-29T23:00:00Z"),
        (date(2025, 3, 30), "2025-03-30T22:00:00Z"),
        (date(2025, 10, 25), "2025-10-25T22:00:00Z"),
        (date(2025, 10, 26), "2025-10-26T23:00:00Z"),
    ] {
        assert_eq!(berlin.end_of(day), Some(at(end)), "{day}");
    }
}

#[test]
fn every_named_zone_is_known_and_no_other() {
    for name in Zone::names() {
        assert_eq!(zone(name).name(), name);
        let json = serde_json::to_string(&zone(name)).expect("JSON");
        assert_eq!(serde_json::from_str::<Zone>(&json).expect("a zone"), zone(name));
    }
    for name in ["", "Europe/Atlantis", "../etc/passwd", "CET-1CEST", &"x".repeat(65)] {
        assert_eq!(name.parse::<Zone>(), Err(ZoneError), "{name}");
    }
}

fn days() -> impl Strategy<Value = Date> {
    (1970i16..2200, 1i8..13, 1i8..32)
        .prop_filter_map("no such day", |(year, month, day)| Date::new(year, month, day).ok())
}

proptest! {
    #[test]
    fn a_later_mail_never_ends_earlier(
        one in days(), two in days(),
        years in 0u32..40, months in 0u32..30, days in 0u32..800, year_end in any::<bool>(),
    ) {
        let begins = if year_end { Begins::AtYearEnd } else { Begins::AtEvent };
        let period = Period { years, months, days };
        let (early, late) = (one.min(two), one.max(two));
        let (early, late) = (period.last_day(early, begins), period.last_day(late, begins));
        prop_assert!(early.is_some() && early <= late);
    }

    #[test]
    fn the_end_of_a_day_is_the_first_moment_of_the_next(
        day in days(), name in proptest::sample::select(Zone::names().collect::<Vec<_>>()),
    ) {
        let zone = zone(name);
        let end = zone.end_of(day).expect("an end");
        let before = Timestamp::from_micros(end.as_micros() - 1);
        prop_assert_eq!(zone.day_of(before), Some(day));
        prop_assert_eq!(zone.day_of(end), day.tomorrow().ok());
    }
}
