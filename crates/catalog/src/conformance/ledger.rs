use serde_json::json;

use super::records::one;
use super::*;
use crate::{
    AuditEvent, AuditOutcome, CatalogError, KeptLeaf, LEDGER_FACTS_BYTES_MAX, LedgerKind,
    LedgerNote, NewLedgerEvent, Numbers,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("events of every kind share the numbers of the ledger", shared_numbers),
    ("notes wait until the vault has them", notes_wait),
    ("readings become events, each once", readings),
    ("recovered events keep their numbers and mail takes the others", recovered),
    ("mail that was sealed keeps its number, and nothing else gets it", sealed_numbers),
    ("an event that is too long is refused and leaves nothing", too_long),
];

fn event(kind: LedgerKind, name: &str) -> NewLedgerEvent {
    NewLedgerEvent::new(kind, at(5), json!({ "name": name }))
}

fn kinds(catalog: &dyn Catalog) -> Vec<(u64, String)> {
    let events = catalog.ledger_events(A, 0, 100).expect("reads");
    events.into_iter().map(|event| (event.seq, event.kind)).collect()
}

fn shared_numbers(catalog: &dyn Catalog) {
    catalog.commit(A, &batch(vec![copy(A, "m", &["a@own.example"])])).expect("commits");
    let events = [event(LedgerKind::HoldPlaced, "x"), event(LedgerKind::RetentionChanged, "y")];
    assert_eq!(catalog.append_ledger(A, &events).expect("appends"), [2, 3]);
    let committed = catalog.commit(A, &batch(vec![copy(A, "n", &["a@own.example"])]));
    assert_eq!(committed.expect("commits").max_seq, 4);
    assert_eq!(catalog.append_ledger(B, &events[..1]).expect("appends"), [1]);
    assert!(catalog.append_ledger(A, &[]).expect("nothing").is_empty());
    let expected = ["archived", "hold-placed", "retention-changed", "archived"];
    let expected: Vec<(u64, String)> = (1..).zip(expected.map(str::to_owned)).collect();
    assert_eq!(kinds(catalog), expected);
    let changes = catalog.changes(A, 0, 10).expect("reads");
    assert_eq!((changes.records.len(), changes.through_seq), (2, 4));
}

fn notes_wait(catalog: &dyn Catalog) {
    assert_eq!(catalog.waiting_tenants().expect("reads"), []);
    catalog.append_ledger(A, &[event(LedgerKind::Export, "x")]).expect("appends");
    let [waiting] = &catalog.waiting_notes(A, 10).expect("reads")[..] else { panic!("one") };
    let note = LedgerNote::parse(&waiting.note).expect("a note");
    assert_eq!((note.tenant, note.seq, note.kind, note.at), (A, 1, LedgerKind::Export, at(5)));
    assert_eq!(note.facts, json!({ "name": "x" }));
    assert_eq!(catalog.waiting_tenants().expect("reads"), [A]);
    let events = catalog.ledger_events(A, 0, 10).expect("reads");
    assert_eq!((events[0].waiting, events[0].mail, events[0].location), (true, false, None));
    assert_eq!(events[0].digest, Digest::of(&waiting.note));
    for _ in 0..2 {
        catalog.settle_notes(A, &[(1, place(7))]).expect("settles");
    }
    assert_eq!(catalog.waiting_notes(A, 10).expect("reads"), []);
    assert_eq!(catalog.waiting_tenants().expect("reads"), []);
    let events = catalog.ledger_events(A, 0, 10).expect("reads");
    assert_eq!((events[0].waiting, events[0].location), (false, Some(place(7))));
}

fn audited(action: &str) -> AuditEvent {
    AuditEvent {
        at: at(9),
        tenant: Some(A),
        account: Some(AccountId::from_bytes([3; 16])),
        who: "auditor".to_owned(),
        action: action.to_owned(),
        object: "record".to_owned(),
        detail: json!({ "query": "secret words" }),
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    }
}

