//! Accounts as administrators manage them, grants, four eyes, and the sheet.

use catalog::{
    AccountFilter, AccountKind, AuditQuery, CatalogError, Conflict, Decision, Grantee,
    RequestState, TenantSettings,
};
use model::AccountId;
use policy::{Grant, GrantKind, Opens, Span};
use proptest::prelude::*;

use super::*;

const OTHER: TenantId = TenantId::from_bytes([4; 16]);

fn by() -> By {
    By::server("admin")
}

fn draft<'a>(user_name: &'a str, addresses: &[&str]) -> AccountDraft<'a> {
    AccountDraft {
        tenant: Some(TENANT),
        user_name,
        first_name: "",
        last_name: "",
        display_name: "",
        kind: AccountKind::Person,
        role: AccountRole::User,
        language: None,
        password: Some(PASSWORD),
        addresses: addresses.iter().map(|one| EmailAddress::new(one)).collect(),
    }
}

impl World {
    fn create(&self, draft: &AccountDraft<'_>) -> catalog::Account {
        self.identity.create_account(draft, &by(), NOON).expect("created").0
    }

    fn actions(&self) -> Vec<String> {
        let log = self.catalog.audit_log(Some(TENANT), &AuditQuery::default(), 500);
        log.expect("reads").into_iter().map(|row| row.event.action).collect()
    }

    fn plan(&self, text: &str) -> ImportPlan {
        self.identity.plan_import(TENANT, text.as_bytes(), NOON).expect("planned")
    }

    fn import(&self, text: &str) -> Result<ImportPlan, IdentityError> {
        let digest = self.plan(text).digest;
        self.identity.import_accounts(TENANT, text.as_bytes(), digest, &by(), NOON)
    }

    fn sees(&self, account: &catalog::Account, key: &str, at: i64) -> bool {
        let now = NOON.saturating_add_seconds(at);
        let actor = self.identity.actor_of(account, now).expect("resolved");
        authorize_read(&actor).expect("reads").sees(key, NOON)
    }
}

#[test]
fn an_account_is_created_with_all_its_addresses_or_not_at_all() {
    let world = world();
    world.create(&draft("anna", &["anna@x.example"]));
    let error = world
        .identity
        .create_account(&draft("bert", &["bert@x.example", "anna@x.example"]), &by(), NOON)
        .expect_err("refused");
    assert!(
        matches!(error, IdentityError::Catalog(CatalogError::Conflict(Conflict::AddressOwned))),
        "{error}"
    );
    assert_eq!(world.catalog.account_named("bert").expect("reads"), None);
    assert_eq!(world.actions(), ["account.create"]);
}

#[test]
fn nobody_disables_themselves_or_changes_their_own_role() {
    let world = world();
    let root =
        world.create(&AccountDraft { role: AccountRole::Administrator, ..draft("root", &[]) });
    let own = By { account: Some(root.id), who: "root".to_owned(), ip: None };
    for edit in [
        AccountEdit { disabled: Some(true), ..Default::default() },
        AccountEdit { role: Some(AccountRole::Auditor), ..Default::default() },
    ] {
        let refused = world.identity.edit_account(Some(TENANT), root.id, &edit, &own, NOON);
        assert!(matches!(refused, Err(IdentityError::OwnAccount)));
        let foreign = world.identity.edit_account(Some(OTHER), root.id, &edit, &by(), NOON);
        assert!(foreign.expect("works").is_none());
    }
    let edit = AccountEdit { first_name: Some("Ruth".to_owned()), ..Default::default() };
    let edited = world.identity.edit_account(Some(TENANT), root.id, &edit, &own, NOON);
    assert_eq!(edited.expect("works").expect("there").display_name, "Ruth");
    assert_eq!(world.actions(), ["account.change", "account.create"]);
}

