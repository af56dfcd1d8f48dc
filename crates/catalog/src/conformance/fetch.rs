use model::{EmailAddress, Fetched, HeaderRules, Source, SourceId};

use super::*;
use crate::{
    CatalogError, Claimed, FETCH_RUNS_KEPT, FetchConfig, FetchCounts, FetchMode, FetchOutcome,
    FetchProgress, FetchRun, FetchSecrets, FetchSource, FetchState, FolderState, LeftMail,
    LeftReason, MailKey, MissingMail, Outcome, Reconciliation, RunTrigger, SourceKind, SourceRow,
    SourceState, UidSpans,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("a fetched source is given back and belongs to one tenant", sources),
    ("what is read of a mailbox is remembered until it is reset", progress),
    ("a mail that is left is one row until it is over", left),
    ("the last hundred runs are kept", runs),
    ("a further folder of a mailbox is one further delivery", folders),
    ("what a server lists is found by number or by Message-ID and size", lists),
    ("a removed tenant takes its fetched sources with it", removed),
];

const BOX: SourceId = SourceId::from_bytes([7; 16]);

fn source() -> FetchSource {
    FetchSource {
        source: SourceRow {
            id: BOX,
            tenant: A,
            kind: SourceKind::Fetch,
            name: "Journal mailbox".to_owned(),
            address: None,
            rules: HeaderRules::default(),
            state: SourceState::Active,
            ends_at: None,
            successor: None,
            created_at: NOON,
        },
        config: FetchConfig {
            server: "imap.own.example".to_owned(),
            mode: FetchMode::Mailbox { address: EmailAddress::new("anna@own.example") },
            ..FetchConfig::default()
        },
        secrets: FetchSecrets { password: Some("sealed".to_owned()), ..FetchSecrets::default() },
        state: FetchState::default(),
    }
}

fn sources(catalog: &dyn Catalog) {
    let mut row = source();
    catalog.add_fetch_source(&row, &[]).expect("added");
    assert!(catalog.add_fetch_source(&row, &[]).is_err());
    row.source.name = "Another name".to_owned();
    row.config.every_minutes = 5;
    catalog.update_fetch_source(&row, &[]).expect("changed");
    row.state.failures = 2;
    row.state.error = Some("sign-in-refused".to_owned());
    catalog.put_fetch_state(BOX, &row.state).expect("kept");
    assert_eq!(catalog.fetch_source(A, BOX).expect("reads"), Some(row.clone()));
    assert_eq!(catalog.fetch_source(B, BOX).expect("reads"), None);
    assert_eq!(catalog.fetch_sources(None).expect("reads"), [row.clone()]);
    assert!(catalog.fetch_sources(Some(B)).expect("reads").is_empty());
    assert_eq!(catalog.sources(A).expect("reads"), [row.source.clone()]);
    assert!(!catalog.remove_fetch_source(B, BOX, &[]).expect("works"));
    assert!(catalog.remove_fetch_source(A, BOX, &[]).expect("removed"));
    assert!(catalog.sources(A).expect("reads").is_empty());
    assert!(matches!(catalog.fetch_folders(BOX, ""), Err(CatalogError::NotFound(_))));
    // Its last state may come after its end.
    catalog.put_fetch_state(BOX, &row.state).expect("no matter");
}

fn progress(catalog: &dyn Catalog) {
    catalog.add_fetch_source(&source(), &[]).expect("added");
    let folder = FolderState {
        folder: "INBOX".to_owned(),
        uid_validity: 3,
        done: UidSpans::among([1, 2, 5, 9], |uid| uid != 5),
        modseq: Some(u64::from(u32::MAX) + 1),
        uid_next: Some(10),
    };
    let written = FetchProgress {
        folder: Some(folder.clone()),
        uidls: vec![("a".to_owned(), 10), ("b".to_owned(), 20)],
        ..FetchProgress::default()
    };
    catalog.put_fetch_progress(BOX, "anna", &written).expect("kept");
    assert_eq!(folder.done.to_string(), "1:2,9");
    assert_eq!(catalog.fetch_folders(BOX, "anna").expect("reads"), [folder]);
    assert!(catalog.fetch_folders(BOX, "bert").expect("reads").is_empty());
    let gone = FetchProgress { uidls_gone: vec!["a".to_owned()], ..FetchProgress::default() };
    catalog.put_fetch_progress(BOX, "anna", &gone).expect("kept");
    let uidls = catalog.fetch_uidls(BOX, "anna").expect("reads");
    assert_eq!(uidls, std::collections::HashMap::from([("b".to_owned(), 20)]));
    catalog.reset_fetch(BOX, &[]).expect("forgotten");
    assert!(catalog.fetch_folders(BOX, "anna").expect("reads").is_empty());
    assert!(catalog.fetch_uidls(BOX, "anna").expect("reads").is_empty());
}

