//! Events that are not about the arrival of mail, as leaves of the ledger.

use catalog::{LedgerKind, NewLedgerEvent};
use ledger::LedgerError;
use serde_json::json;
use testkit::authority::has_authority;

use crate::archive::{Archive, TENANT};
use crate::support::now;

fn event(kind: LedgerKind) -> NewLedgerEvent {
    NewLedgerEvent::new(kind, now(), json!({ "matter": "m", "by": "officer" }))
}

#[test]
fn holds_and_disposals_are_leaves_between_the_mails() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let ledger = archive.ledger();
    let a = archive.archive(b"From: a@b.example\r\nSubject: one\r\n\r\none\r\n");
    let placed = archive.catalog.append_ledger(TENANT, &[event(LedgerKind::HoldPlaced)]).unwrap();
    assert_eq!(placed, [2]);
    let b = archive.archive(b"From: a@b.example\r\nSubject: two\r\n\r\ntwo\r\n");
    let c = archive.archive(b"From: a@b.example\r\nSubject: three\r\n\r\nthree\r\n");
    let sealed = archive.seal().unwrap();
    assert_eq!((sealed.first_seq, sealed.last_seq), (1, 4));
    let events = archive.catalog.ledger_events(TENANT, 0, 10).unwrap();
    let (note, _) = ledger.note(TENANT, &events[1]).unwrap().unwrap();
    assert_eq!((note.seq, note.kind), (2, LedgerKind::HoldPlaced));
    assert_eq!(archive.export(&[a, b, c], "before").unwrap().code, 0);
    // One of a sealed batch, one that waits for its seal.
    let d = archive.archive(b"From: a@b.example\r\nSubject: four\r\n\r\nfour\r\n");
    for (record, seq) in [(b, 3), (d, 5)] {
        let kept = ledger.kept_leaves(TENANT, &[seq]).unwrap();
        let disposed = NewLedgerEvent { kept, ..event(LedgerKind::Disposed) };
        archive.catalog.append_ledger(TENANT, &[disposed]).unwrap();
        assert_eq!(ledger.flush(TENANT).unwrap(), 1);
        let stored = archive.catalog.stored(TENANT, &[record]).unwrap();
        archive.vault.erase(TENANT, &[stored[0].location]).unwrap();
    }
    let error = ledger.kept_leaves(TENANT, &[2]).unwrap_err();
    assert!(matches!(error, LedgerError::Facts { seq: 2, .. }), "{error}");
    let sealed = archive.seal().unwrap();
    assert_eq!((sealed.number, sealed.first_seq, sealed.last_seq), (2, 5, 7));
    let e = archive.archive(b"From: a@b.example\r\nSubject: five\r\n\r\nfive\r\n");
    archive.seal().unwrap();
    let outcome = archive.export(&[a, c, e], "after").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.json()["batches"].as_array().unwrap().len(), 3);
}

#[test]
fn a_note_that_was_written_twice_is_one_leaf() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let ledger = archive.ledger();
    let a = archive.archive(b"From: a@b.example\r\nSubject: one\r\n\r\none\r\n");
    archive.catalog.append_ledger(TENANT, &[event(LedgerKind::Export)]).unwrap();
    // The first writing was not settled: as after a crash.
    let waiting = archive.catalog.waiting_notes(TENANT, 10).unwrap();
    let content = model::ContentId::of(&waiting[0].note);
    let entry = store::NewEntry { kind: store::EntryKind::Note, content, octets: &waiting[0].note };
    let entry = archive.vault.seal(TENANT, &entry).unwrap();
    archive.vault.append(TENANT, &[entry]).unwrap();
    assert_eq!(ledger.flush(TENANT).unwrap(), 1);
    assert_eq!(ledger.flush(TENANT).unwrap(), 0);
    let sealed = archive.seal().unwrap();
    assert_eq!((sealed.first_seq, sealed.last_seq), (1, 2));
    assert_eq!(archive.export(&[a], "all").unwrap().code, 0);
}
