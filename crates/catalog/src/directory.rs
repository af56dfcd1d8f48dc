use model::{AccountId, DirectoryId, EmailAddress, GrantId, GroupId, TenantId, Timestamp};
use policy::AccountRole;
use serde::{Deserialize, Serialize};

use crate::{Account, AuditEvent, CatalogError, GrantRow, Group};

/// Problems that a run keeps; further ones are only counted.
pub const RUN_PROBLEMS_MAX: usize = 500;

/// Runs that are kept per directory; older ones are removed.
pub const RUNS_KEPT: u32 = 200;

/// Directories of one tenant.
pub const DIRECTORIES_MAX: usize = 20;

/// What kind of server a directory is; chooses the presets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryKind {
    #[default]
    ActiveDirectory,
    Generic,
    OpenLdap,
}

/// How the way to a directory is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectorySecurity {
    /// In clear text: only to the loopback address, unless explicitly allowed.
    Clear,
    #[default]
    Ldaps,
    StartTls,
}

/// How the members of nested groups are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupNesting {
    /// The server resolves them (`1.2.840.113556.1.4.1941`, Active Directory only).
    InChain,
    /// The groups are read, and the groups inside them, each once.
    #[default]
    Walk,
}

/// Which entries are shared mailboxes instead of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedRule {
    /// A disabled entry that has a mail address.
    DisabledWithMail,
    /// What Exchange says: `msExchRecipientTypeDetails` is shared (4), room (16), equipment (32),
    /// or their remote twins.
    #[default]
    ExchangeType,
    /// None.
    Never,
}

/// Which attributes say what. Of several names the first one with a value counts; of `addresses`
/// all do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AttributeMap {
    /// The key of an entry, which survives renaming: `objectGUID`, `entryUUID`.
    pub key: String,
    pub user_name: Vec<String>,
    pub first_name: Vec<String>,
    pub last_name: Vec<String>,
    pub display_name: Vec<String>,
    /// The primary address.
    pub mail: Vec<String>,
    /// Further addresses: `proxyAddresses` with `SMTP:` and `smtp:`, or bare ones.
    pub addresses: Vec<String>,
    /// Members of a group.
    pub member: Vec<String>,
    /// The name of a group.
    pub group_name: Vec<String>,
}

/// What belonging to a group brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum MappingEffect {
    /// Whether the mail of its members is archived; the first such rule that matches counts.
    Archived { archived: bool },
    /// Its members see the shared mailbox with this user name; all such rules count.
    Mailbox { mailbox: String },
    /// Its members have this role; the first such rule that matches counts.
    Role { role: AccountRole },
}

/// One of the ordered rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingRule {
    /// The group's name or its distinguished name.
    pub group: String,
    #[serde(flatten)]
    pub effect: MappingEffect,
}

/// How a directory is reached, read and mapped. Kept as JSON; what is missing has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DirectoryConfig {
    pub kind: DirectoryKind,
    /// Names or addresses, with a port if it is not the usual one; tried in this order.
    pub hosts: Vec<String>,
    pub security: DirectorySecurity,
    /// Clear text is wanted beyond the loopback address: passwords cross the network readable.
    pub allow_clear: bool,
    /// PEM certificates of the authorities to trust instead of the system's.
    pub ca_pem: Option<String>,
    /// SHA-256 of the server's certificate in hexadecimal digits; then nothing else is checked.
    pub pinned_sha256: Option<String>,
    /// A distinguished name or `user@domain`; empty binds as nobody.
    pub bind_dn: String,
    pub people_bases: Vec<String>,
    pub people_filter: String,
    /// Empty: the bases of the people.
    pub group_bases: Vec<String>,
    /// Which entries are groups.
    pub group_filter: String,
    /// Every group becomes a group here, not only those that a rule names.
    pub all_groups: bool,
    pub group_nesting: GroupNesting,
    pub attributes: AttributeMap,
    pub shared: SharedRule,
    pub rules: Vec<MappingRule>,
    /// The role of people whom no rule gives one; `None`: they get no account.
    pub default_role: Option<AccountRole>,
    /// Written before the user name of every account, such as `contoso-`.
    pub user_name_prefix: String,
    /// A local account with the same user name becomes the directory's; otherwise it is a conflict.
    pub adopt_local: bool,
    /// People sign in with the directory's password.
    pub sign_in: bool,
    /// More accounts than this share vanish at once: nothing is applied until a person confirms.
    pub vanish_percent_max: u8,
    /// More entries than this are refused.
    pub entries_max: u32,
    pub page_size: u32,
    /// For one step such as connecting, and for each answer.
    pub timeout_seconds: u32,
    /// How often it is read; `None`: only when a person says so.
    pub every_minutes: Option<u32>,
    /// Between two complete comparisons; the runs between them ask for changed entries only.
    pub full_every_hours: u32,
    /// Whether the schedule runs and people can sign in.
    pub enabled: bool,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self {
            kind: DirectoryKind::default(),
            hosts: Vec::new(),
            security: DirectorySecurity::default(),
            allow_clear: false,
            ca_pem: None,
            pinned_sha256: None,
            bind_dn: String::new(),
            people_bases: Vec::new(),
            people_filter: String::new(),
            group_bases: Vec::new(),
            group_filter: String::new(),
            all_groups: false,
            group_nesting: GroupNesting::default(),
            attributes: AttributeMap::default(),
            shared: SharedRule::default(),
            rules: Vec::new(),
            default_role: Some(AccountRole::User),
            user_name_prefix: String::new(),
            adopt_local: false,
            sign_in: true,
            vanish_percent_max: 20,
            entries_max: 100_000,
            page_size: 500,
            timeout_seconds: 15,
            every_minutes: Some(60),
            full_every_hours: 24,
            enabled: true,
        }
    }
}

