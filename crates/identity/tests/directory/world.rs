//! An empty archive with one tenant, and a directory to be connected.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog::{
    Account, Catalog, Directory, DirectoryConfig, DirectoryKind, DirectoryRun, DirectorySecurity,
    RunOutcome, RunTrigger, SecretBox, Tenant,
};
use identity::directory::{By, DirectoryDesk, preset};
use identity::{Identity, SystemRandom};
use model::{Clock, TenantId, Timestamp};
use testkit::directory::{Crowd, SAMBA, SLAPD, Slapd, open_ldap};

pub const TENANT: TenantId = TenantId::from_bytes([1; 16]);

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A clock that a test moves.
#[derive(Default)]
pub struct Watch(AtomicI64);

impl Watch {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + self.0.load(Ordering::SeqCst))
    }
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub catalog: Arc<dyn Catalog>,
    pub desk: Arc<DirectoryDesk>,
    pub clock: Arc<Watch>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("catalog.db").display());
        let catalog = catalog::open(&url).expect("opens");
        let clock = Arc::new(Watch::default());
        catalog.add_tenant(&Tenant::new(TENANT, "Corp", clock.now())).expect("added");
        let desk = desk(&catalog, &clock);
        Self { folder, catalog, desk, clock }
    }

    /// One that remembers nothing.
    pub fn another_desk(&self) -> Arc<DirectoryDesk> {
        desk(&self.catalog, &self.clock)
    }

    pub fn connect(&self, config: DirectoryConfig, password: &str) -> Directory {
        let id = self.desk.new_id();
        let directory = Directory {
            id,
            tenant: TENANT,
            name: format!("Directory {id}"),
            config,
            password: Some(self.desk.seal(id, password).expect("sealed")),
            state: Default::default(),
            created_at: self.clock.now(),
        };
        self.catalog.add_directory(&directory).expect("added");
        directory
    }

    /// Another configuration for a directory.
    pub fn reconfigure(
        &self,
        directory: &Directory,
        change: impl FnOnce(&mut DirectoryConfig),
    ) -> Directory {
        let mut changed = self.reread(directory);
        change(&mut changed.config);
        self.catalog.update_directory(&changed).expect("changed");
        changed
    }

    pub fn reread(&self, directory: &Directory) -> Directory {
        self.catalog.directory(TENANT, directory.id).expect("read").expect("there")
    }

    /// A complete run, a moment later, as a person starts it.
    pub fn sync(&self, directory: &Directory, confirmed: bool) -> DirectoryRun {
        self.run(directory, RunTrigger::Person, confirmed)
    }

    /// A run of the schedule: changed entries only, if that is possible.
    pub fn scheduled(&self, directory: &Directory) -> DirectoryRun {
        self.run(directory, RunTrigger::Schedule, false)
    }

    fn run(&self, directory: &Directory, trigger: RunTrigger, confirmed: bool) -> DirectoryRun {
        self.clock.forward(1);
        let full = trigger == RunTrigger::Person;
        let by = By { account: None, who: "admin".into(), ip: None, trigger, full };
        self.desk.sync(&self.reread(directory), &by, confirmed).expect("kept")
    }

    pub fn applied(&self, directory: &Directory) -> DirectoryRun {
        let run = self.sync(directory, false);
        assert_eq!(run.outcome, RunOutcome::Applied, "{run:?}");
        run
    }

    pub fn account(&self, user_name: &str) -> Account {
        let found = self.catalog.account_named(user_name).expect("read");
        found.unwrap_or_else(|| panic!("{user_name} has no account"))
    }

    /// The addresses that the account owns now.
    pub fn owned(&self, user_name: &str) -> Vec<String> {
        let spans = self.catalog.addresses(self.account(user_name).id).expect("read");
        spans.into_iter().filter(|span| span.until.is_none()).map(|span| span.key).collect()
    }

    /// The user names of a group's members.
    pub fn members(&self, group: &str) -> Vec<String> {
        let groups = self.catalog.groups(TENANT).expect("read");
        let found = groups.into_iter().find(|row| row.group.name == group);
        let found = found.unwrap_or_else(|| panic!("there is no group {group}"));
        let members = self.catalog.group_members(found.group.id).expect("read");
        members.into_iter().map(|account| account.user_name).collect()
    }

    pub fn identity(&self) -> Identity {
        let identity = Identity::new(Arc::clone(&self.catalog), Arc::new(SystemRandom));
        identity.expect("hashes").with_directory(Arc::clone(&self.desk) as _)
    }

    /// Everything that a run could change, to compare.
    pub fn picture(&self) -> String {
        let accounts = self.catalog.accounts(Some(TENANT)).expect("read");
        let accounts: Vec<_> = accounts
            .into_iter()
            .map(|account| (self.catalog.addresses(account.id).expect("read"), account))
            .collect();
        format!("{accounts:?} {:?}", self.catalog.groups(TENANT).expect("read"))
    }
}

fn desk(catalog: &Arc<dyn Catalog>, clock: &Arc<Watch>) -> Arc<DirectoryDesk> {
    let secrets = Arc::new(SecretBox::new(&[9; 32]).expect("a key"));
    let random = Arc::new(SystemRandom);
    let watch = Arc::clone(clock) as Arc<dyn Clock>;
    let desk = DirectoryDesk::new(Arc::clone(catalog), secrets, random, watch);
    Arc::new(desk.with_patience(PATIENCE))
}

/// The codes of a run's problems with their entries.
pub fn problems(run: &DirectoryRun) -> Vec<(&str, &str)> {
    run.problems.iter().map(|it| (it.code.as_str(), it.entry.as_str())).collect()
}

pub fn has_tool(path: &str, package: &str) -> bool {
    if Path::new(path).exists() {
        return true;
    }
    let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{path} is missing: install the Debian package {package}");
    eprintln!("left out: {path} is missing (Debian package {package})");
    false
}

/// `None`: left out, because OpenLDAP is not installed.
pub fn slapd(folder: &Path, people: u32) -> Option<Slapd> {
    if !has_tool(SLAPD, "slapd") {
        return None;
    }
    let ldif = open_ldap(Crowd { people, department: 100 });
    Some(Slapd::start(folder, &ldif).expect("slapd starts"))
}

pub fn has_samba() -> bool {
    has_tool(SAMBA, "samba-ad-dc") && has_tool("/usr/bin/ldbadd", "ldb-tools")
}

/// The usual configuration for it, over LDAPS with its own authority.
pub fn config(slapd: &Slapd) -> DirectoryConfig {
    DirectoryConfig {
        hosts: vec![format!("127.0.0.1:{}", slapd.tls_port)],
        security: DirectorySecurity::Ldaps,
        ca_pem: Some(slapd.authority.clone()),
        bind_dn: Slapd::ADMIN.to_owned(),
        people_bases: vec![Slapd::BASE.to_owned()],
        timeout_seconds: 240,
        ..preset(DirectoryKind::OpenLdap)
    }
}
