use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryKind {
    ActiveDirectory,
    Generic,
    OpenLdap,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectorySecurity {
    Clear,
    Ldaps,
    StartTls,
}

/// `in-chain`: the server resolves nested groups (Active Directory only); `walk`: they are read.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryGroupNesting {
    InChain,
    Walk,
}

/// Which entries are shared mailboxes.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectorySharedRule {
    DisabledWithMail,
    ExchangeType,
    Never,
}

/// The roles that people of a directory can have.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryRole {
    Administrator,
    Auditor,
    Officer,
    User,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryEffect {
    Archived,
    Mailbox,
    Role,
}

/// What belonging to a group brings. The first matching rule decides role and archiving; every
/// matching rule opens its mailbox.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRule {
    /// The group's name or its distinguished name.
    pub group: String,
    pub effect: DirectoryEffect,
    /// For `role`.
    #[schema(nullable = false)]
    pub role: Option<DirectoryRole>,
    /// For `mailbox`: the user name of a shared mailbox.
    #[schema(nullable = false)]
    pub mailbox: Option<String>,
    /// For `archived`.
    #[schema(nullable = false)]
    pub archived: Option<bool>,
}

/// Names of attributes. Of several the first one with a value counts; of `addresses` all do.
/// Empty: what is usual for the kind of directory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryAttributes {
    #[schema(nullable = false)]
    pub key: Option<String>,
    #[schema(nullable = false)]
    pub user_name: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub first_name: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub last_name: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub display_name: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub mail: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub addresses: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub member: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub group_name: Option<Vec<String>>,
}