/// What the last applied run leaves for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DirectoryState {
    /// The configuration under which it was read; another one asks for a complete comparison.
    pub config_digest: String,
    pub full_at: Option<Timestamp>,
    /// Something was left open (a conflict): the next run compares completely.
    pub full_needed: bool,
}

/// A directory of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub id: DirectoryId,
    pub tenant: TenantId,
    pub name: String,
    pub config: DirectoryConfig,
    /// Sealed by [`SecretBox`](crate::SecretBox) for [`password_place`](Self::password_place).
    pub password: Option<String>,
    pub state: DirectoryState,
    pub created_at: Timestamp,
}

impl Directory {
    /// Where the bind password is sealed for.
    pub fn password_place(id: DirectoryId) -> String {
        format!("directory {id} password")
    }
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunTrigger {
    Person,
    Schedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Applied,
    /// The last good state stays.
    Failed,
    /// Too many would vanish; waits for a person.
    HeldBack,
}

/// What a run found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RunCounts {
    /// Entries that the directory answered.
    pub entries: u32,
    /// Of these, read with all attributes.
    pub read: u32,
    pub groups: u32,
    pub created: u32,
    pub adopted: u32,
    pub changed: u32,
    pub enabled: u32,
    pub disabled: u32,
    pub addresses_given: u32,
    pub addresses_ended: u32,
    /// Without mail address, or without a role.
    pub skipped: u32,
    pub conflicts: u32,
}

/// One entry that could not be taken over as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunProblem {
    /// The entry's user name, or its distinguished name.
    pub entry: String,
    /// Stable, such as `address-owned`.
    pub code: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRun {
    /// Grows with time; given by the catalog.
    pub row: u64,
    pub directory: DirectoryId,
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    pub trigger: RunTrigger,
    /// Whether everything was compared, or changed entries only.
    pub full: bool,
    pub outcome: RunOutcome,
    pub counts: RunCounts,
    /// The first [`RUN_PROBLEMS_MAX`].
    pub problems: Vec<RunProblem>,
    pub problems_total: u32,
    /// Why it failed or was held back; empty otherwise.
    pub detail: String,
}

/// What the last run knew of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// `objectGUID`, `entryUUID`: survives renaming.
    pub key: String,
    /// `None`: it was not taken over.
    pub account: Option<AccountId>,
    /// Where the entry stood; what its account binds as.
    pub dn: String,
    /// The keys of the addresses that the directory named. What people gave by hand is not here.
    pub addresses: Vec<String>,
    /// The directory has disabled it, or it has vanished: what the directory may enable again.
    pub disabled: bool,
    /// What changes whenever the entry does: `uSNChanged`, `entryCSN`. Empty: unknown.
    pub stamp: String,
}

/// An account of a directory, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    pub account: Account,
    /// The keys of the addresses that it owns now.
    pub addresses: Vec<String>,
}

/// A group of a directory, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    pub group: Group,
    /// Ascending.
    pub members: Vec<AccountId>,
}

/// What the catalog knows of a directory's entries, in one consistent state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownDirectory {
    pub accounts: Vec<KnownAccount>,
    pub entries: Vec<DirectoryEntry>,
    pub groups: Vec<KnownGroup>,
    /// Grants to its groups that hold.
    pub grants: Vec<GrantRow>,
}

