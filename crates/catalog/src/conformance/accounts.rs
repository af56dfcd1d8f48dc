use model::HeaderRules;

use super::*;
use crate::{
    Account, Attempt, AuditEvent, AuditOutcome, AuditQuery, CatalogError, Conflict, ErrorKind,
    Handover, Session, SourceKind, SourceRow, SourceState, ThrottleRule,
};

pub(super) const PROMISES: &[(&str, Promise)] = &[
    ("tenants have unique names", tenants),
    ("a journal address leads to its source", routes),
    ("settings are kept", settings),
    ("user names are unique whatever their case", user_names),
    ("operators belong to no tenant and all others to one", operators),
    ("an address opens the past unless it had an owner", hand_over),
    ("sessions are found by hash and end", sessions),
    ("attempts are counted together or not at all", attempts),
    ("the audit log is listed newest first and filtered", audit_log),
];

pub(super) fn conflict<T: std::fmt::Debug>(answer: Result<T, CatalogError>) -> Conflict {
    match answer {
        Err(CatalogError::Conflict(conflict)) => conflict,
        other => panic!("a conflict, not {other:?}"),
    }
}

pub(super) fn account(number: u8, user_name: &str) -> Account {
    let id = AccountId::from_bytes([number; 16]);
    Account {
        display_name: "Somebody".to_owned(),
        language: Some("de".to_owned()),
        ..Account::new(id, Some(A), user_name, AccountRole::User, NOON)
    }
}

fn tenants(catalog: &dyn Catalog) {
    let c = TenantId::from_bytes([0xc; 16]);
    assert_eq!(conflict(catalog.add_tenant(&tenant(c, "ANDERS"))), Conflict::TenantName);
    assert_eq!(conflict(catalog.add_tenant(&tenant(A, "Other"))), Conflict::Id);
    assert_eq!(catalog.add_tenant(&tenant(c, " ")).expect_err("refused").kind(), ErrorKind::Refuse);
    let mut changed = tenant(A, "Zander");
    changed.state = TenantState::Suspended;
    catalog.update_tenant(&changed).expect("updated");
    assert_eq!(catalog.tenant(A).expect("reads"), Some(changed.clone()));
    assert_eq!(catalog.tenant_named("zANDER").expect("reads"), Some(changed));
    let names: Vec<_> =
        catalog.tenants().expect("reads").into_iter().map(|tenant| tenant.name).collect();
    assert_eq!(names, ["Berg", "Zander"]);
    assert!(catalog.update_tenant(&tenant(c, "Nobody")).is_err());
    assert_eq!(catalog.tenant(c).expect("reads"), None);
}

fn source(number: u8, tenant: TenantId, address: &str) -> SourceRow {
    SourceRow {
        id: SourceId::from_bytes([number; 16]),
        tenant,
        kind: SourceKind::Smtp,
        name: "Exchange Online".to_owned(),
        address: Some(EmailAddress::new(address)),
        rules: HeaderRules {
            organisations: vec!["extra.example".to_owned()],
            ..Default::default()
        },
        state: SourceState::Active,
        ends_at: None,
        successor: None,
        created_at: NOON,
    }
}

fn routes(catalog: &dyn Catalog) {
    let mut one = source(1, A, "journal-x1@archive.example");
    catalog.add_source(&one).expect("added");
    let taken = source(2, B, "Journal-X1@archive.example");
    assert_eq!(conflict(catalog.add_source(&taken)), Conflict::JournalAddress);
    catalog.add_source(&source(3, A, "archive@archive.example")).expect("added");
    let import = SourceRow { kind: SourceKind::Import, address: None, ..source(4, A, "") };
    catalog.add_source(&import).expect("added");
    catalog.add_source(&SourceRow { id: SourceId::from_bytes([5; 16]), ..import }).expect("added");

    let route = |address: &str| catalog.route(&EmailAddress::new(address)).expect("reads");
    let routed = route("JOURNAL-X1@archive.EXAMPLE").expect("routed");
    assert_eq!((routed.tenant, routed.source, routed.active), (A, one.id, true));
    assert_eq!(routed.rules.organisations, ["extra.example", "own.example"]);
    assert_eq!(routed.rules.own_domains, ["archive.example"]);
    let sub = route("archive+anna=own.example@archive.example").expect("routed");
    assert_eq!(sub.source, SourceId::from_bytes([3; 16]));
    for address in ["journal-x2@archive.example", "nobody", "", "+@archive.example"] {
        assert_eq!(route(address), None, "{address}");
    }
    assert_eq!(catalog.rules(A, one.id).expect("reads"), routed.rules);
    let unknown = catalog.rules(B, one.id).expect("reads");
    assert_eq!(unknown.organisations, ["own.example"], "another tenant's source is not known");

    one.state = SourceState::Suspended;
    catalog.update_source(&one).expect("updated");
    assert!(!route("journal-x1@archive.example").expect("routed").active);
    assert_eq!(catalog.source(A, one.id).expect("reads"), Some(one.clone()));
    assert_eq!(catalog.source(B, one.id).expect("reads"), None);
    assert_eq!(catalog.sources(A).expect("reads").len(), 4);
    let foreign = SourceRow { tenant: B, ..one };
    assert!(catalog.update_source(&foreign).is_err());
}

