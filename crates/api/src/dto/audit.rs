use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AuditParams {
    /// For operators: the id of a tenant that was removed, whose log nobody else reads any more.
    pub removed_tenant: Option<String>,
    /// Occurs in user name, object, reason or detail, in any case.
    pub q: Option<String>,
    /// The user name at that time.
    pub who: Option<String>,
    /// An account's id.
    pub account: Option<String>,
    /// An action, or the beginning of one up to a dot, such as `mail`.
    pub action: Option<String>,
    /// The id of what it was done to.
    pub object: Option<String>,
    /// `denied`, `done` or `failed`.
    pub outcome: Option<String>,
    /// The first moment.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// The first moment that no longer belongs to it.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most 500; 100 if it is missing.
    pub limit: Option<u32>,
    /// Of an export: `csv` or `jsonl`.
    pub format: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAnswer {
    /// Newest first.
    pub events: Vec<AuditEvent>,
    /// Null on the last page. A page may be short when few of many events match.
    #[schema(required)]
    pub next: Option<String>,
}

/// Who did what, when, from where, why, to what.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    pub row: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// The account's id; null: nobody who signed in.
    #[schema(required)]
    pub account: Option<String>,
    pub who: String,
    pub action: String,
    pub object: String,
    /// Further facts, such as the query, or `before` and `after`.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    #[schema(required)]
    pub reason: Option<String>,
    /// `denied`, `done` or `failed`.
    pub outcome: String,
    #[schema(required)]
    pub ip: Option<String>,
}