/// Questions that a plan asks while it is made, answered from the same state.
pub trait DirectoryLookup {
    /// By user name in the whole catalog, without regard to case.
    fn account_named(&self, user_name: &str) -> Result<Option<Account>, CatalogError>;

    /// Who of the tenant owns this address now.
    fn address_owner(&self, key: &str) -> Result<Option<AccountId>, CatalogError>;
}

/// What a run changes; written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct DirectoryChanges {
    pub added: Vec<Account>,
    /// As they become; disabling ends their sessions.
    pub updated: Vec<Account>,
    /// Local accounts that become the directory's: their passwords are forgotten.
    pub adopted: Vec<AccountId>,
    /// Before `given`: an address may move.
    pub ended: Vec<(AccountId, EmailAddress)>,
    pub given: Vec<(AccountId, EmailAddress)>,
    /// New or changed.
    pub entries: Vec<DirectoryEntry>,
    /// Keys of entries that are gone and never were an account.
    pub forgotten: Vec<String>,
    pub groups_added: Vec<Group>,
    pub groups_renamed: Vec<(GroupId, String)>,
    /// Grants to them are revoked.
    pub groups_removed: Vec<GroupId>,
    pub members: Vec<(GroupId, Vec<AccountId>)>,
    pub granted: Vec<GrantRow>,
    pub revoked: Vec<GrantId>,
    /// `None`: as it was.
    pub state: Option<DirectoryState>,
    pub audit: Vec<AuditEvent>,
    /// More of the same run follows: it is not noted yet.
    pub partial: bool,
}

/// Makes a plan: the changes and the run that made them.
pub type Planner<'a> = dyn FnMut(
        &KnownDirectory,
        &dyn DirectoryLookup,
    ) -> Result<(DirectoryChanges, DirectoryRun), CatalogError>
    + 'a;

/// Directories, what came from them, and their runs.
pub trait Directories: Send + Sync {
    /// [`Conflict::DirectoryName`](crate::Conflict::DirectoryName) and
    /// [`Conflict::Id`](crate::Conflict::Id) are refused, and more than [`DIRECTORIES_MAX`].
    fn add_directory(&self, directory: &Directory) -> Result<(), CatalogError>;

    /// Replaces name, configuration and password; the state stays.
    fn update_directory(&self, directory: &Directory) -> Result<(), CatalogError>;

    /// Removes it with its runs. Its accounts stay, local and without a password; its groups stay,
    /// renamed where a local one has the name. Whether there was one.
    fn remove_directory(
        &self,
        tenant: TenantId,
        id: DirectoryId,
        audit: &[AuditEvent],
    ) -> Result<bool, CatalogError>;

    fn directory(
        &self,
        tenant: TenantId,
        id: DirectoryId,
    ) -> Result<Option<Directory>, CatalogError>;

    /// Those of a tenant, or of all tenants; by name.
    fn directories(&self, tenant: Option<TenantId>) -> Result<Vec<Directory>, CatalogError>;

    /// The directory that an account signs in at, and the entry it came from.
    fn directory_of(
        &self,
        account: AccountId,
    ) -> Result<Option<(Directory, DirectoryEntry)>, CatalogError>;

    /// Everything that came from it.
    fn directory_entries(&self, id: DirectoryId) -> Result<Vec<DirectoryEntry>, CatalogError>;

    /// Shows `planner` the present state; changes nothing.
    fn plan_directory(
        &self,
        id: DirectoryId,
        planner: &mut Planner<'_>,
    ) -> Result<(DirectoryChanges, DirectoryRun), CatalogError>;

    /// Shows `planner` the present state and writes what it wants, with the run, in one
    /// transaction: all of it or nothing. Others wait meanwhile. Returns the run with its row; one
    /// of which more follows has none.
    fn sync_directory(
        &self,
        id: DirectoryId,
        planner: &mut Planner<'_>,
    ) -> Result<DirectoryRun, CatalogError>;

    /// Keeps a run that changed nothing, and what stands in the audit log about it.
    fn add_directory_run(
        &self,
        run: DirectoryRun,
        audit: &[AuditEvent],
    ) -> Result<DirectoryRun, CatalogError>;

    /// Newest first, at most `limit`, below row `before`.
    fn directory_runs(
        &self,
        id: DirectoryId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DirectoryRun>, CatalogError>;
}
