use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ShownSpan, TimeSpan};

/// What an officer says of a matter.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatterDraft {
    /// Once per tenant.
    pub name: String,
    /// Addresses, or user names of accounts: then all addresses that these own or owned. None:
    /// everybody.
    #[serde(default)]
    pub custodians: Vec<String>,
    /// As in a search; empty: every mail.
    #[serde(default)]
    pub query: String,
    /// When mail was sent or received.
    #[serde(default)]
    pub span: TimeSpan,
    /// Whether holds also freeze mail of the custodians and the span that cannot be searched:
    /// encrypted mail, and mail with attachments, whose contents the index does not have.
    #[serde(default = "yes")]
    pub unsearchable: bool,
    #[serde(default)]
    pub notes: String,
    /// Why the matter is opened, or changed; stands in the audit log.
    pub reason: String,
}

fn yes() -> bool {
    true
}

/// What a matter would be about.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatterPreview {
    #[serde(default)]
    pub custodians: Vec<String>,
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub span: TimeSpan,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatterPreviewAnswer {
    /// Mails that it finds now, exactly; a figure, whatever the officer may read.
    pub mails: u64,
    /// Further mails of the custodians and the span that cannot be searched: encrypted ones, and
    /// those with attachments.
    pub unsearchable: u64,
    /// The addresses of the custodians.
    pub addresses: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MattersAnswer {
    /// Newest first.
    pub matters: Vec<Matter>,
}

/// A dispute, an audit, an investigation: what mail is kept for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matter {
    pub id: String,
    pub name: String,
    pub custodians: Vec<String>,
    /// Of the custodians, for the next hold.
    pub addresses: Vec<String>,
    pub query: String,
    pub span: ShownSpan,
    /// Whether the next hold also freezes what cannot be searched.
    pub unsearchable: bool,
    pub notes: String,
    /// `open` or `closed`.
    pub state: &'static str,
    pub opened_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: String,
    pub reason: String,
    #[schema(required)]
    pub closed: Option<HoldEnd>,
    /// Newest first, released ones included.
    pub holds: Vec<Hold>,
    /// Different mails that its holds froze so far.
    pub held_mails: u64,
}

/// Who ended something, and why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldEnd {
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    pub by: String,
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldsAnswer {
    /// Newest first.
    pub holds: Vec<Hold>,
}

/// A legal hold: what its matter was about when it was placed is not disposed of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub id: String,
    pub matter: String,
    pub addresses: Vec<String>,
    pub query: String,
    pub span: ShownSpan,
    /// Whether it also freezes what cannot be searched.
    pub unsearchable: bool,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: String,
    pub placed_by: String,
    pub reason: String,
    /// Null: it holds.
    #[schema(required)]
    pub released: Option<HoldEnd>,
    /// Mails that it froze so far.
    pub mails: u64,
    /// Mails that it has not looked at yet; they count as held.
    pub not_examined_yet: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct HeldMailsParams {
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldMailsAnswer {
    /// All mails that the matter's holds froze.
    pub total: u64,
    /// Those of the page that the officer may read; others are counted in `withheld`.
    pub rows: Vec<super::SearchRow>,
    /// Mails of the page that no grant opens to the officer, or that are gone since a release.
    pub withheld: u64,
    #[schema(required)]
    pub next: Option<String>,
}
