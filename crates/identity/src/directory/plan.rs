//! What a snapshot means for the accounts: a pure decision.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::{
    Account, AccountKind, CatalogError, Directory, DirectoryChanges, DirectoryEntry,
    DirectoryLookup, DirectoryRun, DirectoryState, KnownAccount, KnownDirectory, MappingEffect,
    Origin, RUN_PROBLEMS_MAX, RunCounts, RunOutcome, RunProblem, RunTrigger,
};
use model::{AccountId, Timestamp};
use policy::AccountRole;

use super::person::{Details, Person};
use super::snapshot::Snapshot;
use crate::random::Random;

/// Few people may vanish whatever share they are: one leaver of four is no breakdown.
const VANISH_FREE: usize = 2;

/// Ids that an audit event names for each kind of change.
pub(super) const AUDIT_IDS_MAX: usize = 1_000;

/// What a plan is made from, besides what the catalog knows.
pub(super) struct Input<'a> {
    pub(super) directory: &'a Directory,
    /// The directory's configuration with presets.
    pub(super) config: &'a catalog::DirectoryConfig,
    pub(super) config_digest: &'a str,
    pub(super) snapshot: &'a Snapshot,
    pub(super) begun_at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) trigger: RunTrigger,
    /// A person wants it although many vanish.
    pub(super) confirmed: bool,
    pub(super) random: &'a dyn Random,
}

impl Input<'_> {
    /// A new id.
    pub(super) fn draw(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// Decides what changes. When too many would vanish, nothing does.
pub(super) fn plan(
    input: &Input<'_>,
    known: &KnownDirectory,
    lookup: &dyn DirectoryLookup,
) -> Result<(DirectoryChanges, DirectoryRun), CatalogError> {
    let mut planner = Planner::new(input, known, lookup);
    planner.people()?;
    planner.vanished();
    super::plan_addresses::addresses(&mut planner)?;
    super::plan_groups::groups(&mut planner)?;
    Ok(planner.end())
}

pub(super) struct Planner<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) known: &'a KnownDirectory,
    pub(super) lookup: &'a dyn DirectoryLookup,
    pub(super) accounts: HashMap<&'a str, &'a KnownAccount>,
    pub(super) entries: HashMap<&'a str, &'a DirectoryEntry>,
    /// For each rule, who is in its group; `None`: the group was not found.
    rule_members: Vec<Option<&'a [u32]>>,
    pub(super) changes: DirectoryChanges,
    pub(super) counts: RunCounts,
    problems: Vec<RunProblem>,
    problems_total: u32,
    /// What each entry will be noted as, by key.
    pub(super) noted: BTreeMap<&'a str, DirectoryEntry>,
    /// The account of each person of the snapshot, in its order.
    pub(super) ids: Vec<Option<AccountId>>,
    /// User names that this plan gives, in lower case.
    names: HashSet<String>,
    vanishing: usize,
}

/// Whether an entry shall have an account, and which.
struct Wanted {
    role: AccountRole,
    archived: Option<bool>,
}

impl<'a> Planner<'a> {
    fn new(
        input: &'a Input<'a>,
        known: &'a KnownDirectory,
        lookup: &'a dyn DirectoryLookup,
    ) -> Self {
        let by_key = |one: &'a KnownAccount| Some((one.account.origin.as_ref()?.key.as_str(), one));
        let groups = &input.snapshot.groups;
        let rule_members = input.config.rules.iter().map(|rule| {
            let named = |group: &&super::groups::Group| {
                super::groups::names(&rule.group, &group.name, &group.dn)
            };
            groups.iter().find(named).map(|group| group.members.as_slice())
        });
        let snapshot = input.snapshot;
        let entries = snapshot.people.len() + snapshot.skipped.len();
        Self {
            input,
            known,
            lookup,
            accounts: known.accounts.iter().filter_map(by_key).collect(),
            entries: known.entries.iter().map(|entry| (entry.key.as_str(), entry)).collect(),
            rule_members: rule_members.collect(),
            changes: DirectoryChanges::default(),
            counts: RunCounts {
                entries: count(entries),
                read: snapshot.read,
                groups: count(groups.len()),
                ..RunCounts::default()
            },
            problems: Vec::new(),
            problems_total: 0,
            noted: BTreeMap::new(),
            ids: Vec::with_capacity(snapshot.people.len()),
            names: HashSet::new(),
            vanishing: 0,
        }
    }

