use model::{ContentId, EmailAddress, Mark, Participant, RecordId, Role};

use super::*;
use crate::{CatalogError, ErrorKind, Figures, Outcome, QuarantineFilter, QuarantineState};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("a new record is given back with all its facts", facts_come_back),
    ("the same batch again changes nothing", repeated_batch),
    ("a bifurcated report adds its recipients", bifurcation),
    ("a record may occur several times in a batch", several_times),
    ("a further copy with other recipients is merged", further_copy),
    ("a re-delivery doubles nobody", redelivery),
    ("foresight agrees with the commit", foresight),
    ("a delivery without its record is refused and leaves nothing", missing_record),
    ("ledger numbers are gapless per tenant", gapless),
    ("changes name each record once and page on", changes),
    ("parts are located per tenant", parts),
    ("ten thousand recipients are one mail", many_recipients),
    ("figures add up", figures),
    ("quarantine entries wait until decided", quarantine),
    ("a retried entry waits again, a released one does not", retried),
    ("an unknown tenant is refused", unknown_tenant),
];

fn outcomes(catalog: &dyn Catalog, tenant: TenantId, batch: &Batch) -> Vec<Outcome> {
    let committed = catalog.commit(tenant, batch).expect("commits");
    committed.records.iter().map(|inserted| inserted.outcome).collect()
}

pub(super) fn one(catalog: &dyn Catalog, tenant: TenantId, id: RecordId) -> crate::StoredRecord {
    catalog.stored(tenant, &[id]).expect("reads").pop().expect("there")
}

fn names(record: &crate::StoredRecord) -> Vec<String> {
    record.participants.iter().map(|one| one.participant.address.to_string()).collect()
}

fn facts_come_back(catalog: &dyn Catalog) {
    let mut new = mail(A, "m", "r", &["Anna@own.example", "bert@own.example"]);
    new.facts.decrypted = Some(ContentId::of(b"clear"));
    new.facts.participants.push(Participant {
        role: Role::Bcc,
        expanded_from: Some(EmailAddress::new("All@own.example")),
        forwarded_from: Some(EmailAddress::new("fwd@own.example")),
        ..to("ANNA@own.example")
    });
    let committed = catalog.commit(A, &batch(vec![new.clone()])).expect("commits");
    assert_eq!(committed.max_seq, 1);
    let inserted = committed.records[0];
    assert_eq!((inserted.outcome, inserted.seq), (Outcome::New, Some(1)));

    let record = one(catalog, A, new.facts.record);
    assert_eq!(record.list.row, inserted.row);
    assert_eq!(record.list.record, new.facts.record);
    assert_eq!(record.list.subject, new.summary.subject);
    assert_eq!(record.list.from, new.summary.from);
    assert_eq!(record.list.to, new.summary.to);
    assert_eq!((record.list.date, record.list.received_at), (at(-60), NOON));
    assert_eq!((record.list.size_bytes, record.list.attachments), (100, 2));
    assert_eq!(record.list.kind, new.summary.kind);
    assert_eq!(record.list.marks, [Mark::TooComplex]);
    assert_eq!(record.list.shape, new.facts.shape);
    assert_eq!(record.content, new.facts.content);
    assert_eq!(record.decrypted, new.facts.decrypted);
    assert_eq!(record.message_id, new.summary.message_id);
    assert_eq!(record.sent_at, new.summary.sent_at);
    assert_eq!(record.location, new.location);
    let participants: Vec<_> =
        record.participants.iter().map(|row| row.participant.clone()).collect();
    assert_eq!(participants, new.facts.participants);

    let [delivery] = &record.deliveries[..] else { panic!("one delivery") };
    let report = delivery.report.as_ref().expect("a report");
    let given = new.facts.report.as_ref().expect("a report");
    assert_eq!((report.content, report.size_bytes), (given.content, 150));
    assert_eq!(report.variant, given.report.as_ref().map(|read| read.variant));
    assert_eq!(report.originator_org.as_deref(), Some("own.example"));
    assert_eq!((delivery.seq, delivery.received_at), (1, NOON));
    assert_eq!(delivery.source, new.facts.source);
    assert_eq!(delivery.envelope, new.facts.envelope);
    assert_eq!(delivery.location, new.location);
    assert_eq!(delivery.facts_digest, new.facts_digest);
    assert!(record.participants.iter().all(|row| row.delivery == delivery.row));
}

