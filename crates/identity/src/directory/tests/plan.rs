//! Corners that a real directory shows seldom.

use std::collections::HashMap;

use catalog::{
    Account, AccountKind, CatalogError, Directory, DirectoryConfig, DirectoryEntry, DirectoryKind,
    DirectoryLookup, KnownAccount, KnownDirectory, Origin, RunOutcome, RunTrigger,
};
use model::{AccountId, DirectoryId, EmailAddress, TenantId, Timestamp};
use policy::AccountRole;

use crate::SystemRandom;
use crate::directory::person::{Details, Person};
use crate::directory::plan::{Input, plan};
use crate::directory::preset::preset;
use crate::directory::snapshot::Snapshot;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const DIRECTORY: DirectoryId = DirectoryId::from_bytes([2; 16]);

#[derive(Default)]
struct Others {
    names: HashMap<String, Account>,
    owners: HashMap<String, AccountId>,
}

impl DirectoryLookup for Others {
    fn account_named(&self, user_name: &str) -> Result<Option<Account>, CatalogError> {
        Ok(self.names.get(&user_name.to_lowercase()).cloned())
    }

    fn address_owner(&self, key: &str) -> Result<Option<AccountId>, CatalogError> {
        Ok(self.owners.get(key).copied())
    }
}

fn person(key: &str, addresses: &[&str]) -> Person {
    Person {
        key: key.into(),
        dn: format!("uid={key},dc=x"),
        login: key.into(),
        stamp: "1".into(),
        details: Some(Details {
            user_name: key.into(),
            addresses: addresses.iter().map(|text| EmailAddress::new(text)).collect(),
            ..Details::default()
        }),
        ..Person::default()
    }
}

fn known(number: u8, key: &str, addresses: &[&str]) -> (KnownAccount, DirectoryEntry) {
    let id = AccountId::from_bytes([number; 16]);
    let account = Account {
        origin: Some(Origin { directory: DIRECTORY, key: key.into() }),
        ..Account::new(id, Some(TENANT), key, AccountRole::User, NOW)
    };
    let addresses: Vec<String> = addresses.iter().map(|&text| text.to_owned()).collect();
    let entry = DirectoryEntry {
        key: key.into(),
        account: Some(id),
        dn: format!("uid={key},dc=x"),
        addresses: addresses.clone(),
        disabled: false,
        stamp: "1".into(),
    };
    (KnownAccount { account, addresses }, entry)
}

struct Case {
    config: DirectoryConfig,
    people: Vec<Person>,
    known: Vec<(KnownAccount, DirectoryEntry)>,
    others: Others,
}

impl Case {
    fn new(people: Vec<Person>, known: Vec<(KnownAccount, DirectoryEntry)>) -> Self {
        let mut others = Others::default();
        for (one, _) in &known {
            let owned = one.addresses.iter().map(|key| (key.clone(), one.account.id));
            others.owners.extend(owned);
            others.names.insert(one.account.user_name.clone(), one.account.clone());
        }
        Self { config: preset(DirectoryKind::OpenLdap), people, known, others }
    }

    fn plan(&self) -> (catalog::DirectoryChanges, catalog::DirectoryRun) {
        let directory = Directory {
            id: DIRECTORY,
            tenant: TENANT,
            name: "x".into(),
            config: self.config.clone(),
            password: None,
            state: Default::default(),
            created_at: NOW,
        };
        let snapshot = Snapshot { people: self.people.clone(), full: true, ..Snapshot::default() };
        let (accounts, entries) = self.known.iter().cloned().unzip();
        let known = KnownDirectory { accounts, entries, ..KnownDirectory::default() };
        let input = Input {
            directory: &directory,
            config: &self.config,
            config_digest: "",
            snapshot: &snapshot,
            begun_at: NOW,
            now: NOW,
            trigger: RunTrigger::Person,
            confirmed: false,
            random: &SystemRandom,
        };
        plan(&input, &known, &self.others).expect("planned")
    }
}

fn moves(list: &[(AccountId, EmailAddress)]) -> Vec<(u8, &str)> {
    list.iter().map(|(id, address)| (id.as_bytes()[0], address.as_str())).collect()
}

