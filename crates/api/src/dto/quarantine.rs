use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineAnswer {
    /// All that wait, on all pages together.
    pub total: u64,
    pub rows: Vec<QuarantineRow>,
    #[schema(required)]
    pub next: Option<String>,
}

/// A submission that waits for a decision. Nothing of its content is told.
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
    /// `waiting`, `retried` or `released`.
    pub state: String,
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