fn readings(catalog: &dyn Catalog) {
    let trail = ["mail.view", "account.change", "mail.search"].map(audited);
    catalog.audit(&trail).expect("audits");
    assert!(catalog.append_readings(A, 2).expect("appends"), "there is more");
    assert!(!catalog.append_readings(A, 2).expect("appends"));
    assert!(!catalog.append_readings(A, 2).expect("appends"));
    assert!(!catalog.append_readings(B, 2).expect("appends"));
    assert_eq!(kinds(catalog), [(1, "read".to_owned()), (2, "read".to_owned())]);
    let notes = catalog.waiting_notes(A, 10).expect("reads");
    let text = String::from_utf8_lossy(&notes[1].note).into_owned();
    assert!(text.contains("mail.search") && !text.contains("secret"), "{text}");
    catalog.audit(&[audited("mail.download")]).expect("audits");
    assert!(!catalog.append_readings(A, 2).expect("appends"));
    assert_eq!(catalog.max_seq(A).expect("reads"), 3);
}

fn recovered(catalog: &dyn Catalog) {
    // Before: mails 1 and 3, a hold 2, the disposal 4 of mail 1, an export 5.
    let note = |seq, kind, kept| {
        let event = NewLedgerEvent { kept, ..event(kind, "x") };
        LedgerNote::new(A, seq, &event)
    };
    let gone = KeptLeaf {
        seq: 1,
        kind: "archived".to_owned(),
        at: at(1),
        facts: Digest::of(b"facts"),
        leaf: Digest::of(b"leaf"),
    };
    let notes = [
        note(2, LedgerKind::HoldPlaced, vec![]),
        note(4, LedgerKind::Disposed, vec![gone.clone()]),
        note(5, LedgerKind::Export, vec![]),
    ];
    for (slot, note) in (0..).zip(notes.iter().chain(&notes)) {
        catalog.recover_event(note, Digest::of(b"note"), place(slot)).expect("recovers");
    }
    let committed = catalog.commit(A, &batch(vec![copy(A, "n", &["a@own.example"])]));
    assert_eq!(committed.expect("commits").records[0].seq, Some(3));
    catalog.complete_ledger(A).expect("completes");
    assert_eq!(catalog.max_seq(A).expect("reads"), 5);
    let expected = ["archived", "hold-placed", "archived", "disposed", "export"];
    let expected: Vec<(u64, String)> = (1..).zip(expected.map(str::to_owned)).collect();
    assert_eq!(kinds(catalog), expected);
    let events = catalog.ledger_events(A, 0, 10).expect("reads");
    assert_eq!((events[0].kept, events[0].mail), (Some(gone.leaf), true));
    assert_eq!(events[0].digest, gone.facts);
    assert_eq!(catalog.append_ledger(A, &[event(LedgerKind::Read, "y")]).expect("appends"), [6]);
    let committed = catalog.commit(A, &batch(vec![copy(A, "o", &["a@own.example"])]));
    assert_eq!(committed.expect("commits").max_seq, 7);
}

fn sealed_numbers(catalog: &dyn Catalog) {
    let all: Vec<_> =
        ["a", "b", "c", "d", "e"].map(|name| copy(A, name, &["x@own.example"])).into();
    // Sealed were 1 to 3; the mail of 2 is lost, those of 1 and 3 are found in another order.
    let by_facts = [(all[0].facts_digest, 3), (all[1].facts_digest, 1)].into();
    let numbers = Numbers { by_facts, sealed: vec![1..=3] };
    for some in all.chunks(2) {
        let new = Batch { numbers: numbers.clone(), ..batch(some.to_vec()) };
        catalog.commit(A, &new).expect("commits");
    }
    catalog.complete_ledger(A).expect("completes");
    let numbers: Vec<u64> = kinds(catalog).into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 6]);
    let of = |place: usize| one(catalog, A, all[place].facts.record).deliveries[0].seq;
    assert_eq!([of(0), of(1), of(2), of(3), of(4)], [3, 1, 4, 5, 6]);
    assert_eq!(catalog.max_seq(A).expect("reads"), 6);
}

fn too_long(catalog: &dyn Catalog) {
    let long = NewLedgerEvent {
        facts: json!({ "text": "x".repeat(LEDGER_FACTS_BYTES_MAX) }),
        ..event(LedgerKind::Report, "x")
    };
    let error = catalog.append_ledger(A, &[event(LedgerKind::Report, "x"), long]);
    let error = error.expect_err("refused");
    assert!(matches!(error, CatalogError::Invalid(_)), "{error}");
    assert_eq!((kinds(catalog), catalog.max_seq(A).expect("reads")), (vec![], 0));
}
