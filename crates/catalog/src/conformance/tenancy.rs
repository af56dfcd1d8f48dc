use model::{EmailAddress, JobId, Source, SourceId};
use policy::{AccountRole, Candidate};

use super::*;
use crate::{
    Account, CatalogError, DomainRow, Handover, IMPORTS, JobRow, JobState, NotSelected, Period,
    QuarantineFilter, QuarantineState, SourceKind, SourceRow, SourceState, Tally, TenantSettings,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("domains are kept in one spelling and per tenant", domains),
    ("settings survive and missing keys have defaults", settings),
    ("the present owner decides whether an address is selected", selection),
    ("a rotated source has one successor and routes until its end", rotation),
    ("what comes in is counted by hour, day and source", history),
    ("a replay counts nothing twice", replay),
    ("mailboxes are as large as the mail that names them", mailboxes),
    ("quarantine is counted by reason", reasons),
    ("a discarded submission that comes again waits again", discarded),
    ("jobs are kept and marked when they were interrupted", jobs),
    ("a removed tenant leaves its name in the audit log only", removal),
];

fn domain(name: &str, subdomains: bool) -> DomainRow {
    DomainRow { name: name.to_owned(), subdomains, added_at: NOON }
}

fn domains(catalog: &dyn Catalog) {
    assert!(catalog.intake_rules(A).expect("reads").domains.is_empty());
    assert!(catalog.add_domain(A, &domain("B\u{fc}cher.Example.", false)).expect("added"));
    assert!(!catalog.add_domain(A, &domain("xn--bcher-kva.example", true)).expect("changed"));
    assert!(catalog.add_domain(B, &domain("xn--bcher-kva.example", false)).expect("added"));
    assert!(catalog.add_domain(A, &domain("no domain", false)).is_err());
    assert_eq!(catalog.domains(A).expect("reads"), [domain("xn--bcher-kva.example", true)]);
    let rules = catalog.intake_rules(A).expect("reads");
    assert!(rules.domains.contains(&EmailAddress::new("x@mail.B\u{dc}CHER.example")));
    assert!(catalog.remove_domain(A, "b\u{fc}cher.example").expect("removed"));
    assert!(!catalog.remove_domain(A, "b\u{fc}cher.example").expect("works"));
    assert_eq!(catalog.domains(B).expect("reads").len(), 1);
}

fn settings(catalog: &dyn Catalog) {
    let mut row = catalog.tenant(A).expect("reads").expect("there");
    assert_eq!(row.settings, TenantSettings::default());
    row.settings.archive_only_selected = true;
    row.settings.quota.bytes = Some(5);
    catalog.update_tenant(&row).expect("changed");
    assert_eq!(catalog.tenant(A).expect("reads"), Some(row));
    assert!(catalog.intake_rules(A).expect("reads").only_selected);
    let old: TenantSettings =
        serde_json::from_str("{\"fourEyes\":true,\"gone\":1}").expect("reads");
    assert_eq!(old, TenantSettings { four_eyes: true, ..TenantSettings::default() });
}

fn owner(catalog: &dyn Catalog, number: u8, archived: bool) -> AccountId {
    let id = AccountId::from_bytes([number; 16]);
    let name = format!("user{number}");
    let account = Account { archived, ..Account::new(id, Some(A), &name, AccountRole::User, NOON) };
    catalog.add_account(&account, None).expect("added");
    id
}

fn selection(catalog: &dyn Catalog) {
    let (first, second) = (owner(catalog, 1, true), owner(catalog, 2, false));
    let (kept, moved) = (EmailAddress::new("kept@own.example"), EmailAddress::new("M@own.example"));
    let unknown = EmailAddress::new("unknown@own.example");
    let give = |account, address: &EmailAddress, after| {
        catalog.give_address(account, address, Handover::Rule, at(after)).expect("given");
    };
    give(first, &kept, 0);
    give(first, &moved, 0);
    catalog.end_address(first, &moved, at(5)).expect("ended");
    let ask = || catalog.selection(A, &[&kept, &moved, &unknown, &kept]).expect("reads");
    assert_eq!(ask().get("m@own.example"), Some(&true), "the last owner counts");
    give(second, &moved, 9);
    let selection = ask();
    assert_eq!(selection.get("m@own.example"), Some(&false));
    assert_eq!(selection.get("kept@own.example"), Some(&true));
    assert_eq!(selection.len(), 2);
    assert!(catalog.selection(B, &[&kept]).expect("reads").is_empty());
    let participants = [to("m@own.example")];
    let candidate = Candidate {
        is_report: false,
        is_damaged: false,
        originator_org: None,
        participants: &participants,
        released: false,
        is_import: false,
    };
    let rules = policy::IntakeRules { only_selected: true, ..Default::default() };
    let assigned = policy::assign(&rules, &[], &candidate, &selection);
    assert_eq!(assigned, policy::Assigned::NotSelected);
}

