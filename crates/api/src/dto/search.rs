use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{MailKind, Mailbox, Mark};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct SearchParams {
    /// The query; empty finds everything.
    #[serde(default)]
    #[param(required = false)]
    pub q: String,
    /// `-date` (newest first, the default), `date`, `relevance`, `sender`, `-sender`, `size`,
    /// `-size`, `subject`, `-subject`.
    pub sort: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Rows of the page, 50 if not given, at most 200.
    pub limit: Option<u32>,
    /// Whether to count; by default on the first page only.
    pub facets: Option<bool>,
    /// The reader's time zone (IANA name) for dates in the query; UTC if not given.
    pub zone: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SuggestParams {
    pub q: String,
    /// Where the caret stands, in UTF-16 code units; the end if not given.
    pub caret: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchAnswer {
    /// Exactly how many mails match, on all pages together.
    pub total: u64,
    /// Archived mails that the index does not have yet, whoever may see them.
    pub not_searchable_yet: u64,
    pub took_ms: f64,
    pub rows: Vec<SearchRow>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
    #[schema(required)]
    pub facets: Option<Facets>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchRow {
    pub id: String,
    pub subject: String,
    #[schema(required)]
    pub from: Option<Mailbox>,
    /// The first ten.
    pub to: Vec<Mailbox>,
    #[schema(value_type = String, format = DateTime)]
    pub date: String,
    pub size_bytes: u64,
    pub attachments: u32,
    pub kind: MailKind,
    pub marks: Vec<Mark>,
    /// How many other visible mails have the same Message-ID.
    pub versions: u32,
    pub snippet: Vec<Fragment>,
    pub subject_highlight: Vec<Fragment>,
}

/// A piece of text and whether it matches the query.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fragment {
    pub text: String,
    pub hit: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    pub senders: Vec<FacetValue>,
    pub years: Vec<FacetValue>,
    pub kinds: Vec<FacetValue>,
    pub has_attachment: Vec<FacetValue>,
    pub sizes: Vec<FacetValue>,
}

/// `value` is what the query takes: an address, a year, a kind, `true`/`false`, a class of sizes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FacetValue {
    pub value: String,
    pub label: String,
    pub count: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    pub insert: String,
    pub label: String,
    pub kind: SuggestionKind,
    /// What of the query it replaces.
    pub replace: Span,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    Address,
    Operator,
}

/// A part of the query, in UTF-16 code units as browsers count.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    pub start: u32,
    pub end: u32,
}
