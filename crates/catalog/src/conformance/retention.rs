use model::DisposalRunId;
use policy::retain::{
    Begins, CountsFrom, DisposalApproval, DisposalCase, Ground, HoldState, Period, RetentionPolicy,
    SetDraft, Zone, may_dispose,
};

use super::*;
use crate::{
    By, CatalogError, Disposal, DisposalDetail, DisposalItem, DisposalRun, DisposalState, Disposed,
    ItemState, KeptLeaf, LabelChange, LeftOut, PartUse, PartUser, RetainedNeeds,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("versions of policies count from one and stand in the ledger", versions),
    ("a class is suspended once and resumed once", suspensions),
    ("labels are of mails that exist, and of one class", labels),
    ("a disposed record leaves its facts and nothing else", dispose),
    ("figures without a mail are as if it had never come", figures_without),
    ("a part goes with the last that uses it", parts),
    ("a part that is gone is not referred to again", missing_part),
];

const RUN: DisposalRunId = DisposalRunId::from_bytes([0xd; 16]);

fn by(reason: &str) -> By<'_> {
    By { who: "officer", at: at(5), reason }
}

fn draft() -> SetDraft {
    let policy = RetentionPolicy {
        name: "letters".into(),
        class: "letters".into(),
        clauses: Vec::new(),
        from: CountsFrom::Receipt,
        begins: Begins::AtYearEnd,
        keep: Some(Period::years(6)),
        at_most: None,
        reason: String::new(),
    };
    let valid_from = Zone::default().day_of(NOON).expect("a day");
    SetDraft { zone: Zone::default(), valid_from, reason: "first".into(), policies: vec![policy] }
}

fn kinds(catalog: &dyn Catalog) -> Vec<String> {
    let events = catalog.ledger_events(A, 0, 100).expect("reads");
    events.into_iter().map(|event| event.kind).collect()
}

