use model::Timestamp;

use crate::der::{self, Reader, SEQUENCE};
use crate::{oid, time};

fn refuses(octets: &[u8]) {
    let read = Reader::whole(octets, SEQUENCE, "a test");
    assert!(read.is_err(), "{octets:02x?}");
}

#[test]
fn only_shortest_definite_lengths_are_read() {
    assert!(Reader::whole(&[0x30, 0], SEQUENCE, "a test").is_ok());
    refuses(&[0x30, 0x80, 0, 0]);
    refuses(&[0x30, 0x81, 0x01, 0]);
    refuses(&[&[0x30, 0x82, 0x00, 0x80], [0; 128].as_slice()].concat());
    refuses(&[0x30, 0x85, 0, 0, 0, 0, 0]);
    refuses(&[0x30, 0x01]);
    refuses(&[0x30]);
    refuses(&[0x30, 0, 0]);
    refuses(&[0x31, 0]);
}

#[test]
fn only_shortest_integers_are_read() {
    for (octets, expected) in [
        (vec![2, 1, 0], Some(0)),
        (vec![2, 1, 0x7f], Some(127)),
        (vec![2, 2, 0, 0x80], Some(128)),
        (vec![2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255], Some(u64::MAX)),
        (vec![2, 2, 0, 0x7f], None),
        (vec![2, 1, 0x80], None),
        (vec![2, 0], None),
        (vec![2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0], None),
    ] {
        assert_eq!(Reader::new(&octets, "a test").number().ok(), expected, "{octets:02x?}");
        if let Some(number) = expected {
            assert_eq!(der::unsigned(der::INTEGER, number), octets);
        }
    }
}

#[test]
fn a_default_value_that_is_written_out_is_refused() {
    assert!(Reader::new(&[1, 1, 0xff], "a test").flag().unwrap());
    assert!(!Reader::new(&[], "a test").flag().unwrap());
    assert!(Reader::new(&[1, 1, 0], "a test").flag().is_err());
    assert!(Reader::new(&[1, 1, 1], "a test").flag().is_err());
}

#[test]
fn long_lengths_are_written_and_read_again() {
    for length in [0, 127, 128, 255, 256, 65_535, 65_536] {
        let octets = der::tlv(SEQUENCE, &vec![7; length]);
        assert_eq!(Reader::whole(&octets, SEQUENCE, "a test").unwrap().value.len(), length);
    }
}

#[test]
fn object_identifiers_are_shown_and_read_in_dotted_notation() {
    for (content, text) in [
        (oid::SHA256, "2.16.840.1.101.3.4.2.1"),
        (oid::QUALIFIED_STAMP, "0.4.0.19422.1.1"),
        (oid::TST_INFO, "1.2.840.113549.1.9.16.1.4"),
        (oid::KEY_USAGE, "2.5.29.15"),
    ] {
        assert_eq!(oid::dotted(content), text);
        assert_eq!(oid::parse_dotted(text).unwrap(), content);
    }
    for text in ["", "1", "3.1", "1.40", "1.2.a", "1..2"] {
        assert_eq!(oid::parse_dotted(text), None, "{text}");
    }
}

fn check_time(text: &str, expected: Option<&str>) {
    let found = time::generalized(text.as_bytes()).ok();
    assert_eq!(found, expected.map(|it| it.parse::<Timestamp>().unwrap()), "{text}");
    if let Some(at) = found.filter(|_| text.len() <= 22) {
        assert_eq!(time::write_generalized(at)[2..], *text.as_bytes());
    }
}

#[test]
fn times_of_stamps_may_have_fractions_and_must_be_utc() {
    check_time("20261122034133.038Z", Some("2026-11-22T03:41:33.038Z"));
    check_time("20240229235959Z", Some("2024-02-29T23:59:59Z"));
    check_time("19700101000000Z", Some("1970-01-01T00:00:00Z"));
    check_time("19000228120000.000001Z", Some("1900-02-28T12:00:00.000001Z"));
    check_time("20261231235959.9999999Z", Some("2026-12-31T23:59:59.999999Z"));
    for bad in [
        "20261122034133.0380Z",
        "20261122034133.Z",
        "20261122034133.0Z",
        "20261122034133",
        "20261122034133+0100",
        "202611220341Z",
        "20230229000000Z",
        "19000229000000Z",
        "20261301000000Z",
        "20261122240000Z",
        "2026112203413Z",
        "+026112203413Z",
    ] {
        check_time(bad, None);
    }
}
