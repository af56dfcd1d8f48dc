use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::SourceRules;

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchProtocol {
    Auto,
    Imap,
    Pop3,
}

/// `auto`: TLS from the start, else STARTTLS, never clear text.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchSecurity {
    Auto,
    None,
    Starttls,
    Tls,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchSignIn {
    Oauth,
    Password,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchAssertion {
    Ps256,
    Rs256,
}

/// Client credentials; secret and key are given beside the configuration.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchOauth {
    /// Such as `https://login.microsoftonline.com`.
    pub authority: String,
    pub tenant: String,
    /// The whole address, where it is not made of authority and tenant.
    pub token_url: Option<String>,
    pub client_id: String,
    pub scope: String,
    pub audience: Option<String>,
    /// With it an assertion is signed instead of showing a secret.
    pub certificate_pem: Option<String>,
    pub assertion: FetchAssertion,
}

/// How a service account opens the mailboxes of others.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ServiceAccess {
    AuthorizationId,
    MasterUser { separator: String },
    Oauth,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchMailbox {
    /// What is signed in.
    pub user: String,
    /// Whose it is; absent: `user` is the address.
    #[schema(nullable = false)]
    pub address: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FetchMode {
    Journal {
        folder: String,
    },
    Mailbox {
        address: String,
    },
    // The library that writes the description knows no `rename_all_fields`.
    #[serde(rename_all = "camelCase")]
    Mailboxes {
        by: ServiceAccess,
        mailboxes: Vec<FetchMailbox>,
        /// Those of all accounts as well, by their addresses.
        every_account: bool,
    },
}

/// What becomes of a mail on its server once the archive has it.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AfterFetch {
    Delete,
    Keep,
    Move { folder: String },
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchOrder {
    NewestFirst,
    OldestFirst,
}

/// How a source is reached and what is read. What is missing in a request has its default; an
/// answer has everything.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchConfig {
    pub server: String,
    pub protocol: FetchProtocol,
    pub port: Option<u16>,
    pub security: FetchSecurity,
    /// PEM certificates of the authorities to trust instead of the system's.
    pub ca_pem: Option<String>,
    /// SHA-256 of the server's certificate in hexadecimal digits; then nothing else is checked.
    pub pinned_sha256: Option<String>,
    pub user: String,
    pub sign_in: FetchSignIn,
    pub oauth: FetchOauth,
    pub mode: FetchMode,
    /// Patterns of folders that are read; empty: all.
    pub include: Vec<String>,
    /// Patterns of folders that are not read; `\Trash` and its like name special uses.
    pub exclude: Vec<String>,
    pub every_minutes: u32,
    /// New mail is told by the server where it can.
    pub idle: bool,
    pub after: AfterFetch,
    /// 1 to 100; larger mails stay on the server and are listed.
    pub mail_mebibytes_max: Option<u32>,
    pub order: FetchOrder,
    /// Mail that the server received before this moment is not read. POP3 knows no dates.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Mail that the server received from then on is not read.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    pub reconcile_every_hours: Option<u32>,
    pub enabled: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchState {
    pub paused: bool,
    /// Runs in a row that failed.
    pub failures: u32,
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
    /// Such as `no-connection`, `sign-in-refused`, `corrupt-mail`, `tls-mismatch`.
    pub error: Option<String>,
    pub detail: String,
    #[schema(format = DateTime)]
    pub next_at: Option<String>,
    #[schema(format = DateTime)]
    pub last_success_at: Option<String>,
    #[schema(format = DateTime)]
    pub reconciled_at: Option<String>,
}

/// A run that is under way.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchLive {
    /// `poll` or `reconcile`.
    pub purpose: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    pub counts: FetchCounts,
    pub bytes: u64,
    /// Mails of the folders that were opened so far.
    pub to_read: u64,
    pub mailboxes: u32,
    pub mailboxes_done: u32,
    pub folder: String,
    /// At the present pace, for the folders that were opened so far.
    pub seconds_left: Option<u64>,
}

