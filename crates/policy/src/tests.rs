use model::{AccountId, EmailAddress, Participant, Provenance, Role, TenantId, Timestamp};
use proptest::prelude::*;

use crate::*;

mod grants;

const TENANT: TenantId = TenantId::from_bytes([7; 16]);

fn actor(role: AccountRole, addresses: Vec<OwnedAddress>) -> Actor {
    let tenant = (role != AccountRole::Operator).then_some(TENANT);
    Actor {
        account: AccountId::from_bytes([1; 16]),
        tenant,
        role,
        addresses,
        everything: Vec::new(),
        limited_to: None,
    }
}

fn owned(key: &str, from: Option<i64>, until: Option<i64>) -> OwnedAddress {
    let moment = |seconds: Option<i64>| seconds.map(Timestamp::from_seconds);
    OwnedAddress { key: key.to_owned(), from: moment(from), until: moment(until) }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn every_role_stands_in_the_table_once_and_in_order() {
    assert_eq!(ROLES.map(|(role, _)| role), AccountRole::ALL);
    for (role, permissions) in ROLES {
        assert!(permissions.is_sorted(), "{role}");
    }
    for permission in Permission::ALL {
        assert!(ROLES.iter().any(|(_, all)| all.contains(&permission)), "{permission:?}");
    }
}

#[test]
fn the_documented_table_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/roles.md");
    let current = roles_document();
    if std::env::var_os("CHANCERY_BLESS").is_some() {
        std::fs::write(&path, &current).expect("docs/roles.md can be written");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == current,
        "docs/roles.md is not what the code says; write it anew with \
         `CHANCERY_BLESS=1 cargo test -p policy the_documented_table`"
    );
}

#[test]
fn names_of_permissions_are_those_of_the_api() {
    assert!(Permission::ALL.is_sorted());
    for permission in Permission::ALL {
        let json = serde_json::to_string(&permission).expect("JSON");
        assert_eq!(json, format!("\"{}\"", permission.name()));
    }
}

#[test]
fn a_role_survives_its_name() {
    for role in AccountRole::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!("root".parse::<AccountRole>().is_err());
}

#[test]
fn who_configures_does_not_read() {
    for role in [AccountRole::Administrator, AccountRole::Operator] {
        let actor = actor(role, vec![owned("a@x.example", None, None)]);
        assert_eq!(authorize_read(&actor), Err(Denied));
        assert_eq!(authorize(&actor, Permission::ReadMail), Err(Denied));
        assert_eq!(authorize(&actor, Permission::SearchMail), Err(Denied));
    }
}

#[test]
fn who_reads_does_not_configure() {
    // Legal holds are about mail, not about the server: an officer's.
    let manages = |permission: &Permission| {
        permission.name().starts_with("manage_") && *permission != Permission::ManageHolds
    };
    for role in [AccountRole::Auditor, AccountRole::Officer, AccountRole::User] {
        for permission in Permission::ALL.into_iter().filter(manages) {
            assert_eq!(authorize(&actor(role, Vec::new()), permission), Err(Denied));
        }
    }
}

#[test]
fn a_user_without_addresses_sees_nothing() {
    let scope = authorize_read(&actor(AccountRole::User, Vec::new())).expect("allowed");
    assert_eq!(scope.view(), View { addresses: &[], everything: &[] });
    assert!(!scope.sees("a@x.example", at(0)));
}

#[test]
fn an_address_opens_mail_within_its_span_only() {
    let addresses =
        vec![owned("a@x.example", Some(100), Some(200)), owned("b@x.example", None, Some(50))];
    let scope = authorize_read(&actor(AccountRole::User, addresses)).expect("allowed");
    for (key, moment, visible) in [
        ("a@x.example", 99, false),
        ("a@x.example", 100, true),
        ("a@x.example", 199, true),
        ("a@x.example", 200, false),
        ("b@x.example", -1_000_000, true),
        ("b@x.example", 50, false),
        ("c@x.example", 100, false),
    ] {
        assert_eq!(scope.sees(key, at(moment)), visible, "{key} at {moment}");
    }
}

#[test]
fn blind_copies_are_named_to_the_sender_and_to_the_recipient_only() {
    let scope_of = |key: &str| {
        authorize_read(&actor(AccountRole::User, vec![owned(key, None, None)])).expect("allowed")
    };
    let sees =
        |own: &str| scope_of(own).sees_blind_copy("bcc@x.example", ["from@x.example"], at(0));
    assert!(sees("bcc@x.example"));
    assert!(sees("from@x.example"));
    assert!(!sees("to@x.example"));
}

#[test]
fn an_account_whose_role_does_not_fit_its_tenant_may_do_nothing() {
    let mut operator = actor(AccountRole::Operator, Vec::new());
    operator.tenant = Some(TENANT);
    let mut auditor = actor(AccountRole::Auditor, Vec::new());
    auditor.tenant = None;
    for permission in Permission::ALL {
        assert_eq!(authorize(&operator, permission), Err(Denied));
        assert_eq!(authorize(&auditor, permission), Err(Denied));
    }
    assert_eq!(authorize_read(&auditor), Err(Denied));
}

#[test]
fn reports_of_foreign_organisations_go_to_quarantine() {
    let own = ["contoso.example".to_owned(), "Fabrikam.example".to_owned()];
    let foreign =
        Assigned::Quarantine(QuarantineReason::ForeignOrganisation("evil.example".into()));
    let none = Assigned::Quarantine(QuarantineReason::NoOrganisation);
    for (organisations, named, released, expected) in [
        (&own[..], Some("CONTOSO.example"), false, Assigned::Archive),
        (&own[..], Some(" fabrikam.example "), false, Assigned::Archive),
        (&own[..], Some("Evil.example"), false, foreign),
        (&own[..], Some("evil.example"), true, Assigned::Archive),
        (&own[..], Some(" "), false, none.clone()),
        (&own[..], None, false, none),
        (&[][..], Some("evil.example"), false, Assigned::Archive),
        (&[][..], None, false, Assigned::Archive),
    ] {
        let candidate = Candidate { originator_org: named, released, ..REPORT };
        assert_eq!(
            assign(&IntakeRules::default(), organisations, &candidate, &Selection::new()),
            expected,
            "{named:?}"
        );
    }
}

