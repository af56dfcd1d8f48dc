use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which mails: exactly one of the three. Only those count that the account may see.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChosenMails {
    /// What a search finds.
    pub query: Option<String>,
    /// What the holds of a matter froze; for officers.
    pub matter: Option<String>,
    /// Ids of mails, at most 1,000.
    pub records: Option<Vec<String>>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// Each mail in a file, byte for byte.
    #[default]
    Eml,
    /// All mails in one file, for programs that read nothing else.
    Mbox,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExportTarget {
    /// A folder on the server; for officers.
    Folder,
    /// One file to be downloaded.
    #[default]
    Zip,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewExport {
    pub mails: ChosenMails,
    /// With journal reports, facts and evidence records, for `chancery-verify`; for auditors and
    /// officers, and only mail of which they see everything.
    #[serde(default)]
    pub evidence: bool,
    #[serde(default)]
    pub format: ExportFormat,
    #[serde(default)]
    pub target: ExportTarget,
    /// Auditors and officers must give one.
    #[serde(default)]
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportsAnswer {
    /// Newest first: one's own; officers see those of the whole tenant.
    pub exports: Vec<MailJob>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoresAnswer {
    /// Newest first: one's own; officers see those of the whole tenant.
    pub restores: Vec<MailJob>,
}

/// An export, or mail that is sent back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailJob {
    pub id: String,
    /// The user name of who asked.
    pub by: String,
    /// Whether it is the account's own: nobody else downloads it.
    pub own: bool,
    /// `waiting`, `running`, `done`, `failed`, `cancelled`, or `removed`: its files are gone.
    pub state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    /// When its files go.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<String>,
    /// Mails.
    pub done: u64,
    /// 0 while it is not known.
    pub total: u64,
    /// What was asked for, without passwords.
    #[schema(value_type = Object)]
    pub request: serde_json::Value,
    /// What came of it: figures, `error`, or what it waits for.
    #[schema(value_type = Object)]
    pub result: serde_json::Value,
    /// Whether there is a file to be downloaded.
    pub downloadable: bool,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MailboxSecurity {
    None,
    Starttls,
    Tls,
}

/// A mailbox that mail is put into by IMAP APPEND.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreMailbox {
    pub host: String,
    pub port: u16,
    pub security: MailboxSecurity,
    pub user: String,
    /// Kept sealed until the job has ended; never shown.
    #[schema(write_only)]
    pub password: String,
    /// Null: where the mail lay when it was fetched, or INBOX.
    pub folder: Option<String>,
    /// SHA-256 of the server's certificate in hexadecimal digits: then this one is trusted and no
    /// other.
    pub pinned_certificate: Option<String>,
}

/// A mailbox that is fetched: its source's server and secrets are used, and never shown.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreSource {
    /// The source's id or name.
    pub source: String,
    /// One of its mailboxes as its server names it, where it has many.
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Null: where the mail lay when it was fetched, or INBOX.
    #[serde(default)]
    pub folder: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRestore {
    pub mails: ChosenMails,
    /// Through the smarthost; users name one of their own addresses.
    pub address: Option<String>,
    /// For officers.
    pub mailbox: Option<RestoreMailbox>,
    /// For officers.
    pub source: Option<RestoreSource>,
    /// Officers must give one.
    #[serde(default)]
    pub reason: String,
}

/// What proves a mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordEvidence {
    /// `stamped`: an authority; `sealed`: the archive's own key; `waiting`: the next batch. Of the
    /// weakest of its deliveries.
    pub state: EvidenceState,
    /// In the order of the ledger; the first one brought the mail. Others are named to those who
    /// see everything.
    pub deliveries: Vec<DeliveryEvidence>,
    /// Whether the account may download the proof: it names all recipients, blind copies included.
    pub proof_available: bool,
    /// Whether a legal hold keeps the mail; null for others than officers.
    #[schema(required)]
    pub held: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceState {
    Waiting,
    Sealed,
    Stamped,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryEvidence {
    /// The number in the ledger.
    pub seq: u64,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub state: EvidenceState,
    /// The batch that holds it.
    #[schema(required)]
    pub batch: Option<u64>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub sealed_at: Option<String>,
    /// The time of the last stamp.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub stamped_at: Option<String>,
    /// The name in the authority's certificate.
    #[schema(required)]
    pub authority: Option<String>,
    /// When it must be renewed.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub renewal_due: Option<String>,
    /// The authority says so; only a trusted list proves it.
    pub claims_qualified: bool,
    /// Whether a trusted list has the authority as granted at that time; absent without a list.
    #[schema(required)]
    pub qualified: Option<bool>,
    /// By whom it was granted and since when, or why it is not.
    #[schema(required)]
    pub qualified_by: Option<String>,
    /// The name in the certificate of a second authority.
    #[schema(required)]
    pub second_authority: Option<String>,
    /// Time stamps, renewals included.
    pub stamps: u64,
}