fn settings(catalog: &dyn Catalog) {
    assert_eq!(catalog.setting("colour").expect("reads"), None);
    catalog.set_setting("colour", "red").expect("set");
    catalog.set_setting("colour", "blue").expect("set");
    assert_eq!(catalog.setting("colour").expect("reads").as_deref(), Some("blue"));
}

fn user_names(catalog: &dyn Catalog) {
    let anna = account(1, "Anna");
    catalog.add_account(&anna, Some("hash")).expect("added");
    assert_eq!(conflict(catalog.add_account(&account(2, "ANNA"), None)), Conflict::UserName);
    assert_eq!(conflict(catalog.add_account(&account(1, "Bert"), None)), Conflict::Id);
    for name in ["", "  ", "x".repeat(201).as_str()] {
        let error = catalog.add_account(&account(3, name), None).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Refuse);
    }
    assert_eq!(catalog.account_named(" aNNa").expect("reads"), Some(anna.clone()));
    assert_eq!(catalog.password_hash(anna.id).expect("reads").as_deref(), Some("hash"));
    let changed = Account { display_name: "Anna A.".to_owned(), language: None, ..anna };
    catalog.update_account(&changed).expect("updated");
    assert_eq!(catalog.account(changed.id).expect("reads"), Some(changed.clone()));
    assert_eq!(catalog.accounts(Some(A)).expect("reads"), [changed]);
    assert!(catalog.accounts(Some(B)).expect("reads").is_empty());
}

fn operators(catalog: &dyn Catalog) {
    let operator = Account { tenant: None, role: AccountRole::Operator, ..account(1, "root") };
    catalog.add_account(&operator, None).expect("added");
    assert_eq!(catalog.accounts(None).expect("reads"), std::slice::from_ref(&operator));
    let astray = Account { tenant: None, ..account(2, "anna") };
    assert!(catalog.add_account(&astray, None).is_err());
    let mighty = Account { role: AccountRole::Operator, ..account(3, "bert") };
    assert!(catalog.add_account(&mighty, None).is_err());
    let fallen = Account { role: AccountRole::User, ..operator };
    let error = catalog.update_account(&fallen).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refuse, "{error}");
}

fn hand_over(catalog: &dyn Catalog) {
    let (anna, bert, carl) = (account(1, "anna"), account(2, "bert"), account(3, "carl"));
    let dora = Account { tenant: Some(B), ..account(4, "dora") };
    for account in [&anna, &bert, &carl, &dora] {
        catalog.add_account(account, None).expect("added");
    }
    let info = EmailAddress::new("Info@own.example");
    let key = "info@own.example";
    let give = |account: &Account, handover, moment| {
        catalog.give_address(account.id, &info, handover, at(moment))
    };
    assert_eq!(give(&anna, Handover::Rule, 0).expect("given"), own(key, None, None));
    assert_eq!(give(&anna, Handover::Rule, 5).expect("again"), own(key, None, None));
    assert_eq!(conflict(give(&bert, Handover::Everything, 9)), Conflict::AddressOwned);
    assert_eq!(give(&dora, Handover::Rule, 0).expect("given"), own(key, None, None));

    catalog.end_address(bert.id, &info, at(10)).expect("not theirs: nothing happens");
    catalog.end_address(anna.id, &info, at(10)).expect("ended");
    assert_eq!(catalog.addresses(anna.id).expect("reads"), [own(key, None, Some(10))]);
    assert_eq!(give(&bert, Handover::Rule, 20).expect("given"), own(key, Some(20), None));
    catalog.end_address(bert.id, &info, at(30)).expect("ended");
    assert_eq!(give(&anna, Handover::Rule, 25).expect("given"), own(key, Some(30), None));
    assert_eq!(
        catalog.addresses(anna.id).expect("reads"),
        [own(key, None, Some(10)), own(key, Some(30), None)]
    );
    catalog.end_address(anna.id, &info, at(40)).expect("ended");
    assert_eq!(give(&carl, Handover::Everything, 50).expect("given"), own(key, None, None));
    assert!(
        catalog.give_address(anna.id, &EmailAddress::new("nobody"), Handover::Rule, NOON).is_err()
    );
}