const REPORT: Candidate<'static> = Candidate {
    is_report: true,
    is_damaged: false,
    originator_org: None,
    participants: &[],
    released: false,
    is_import: false,
};

fn participants(addresses: &[&str]) -> Vec<Participant> {
    let to = |address: &&str| Participant {
        address: EmailAddress::new(address),
        role: Role::To,
        provenance: Provenance::JournalReport,
        expanded_from: None,
        forwarded_from: None,
    };
    addresses.iter().map(to).collect()
}

fn domains(names: &[(&str, bool)]) -> Domains {
    Domains::new(names.iter().map(|(name, sub)| (domain_name(name).expect("a domain"), *sub)))
}

#[test]
fn domains_are_compared_without_case_and_in_either_spelling() {
    for (text, expected) in [
        ("Example.COM.", Some("example.com")),
        (" b\u{fc}cher.example ", Some("xn--bcher-kva.example")),
        ("XN--BCHER-KVA.example", Some("xn--bcher-kva.example")),
        ("a_b.example", Some("a_b.example")),
        ("localhost", None),
        ("", None),
        ("a..b", None),
        ("a b.example", None),
        ("a@b.example", None),
        ("-a.example", None),
        ("192.0.2.1/24", None),
    ] {
        assert_eq!(domain_name(text).ok().as_deref(), expected, "{text}");
    }
    let own = domains(&[("b\u{fc}cher.example", false), ("wide.example", true)]);
    for (address, inside) in [
        ("a@B\u{dc}CHER.example", true),
        ("a@XN--BCHER-KVA.EXAMPLE", true),
        ("a@mail.xn--bcher-kva.example", false),
        ("a@wide.example", true),
        ("a@very.far.Wide.example", true),
        ("a@notwide.example", false),
        ("a@example", false),
        ("wide.example", false),
        ("a@", false),
    ] {
        assert_eq!(own.contains(&EmailAddress::new(address)), inside, "{address}");
    }
}

#[test]
fn mail_without_an_own_address_is_not_ours_unless_nobody_can_tell() {
    let rules = IntakeRules { domains: domains(&[("own.example", false)]), ..Default::default() };
    let foreign = participants(&["a@x.example", "b@sub.own.example"]);
    let ours = participants(&["a@x.example", "B@Own.Example"]);
    let not_ours = Assigned::Quarantine(QuarantineReason::NotOurs);
    let base = Candidate { participants: &foreign, ..REPORT };
    for (candidate, expected) in [
        (base, not_ours.clone()),
        (Candidate { is_report: false, ..base }, not_ours.clone()),
        (Candidate { participants: &[], ..base }, not_ours),
        (Candidate { participants: &ours, ..base }, Assigned::Archive),
        (Candidate { is_damaged: true, ..base }, Assigned::Archive),
        (Candidate { released: true, ..base }, Assigned::Archive),
    ] {
        assert_eq!(assign(&rules, &[], &candidate, &Selection::new()), expected, "{candidate:?}");
    }
    assert_eq!(assign(&IntakeRules::default(), &[], &base, &Selection::new()), Assigned::Archive);
}

#[test]
fn only_mail_of_deselected_accounts_alone_is_left_out() {
    let selection = Selection::from([
        ("in@own.example".to_owned(), true),
        ("out@own.example".to_owned(), false),
    ]);
    let with = |names: &[(&str, bool)], only_selected| IntakeRules {
        domains: domains(names),
        only_selected,
    };
    let own = [("own.example", false)];
    for (rules, addresses, expected) in [
        (with(&own, true), &["x@x.example", "out@own.example"][..], Assigned::NotSelected),
        (with(&own, true), &["OUT@own.example", "in@own.example"], Assigned::Archive),
        (with(&own, true), &["out@own.example", "unknown@own.example"], Assigned::Archive),
        (with(&own, false), &["out@own.example"], Assigned::Archive),
        (with(&[], true), &["out@own.example", "x@x.example"], Assigned::NotSelected),
        (with(&[], true), &["x@x.example"], Assigned::Archive),
    ] {
        let all = participants(addresses);
        let candidate = Candidate { participants: &all, ..REPORT };
        assert_eq!(assign(&rules, &[], &candidate, &selection), expected, "{addresses:?}");
        let import = Candidate { is_import: true, is_report: false, ..candidate };
        assert_eq!(assign(&rules, &[], &import, &selection), Assigned::Archive, "{addresses:?}");
    }
}

proptest! {
    #[test]
    fn a_scope_never_shows_what_no_own_address_covers(
        spans in prop::collection::vec((0..4u8, prop::option::of(-9..9i64), prop::option::of(-9..9i64)), 0..6),
        key in 0..5u8,
        moment in -12..12i64,
    ) {
        let spans: Vec<_> =
            spans.into_iter().map(|(key, from, until)| owned(&key.to_string(), from, until)).collect();
        let expected = spans.iter().any(|own| {
            own.key == key.to_string()
                && own.from.is_none_or(|from| from <= at(moment))
                && own.until.is_none_or(|until| until > at(moment))
        });
        let scope = authorize_read(&actor(AccountRole::User, spans)).expect("allowed");
        prop_assert_eq!(scope.sees(&key.to_string(), at(moment)), expected);
    }
}