/// A source that is fetched. Secrets are never given back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchSource {
    pub id: String,
    pub name: String,
    pub rules: SourceRules,
    #[schema(value_type = FetchConfig)]
    pub config: catalog::FetchConfig,
    pub has_password: bool,
    pub has_client_secret: bool,
    pub has_client_key: bool,
    pub state: FetchState,
    pub running: bool,
    pub live: Option<FetchLive>,
    /// When it was read last, also when nothing was there.
    #[schema(format = DateTime)]
    pub polled_at: Option<String>,
    /// Mails that stay on the server.
    pub left: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchSourcesAnswer {
    /// Oldest first.
    pub sources: Vec<FetchSource>,
}

/// A secret that is absent stays as it is; an empty one is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchSourceInput {
    pub name: String,
    #[schema(value_type = FetchConfig)]
    pub config: catalog::FetchConfig,
    #[serde(default)]
    pub rules: Option<SourceRules>,
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub client_key: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchTestInput {
    /// A saved source, whose secrets are taken where none are given.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub name: String,
    #[schema(value_type = FetchConfig)]
    pub config: catalog::FetchConfig,
    #[serde(default)]
    pub rules: Option<SourceRules>,
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub client_key: Option<String>,
}

/// The certificate that a server showed, believed or not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchCertificate {
    pub subject: String,
    pub issuer: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    #[schema(format = DateTime)]
    pub valid_from: Option<String>,
    #[schema(format = DateTime)]
    pub valid_until: Option<String>,
    pub self_signed: bool,
    /// In hexadecimal digits: what is pinned.
    pub sha256: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchTestStep {
    /// `settings`, `name`, `tcp`, `tls`, `greeting`, `start-tls`, `sign-in`, `folders`, `messages`.
    pub step: String,
    pub ok: bool,
    /// It works, but should not be so.
    pub warning: bool,
    /// The kind of the error.
    pub kind: Option<String>,
    /// What the administrator must do, where that can be told: such as `consent-missing`,
    /// `service-principal-wrong`, `protocol-disabled`, `mailbox-permission-missing`.
    pub remedy: Option<String>,
    pub detail: String,
    pub millis: u64,
    pub certificate: Option<FetchCertificate>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchTest {
    pub ok: bool,
    pub steps: Vec<FetchTestStep>,
}

/// `seen` is the sum of the others.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchCounts {
    pub seen: u64,
    pub archived: u64,
    pub known: u64,
    pub merged: u64,
    pub quarantined: u64,
    pub left: u64,
    pub failed: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchRun {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: String,
    /// `person` or `schedule`.
    pub trigger: String,
    /// `done`, `failed` or `stopped`.
    pub outcome: String,
    pub counts: FetchCounts,
    pub bytes: u64,
    pub mailboxes_failed: u32,
    pub error: Option<String>,
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchRunsAnswer {
    /// Newest first; the last hundred are kept.
    pub runs: Vec<FetchRun>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftMail {
    pub id: String,
    pub mailbox: String,
    pub folder: String,
    /// Its number in the folder, or its unique-id.
    pub key: String,
    pub size_bytes: u64,
    /// `failed`, `given-up`, `not-removed`, `not-selected` or `too-large`.
    pub reason: String,
    pub detail: String,
    pub tries: u32,
    #[schema(value_type = String, format = DateTime)]
    pub first_at: String,
    /// When it is tried again by itself.
    #[schema(format = DateTime)]
    pub next_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftMailsAnswer {
    pub mails: Vec<LeftMail>,
    pub next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LeftMailsParams {
    /// `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A mail that the server had and the archive had not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingMail {
    pub mailbox: String,
    pub folder: String,
    pub key: String,
    pub message_id: Option<String>,
    pub size_bytes: u64,
    #[schema(format = DateTime)]
    pub received_at: Option<String>,
    /// What the fetch made of it.
    pub outcome: String,
}

/// A report of completeness; `listed` is the sum of `present` and `missing`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: String,
    pub by: String,
    pub listed: u64,
    pub present: u64,
    pub missing: u64,
    pub counts: FetchCounts,
    /// The first thousand.
    pub named: Vec<MissingMail>,
    /// Empty: everything was compared.
    pub detail: String,
    /// The ledger event that states it.
    pub ledger_seq: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciliationsAnswer {
    /// Newest first.
    pub reports: Vec<Reconciliation>,
}