fn left(catalog: &dyn Catalog) {
    catalog.add_fetch_source(&source(), &[]).expect("added");
    let mut mail = LeftMail {
        row: 0,
        mailbox: "anna".to_owned(),
        folder: "INBOX".to_owned(),
        uid_validity: 3,
        key: MailKey::Uid(5),
        size_bytes: 10,
        reason: LeftReason::Failed,
        detail: "it broke off".to_owned(),
        tries: 1,
        first_at: NOON,
        next_at: Some(at(60)),
    };
    let uidl = LeftMail {
        key: MailKey::Uidl("12 x".to_owned()),
        reason: LeftReason::TooLarge,
        next_at: None,
        ..mail.clone()
    };
    let put = |left: Vec<LeftMail>, left_over: Vec<u64>| {
        let progress = FetchProgress { left, left_over, ..FetchProgress::default() };
        catalog.put_fetch_progress(BOX, "anna", &progress).expect("kept");
    };
    put(vec![mail.clone(), uidl.clone()], Vec::new());
    (mail.tries, mail.reason, mail.next_at) = (2, LeftReason::GivenUp, None);
    put(vec![mail.clone()], Vec::new());
    let kept = catalog.left_mails(BOX, None, 0, 10).expect("reads");
    assert_eq!(kept.len(), 2);
    assert_eq!(LeftMail { row: 0, ..kept[0].clone() }, mail);
    assert_eq!(LeftMail { row: 0, ..kept[1].clone() }, uidl);
    assert_eq!(catalog.count_left(BOX).expect("counts"), (2, 1));
    assert_eq!(catalog.left_mails(BOX, Some("anna"), kept[0].row, 10).expect("reads").len(), 1);
    assert!(catalog.left_mails(BOX, Some("bert"), 0, 10).expect("reads").is_empty());
    assert_eq!(catalog.retry_left(BOX, &[]).expect("due"), 2);
    let due = catalog.left_mails(BOX, None, 0, 10).expect("reads");
    assert!(due.iter().all(|one| one.next_at.is_some() && one.tries == 0));
    put(Vec::new(), kept.iter().map(|one| one.row).collect());
    assert_eq!(catalog.count_left(BOX).expect("counts"), (0, 0));
}

fn runs(catalog: &dyn Catalog) {
    catalog.add_fetch_source(&source(), &[]).expect("added");
    let counts = FetchCounts { seen: 3, archived: 1, known: 2, ..FetchCounts::default() };
    assert!(counts.adds_up());
    let run = |number: i64| FetchRun {
        row: 0,
        source: BOX,
        begun_at: at(number),
        ended_at: at(number + 1),
        trigger: RunTrigger::Person,
        outcome: FetchOutcome::Failed,
        counts,
        bytes: 99,
        mailboxes_failed: 1,
        error: Some("tls-mismatch".to_owned()),
        detail: "another name".to_owned(),
    };
    for number in 0..i64::from(FETCH_RUNS_KEPT) + 5 {
        catalog.add_fetch_run(run(number)).expect("kept");
    }
    let all = catalog.fetch_runs(BOX, None, 1_000).expect("reads");
    assert_eq!(all.len(), FETCH_RUNS_KEPT as usize);
    let newest = run(i64::from(FETCH_RUNS_KEPT) + 4);
    assert_eq!(all[0], FetchRun { row: all[0].row, ..newest });
    let next = catalog.fetch_runs(BOX, Some(all[0].row), 1).expect("reads");
    assert_eq!(next, all[1..2]);
    let report = Reconciliation {
        row: 0,
        source: BOX,
        begun_at: NOON,
        ended_at: at(1),
        by: "schedule".to_owned(),
        listed: 5,
        present: 4,
        missing: 1,
        counts: FetchCounts { seen: 1, archived: 1, ..FetchCounts::default() },
        named: vec![MissingMail {
            mailbox: "anna".to_owned(),
            folder: "INBOX".to_owned(),
            key: MailKey::Uid(4),
            message_id: Some("m@own.example".to_owned()),
            size_bytes: 10,
            received_at: Some(NOON),
            outcome: "archived".to_owned(),
        }],
        detail: String::new(),
        ledger_seq: Some(8),
    };
    let added = catalog.add_reconciliation(report, &[]).expect("kept");
    assert_eq!(catalog.reconciliations(BOX, 10).expect("reads"), [added]);
}