fn source(number: u8, tenant: TenantId) -> SourceRow {
    SourceRow {
        id: SourceId::from_bytes([number; 16]),
        tenant,
        kind: SourceKind::Smtp,
        name: "Journal".to_owned(),
        address: Some(EmailAddress::new(&format!("journal-{number}@archive.example"))),
        rules: model::HeaderRules::default(),
        state: SourceState::Active,
        ends_at: None,
        successor: None,
        created_at: NOON,
    }
}

fn rotation(catalog: &dyn Catalog) {
    let (old, new) = (source(1, A), source(2, A));
    catalog.add_source(&old).expect("added");
    catalog.rotate_source(old.id, &new, at(60)).expect("rotated");
    let rotated = catalog.source(A, old.id).expect("reads").expect("there");
    assert_eq!((rotated.ends_at, rotated.successor), (Some(at(60)), Some(new.id)));
    let ends = |source: &SourceRow| {
        let address = source.address.as_ref().expect("an address");
        catalog.route(address).expect("reads").expect("somebody's").ends_at
    };
    assert_eq!((ends(&old), ends(&new)), (Some(at(60)), None));
    let again = catalog.rotate_source(old.id, &source(3, A), at(9)).expect_err("refused");
    assert!(matches!(again, CatalogError::NotFound(_)), "{again}");
    assert!(catalog.rotate_source(new.id, &source(4, B), at(9)).is_err(), "another tenant's");
    assert_eq!(catalog.sources(A).expect("reads").len(), 2);
}

fn history(catalog: &dyn Catalog) {
    let mut late = copy(A, "late", &["b@own.example"]);
    late.facts.received_at = at(2 * 3600);
    let mut import = copy(A, "import", &["b@own.example"]);
    import.facts.received_at = at(-40_000_000);
    import.facts.source =
        Source::Import { id: SourceId::from_bytes([9; 16]), name: String::new(), mailbox: None };
    let left_out = NotSelected {
        source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
        size_bytes: 5,
        received_at: NOON,
    };
    let new = Batch {
        quarantined: vec![held(A, "one")],
        not_selected: vec![left_out],
        ..batch(vec![mail(A, "m", "r", &["b@own.example"]), late, import])
    };
    catalog.commit(A, &new).expect("commits");
    catalog.commit(B, &batch(vec![copy(B, "x", &[])])).expect("commits");
    let (from, until) = (at(-86_400), at(86_400));
    let hours = catalog.history(Some(A), Period::Hour, from, until).expect("reads");
    let smtp = Some(SourceId::from_bytes([5; 16]));
    let short = |tally: Tally| (tally.mails, tally.bytes, tally.quarantined, tally.not_selected);
    let found: Vec<_> = hours
        .iter()
        .map(|it| (it.source == smtp, it.at.as_seconds() / 3600, short(it.tally)))
        .collect();
    let noon = NOON.as_seconds() / 3600;
    assert_eq!(
        found,
        [
            (false, noon, (1, 100, 0, 0)),
            (true, noon, (1, 150, 1, 1)),
            (true, noon + 2, (1, 100, 0, 0))
        ]
    );
    let days = catalog.history(None, Period::Day, from, until).expect("reads");
    let sum = days.iter().fold(Tally::default(), |mut sum, point| {
        sum += point.tally;
        sum
    });
    assert_eq!((sum.mails, sum.quarantined, days[0].source), (4, 1, None));
    let figures = catalog.source_figures(A).expect("reads");
    assert_eq!(figures[0].source, IMPORTS);
    assert_eq!((figures[1].tally.mails, figures[1].reports), (2, 1));
    assert_eq!((figures[1].last_at, figures[1].last_report_at), (Some(at(7200)), Some(NOON)));
    assert_eq!(catalog.figures(A).expect("reads").not_selected, 1);
    let totals = catalog.totals().expect("reads");
    assert_eq!((totals.tenants, totals.figures.records), (2, 4));
    let top = catalog.tenant_figures(NOON).expect("reads");
    assert_eq!((top[0].tenant, top[0].recent.mails), (A, 3));
    assert!(catalog.prune_history(at(500 * 86_400)).expect("pruned") > 0);
    assert!(catalog.history(Some(A), Period::Hour, from, until).expect("reads").is_empty());
    assert!(!catalog.history(Some(A), Period::Day, from, until).expect("reads").is_empty());
}