fn repeated_batch(catalog: &dyn Catalog) {
    let batch = Batch {
        parts: vec![part("p", 3)],
        quarantined: vec![held(A, "q")],
        ..batch(vec![mail(A, "m", "r", &["anna@own.example"]), copy(A, "n", &["bert@own.example"])])
    };
    assert_eq!(outcomes(catalog, A, &batch), [Outcome::New, Outcome::New]);
    let before = (catalog.figures(A), catalog.all_records(A, 0, 10));
    let again = catalog.commit(A, &batch).expect("commits");
    assert!(again.records.iter().all(|one| one.outcome == Outcome::Known && one.seq.is_none()));
    assert_eq!(again.max_seq, 2);
    let after = (catalog.figures(A), catalog.all_records(A, 0, 10));
    assert_eq!(before.0.expect("reads"), after.0.expect("reads"));
    assert_eq!(before.1.expect("reads"), after.1.expect("reads"));
}

fn bifurcation(catalog: &dyn Catalog) {
    let first = mail(A, "m", "r1", &["anna@own.example"]);
    let mut fork = mail(A, "m", "r2", &["bert@own.example"]);
    fork.whole = false;
    fork.location = place(2);
    fork.facts.received_at = at(5);
    assert_eq!(outcomes(catalog, A, &batch(vec![first.clone()])), [Outcome::New]);
    assert_eq!(outcomes(catalog, A, &batch(vec![fork])), [Outcome::Merged]);
    let record = one(catalog, A, first.facts.record);
    assert_eq!(names(&record), ["sender@own.example", "anna@own.example", "bert@own.example"]);
    assert_eq!(record.location, place(1), "the mail stays where it is");
    assert_eq!(record.list.received_at, NOON);
    let [one, two] = &record.deliveries[..] else { panic!("two deliveries") };
    assert_eq!((one.location, two.location), (place(1), place(2)));
    assert_eq!((one.seq, two.seq), (1, 2));
    assert_eq!(record.participants[2].delivery, two.row);
}

fn several_times(catalog: &dyn Catalog) {
    let records = vec![
        mail(A, "m", "r1", &["anna@own.example"]),
        mail(A, "m", "r2", &["bert@own.example"]),
        mail(A, "m", "r1", &["anna@own.example"]),
        mail(A, "m", "r3", &["anna@own.example"]),
    ];
    let expected = [Outcome::New, Outcome::Merged, Outcome::Known, Outcome::Merged];
    assert_eq!(outcomes(catalog, A, &batch(records)), expected);
    assert_eq!(catalog.max_seq(A).expect("reads"), 3);
}

fn further_copy(catalog: &dyn Catalog) {
    let first = copy(A, "m", &["anna@own.example"]);
    let again = copy(A, "m", &["anna@own.example"]);
    let other = copy(A, "m", &["bert@own.example"]);
    let report = mail(A, "m", "r", &["anna@own.example"]);
    let id = first.facts.record;
    assert_eq!(
        outcomes(catalog, A, &batch(vec![first, again, other, report])),
        [Outcome::New, Outcome::Known, Outcome::Merged, Outcome::Merged]
    );
    let record = one(catalog, A, id);
    let reports: Vec<_> = record.deliveries.iter().map(|one| one.report.is_some()).collect();
    assert_eq!(reports, [false, false, true]);
}

fn redelivery(catalog: &dyn Catalog) {
    let first = mail(A, "m", "r1", &["anna@own.example"]);
    let again = mail(A, "m", "r2", &["ANNA@own.example"]);
    let id = first.facts.record;
    assert_eq!(outcomes(catalog, A, &batch(vec![first, again])), [Outcome::New, Outcome::Merged]);
    assert_eq!(names(&one(catalog, A, id)), ["sender@own.example", "anna@own.example"]);
}

fn foresight(catalog: &dyn Catalog) {
    let stored =
        vec![mail(A, "m", "r1", &["anna@own.example"]), copy(A, "c", &["bert@own.example"])];
    catalog.commit(A, &batch(stored)).expect("commits");
    let mut expanded = mail(A, "m", "r1", &["anna@own.example"]);
    expanded.facts.participants[1].expanded_from = Some(EmailAddress::new("all@own.example"));
    let next = vec![
        mail(A, "m", "r1", &["anna@own.example"]),
        mail(A, "m", "r1", &["carl@own.example"]),
        mail(A, "m", "r1", &["carl@own.example"]),
        expanded.clone(),
        expanded,
        mail(A, "m", "r2", &["anna@own.example"]),
        copy(A, "c", &["bert@own.example"]),
        copy(A, "c", &["anna@own.example"]),
        copy(A, "new", &[]),
        copy(A, "new", &[]),
        mail(A, "new", "r9", &[]),
    ];
    let facts: Vec<_> = next.iter().map(|new| &new.facts).collect();
    let foreseen = catalog.foresee(A, &facts).expect("reads");
    assert_eq!(foreseen, outcomes(catalog, A, &batch(next.clone())));
    assert_eq!(
        foreseen[..5],
        [Outcome::Known, Outcome::Merged, Outcome::Known, Outcome::Merged, Outcome::Known]
    );
    let ids: Vec<_> = next.iter().map(|new| new.facts.record).collect();
    assert_eq!(catalog.existing(A, &ids).expect("reads").len(), 3);
    assert!(catalog.existing(B, &ids).expect("reads").is_empty());
}

