use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalsAnswer {
    /// Newest first.
    pub runs: Vec<DisposalRun>,
    /// Records that were disposed of so far.
    pub disposed: u64,
}

/// A run that disposes of mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalRun {
    pub id: String,
    /// `proposing`, `proposed`, `running`, `done`, `rejected` or `withdrawn`.
    pub state: String,
    /// `period-over`, `court-order` or `right-to-erasure`.
    pub ground: String,
    /// Of an erasure: the court's or the person's letter.
    pub reference: Option<String>,
    pub reason: String,
    /// None: all.
    pub classes: Vec<String>,
    pub policy_version: Option<u32>,
    pub proposed_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: String,
    pub approvals: Vec<DisposalWord>,
    pub approvals_needed: u32,
    /// Whether the caller may approve it.
    pub may_approve: bool,
    /// Who rejected or withdrew it.
    pub refusal: Option<DisposalWord>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    pub mails: u64,
    pub bytes: u64,
    pub disposed: u64,
    /// Items that stay after all.
    pub kept: u64,
    /// Due, but on hold, suspended, or undetermined: not proposed.
    pub left_out_held: u64,
    pub left_out_suspended: u64,
    pub left_out_undetermined: u64,
}

/// What a person said.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalWord {
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDisposalRun {
    /// None: all.
    #[serde(default)]
    pub classes: Vec<String>,
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewErasure {
    /// Ids of records, at most 1,000.
    pub records: Vec<String>,
    /// `court-order` or `right-to-erasure`.
    pub ground: String,
    pub reference: String,
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DisposalReason {
    pub reason: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct DisposalItemParams {
    /// `waiting`, `disposed` or `kept`.
    pub state: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// At most 500.
    pub limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalItemsAnswer {
    pub items: Vec<DisposalItem>,
    pub next: Option<String>,
}

/// One mail of a run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalItem {
    pub record: String,
    pub state: String,
    pub class: Option<String>,
    pub policy: Option<String>,
    /// The last day on which it must be kept.
    pub kept_through: Option<String>,
    /// The last day on which it may exist.
    pub gone_after: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub size_bytes: u64,
    /// Why it stays.
    pub why: Option<String>,
    /// The same for programs: `held`, `holds-unknown`, `kept-for-ever`, `no-reason`, `not-over`,
    /// `suspended`, `undetermined`; null for anything else, such as damage.
    #[schema(required)]
    pub why_code: Option<&'static str>,
    /// For who may see the mail.
    pub subject: Option<String>,
    pub from: Option<String>,
}

/// What a run is about, and what proves what it did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalSummary {
    /// By policy, the most mails first.
    pub shares: Vec<DisposalShare>,
    /// Null while nothing was destroyed.
    #[schema(required)]
    pub certificates: Option<DisposalCertificates>,
}

/// The mails of one policy in a run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalShare {
    /// Null with the class: nobody could say how long these are kept.
    #[schema(required)]
    pub policy: Option<String>,
    #[schema(required)]
    pub class: Option<String>,
    pub mails: u64,
    pub bytes: u64,
    pub disposed: u64,
    pub kept: u64,
    #[schema(value_type = String, format = DateTime)]
    pub received_first: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_last: String,
}

/// The certificates of deletion of a run: one event of the ledger for each mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalCertificates {
    pub count: u64,
    /// Between them there may be events of other things.
    pub first_seq: u64,
    pub last_seq: u64,
    /// Of the last one, and so of all: null while it waits for the next batch.
    #[schema(required)]
    pub seal: Option<CertificateSeal>,
}

/// How an event of the ledger is sealed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSeal {
    pub batch: u64,
    #[schema(value_type = String, format = DateTime)]
    pub sealed_at: String,
    /// Of the last time stamp; null: the archive's own key alone seals it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub stamped_at: Option<String>,
    #[schema(required)]
    pub authority: Option<String>,
}

/// The certificate of deletion of one mail: what is left of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisposalCertificate {
    pub record: String,
    /// The run that destroyed it.
    pub run: String,
    /// Its event of the ledger.
    pub seq: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// `period-over`, `court-order` or `right-to-erasure`.
    pub ground: String,
    /// What was written down: `content` (SHA-256 of the mail), `receivedAt`, `class`, `policy`,
    /// `version`, `keptThrough`, `proposedBy`, `approvals`, `erased` (places whose keys are gone).
    /// Null while the vault does not have it yet.
    #[schema(required, value_type = Option<Object>)]
    pub facts: Option<serde_json::Value>,
    /// The very text that the ledger's leaf is the SHA-256 of.
    #[schema(required)]
    pub note: Option<String>,
    /// Null while it waits for the next batch.
    #[schema(required)]
    pub seal: Option<CertificateSeal>,
}