fn replay(catalog: &dyn Catalog) {
    assert!(!catalog.has_history(A).expect("reads"));
    let again = Batch { replay: true, ..batch(vec![mail(A, "m", "r", &["b@own.example"])]) };
    catalog.commit(A, &again).expect("commits");
    assert!(!catalog.has_history(A).expect("reads"));
    assert_eq!(catalog.figures(A).expect("reads").records, 1);
    catalog.commit(A, &batch(vec![mail(A, "n", "r2", &[])])).expect("commits");
    assert!(catalog.has_history(A).expect("reads"));
}

fn mailboxes(catalog: &dyn Catalog) {
    let (large, small) = (owner(catalog, 1, true), owner(catalog, 2, true));
    for (account, address) in [(large, "b@own.example"), (small, "C@own.example")] {
        let address = EmailAddress::new(address);
        catalog.give_address(account, &address, Handover::Rule, NOON).expect("given");
    }
    let new = batch(vec![
        mail(A, "m", "r1", &["b@own.example"]),
        // The same mail once more, to one more.
        mail(A, "m", "r2", &["b@own.example", "c@own.example"]),
        copy(A, "n", &["b@own.example", "x@other.example"]),
    ]);
    catalog.commit(A, &new).expect("commits");
    catalog.commit(A, &new).expect("commits");
    let found = catalog.largest_mailboxes(A, 9).expect("reads");
    let found: Vec<_> = found.iter().map(|it| (it.account, it.mails, it.bytes)).collect();
    assert_eq!(found, [(large, 2, 200), (small, 1, 100)]);
    assert!(catalog.largest_mailboxes(B, 9).expect("reads").is_empty());
}

fn reasons(catalog: &dyn Catalog) {
    let mut other = held(A, "two");
    other.reason_code = "not-ours".to_owned();
    let new = Batch { quarantined: vec![held(A, "one"), other.clone()], ..batch(Vec::new()) };
    catalog.commit(A, &new).expect("commits");
    catalog.commit(A, &new).expect("commits");
    let count = |code: &str, count| (code.to_owned(), count);
    let both = [count("foreign-organisation", 1), count("not-ours", 1)];
    assert_eq!(catalog.waiting(Some(A)).expect("reads"), both);
    assert_eq!(catalog.waiting(None).expect("reads"), both);
    assert!(catalog.waiting(Some(B)).expect("reads").is_empty());
    let filter = QuarantineFilter { reason: Some("not-ours".to_owned()), state: None };
    let list = catalog.quarantine(A, &filter, None, 9).expect("reads");
    assert_eq!((list.total, list.rows[0].entry.id), (1, other.id));
    let state = QuarantineState::Released;
    assert!(catalog.decide_quarantine(A, other.id, state, "root", "ours", at(3)).expect("works"));
    assert_eq!(catalog.waiting(Some(A)).expect("reads"), both[..1]);
    let filter = QuarantineFilter { reason: None, state: Some(state) };
    assert_eq!(catalog.quarantine(A, &filter, None, 9).expect("reads").total, 1);
    let decided = |since| catalog.decided_since(A, since, 0, 9).expect("reads").len();
    assert_eq!((decided(at(3)), decided(at(4))), (1, 0));
}