fn versions(catalog: &dyn Catalog) {
    for version in [1, 2] {
        let set = catalog.add_retention_set(A, &draft(), by("why")).expect("added");
        assert_eq!(set.version(), version);
    }
    let rows = catalog.retention_sets(A).expect("reads");
    assert_eq!(rows.iter().map(|row| row.set.version()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rows[0].made_by, "officer");
    assert!(catalog.retention_sets(B).expect("reads").is_empty());
    let broken = SetDraft { reason: String::new(), ..draft() };
    let error = catalog.add_retention_set(A, &broken, by("why")).expect_err("refused");
    assert!(matches!(error, CatalogError::Policies(_)), "{error}");
    assert_eq!(kinds(catalog), ["retention-changed", "retention-changed"]);
    // What the ledger says is enough to make it anew.
    let notes = catalog.waiting_notes(A, 10).expect("reads");
    let note = crate::LedgerNote::parse(&notes[0].note).expect("a note");
    catalog.recover_retention(B, note.at, &note.facts).expect("recovers");
    let again = catalog.retention_sets(B).expect("reads");
    assert_eq!(again[0].set.draft(), rows[0].set.draft());
}

fn suspensions(catalog: &dyn Catalog) {
    assert!(catalog.suspend_class(A, " Letters", by("an audit")).expect("suspends"));
    assert!(!catalog.suspend_class(A, "letters", by("again")).expect("nothing"));
    assert!(!catalog.resume_class(A, "vouchers", by("x")).expect("nothing"));
    assert!(catalog.resume_class(A, "letters", by("it is over")).expect("resumes"));
    assert!(!catalog.resume_class(A, "letters", by("again")).expect("nothing"));
    let all = catalog.suspensions(A).expect("reads");
    assert_eq!(
        (all.len(), all[0].class.as_str(), all[0].reason.as_str()),
        (1, "letters", "an audit")
    );
    assert_eq!(all[0].ended.as_ref().map(|end| end.reason.as_str()), Some("it is over"));
}

fn labels(catalog: &dyn Catalog) {
    let mail = copy(A, "m", &["a@own.example"]);
    let record = mail.facts.record;
    catalog.commit(A, &batch(vec![mail])).expect("commits");
    let ids = [record, RecordId::from_bytes([9; 16])];
    let class = |name: &str| LabelChange::Class(Some(name.to_owned()));
    for change in [class("Books"), class("Vouchers"), LabelChange::AddTag("Seen".into())] {
        assert_eq!(catalog.label(A, &ids, &change, by("sorted")).expect("labels"), 1);
    }
    let found = catalog.labels(A, &ids).expect("reads");
    assert_eq!(found.len(), 1);
    assert_eq!(found[&record].class.as_deref(), Some("vouchers"));
    assert_eq!(found[&record].tags, ["Seen"]);
    let mails = catalog.retained_after(A, 0, 10, RetainedNeeds::ALL).expect("reads");
    assert_eq!(mails[0].labels, found[&record]);
    assert_eq!(mails[0].participants.len(), 2);
    assert_eq!(mails, catalog.retained(A, &ids).expect("reads"));
    let gone = LabelChange::RemoveTag("Seen".into());
    catalog.label(A, &ids, &gone, by("sorted")).expect("labels");
    catalog.label(A, &ids, &LabelChange::Class(None), by("sorted")).expect("labels");
    assert!(catalog.labels(A, &ids).expect("reads").is_empty());
}

/// An order for an erasure.
fn disposal(record: RecordId, seq: u64, parts: &[&str]) -> Disposal {
    let ground = Ground::CourtOrder { reference: "1".into(), reason: "2".into() };
    let approval = |number| DisposalApproval {
        by: AccountId::from_bytes([number; 16]),
        at: NOON,
        reason: "seen".into(),
    };
    let approvals = [approval(2), approval(3)];
    let case = DisposalCase {
        tenant: A,
        record,
        ground: &ground,
        verdict: None,
        holds: HoldState::Free,
        suspended: false,
        proposed_by: AccountId::from_bytes([1; 16]),
        approvals: &approvals,
    };
    let kept = KeptLeaf {
        seq,
        kind: "archived".into(),
        at: at(1),
        facts: Digest::of(b"facts"),
        leaf: Digest::of(b"leaf"),
    };
    Disposal {
        order: may_dispose(&case, NOON).expect("an order"),
        run: RUN,
        kept: vec![kept],
        parts: parts.iter().map(|part| ContentId::of(part.as_bytes())).collect(),
    }
}

fn add_run(catalog: &dyn Catalog, record: RecordId) {
    let detail = DisposalDetail {
        ground: Ground::PeriodOver,
        classes: Vec::new(),
        version: None,
        reason: "r".into(),
        proposed_by: AccountId::from_bytes([1; 16]),
        proposer: "one".into(),
        proposed_at: NOON,
        left_out: LeftOut::default(),
        approvals: Vec::new(),
        refusal: None,
        ended_at: None,
    };
    let state = DisposalState::Running;
    let run = DisposalRun { id: RUN, state, detail, items: 0, bytes: 0, disposed: 0, kept: 0 };
    catalog.add_disposal_run(A, &run).expect("added");
    let item = DisposalItem {
        record,
        state: ItemState::Waiting,
        verdict: None,
        received_at: NOON,
        size_bytes: 100,
        why: None,
    };
    for _ in 0..2 {
        catalog.add_disposal_items(A, RUN, std::slice::from_ref(&item)).expect("added");
    }
}

fn dispose(catalog: &dyn Catalog) {
    let (gone, stays) =
        (copy(A, "gone", &["only@far.example"]), copy(A, "stays", &["a@x.example"]));
    let record = gone.facts.record;
    let committed = catalog.commit(A, &batch(vec![gone.clone(), stays])).expect("commits");
    add_run(catalog, record);
    let outcome = catalog.dispose(A, &[disposal(record, 1, &[])], at(9)).expect("disposes");
    assert_eq!(outcome, [Disposed::Gone { seq: 3 }]);
    let again = catalog.dispose(A, &[disposal(record, 1, &[])], at(9)).expect("nothing");
    assert_eq!(again, [Disposed::Unknown]);
    assert!(catalog.stored(A, &[record]).expect("reads").is_empty());
    let named = catalog.suggest_addresses(&everything(A), "only@", 10).expect("reads");
    assert_eq!(named, Vec::<String>::new());
    let named = catalog.suggest_addresses(&everything(A), "sender@", 10).expect("reads");
    assert_eq!(named.len(), 1, "another mail names it");
    let figures = catalog.figures(A).expect("reads");
    assert_eq!((figures.records, figures.deliveries, figures.mail_bytes), (1, 1, 100));
    assert_eq!(kinds(catalog), ["archived", "archived", "disposed"]);
    let left = catalog.disposed(A, &[record]).expect("reads");
    assert_eq!((left.len(), left[0].seq, left[0].was_erased()), (1, 3, true));
    let run = catalog.disposal_run(A, RUN).expect("reads").expect("the run");
    assert_eq!((run.items, run.disposed, run.kept), (1, 1, 0));
    let pending = catalog.pending_erasures(A, 10).expect("reads");
    assert_eq!(pending.len(), 1);
    assert_eq!(catalog.erasing_tenants().expect("reads"), [A]);
    catalog.settle_erasures(A, &pending).expect("settles");
    assert!(catalog.erasing_tenants().expect("reads").is_empty());
    // Its row is not used again.
    let last = committed.records.iter().map(|one| one.row).max();
    let next = catalog.commit(A, &batch(vec![copy(A, "next", &["b@x.example"])])).expect("commits");
    assert!(Some(next.records[0].row) > last);
}

/// Reports that come again in another delivery, further reports, and copies without one.
fn figures_without(catalog: &dyn Catalog) {
    let kept = [
        mail(A, "kept", "r0", &["anna@own.example"]),
        mail(A, "kept", "r0", &["anna@own.example", "bert@own.example"]),
    ];
    catalog.commit(A, &batch(kept.to_vec())).expect("commits");
    let before = catalog.figures(A).expect("reads");
    assert_eq!((before.deliveries, before.reports, before.raw_bytes), (2, 2, 300));
    let gone = [
        mail(A, "gone", "r1", &["anna@own.example"]),
        mail(A, "gone", "r1", &["anna@own.example", "bert@own.example"]),
        mail(A, "gone", "r2", &["carl@own.example"]),
        mail(A, "gone", "r2", &["carl@own.example"]),
        copy(A, "gone", &["dora@own.example"]),
    ];
    catalog.commit(A, &batch(gone.to_vec())).expect("commits");
    let with = catalog.figures(A).expect("reads");
    assert_eq!((with.deliveries, with.reports, with.merged), (6, 5, 4));
    assert_eq!(with.raw_bytes, before.raw_bytes + 3 * 150 + 100);
    assert_eq!(with, catalog.recount(A).expect("counts"));
    let disposal = disposal(gone[0].facts.record, 3, &[]);
    let outcomes = catalog.dispose(A, &[disposal], at(9)).expect("disposes");
    assert!(matches!(outcomes[0], Disposed::Gone { .. }));
    assert_eq!(catalog.figures(A).expect("reads"), before);
}

fn uses(name: &str, record: RecordId) -> PartUse {
    PartUse { by: PartUser::Record(record), parts: vec![ContentId::of(name.as_bytes())] }
}

fn parts(catalog: &dyn Catalog) {
    let (one, two) = (copy(A, "one", &["a@x.example"]), copy(A, "two", &["a@x.example"]));
    let (first, second) = (one.facts.record, two.facts.record);
    let batch = Batch {
        parts: vec![part("shared", 20)],
        uses: vec![uses("shared", first), uses("shared", second)],
        ..batch(vec![one, two])
    };
    catalog.commit(A, &batch).expect("commits");
    let located = || catalog.locate(A, &[ContentId::of(b"shared")]).expect("reads")[0].is_some();
    catalog.dispose(A, &[disposal(first, 1, &["shared"])], at(9)).expect("disposes");
    assert!(located());
    catalog.dispose(A, &[disposal(second, 2, &["shared"])], at(9)).expect("disposes");
    assert!(!located());
    let pending = catalog.pending_erasures(A, 10).expect("reads");
    assert!(pending.iter().any(|one| one.location == place(20)), "{pending:?}");
}

fn missing_part(catalog: &dyn Catalog) {
    let mail = copy(A, "one", &["a@x.example"]);
    let record = mail.facts.record;
    let batch = Batch { uses: vec![uses("gone", record)], ..batch(vec![mail]) };
    let error = catalog.commit(A, &batch).expect_err("refused");
    assert!(matches!(error, CatalogError::MissingPart(_)), "{error}");
    assert_eq!(error.kind(), crate::ErrorKind::Retry);
    assert_eq!(catalog.figures(A).expect("reads").records, 0);
}