/// How a directory is reached, read and mapped. What is missing in a request has its default; an
/// answer has everything.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryConfig {
    #[schema(nullable = false)]
    pub kind: Option<DirectoryKind>,
    /// Names or addresses, with a port if it is not the usual one; tried in this order.
    pub hosts: Vec<String>,
    #[schema(nullable = false)]
    pub security: Option<DirectorySecurity>,
    /// Clear text is wanted beyond the loopback address.
    #[schema(nullable = false)]
    pub allow_clear: Option<bool>,
    /// PEM certificates of the authorities to trust instead of the system's.
    pub ca_pem: Option<String>,
    /// SHA-256 of the server's certificate in hexadecimal digits; then nothing else is checked.
    pub pinned_sha256: Option<String>,
    /// A distinguished name or `user@domain`; empty binds as nobody.
    #[schema(nullable = false)]
    pub bind_dn: Option<String>,
    pub people_bases: Vec<String>,
    /// Empty: what is usual for the kind.
    #[schema(nullable = false)]
    pub people_filter: Option<String>,
    /// Empty: the bases of the people.
    #[schema(nullable = false)]
    pub group_bases: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub group_filter: Option<String>,
    /// Every group becomes a group here, not only those that a rule names.
    #[schema(nullable = false)]
    pub all_groups: Option<bool>,
    #[schema(nullable = false)]
    pub group_nesting: Option<DirectoryGroupNesting>,
    #[schema(nullable = false)]
    pub attributes: Option<DirectoryAttributes>,
    #[schema(nullable = false)]
    pub shared: Option<DirectorySharedRule>,
    #[schema(nullable = false)]
    pub rules: Option<Vec<DirectoryRule>>,
    /// The role of people whom no rule gives one; null: they get no account.
    pub default_role: Option<DirectoryRole>,
    /// Written before the user name of every account.
    #[schema(nullable = false)]
    pub user_name_prefix: Option<String>,
    /// A local account with the same user name becomes the directory's.
    #[schema(nullable = false)]
    pub adopt_local: Option<bool>,
    /// People sign in with the directory's password.
    #[schema(nullable = false)]
    pub sign_in: Option<bool>,
    /// More accounts than this share vanish at once: nothing is applied until a person confirms.
    #[schema(nullable = false)]
    pub vanish_percent_max: Option<u8>,
    #[schema(nullable = false)]
    pub entries_max: Option<u32>,
    #[schema(nullable = false)]
    pub page_size: Option<u32>,
    #[schema(nullable = false)]
    pub timeout_seconds: Option<u32>,
    /// Null: only when a person says so.
    pub every_minutes: Option<u32>,
    #[schema(nullable = false)]
    pub full_every_hours: Option<u32>,
    /// Whether the schedule runs and people can sign in.
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryInput {
    pub name: String,
    #[schema(value_type = DirectoryConfig)]
    pub config: catalog::DirectoryConfig,
    /// Null keeps the present one, which is refused when the directory is reached in another way
    /// than before; empty forgets it.
    #[serde(default)]
    pub password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryTestInput {
    /// A saved directory whose password is used when none is given; it must be reached in the same
    /// way.
    #[serde(default)]
    pub id: Option<String>,
    #[schema(value_type = DirectoryConfig)]
    pub config: catalog::DirectoryConfig,
    #[serde(default)]
    pub password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectorySyncInput {
    /// Applies the run although many accounts vanish.
    #[serde(default)]
    pub confirm: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    pub id: String,
    pub name: String,
    #[schema(value_type = DirectoryConfig)]
    pub config: catalog::DirectoryConfig,
    pub has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// A run is in progress or waits for its turn.
    pub running: bool,
    #[schema(required)]
    pub last_run: Option<DirectoryRun>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoriesAnswer {
    pub rows: Vec<Directory>,
}

/// The usual configuration for a kind of directory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryPresets {
    #[schema(value_type = Vec<DirectoryConfig>)]
    pub presets: Vec<catalog::DirectoryConfig>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryStepState {
    Done,
    Failed,
    Warning,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryCertificate {
    pub subject: String,
    pub issuer: String,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<String>,
    /// In hexadecimal digits: what can be pinned.
    pub sha256: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryStep {
    /// `configuration`, `resolve`, `connect`, `start-tls`, `tls`, `bind`, `server`, `base`,
    /// `groups`.
    pub name: String,
    pub state: DirectoryStepState,
    /// In English.
    pub detail: String,
    /// Stable, of a failed step, such as `bind-credentials`; empty otherwise.
    pub code: String,
    /// What the server showed, believed or not.
    #[schema(required)]
    pub certificate: Option<DirectoryCertificate>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryTestAnswer {
    pub ok: bool,
    /// What was tried, in order; it ends at the first failure.
    pub steps: Vec<DirectoryStep>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryRunOutcome {
    Applied,
    Failed,
    HeldBack,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryRunTrigger {
    Person,
    Schedule,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRunCounts {
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

/// An entry that could not be taken over as it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryProblem {
    /// The entry's user name, or its distinguished name.
    pub entry: String,
    /// `no-mail`, `no-role`, `no-key`, `no-user-name`, `user-name`, `user-name-local`,
    /// `user-name-taken`, `user-name-twice`, `address-owned`, `address-twice`, `group-unknown`,
    /// `mailbox-unknown`.
    pub code: String,
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRun {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: String,
    pub trigger: DirectoryRunTrigger,
    /// Whether everything was compared, or changed entries only.
    pub full: bool,
    pub outcome: DirectoryRunOutcome,
    pub counts: DirectoryRunCounts,
    /// The first 500.
    pub problems: Vec<DirectoryProblem>,
    pub problems_total: u32,
    /// Why it failed or was held back; empty otherwise.
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRunsAnswer {
    pub rows: Vec<DirectoryRun>,
    #[schema(required)]
    pub next: Option<String>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryPlannedKind {
    AddressEnded,
    AddressGiven,
    Adopt,
    Change,
    Create,
    Disable,
    Enable,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryPlanned {
    pub kind: DirectoryPlannedKind,
    pub user_name: String,
    /// The address, the role or the names.
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryPreview {
    /// What the run would be; `held-back` when it would wait for a confirmation.
    pub run: DirectoryRun,
    /// The first 1000.
    pub planned: Vec<DirectoryPlanned>,
    pub planned_total: u32,
}