#[test]
fn two_people_swap_their_addresses() {
    let case = Case::new(
        vec![person("a", &["two@x.test"]), person("b", &["one@x.test"])],
        vec![known(1, "a", &["one@x.test"]), known(2, "b", &["two@x.test"])],
    );
    let (changes, run) = case.plan();
    assert_eq!(moves(&changes.ended), [(1, "one@x.test"), (2, "two@x.test")]);
    assert_eq!(moves(&changes.given), [(1, "two@x.test"), (2, "one@x.test")]);
    assert_eq!(run.counts.conflicts, 0);
}

#[test]
fn an_address_that_a_person_gave_by_hand_is_left_alone() {
    let mut case = Case::new(vec![person("a", &["a@x.test"])], vec![known(1, "a", &["a@x.test"])]);
    case.known[0].0.addresses.push("by-hand@x.test".into());
    let (changes, _) = case.plan();
    assert!(changes.ended.is_empty() && changes.given.is_empty() && changes.entries.is_empty());
}

#[test]
fn two_entries_with_one_address_or_one_name_are_conflicts() {
    let mut second = person("b", &["a@x.test"]);
    let (changes, run) =
        Case::new(vec![person("a", &["a@x.test"]), second.clone()], Vec::new()).plan();
    assert_eq!((changes.added.len(), changes.given.len(), run.counts.conflicts), (2, 1, 1));
    second.details.as_mut().expect("read").user_name = "A".into();
    let (changes, run) = Case::new(vec![person("a", &["a@x.test"]), second], Vec::new()).plan();
    assert_eq!((changes.added.len(), run.problems[0].code.as_str()), (1, "user-name-twice"));
    assert!(changes.state.expect("a state").full_needed);
}

#[test]
fn another_tenants_user_name_is_taken_without_saying_whose() {
    let mut case = Case::new(vec![person("a", &["a@x.test"])], Vec::new());
    case.config.adopt_local = true;
    let stranger = TenantId::from_bytes([9; 16]);
    let id = AccountId::from_bytes([9; 16]);
    let other = Account::new(id, Some(stranger), "a", AccountRole::User, NOW);
    case.others.names.insert("a".into(), other);
    let (changes, run) = case.plan();
    assert!(changes.added.is_empty() && changes.adopted.is_empty());
    assert_eq!(run.problems[0].code, "user-name-taken");
}

#[test]
fn an_administrators_promotion_stays_where_no_rule_gives_roles() {
    let mut case = Case::new(vec![person("a", &["a@x.test"])], vec![known(1, "a", &["a@x.test"])]);
    case.known[0].0.account.role = AccountRole::Auditor;
    assert!(case.plan().0.updated.is_empty());
}

#[test]
fn few_may_vanish_but_not_all() {
    let people = |count: u8| (0..count).map(|at| person(&format!("p{at}"), &[])).collect();
    let all: Vec<_> = (0..10).map(|at| known(at, &format!("p{at}"), &[])).collect();
    for (left, outcome) in [
        (10, RunOutcome::Applied),
        (8, RunOutcome::Applied),
        (7, RunOutcome::HeldBack),
        (0, RunOutcome::HeldBack),
    ] {
        let (_, run) = Case::new(people(left), all.clone()).plan();
        assert_eq!(run.outcome, outcome, "{left} of 10 are left");
    }
    let (_, run) = Case::new(Vec::new(), all[..1].to_vec()).plan();
    assert_eq!(run.outcome, RunOutcome::HeldBack, "the only one");
}

#[test]
fn a_person_becomes_a_shared_mailbox_and_is_not_disabled() {
    let mut shared = person("a", &["a@x.test"]);
    let details = shared.details.as_mut().expect("read");
    (details.shared, details.disabled) = (true, true);
    let mut case = Case::new(vec![shared], vec![known(1, "a", &["a@x.test"])]);
    case.known[0].0.account.role = AccountRole::Auditor;
    let (changes, _) = case.plan();
    let account = &changes.updated[0];
    assert_eq!(
        (account.kind, account.disabled, account.role),
        (AccountKind::Shared, false, AccountRole::User)
    );
}
