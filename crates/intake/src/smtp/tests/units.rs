use model::{EmailAddress, Timestamp};

use crate::smtp::{IntakeFigures, Rate, without_subaddress};

#[test]
fn a_subaddress_is_what_follows_the_first_plus() {
    for (whole, base) in [
        ("archive+anna=example.org@host", "archive@host"),
        ("archive+a+b@host", "archive@host"),
        ("archive@host", "archive@host"),
        ("+x@host", "+x@host"),
        ("postmaster", "postmaster"),
    ] {
        assert_eq!(without_subaddress(&EmailAddress::new(whole)).as_str(), base);
    }
}

#[test]
fn rates_forget_what_is_older_than_their_span() {
    let figures = IntakeFigures::default();
    let at = Timestamp::from_seconds;
    figures.accepted(at(1000), 10);
    figures.accepted(at(1030), 20);
    assert_eq!(figures.reading(at(1059)).last_minute, Rate { mails: 2, octets: 30 });
    assert_eq!(figures.reading(at(1060)).last_minute, Rate { mails: 1, octets: 20 });
    let reading = figures.reading(at(1100));
    assert_eq!(reading.last_minute, Rate::default());
    assert_eq!(reading.minutes.iter().map(|rate| rate.mails).sum::<u64>(), 2);
    assert_eq!(figures.reading(at(1_000_000)).minutes.iter().map(|r| r.mails).sum::<u64>(), 0);
    assert_eq!(figures.reading(at(1_000_000)).mails_accepted, 2);
}