pub(super) fn session(number: u8, account: AccountId) -> Session {
    Session {
        token_hash: Digest::of(&[number]),
        account,
        csrf: format!("csrf {number}"),
        created_at: NOON,
        last_seen_at: NOON,
        expires_at: at(100),
        ip: Some("2001:db8::1".parse().expect("an address")),
        agent: "Firefox".to_owned(),
        method: crate::SignInMethod::Password,
        must_enrol: false,
        provider_session: None,
    }
}

fn sessions(catalog: &dyn Catalog) {
    let mut anna = account(1, "anna");
    catalog.add_account(&anna, None).expect("added");
    let add = |number| {
        let session = session(number, anna.id);
        catalog.add_session(&session).expect("added");
        session
    };
    let (one, two, three) = (add(1), add(2), add(3));
    let find = |session: &Session| catalog.session(session.token_hash).expect("reads");
    assert_eq!(find(&one), Some((one.clone(), anna.clone())));
    catalog.touch_session(one.token_hash, at(7)).expect("touched");
    catalog.touch_session(one.token_hash, at(5)).expect("an older touch changes nothing");
    assert_eq!(find(&one).expect("there").0.last_seen_at, at(7));
    assert!(catalog.end_session(two.token_hash).expect("ended"));
    assert!(!catalog.end_session(two.token_hash).expect("works"));
    catalog.set_password(anna.id, "new", true, Some(one.token_hash)).expect("set");
    assert!(find(&one).expect("kept").1.must_change_password);
    assert!(find(&three).is_none());
    assert_eq!(catalog.sweep(at(99)).expect("swept"), 0);
    assert_eq!(catalog.sweep(at(100)).expect("swept"), 1);
    add(4);
    add(5);
    assert_eq!(catalog.end_sessions(anna.id).expect("ended"), 2);
    let last = add(6);
    anna.disabled = true;
    catalog.update_account(&anna).expect("updated");
    assert!(find(&last).is_none());
}

fn attempts(catalog: &dyn Catalog) {
    let rule = |key: &str, free| ThrottleRule { key: key.to_owned(), free, pause_seconds_max: 60 };
    let (strict, lax) = (rule("strict", 1), rule("lax", 3));
    let both = [strict.clone(), lax.clone()];
    let lax_only = std::slice::from_ref(&lax);
    let attempt =
        |rules: &[ThrottleRule], moment| catalog.attempt(rules, at(moment)).expect("works");
    assert_eq!(attempt(&both, 0), Attempt::Allowed);
    assert_eq!(attempt(&both, 0), Attempt::Allowed);
    assert_eq!(attempt(&both, 0), Attempt::Wait(at(1)));
    assert_eq!(attempt(lax_only, 0), Attempt::Allowed, "the refused one was not counted");
    assert_eq!(attempt(lax_only, 0), Attempt::Allowed);
    assert_eq!(attempt(lax_only, 0), Attempt::Wait(at(1)));
    catalog.forgive(&["strict".to_owned()], &["lax".to_owned()], at(0)).expect("forgiven");
    assert_eq!(attempt(&both, 0), Attempt::Allowed);
    assert_eq!(attempt(lax_only, 0), Attempt::Wait(at(1)), "one back, one counted");
    let day = 24 * 60 * 60;
    assert_eq!(catalog.sweep(at(day)).expect("swept"), 0);
    assert_eq!(catalog.sweep(at(day + 10)).expect("swept"), 2);
    let pauses: Vec<_> = (0..10).map(|count| strict.pause_seconds(count)).collect();
    assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(strict.pause_seconds(u32::MAX), 60);

    let anna = account(1, "anna");
    catalog.add_account(&anna, None).expect("added");
    catalog.remember_place(anna.id, "home", at(10)).expect("remembered");
    catalog.remember_place(anna.id, "home", at(20)).expect("remembered");
    let knows = |place, since| catalog.knows_place(anna.id, place, at(since)).expect("reads");
    assert!(knows("home", 20) && !knows("home", 21) && !knows("work", 0));
}