    pub(super) fn problem(&mut self, entry: &str, code: &str, detail: &str) {
        self.problems_total += 1;
        if self.problems.len() < RUN_PROBLEMS_MAX {
            self.problems.push(RunProblem {
                entry: entry.to_owned(),
                code: code.to_owned(),
                detail: detail.to_owned(),
            });
        }
    }

    pub(super) fn conflict(&mut self, entry: &str, code: &str, detail: &str) {
        self.counts.conflicts += 1;
        self.problem(entry, code, detail);
    }

    /// Accounts for everybody who shall have one.
    fn people(&mut self) -> Result<(), CatalogError> {
        for rule in 0..self.rule_members.len() {
            if self.rule_members[rule].is_none() {
                let group = self.input.config.rules[rule].group.clone();
                self.problem(&group, "group-unknown", "a rule names a group that is not found");
            }
        }
        for (person, at) in self.input.snapshot.people.iter().zip(0..) {
            let id = self.person(person, at)?;
            self.ids.push(id);
        }
        for skipped in &self.input.snapshot.skipped {
            self.counts.skipped += 1;
            self.problem(&skipped.name, skipped.code, "");
            let Some(key) = skipped.key.as_deref() else { continue };
            let before = self.entries.get(key).copied();
            let entry = DirectoryEntry {
                key: key.to_owned(),
                account: before.and_then(|entry| entry.account),
                dn: skipped.dn.clone(),
                addresses: before.map(|entry| entry.addresses.clone()).unwrap_or_default(),
                disabled: before.is_some_and(|entry| entry.disabled),
                stamp: skipped.stamp.clone(),
            };
            self.noted.insert(key, entry);
        }
        Ok(())
    }

    fn person(&mut self, person: &'a Person, at: u32) -> Result<Option<AccountId>, CatalogError> {
        let key = person.key.as_str();
        let before = self.entries.get(key).copied();
        let account = self.accounts.get(key).copied();
        let shared = match (&person.details, account) {
            (Some(details), _) => details.shared,
            (None, Some(known)) => known.account.kind == AccountKind::Shared,
            (None, None) => false,
        };
        let wanted = self.wanted(at, shared);
        match (account, wanted, &person.details) {
            (Some(known), Some(wanted), details) => {
                let disabled = match (details, before) {
                    (Some(details), _) => details.disabled && !details.shared,
                    (None, before) => before.is_some_and(|entry| entry.disabled),
                };
                self.change(known, before, &wanted, details.as_ref(), disabled);
                self.note(person, before, Some(known.account.id), disabled);
                Ok(Some(known.account.id))
            }
            (Some(known), None, _) => {
                self.problem(&person.login, "no-role", "no rule gives a role any more");
                self.vanish(known, before);
                Ok(Some(known.account.id))
            }
            (None, None, _) => {
                self.counts.skipped += 1;
                self.problem(&person.login, "no-role", "");
                Ok(None)
            }
            (None, Some(wanted), Some(details)) => {
                let id = self.newcomer(person, details, &wanted)?;
                if let Some(id) = id {
                    self.note(person, before, Some(id), details.disabled && !details.shared);
                }
                Ok(id)
            }
            // Left out by an earlier run, and unchanged.
            (None, Some(_), None) => {
                self.counts.skipped += 1;
                if let Some(before) = before {
                    self.noted.insert(key, before.clone());
                }
                Ok(None)
            }
        }
    }