fn missing_record(catalog: &dyn Catalog) {
    let mut fork = mail(A, "m", "r", &["anna@own.example"]);
    fork.whole = false;
    let id = fork.facts.record;
    let refused = batch(vec![copy(A, "other", &["bert@own.example"]), fork]);
    let error = catalog.commit(A, &refused).expect_err("refused");
    assert!(matches!(error, CatalogError::MissingRecord(missing) if missing == id), "{error}");
    assert_eq!(error.kind(), ErrorKind::Refuse);
    assert_eq!(catalog.max_seq(A).expect("reads"), 0);
    assert_eq!(catalog.figures(A).expect("reads"), Figures::default());
    // Addresses that the refused batch met are met again.
    let good = batch(vec![copy(A, "other", &["bert@own.example"])]);
    assert_eq!(outcomes(catalog, A, &good), [Outcome::New]);
}

fn gapless(catalog: &dyn Catalog) {
    for round in 0..5 {
        for tenant in [A, B] {
            let name = format!("m{round}");
            catalog.commit(tenant, &batch(vec![copy(tenant, &name, &[])])).expect("commits");
            catalog.commit(tenant, &batch(vec![copy(tenant, &name, &[])])).expect("commits");
        }
    }
    for tenant in [A, B] {
        let records = catalog.all_records(tenant, 0, 100).expect("reads");
        let numbers: Vec<_> =
            records.iter().flat_map(|one| &one.deliveries).map(|one| one.seq).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(catalog.max_seq(tenant).expect("reads"), 5);
    }
}

fn changes(catalog: &dyn Catalog) {
    let records = vec![
        mail(A, "m", "r1", &["anna@own.example"]),
        mail(A, "n", "r2", &["anna@own.example"]),
        mail(A, "m", "r3", &["bert@own.example"]),
    ];
    let (m, n) = (records[0].facts.record, records[1].facts.record);
    catalog.commit(A, &batch(records)).expect("commits");
    let ids = |after, limit| {
        let changes = catalog.changes(A, after, limit).expect("reads");
        let ids: Vec<_> = changes.records.iter().map(|one| one.list.record).collect();
        (ids, changes.through_seq)
    };
    assert_eq!(ids(0, 10), (vec![m, n], 3));
    assert_eq!(ids(0, 2), (vec![m, n], 2));
    assert_eq!(ids(2, 2), (vec![m], 3));
    assert_eq!(ids(3, 2), (vec![], 3));
    let all = catalog.changes(A, 0, 10).expect("reads");
    assert_eq!(names(&all.records[0]).len(), 3, "with the participants of all deliveries");
    let after = |seq| catalog.records_after(A, seq).expect("reads");
    assert_eq!([after(0), after(1), after(2), after(3), after(99)], [2, 2, 1, 0, 0]);
}

fn parts(catalog: &dyn Catalog) {
    let (one, two) = (part("one", 1), part("two", 2));
    let first = Batch { parts: vec![one, two], ..batch(Vec::new()) };
    catalog.commit(A, &first).expect("commits");
    let moved = Batch { parts: vec![part("one", 8)], ..batch(Vec::new()) };
    catalog.commit(A, &moved).expect("commits");
    let wanted = [two.content, ContentId::of(b"three"), one.content];
    let located = catalog.locate(A, &wanted).expect("reads");
    assert_eq!(located, [Some(place(2)), None, Some(place(1))]);
    assert_eq!(catalog.locate(B, &wanted).expect("reads"), [None, None, None]);
    let all = catalog.all_parts(A, None, 10).expect("reads");
    assert_eq!(all.len(), 2);
    assert_eq!(catalog.all_parts(A, Some(all[0].content), 10).expect("reads"), [all[1]]);
    assert_eq!(catalog.figures(A).expect("reads").parts, 2);
}