fn fetched(name: &str, mailbox: Option<&str>, folder: &str, uid: u32) -> NewRecord {
    let mut new = copy(A, name, &["anna@own.example"]);
    new.facts.source = Source::Fetched(Box::new(Fetched {
        id: BOX,
        mailbox: mailbox.map(EmailAddress::new),
        folder: folder.to_owned(),
        uid_validity: 3,
        uid,
        uidl: None,
        received_at: Some(NOON),
        flags: vec!["\\Seen".to_owned()],
    }));
    new
}

fn folders(catalog: &dyn Catalog) {
    let anna = Some("anna@own.example");
    let all = [
        (fetched("m", anna, "INBOX", 1), Outcome::New),
        (fetched("m", Some("Anna@OWN.example"), "INBOX", 2), Outcome::Known),
        (fetched("m", anna, "Projects", 1), Outcome::Merged),
        (fetched("m", anna, "Projects", 2), Outcome::Known),
        (fetched("m", anna, "INBOX", 3), Outcome::Known),
        // Folders that gather copies say nothing of a person.
        (fetched("m", None, "Journal", 1), Outcome::Known),
    ];
    let facts: Vec<_> = all.iter().map(|(new, _)| &new.facts).collect();
    let expected: Vec<Outcome> = all.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(catalog.foresee(A, &facts).expect("foresees"), expected);
    for (new, outcome) in &all {
        assert_eq!(catalog.foresee(A, &[&new.facts]).expect("foresees"), [*outcome]);
        let committed = catalog.commit(A, &batch(vec![new.clone()])).expect("commits");
        assert_eq!(committed.records[0].outcome, *outcome);
    }
    let record = catalog.stored(A, &[all[0].0.facts.record]).expect("reads").remove(0);
    assert_eq!(record.deliveries.len(), 2);
    assert_eq!(record.deliveries[1].source, all[2].0.facts.source);
}

fn lists(catalog: &dyn Catalog) {
    let anna = "anna@own.example";
    catalog.commit(A, &batch(vec![fetched("m", Some(anna), "INBOX", 9)])).expect("commits");
    let claim = |folder: &str, uid: u32, message_id: Option<&str>, size_bytes: u64| Claimed {
        mailbox: Some(EmailAddress::new(anna)),
        folder: folder.to_owned(),
        uid_validity: 3,
        key: MailKey::Uid(uid),
        message_id: message_id.map(str::to_owned),
        size_bytes,
    };
    let asked = [
        claim("INBOX", 9, None, 0),
        claim("Sent", 9, None, 0),
        claim("INBOX", 8, Some("m@own.example"), 100),
        claim("INBOX", 8, Some("m@own.example"), 101),
        claim("INBOX", 8, Some("other@own.example"), 100),
        Claimed { uid_validity: 4, ..claim("INBOX", 9, None, 0) },
        Claimed { key: MailKey::Uidl("9".to_owned()), ..claim("INBOX", 9, None, 0) },
    ];
    let found = catalog.has_fetched(A, BOX, &asked).expect("looks");
    assert_eq!(found, [true, false, true, false, false, false, false]);
    assert_eq!(catalog.has_fetched(B, BOX, &asked[2..3]).expect("looks"), [false]);
}

fn removed(catalog: &dyn Catalog) {
    catalog.add_fetch_source(&source(), &[]).expect("added");
    let progress = FetchProgress {
        folder: Some(FolderState { folder: "INBOX".to_owned(), ..FolderState::default() }),
        uidls: vec![("a".to_owned(), 1)],
        ..FetchProgress::default()
    };
    catalog.put_fetch_progress(BOX, "", &progress).expect("kept");
    let mut tenant = catalog.tenant(A).expect("reads").expect("there");
    tenant.state = TenantState::Suspended;
    catalog.update_tenant(&tenant).expect("suspended");
    catalog.begin_removal(A, "op", "over", NOON).expect("begins");
    while catalog.remove_rows(A).expect("removes") {}
    catalog.end_removal(A, NOON).expect("ends");
    assert!(catalog.fetch_sources(None).expect("reads").is_empty());
    assert!(matches!(catalog.fetch_folders(BOX, ""), Err(CatalogError::NotFound(_))));
}