    /// What the rules say about the person in this place; `None`: no account.
    fn wanted(&self, at: u32, shared: bool) -> Option<Wanted> {
        let belongs = |rule: usize| {
            self.rule_members[rule].is_some_and(|members| members.binary_search(&at).is_ok())
        };
        let rules = || self.input.config.rules.iter().enumerate();
        let role = rules().find_map(|(rule, what)| match what.effect {
            MappingEffect::Role { role } => belongs(rule).then_some(role),
            _ => None,
        });
        let archived = rules().find_map(|(rule, what)| match what.effect {
            MappingEffect::Archived { archived } => belongs(rule).then_some(archived),
            _ => None,
        });
        let role =
            if shared { Some(AccountRole::User) } else { role.or(self.input.config.default_role) };
        Some(Wanted { role: role?, archived })
    }

    /// Brings an account to what the directory says. Roles and marks that no rule decides are what
    /// people made of them.
    fn change(
        &mut self,
        known: &KnownAccount,
        before: Option<&DirectoryEntry>,
        wanted: &Wanted,
        details: Option<&Details>,
        disabled: bool,
    ) {
        let has_role_rules = self
            .input
            .config
            .rules
            .iter()
            .any(|rule| matches!(rule.effect, MappingEffect::Role { .. }));
        let mut account = known.account.clone();
        if let Some(details) = details {
            account.first_name.clone_from(&details.first_name);
            account.last_name.clone_from(&details.last_name);
            account.display_name.clone_from(&details.display_name);
            account.kind = if details.shared { AccountKind::Shared } else { AccountKind::Person };
        }
        if has_role_rules || account.kind == AccountKind::Shared {
            account.role = wanted.role;
        }
        account.archived = wanted.archived.unwrap_or(account.archived);
        if account != known.account {
            self.counts.changed += 1;
        }
        // Whom a person disabled here stays disabled.
        let was = before.is_some_and(|entry| entry.disabled);
        if disabled && !account.disabled {
            account.disabled = true;
            self.counts.disabled += 1;
        } else if !disabled && was && account.disabled {
            account.disabled = false;
            self.counts.enabled += 1;
        }
        if account != known.account {
            self.changes.updated.push(account);
        }
    }

    /// A new account, or a local one that is adopted; `None`: its name is somebody else's.
    fn newcomer(
        &mut self,
        person: &Person,
        details: &Details,
        wanted: &Wanted,
    ) -> Result<Option<AccountId>, CatalogError> {
        let origin = Origin { directory: self.input.directory.id, key: person.key.clone() };
        let tenant = self.input.directory.tenant;
        let fill = |account: Account| Account {
            first_name: details.first_name.clone(),
            last_name: details.last_name.clone(),
            display_name: details.display_name.clone(),
            origin: Some(origin.clone()),
            archived: wanted.archived.unwrap_or(account.archived),
            disabled: account.disabled || (details.disabled && !details.shared),
            must_change_password: false,
            ..account
        };
        if !self.names.insert(details.user_name.to_lowercase()) {
            self.conflict(&details.user_name, "user-name-twice", "two entries have this user name");
            return Ok(None);
        }
        let kind = if details.shared { AccountKind::Shared } else { AccountKind::Person };
        let taken = self.lookup.account_named(&details.user_name)?;
        let Some(taken) = taken else {
            let id = AccountId::from_bytes(self.input.draw());
            let role = wanted.role;
            let new = Account::new(id, Some(tenant), &details.user_name, role, self.input.now);
            self.changes.added.push(fill(Account { kind, ..new }));
            self.counts.created += 1;
            return Ok(Some(id));
        };
        let here = taken.tenant == Some(tenant);
        let local = here && taken.origin.is_none() && taken.kind == kind;
        if local && self.input.config.adopt_local {
            let id = taken.id;
            self.changes.adopted.push(id);
            self.changes.updated.push(fill(taken));
            self.counts.adopted += 1;
            return Ok(Some(id));
        }
        let (code, detail) = match (local, here) {
            (true, _) => {
                ("user-name-local", "a local account has this user name; it can be adopted")
            }
            (false, true) => ("user-name-taken", "another account has this user name"),
            // Who else has it is another tenant's affair.
            (false, false) => ("user-name-taken", "this user name is taken; use a prefix"),
        };
        self.conflict(&details.user_name, code, detail);
        Ok(None)
    }

