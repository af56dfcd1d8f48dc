use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuarantineParams {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only entries with this reason, such as `not-ours`.
    pub reason: Option<String>,
    /// `waiting` (default), `retried`, `released` or `discarded`.
    pub state: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineAnswer {
    /// All that the filter names, on all pages together.
    pub total: u64,
    /// What waits, by reason, whatever the filter says.
    pub waiting: Vec<ReasonCount>,
    pub rows: Vec<QuarantineRow>,
    #[schema(required)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// `damaged-report`, `foreign-organisation`, `no-organisation` or `not-ours`.
    pub code: String,
    pub count: u64,
}

/// A submission that waits for a decision, or waited. Nothing of its content is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineRow {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub size_bytes: u64,
    pub reason: QuarantineReason,
    pub originator_org: Option<String>,
    /// The name of the source.
    pub source: String,
    pub reverse_path: Option<String>,
    /// `waiting`, `retried`, `released` or `discarded`.
    pub state: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<String>,
    /// The user name of who decided.
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineReason {
    /// Such as `foreign-organisation`.
    pub code: String,
    pub detail: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// Why it may be archived all the same; stands in the audit log.
    pub reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Discard {
    /// Why it does not belong into the archive; stands in the audit log.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Erases the octets of all of them.
    Discard,
    /// Lets all of them into the archive.
    Release,
    /// Lets those in that the present rules accept; the others wait on.
    Retry,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuarantineBulk {
    pub action: BulkAction,
    /// Only entries that wait for this reason; without it all that wait.
    #[serde(default)]
    pub for_reason: Option<String>,
    /// Why; needed for `release` and `discard`.
    #[serde(default)]
    pub reason: String,
}