fn many_recipients(catalog: &dyn Catalog) {
    let addresses: Vec<String> = (0..10_000).map(|i| format!("r{i}@own.example")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let new = mail(A, "m", "r", &addresses);
    let id = new.facts.record;
    catalog.commit(A, &batch(vec![new.clone()])).expect("commits");
    assert_eq!(outcomes(catalog, A, &batch(vec![new])), [Outcome::Known]);
    let record = one(catalog, A, id);
    assert_eq!(record.participants.len(), 10_001);
    assert_eq!(record.list.to.len(), 10);
    let last = scope(A, &[own("r9999@own.example", None, None)]);
    assert!(catalog.record(&last, id).expect("reads").is_some());
}

fn figures(catalog: &dyn Catalog) {
    let new = Batch {
        quarantined: vec![held(A, "q")],
        ..batch(vec![
            mail(A, "m", "r1", &["anna@own.example"]),
            mail(A, "m", "r2", &["bert@own.example"]),
            mail(A, "m", "r2", &["bert@own.example"]),
            copy(A, "n", &["bert@own.example"]),
        ])
    };
    catalog.commit(A, &new).expect("commits");
    let expected = Figures {
        records: 2,
        deliveries: 3,
        reports: 2,
        merged: 1,
        quarantined: 1,
        raw_bytes: 150 + 150 + 100,
        mail_bytes: 200,
        parts: 0,
        not_selected: 0,
    };
    assert_eq!(catalog.figures(A).expect("reads"), expected);
    assert_eq!(catalog.figures(B).expect("reads"), Figures::default());
    assert!(catalog.stored_bytes().expect("reads") > 0);
}

fn quarantine(catalog: &dyn Catalog) {
    let entries = vec![held(A, "one"), held(A, "two"), held(A, "three")];
    let new = Batch { quarantined: entries.clone(), ..batch(Vec::new()) };
    catalog.commit(A, &new).expect("commits");
    let first = catalog.quarantine(A, &QuarantineFilter::default(), None, 2).expect("reads");
    assert_eq!(first.total, 3);
    let listed: Vec<_> = first.rows.iter().map(|row| row.entry.clone()).collect();
    assert_eq!(listed, [entries[2].clone(), entries[1].clone()]);
    let rest = catalog
        .quarantine(A, &QuarantineFilter::default(), Some(first.rows[1].row), 2)
        .expect("reads");
    assert_eq!(rest.rows.len(), 1);
    assert_eq!(
        catalog.quarantine(B, &QuarantineFilter::default(), None, 9).expect("reads").total,
        0
    );

    let id = entries[0].id;
    let decide = |tenant| {
        catalog.decide_quarantine(tenant, id, QuarantineState::Released, "root", "asked", at(3))
    };
    assert!(!decide(B).expect("works"), "another tenant's entry does not exist");
    assert!(decide(A).expect("works"));
    assert!(!decide(A).expect("works"), "decided once");
    assert_eq!(
        catalog.quarantine(A, &QuarantineFilter::default(), None, 9).expect("reads").total,
        2
    );
    let row = catalog.quarantined(A, id).expect("reads").expect("kept");
    assert_eq!(row.state, QuarantineState::Released);
    assert_eq!((row.decided_at, row.decided_by.as_deref()), (Some(at(3)), Some("root")));
    assert_eq!(row.decided_reason.as_deref(), Some("asked"));
    assert!(catalog.quarantined(B, id).expect("reads").is_none());
    assert_eq!(catalog.all_quarantined(A, 0, 9).expect("reads").len(), 3);
    let waiting = QuarantineState::Waiting;
    let error = catalog.decide_quarantine(A, id, waiting, "root", "", at(4)).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refuse);
}

fn retried(catalog: &dyn Catalog) {
    for (state, waits) in [(QuarantineState::Retried, 1), (QuarantineState::Released, 0)] {
        let entry = held(A, state_name(state));
        let new = Batch { quarantined: vec![entry.clone()], ..batch(Vec::new()) };
        catalog.commit(A, &new).expect("commits");
        assert!(catalog.decide_quarantine(A, entry.id, state, "root", "", at(3)).expect("works"));
        let before =
            catalog.quarantine(A, &QuarantineFilter::default(), None, 9).expect("reads").total;
        catalog.commit(A, &new).expect("commits");
        assert_eq!(
            catalog.quarantine(A, &QuarantineFilter::default(), None, 9).expect("reads").total,
            before + waits
        );
    }
}

fn state_name(state: QuarantineState) -> &'static str {
    match state {
        QuarantineState::Discarded => "discarded",
        QuarantineState::Released => "released",
        QuarantineState::Retried => "retried",
        QuarantineState::Waiting => "waiting",
    }
}

fn unknown_tenant(catalog: &dyn Catalog) {
    let nobody = TenantId::from_bytes([9; 16]);
    let error = catalog.commit(nobody, &Batch::default()).expect_err("refused");
    assert!(matches!(error, CatalogError::NotFound("the tenant")), "{error}");
    assert!(catalog.figures(nobody).is_err());
    assert!(catalog.rows(&everything(nobody), &[]).is_err());
}