    fn note(
        &mut self,
        person: &'a Person,
        before: Option<&DirectoryEntry>,
        account: Option<AccountId>,
        disabled: bool,
    ) {
        let entry = DirectoryEntry {
            key: person.key.clone(),
            account,
            dn: person.dn.clone(),
            addresses: before.map(|entry| entry.addresses.clone()).unwrap_or_default(),
            disabled,
            stamp: person.stamp.clone(),
        };
        self.noted.insert(&person.key, entry);
    }

    /// Accounts whose entries are not there any more.
    fn vanished(&mut self) {
        let people = self.input.snapshot.people.iter().map(|person| person.key.as_str());
        let skipped = self.input.snapshot.skipped.iter().filter_map(|one| one.key.as_deref());
        let present: HashSet<&str> = people.chain(skipped).collect();
        let known = self.known;
        for one in &known.accounts {
            let key = one.account.origin.as_ref().map_or("", |origin| origin.key.as_str());
            if !present.contains(key) {
                let before = self.entries.get(key).copied();
                self.vanish(one, before);
            }
        }
        let gone = known
            .entries
            .iter()
            .filter(|entry| entry.account.is_none() && !present.contains(entry.key.as_str()));
        self.changes.forgotten = gone.map(|entry| entry.key.clone()).collect();
    }

    fn vanish(&mut self, known: &'a KnownAccount, before: Option<&DirectoryEntry>) {
        let Some(origin) = &known.account.origin else { return };
        let mine = !known.account.disabled;
        if mine {
            self.counts.disabled += 1;
            self.vanishing += 1;
            self.changes.updated.push(Account { disabled: true, ..known.account.clone() });
        }
        let entry = DirectoryEntry {
            key: origin.key.clone(),
            account: Some(known.account.id),
            dn: before.map(|entry| entry.dn.clone()).unwrap_or_default(),
            addresses: before.map(|entry| entry.addresses.clone()).unwrap_or_default(),
            disabled: mine || before.is_some_and(|entry| entry.disabled),
            // Should it come back, its details are read again.
            stamp: String::new(),
        };
        self.noted.insert(&origin.key, entry);
    }

    fn end(mut self) -> (DirectoryChanges, DirectoryRun) {
        let input = self.input;
        let enabled = self.known.accounts.iter().filter(|one| !one.account.disabled).count();
        let share = usize::from(input.config.vanish_percent_max);
        let many = self.vanishing * 100 > enabled * share
            && (self.vanishing > VANISH_FREE || self.vanishing == enabled);
        let held = many && !input.confirmed;
        let detail = match held {
            true => format!("{} of {enabled} accounts would be disabled", self.vanishing),
            false => String::new(),
        };
        let run = DirectoryRun {
            row: 0,
            directory: input.directory.id,
            begun_at: input.begun_at,
            ended_at: input.now,
            trigger: input.trigger,
            full: input.snapshot.full,
            outcome: if held { RunOutcome::HeldBack } else { RunOutcome::Applied },
            counts: self.counts,
            problems: self.problems,
            problems_total: self.problems_total,
            detail,
        };
        let old = &self.entries;
        let differs = |entry: &DirectoryEntry| old.get(entry.key.as_str()) != Some(&entry);
        self.changes.entries = self.noted.into_values().filter(differs).collect();
        let before = &input.directory.state;
        self.changes.state = Some(DirectoryState {
            config_digest: input.config_digest.to_owned(),
            full_at: if input.snapshot.full { Some(input.now) } else { before.full_at },
            full_needed: self.counts.conflicts > 0,
        });
        (self.changes, run)
    }
}

pub(super) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
