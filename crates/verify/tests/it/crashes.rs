//! The process ends at every durable step of events, seals and renewals: whoever begins again finds
//! each leaf once and none missing.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use catalog::{LedgerKind, NewLedgerEvent};
use ledger::{EVENT_CRASH_POINTS, Ledger, LedgerError, RENEWAL_CRASH_POINTS, SEAL_CRASH_POINTS};
use model::RecordId;
use testkit::authority::has_authority;

use crate::archive::{Archive, Openssl, TENANT, stamped};
use crate::support::now;

thread_local! {
    /// Only the thread of the test that sets it is struck.
    static DOOMED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` until it is struck at `point`, then once more with everything opened anew.
fn interrupted(archive: &Archive, point: &str, work: &dyn Fn(&Ledger) -> Result<(), LedgerError>) {
    fail::cfg_callback(point, || assert!(!DOOMED.get(), "struck")).expect("armed");
    DOOMED.set(true);
    let crash = catch_unwind(AssertUnwindSafe(|| work(&archive.ledger())));
    DOOMED.set(false);
    fail::remove(point);
    assert!(crash.is_err(), "{point} was not reached");
    work(&archive.ledger()).expect("goes on");
}

/// Every leaf once, none missing, all of it proven.
fn whole(archive: &Archive, records: &[RecordId], events: u64, point: &str) {
    let checked = archive.ledger().check(TENANT).expect("readable");
    assert_eq!((checked.events, checked.findings), (events, Vec::new()), "{point}");
    let rows = archive.catalog.sealed_batches(TENANT, 0, 100).expect("reads");
    let mut next = 1;
    for row in &rows {
        assert_eq!(row.first_seq, next, "{point}");
        next = row.last_seq + 1;
    }
    assert_eq!(next, events + 1, "{point}");
    let name = format!("after-{point}");
    let outcome = archive.export(records, &name).expect("exported");
    assert_eq!(outcome.code, 0, "{point}: {outcome:?}");
}

fn mail(number: u64) -> Vec<u8> {
    format!("From: a@b.example\r\nSubject: {number}\r\n\r\nletter {number}\r\n").into_bytes()
}

#[test]
fn a_crash_at_any_step_of_sealing_stamping_and_renewing_doubles_and_loses_no_leaf() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let authority = Openssl(&archive.authority);
    let mut records = Vec::new();
    let mut events = 0;
    for point in EVENT_CRASH_POINTS.iter().chain(SEAL_CRASH_POINTS) {
        records.push(archive.archive(&mail(events)));
        let event = NewLedgerEvent::new(LedgerKind::Export, now(), serde_json::json!({}));
        archive.catalog.append_ledger(TENANT, &[event]).expect("appends");
        events += 2;
        interrupted(&archive, point, &|ledger| {
            let asked = [archive.asked("test", &authority)];
            ledger.seal(TENANT, now(), &stamped(&asked)).map(drop)
        });
        whole(&archive, &records, events, point);
    }
    for point in RENEWAL_CRASH_POINTS {
        let rows = archive.catalog.sealed_batches(TENANT, 0, 100).expect("reads");
        let horizon = rows[0].valid_until.expect("stamped");
        interrupted(&archive, point, &|ledger| {
            // Those that were renewed before the crash are not due any more.
            let due = archive.catalog.batches_due(TENANT, 0, horizon, &["sha256"], 100)?;
            let asked = [archive.asked("test", &authority)];
            let algorithm = evidence::HashAlgorithm::Sha512;
            let how = stamped(&asked);
            match point.ends_with("before") {
                true => ledger.renew_stamps(TENANT, &due, now(), &how).map(drop),
                false => ledger.renew_hashes(TENANT, &due, algorithm, now(), &how).map(drop),
            }
        });
        whole(&archive, &records, events, point);
    }
    let rows = archive.catalog.sealed_batches(TENANT, 0, 100).expect("reads");
    assert!(rows.iter().all(|row| row.digest == "sha512" && row.renewed_at.is_some()));
}

/// A clock that jumps back: the authority's time does not fit, and nothing is stamped; a local seal does
/// not claim to be older than the one before it.
#[test]
fn a_clock_that_jumps_back_stamps_nothing_wrong() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let authority = Openssl(&archive.authority);
    archive.archive(&mail(1));
    let first = archive.seal().expect("sealed");
    archive.archive(&mail(2));
    let back = now().saturating_add_seconds(-86_400);
    let asked = [archive.asked("test", &authority)];
    let error = archive.ledger().seal(TENANT, back, &stamped(&asked)).expect_err("refused");
    assert!(error.to_string().contains("the time stamp says"), "{error}");
    let key = evidence::LocalKey::from_seed(&[6; 32]).expect("a key");
    let sealed = archive.ledger().seal(TENANT, back, &ledger::How::Local(&key));
    assert_eq!(sealed.expect("seals").map(|it| it.number), Some(first.number + 1));
    let rows = archive.catalog.sealed_batches(TENANT, 0, 10).expect("reads");
    assert!(rows[1].sealed_at >= rows[0].sealed_at);
    assert_eq!(archive.ledger().check(TENANT).expect("readable").findings, Vec::<String>::new());
}