fn audit_log(catalog: &dyn Catalog) {
    let event = |second: i64, tenant, action: &str| AuditEvent {
        at: at(second),
        tenant,
        account: Some(AccountId::from_bytes([second as u8; 16])),
        who: "anna".to_owned(),
        action: action.to_owned(),
        object: "x".to_owned(),
        detail: serde_json::json!({"query": "from:bert"}),
        reason: Some("because".to_owned()),
        outcome: AuditOutcome::Done,
        ip: Some("192.0.2.1".parse().expect("an address")),
    };
    let events = [
        event(1, Some(A), "mail.search"),
        event(2, Some(A), "mail.view"),
        event(3, Some(B), "mail.view"),
        event(4, None, "sign-in"),
        event(5, Some(A), "mailbox.add"),
    ];
    catalog.audit(&events).expect("written");
    catalog.audit(&[]).expect("nothing to write");
    let list = |tenant, query: &AuditQuery, limit| -> Vec<AuditEvent> {
        let rows = catalog.audit_log(tenant, query, limit).expect("reads");
        assert!(rows.is_sorted_by(|newer, older| newer.row > older.row));
        rows.into_iter().map(|row| row.event).collect()
    };
    let [one, two, three, four, five] = events;
    let all = AuditQuery::default();
    assert_eq!(list(Some(A), &all, 9), [five.clone(), two.clone(), one.clone()]);
    assert_eq!(list(Some(B), &all, 9), [three]);
    assert_eq!(list(None, &all, 9), [four]);
    let mails = AuditQuery { action: Some("mail".to_owned()), ..all.clone() };
    assert_eq!(list(Some(A), &mails, 9), [two.clone(), one.clone()]);
    let first = AuditQuery { account: one.account, ..all.clone() };
    assert_eq!(list(Some(A), &first, 9), std::slice::from_ref(&one));
    let span = AuditQuery { since: Some(at(2)), until: Some(at(5)), ..all.clone() };
    assert_eq!(list(Some(A), &span, 9), std::slice::from_ref(&two));
    let page = catalog.audit_log(Some(A), &all, 1).expect("reads");
    let next = AuditQuery { before: Some(page[0].row), ..all };
    assert_eq!(list(Some(A), &next, 1), std::slice::from_ref(&two));
    let all = AuditQuery::default();
    let found = |query: AuditQuery| list(Some(A), &query, 9).len();
    for (query, count) in [
        (AuditQuery { who: Some(" ANNA".to_owned()), ..all.clone() }, 3),
        (AuditQuery { who: Some("ann".to_owned()), ..all.clone() }, 0),
        (AuditQuery { object: Some("x".to_owned()), ..all.clone() }, 3),
        (AuditQuery { object: Some("y".to_owned()), ..all.clone() }, 0),
        (AuditQuery { text: Some("FROM:b".to_owned()), ..all.clone() }, 3),
        (AuditQuery { text: Some("because".to_owned()), ..all.clone() }, 3),
        (AuditQuery { text: Some("%".to_owned()), ..all.clone() }, 0),
        (AuditQuery { outcome: Some(AuditOutcome::Failed), ..all.clone() }, 0),
        (AuditQuery { outcome: Some(AuditOutcome::Done), ..all.clone() }, 3),
    ] {
        assert_eq!(found(query.clone()), count, "{query:?}");
    }
    let mut read = Vec::new();
    let mut query = all;
    loop {
        let page = catalog.audit_page(Some(A), &query, 2).expect("reads");
        read.extend(page.rows.into_iter().map(|row| row.event));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(read, [five, two, one]);
}