#[test]
fn a_handed_over_address_opens_the_past_only_with_a_reason() {
    let world = world();
    let anna = world.create(&draft("anna", &["info@x.example"]));
    let bert = world.create(&draft("bert", &[]));
    let info = EmailAddress::new("info@x.example");
    let later = NOON.saturating_add_seconds(100);
    let identity = &world.identity;
    assert!(identity.take_address(TENANT, anna.id, &info, &by(), later).expect("works"));
    assert!(!identity.take_address(TENANT, anna.id, &info, &by(), later).expect("works"));
    let give = |reason| identity.hand_over(TENANT, bert.id, &info, reason, &by(), later);
    assert!(give(Some(" ")).is_err());
    assert_eq!(give(None).expect("given").expect("there").from, Some(later));
    assert!(identity.take_address(TENANT, bert.id, &info, &by(), later).expect("works"));
    let span = give(Some("the successor answers old mail")).expect("given").expect("there");
    assert_eq!(span.from, None);
    let log = world.catalog.audit_log(Some(TENANT), &AuditQuery::default(), 1).expect("reads");
    assert_eq!(log[0].event.reason.as_deref(), Some("the successor answers old mail"));
    assert_eq!(log[0].event.detail["after"]["everything"], true);
}

fn grant(opens: Opens, kind: GrantKind) -> Grant {
    Grant { opens, kind, valid: Span::ALWAYS, mail: Span::ALWAYS }
}

#[test]
fn a_deputy_sees_the_mailbox_while_the_grant_stands() {
    let world = world();
    let anna = world.create(&draft("anna", &["anna@x.example"]));
    let bert = world.create(&draft("bert", &["bert@x.example"]));
    let until = Some(NOON.saturating_add_seconds(10));
    let opened = Grant {
        valid: Span { from: None, until },
        ..grant(Opens::Mailbox(anna.id), GrantKind::Deputy)
    };
    let new = NewGrant { grantee: Grantee::Account(bert.id), grant: opened, reason: "holidays" };
    let row = world.identity.grant(TENANT, &new, &by(), NOON).expect("granted");
    assert!(world.sees(&bert, "anna@x.example", 9) && world.sees(&bert, "bert@x.example", 9));
    assert!(!world.sees(&bert, "anna@x.example", 10), "it is over");
    assert!(!world.sees(&anna, "bert@x.example", 9), "it opens one way");
    let revoke = || world.identity.revoke_grant(TENANT, row.id, "back again", &by(), NOON);
    assert!(revoke().expect("works"));
    assert!(!revoke().expect("works"));
    assert!(!world.sees(&bert, "anna@x.example", 9));
    assert_eq!(world.actions()[..2], ["grant.revoke", "grant.give"]);
}

#[test]
fn with_four_eyes_an_auditor_reads_what_another_person_approved() {
    let world = world();
    let anna = world.create(&draft("anna", &["anna@x.example"]));
    world.create(&draft("bert", &["bert@x.example"]));
    let rita = world.create(&AccountDraft { role: AccountRole::Auditor, ..draft("rita", &[]) });
    let otto = world.create(&AccountDraft { role: AccountRole::Officer, ..draft("otto", &[]) });
    let whole = NewGrant {
        grantee: Grantee::Account(rita.id),
        grant: grant(Opens::Tenant, GrantKind::Audit),
        reason: "audit 2026",
    };
    world.identity.grant(TENANT, &whole, &by(), NOON).expect("granted");
    assert!(world.sees(&rita, "bert@x.example", 1));
    let mut tenant = world.catalog.tenant(TENANT).expect("reads").expect("there");
    tenant.settings = TenantSettings { four_eyes: true, tell_concerned: true, ..tenant.settings };
    world.catalog.update_tenant(&tenant).expect("updated");
    assert!(!world.sees(&rita, "anna@x.example", 1));
    let asked = NewRequest {
        opens: vec![Opens::Mailbox(anna.id)],
        mail: Span::ALWAYS,
        reason: "an accusation",
        until: NOON.saturating_add_seconds(50),
    };
    let request = world.identity.request_access(TENANT, rita.id, &asked, &by(), NOON);
    let id = request.expect("asked").id;
    assert!(world.identity.request_access(TENANT, anna.id, &asked, &by(), NOON).is_err());
    let decide = |by: &catalog::Account, state, at| {
        let decision = Decision {
            state,
            at: NOON.saturating_add_seconds(at),
            by: by.id,
            who: by.user_name.clone(),
            reason: "plausible".to_owned(),
        };
        world.identity.decide_access(TENANT, id, &decision, &super::By::server("test"))
    };
    let own = decide(&rita, RequestState::Approved, 2);
    assert!(matches!(own, Err(IdentityError::OwnRequest)));
    assert!(decide(&otto, RequestState::Approved, 50).expect("works").is_none(), "too late");
    assert!(decide(&otto, RequestState::Approved, 2).expect("works").is_some());
    assert!(decide(&otto, RequestState::Rejected, 3).expect("works").is_none());
    assert!(world.sees(&rita, "anna@x.example", 3));
    assert!(!world.sees(&rita, "bert@x.example", 3), "only what was asked for");
    assert!(!world.sees(&rita, "anna@x.example", 50), "until its end");
    let told: Vec<AccountId> =
        world.catalog.to_be_told(9).expect("reads").iter().map(|one| one.account).collect();
    assert_eq!(told, [anna.id]);
    assert!(decide(&rita, RequestState::Revoked, 4).expect("works").is_some());
    assert!(!world.sees(&rita, "anna@x.example", 5));
    assert_eq!(world.actions()[..3], ["access.revoke", "access.approve", "access.request"]);
}

