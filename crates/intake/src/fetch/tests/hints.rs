use std::time::Duration;

use crate::fetch::retry_after;

fn check(text: &str, expected: Option<u64>) {
    assert_eq!(retry_after(text), expected.map(Duration::from_millis), "{text}");
}

#[test]
fn the_time_that_a_server_asks_for_is_found() {
    check("Request is throttled. Suggested Backoff Time: 299961 milliseconds", Some(299_961));
    check("[IN-USE] try again in 30 seconds", Some(30_000));
    check("please wait 2 minutes.", Some(120_000));
    check("retry after 1 hour", Some(3_600_000));
}

#[test]
fn other_numbers_are_no_hint() {
    check("mailbox has 30 messages", None);
    check("maildrop locked for 30 seconds", None);
    check("try again later", None);
}

#[test]
fn a_hint_is_bounded() {
    check("retry in 99999999999999999999 hours", None);
    check("retry in 9999999999 hours", Some(24 * 3_600_000));
}