fn discarded(catalog: &dyn Catalog) {
    let entry = held(A, "one");
    let new = |slot| Batch {
        quarantined: vec![NewQuarantine { location: place(slot), ..entry.clone() }],
        ..batch(Vec::new())
    };
    catalog.commit(A, &new(1)).expect("commits");
    let state = QuarantineState::Discarded;
    assert!(catalog.decide_quarantine(A, entry.id, state, "root", "spam", at(3)).expect("works"));
    catalog.commit(A, &new(2)).expect("commits");
    let row = catalog.quarantined(A, entry.id).expect("reads").expect("there");
    assert_eq!((row.state, row.entry.location), (QuarantineState::Waiting, place(2)));
}

fn jobs(catalog: &dyn Catalog) {
    let job = |number: u8, tenant| JobRow {
        id: JobId::from_bytes([number; 16]),
        tenant,
        kind: "tenant.export".to_owned(),
        by: "root".to_owned(),
        begun_at: NOON,
        ended_at: None,
        state: JobState::Running,
        done: 1,
        total: 2,
        detail: serde_json::json!({ "folder": "x" }),
    };
    for one in [job(1, Some(A)), job(2, Some(B)), job(3, None)] {
        catalog.save_job(&one).expect("saved");
    }
    let done = JobRow { state: JobState::Done, ended_at: Some(at(1)), ..job(1, Some(A)) };
    catalog.save_job(&done).expect("saved");
    assert_eq!(catalog.jobs(Some(A), 9).expect("reads"), std::slice::from_ref(&done));
    assert_eq!(catalog.jobs(None, 2).expect("reads").len(), 2);
    assert_eq!(catalog.interrupt_jobs(at(5)).expect("works"), 2);
    let stopped = catalog.job(JobId::from_bytes([3; 16])).expect("reads").expect("there");
    assert_eq!((stopped.state, stopped.ended_at), (JobState::Interrupted, Some(at(5))));
    assert_eq!(catalog.job(done.id).expect("reads"), Some(done));
}

fn removal(catalog: &dyn Catalog) {
    for tenant in [A, B] {
        let new = batch(vec![mail(tenant, "m", "r", &["b@own.example"])]);
        let new = Batch { parts: vec![part("p", 3)], quarantined: vec![held(tenant, "q")], ..new };
        catalog.commit(tenant, &new).expect("commits");
        catalog.add_domain(tenant, &domain("own.example", false)).expect("added");
    }
    owner(catalog, 1, true);
    catalog.add_source(&source(1, A)).expect("added");
    let row = catalog.tenant(A).expect("reads").expect("there");
    assert!(catalog.begin_removal(A, "root", "left", at(1)).is_err(), "it is in service");
    assert!(catalog.remove_rows(A).is_err());
    catalog
        .update_tenant(&Tenant { state: TenantState::Suspended, ..row.clone() })
        .expect("suspended");
    let removal = catalog.begin_removal(A, "root", "left", at(1)).expect("begun");
    assert_eq!((removal.facts.records, removal.facts.ended_at), (1, None));
    assert_eq!(catalog.begin_removal(A, "x", "y", at(2)).expect("again"), removal);
    // From here on it is nobody's.
    assert!(catalog.is_removed(A).expect("reads") && !catalog.is_removed(B).expect("reads"));
    assert_eq!(catalog.tenant(A).expect("reads"), None);
    assert_eq!(catalog.tenants().expect("reads").len(), 1);
    assert!(catalog.commit(A, &batch(vec![mail(A, "late", "r9", &[])])).is_err());
    assert_eq!(catalog.route(source(1, A).address.as_ref().expect("one")).expect("reads"), None);
    while catalog.remove_rows(A).expect("removes") {}
    catalog.end_removal(A, at(9)).expect("ended");
    assert_eq!(catalog.removals().expect("reads")[0].facts.ended_at, Some(at(9)));
    assert!(catalog.stored(A, &[RecordId::of(A, ContentId::of(b"m"))]).expect("reads").is_empty());
    assert!(catalog.accounts(Some(A)).expect("reads").is_empty());
    assert_eq!(catalog.figures(B).expect("reads").records, 1);
    assert_eq!(catalog.domains(B).expect("reads").len(), 1);
    // The name is free again.
    let again = Tenant::new(TenantId::from_bytes([0xc; 16]), &row.name, NOON);
    catalog.add_tenant(&again).expect("added");
}