fn codes(plan: &ImportPlan) -> Vec<(u64, &str)> {
    let lines = plan.lines.iter();
    lines.flat_map(|line| line.errors.iter().map(|error| (line.line, error.code))).collect()
}

#[test]
fn a_sheet_creates_and_changes_and_comes_back_unchanged() {
    let world = world();
    world.create(&draft("bert", &["bert@x.example"]));
    let sheet = "\u{feff}anna,secret-secret-1,Änna,\"Arm, Dr.\",anna@x.example,a.arm@x.example\r\n\
                 Bert,,Bert,Baum,bert@x.example,info@x.example\r\n\
                 clara,,Clara,Clever,\r\n";
    let plan = world.plan(sheet);
    let effects: Vec<_> = plan.lines.iter().map(|line| line.effect.name()).collect();
    assert_eq!(effects, ["create", "change", "create"]);
    assert_eq!(plan.lines[1].changes, ["firstName", "lastName", "addresses"]);
    assert_eq!(plan.lines[1].addresses, ["info@x.example"]);
    assert_eq!(plan.lines[2].notes[0].code, "no-password");
    assert_eq!(plan.notes[0].code, "byte-order-mark");
    assert_eq!(world.catalog.accounts(Some(TENANT)).expect("reads").len(), 1, "only a preview");
    world.import(sheet).expect("imported");
    assert_eq!(
        world.actions()[..4],
        ["account.create", "account.change", "account.create", "account.import"]
    );
    let export = world.identity.export_accounts(TENANT).expect("exported");
    assert_eq!(
        export,
        "anna,,Änna,\"Arm, Dr.\",a.arm@x.example,anna@x.example\r\n\
         bert,,Bert,Baum,bert@x.example,info@x.example\r\n\
         clara,,Clara,Clever,\r\n"
    );
    let again = world.plan(&export);
    assert_eq!(again.count(LineEffect::Unchanged), 3);
    let signed_in = world.sign_in("anna", "secret-secret-1", HOME, 1);
    assert!(signed_in.is_ok());
    assert!(world.sign_in("clara", "", HOME, 1).is_err());
    let log = format!("{:?}", world.catalog.audit_log(Some(TENANT), &AuditQuery::default(), 99));
    assert!(!log.contains("secret-secret-1"));
}

