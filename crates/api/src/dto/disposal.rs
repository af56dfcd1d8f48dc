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
    /// For who may see the mail.
    pub subject: Option<String>,
    pub from: Option<String>,
}
