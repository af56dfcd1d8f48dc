use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourcesAnswer {
    /// Oldest first; imports stand at the end, together.
    pub sources: Vec<Source>,
}

/// One way by which mail comes in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `imports` for all imports together.
    pub id: String,
    pub name: String,
    /// `smtp`, `fetch` or `import`.
    pub kind: String,
    /// The secret journal address.
    pub address: Option<String>,
    pub state: SourceState,
    /// A rotated address takes mail until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<String>,
    /// The source that a rotation put in its place.
    pub successor: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<String>,
    pub figures: SourceFigures,
    pub rules: SourceRules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    Active,
    /// A rotated address whose time is over: `550`.
    Ended,
    /// A rotated address that still takes mail.
    Ending,
    /// Senders are put off: `451`.
    Suspended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceTotals {
    pub mails: u64,
    pub bytes: u64,
    pub reports: u64,
    pub quarantined: u64,
    pub not_selected: u64,
}

#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceFigures {
    /// Archived since the source was made.
    #[serde(flatten)]
    pub totals: SourceTotals,
    /// When the last mail came.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_at: Option<String>,
    /// When the last journal report came.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_report_at: Option<String>,
}

/// How the envelope of what comes in is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceRules {
    /// Journal reports are recognised and unwrapped.
    #[serde(default = "yes")]
    pub journal_reports: bool,
    /// Further headers that name envelope recipients.
    #[serde(default)]
    pub headers: Vec<String>,
    /// `Delivered-To` is believed.
    #[serde(default)]
    pub delivered_to: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSource {
    /// For people, such as "Exchange on premises".
    pub name: String,
    /// One of the tenant's archive domains; the first one when absent.
    #[serde(default)]
    pub archive_domain: Option<String>,
    #[serde(default)]
    pub rules: Option<SourceRules>,
}

/// What is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeSource {
    pub name: Option<String>,
    /// Senders are put off with `451` while it is suspended.
    pub suspended: Option<bool>,
    pub rules: Option<SourceRules>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateSource {
    /// How many hours the old address goes on taking mail; at most a year.
    pub grace_hours: u32,
}