#[test]
fn every_line_of_a_sheet_is_named_with_its_error_and_nothing_is_half_imported() {
    let world = world();
    world.create(&draft("bert", &["bert@x.example"]));
    world.create(&AccountDraft {
        kind: AccountKind::Shared,
        password: None,
        ..draft("info", &["info@x.example"])
    });
    let sheet = "good,long enough password,Good,One,good@x.example\n\
        few,columns\n\
        ,,No,Name,x@x.example\n\
        GOOD,,Twice,Same,\n\
        weak,short,Weak,Pass,weak@x.example\n\
        owned,,Not,Mine,BERT@x.example\n\
        twice,,Two,Two,good@x.example\n\
        bad,,Bad,Address,nobody\n\
        info,long enough password,,,\n\
        root,,Other,Tenant,\n";
    let operator = AccountDraft { tenant: None, role: AccountRole::Operator, ..draft("root", &[]) };
    world.create(&operator);
    let plan = world.plan(sheet);
    assert_eq!(
        codes(&plan),
        [
            (2, "missing-columns"),
            (3, "missing-user"),
            (4, "duplicate-user"),
            (5, "weak-password"),
            (6, "address-owned"),
            (7, "duplicate-address"),
            (8, "bad-address"),
            (9, "shared-mailbox"),
            (10, "user-name-taken"),
        ]
    );
    assert!(matches!(world.import(sheet), Err(IdentityError::PlanRefused)));
    assert_eq!(world.catalog.account_named("good").expect("reads"), None);
    for (octets, line, code) in [
        (&b"a,,b,c,\nb\xff,,c,d,\n"[..], 2, "encoding"),
        (b"\xff\xfea\0", 1, "encoding"),
        (b"User ID,Password,First,Last,Mail\n", 1, "header"),
        (b"a;;b;c;a@x.example\n", 1, "separator"),
    ] {
        let plan = world.identity.plan_import(TENANT, octets, NOON).expect("planned");
        assert_eq!(codes(&plan), [(line, code)]);
    }
    let large = vec![b'a'; SHEET_BYTES_MAX + 1];
    let plan = world.identity.plan_import(TENANT, &large, NOON).expect("planned");
    assert_eq!(codes(&plan), [(1, "too-large")]);
}

#[test]
fn what_was_previewed_is_what_is_imported() {
    let world = world();
    let sheet = "anna,,Anna,Arm,anna@x.example\n";
    let digest = world.plan(sheet).digest;
    let import =
        |text: &str| world.identity.import_accounts(TENANT, text.as_bytes(), digest, &by(), NOON);
    assert!(matches!(import("anna,,Anna,Arm,bert@x.example\n"), Err(IdentityError::PlanChanged)));
    world.create(&draft("anna", &[]));
    assert!(matches!(import(sheet), Err(IdentityError::PlanChanged)), "the account is there now");
    let digest = world.plan(sheet).digest;
    let done = world.identity.import_accounts(TENANT, sheet.as_bytes(), digest, &by(), NOON);
    assert_eq!(done.expect("imported").count(LineEffect::Change), 1);
    let other = world.identity.import_accounts(OTHER, sheet.as_bytes(), digest, &by(), NOON);
    assert!(other.is_err(), "another tenant's preview");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any octets give a plan; what an export says imports as unchanged.
    #[test]
    fn whatever_is_in_a_sheet_is_planned_and_exports_come_back(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        people in prop::collection::btree_map("[a-zäß=\"';@ ]{0,6}[a-z]", ("\\PC{0,12}", "\\PC{0,12}", 0..3usize), 0..6),
    ) {
        let world = world();
        let plan = world.identity.plan_import(TENANT, &octets, NOON).expect("planned");
        prop_assert!(plan.lines.iter().all(|line| line.line > 0 || !line.errors.is_empty()));
        for (number, (user, (first, last, addresses))) in people.iter().enumerate() {
            let owned: Vec<String> =
                (0..*addresses).map(|alias| format!("p{number}.{alias}@x.example")).collect();
            let owned: Vec<&str> = owned.iter().map(String::as_str).collect();
            let person = AccountDraft {
                first_name: first.trim(),
                last_name: last.trim(),
                password: None,
                ..draft(user, &owned)
            };
            // Two names may differ in case or space only.
            let _ = world.identity.create_account(&person, &by(), NOON);
        }
        let count = world.catalog
            .account_page(Some(TENANT), &AccountFilter::default(), None, 100).expect("reads").total;
        let export = world.identity.export_accounts(TENANT).expect("exported");
        let again = world.plan(&export);
        prop_assert_eq!(codes(&again), Vec::<(u64, &str)>::new(), "{}", export);
        prop_assert_eq!(again.count(LineEffect::Unchanged) as u64, count, "{}", export);
    }
}
