use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A length of time in the calendar's own units.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionPeriod {
    #[serde(default)]
    pub years: u32,
    #[serde(default)]
    pub months: u32,
    #[serde(default)]
    pub days: u32,
}

/// One condition; which members it has depends on its kind.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionClause {
    /// `attachment-type`, `class`, `direction`, `domain`, `folder`, `mailbox`, `recipient`,
    /// `sender`, `source`, `subject`, `tag` (each with `anyOf`), `query` (`text`), `received`
    /// (`from`, `through`: days) or `size` (`atLeast`, `atMost`: bytes).
    pub kind: String,
    /// Holds when the condition does not.
    #[serde(default)]
    pub not: bool,
    /// One of these. Of `mailbox` and `source` ids, of `direction` `incoming`, `internal`,
    /// `outgoing`; addresses are `a@x.example`, `@x.example` or `jobs@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_of: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// How long one kind of mail is kept.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionPolicy {
    pub name: String,
    pub class: String,
    /// All must hold; none: every mail.
    #[serde(default)]
    pub clauses: Vec<RetentionClause>,
    /// `receipt` or `sending`.
    #[serde(default = "receipt")]
    pub from: String,
    /// `at-event`, or `at-year-end`: the period begins with the end of the calendar year.
    #[serde(default = "at_event")]
    pub begins: String,
    /// `null`: for ever.
    pub keep: Option<RetentionPeriod>,
    /// When it must be gone; `null`: nothing demands it.
    #[serde(default)]
    pub at_most: Option<RetentionPeriod>,
    #[serde(default)]
    pub reason: String,
}

fn receipt() -> String {
    "receipt".to_owned()
}

fn at_event() -> String {
    "at-event".to_owned()
}

/// A version of the policies as somebody wrote it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionDraft {
    /// Where days begin and end: `Europe/Berlin`, `UTC` or a POSIX rule.
    pub zone: String,
    /// The day from which it is in force, such as `2027-01-01`.
    pub valid_from: String,
    pub reason: String,
    /// The first that fits decides.
    pub policies: Vec<RetentionPolicy>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionVersion {
    pub version: u32,
    pub in_force: bool,
    pub made_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: String,
    #[serde(flatten)]
    pub draft: RetentionDraft,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionAnswer {
    /// Newest first.
    pub versions: Vec<RetentionVersion>,
    /// Zones that are known by name.
    pub zones: Vec<String>,
    /// Newest first, ended ones too.
    pub suspensions: Vec<RetentionSuspension>,
}

/// A class of which nothing is disposed for the time being.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionSuspension {
    pub class: String,
    pub reason: String,
    pub begun_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: String,
    pub ended_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    pub end_reason: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct ReadySetsParams {
    /// `de` or `en`.
    pub language: Option<String>,
}

/// A set that is offered to begin with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadyRetentionSet {
    pub id: String,
    pub title: String,
    /// The law that it follows, and what it leaves to the reader.
    pub note: String,
    pub policies: Vec<RetentionPolicy>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadyRetentionSets {
    pub sets: Vec<ReadyRetentionSet>,
}

/// Which class, and why.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClassAndReason {
    pub class: String,
    pub reason: String,
}

/// Whether something changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionChanged {
    pub changed: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskSurvey {
    /// Compare this with what is in force; without it: what is in force alone.
    #[serde(default)]
    pub draft: Option<RetentionDraft>,
}

/// What the policies come to, over all mail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionSurvey {
    pub id: String,
    /// `waiting`, `done` or `failed`.
    pub state: &'static str,
    /// Whether it compares a draft with what is in force.
    pub is_preview: bool,
    pub asked_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<String>,
    /// Of a survey: `mails`, `bytes`, `undetermined`, `keptForEver`, `due`, `dueBytes`, `overdue`,
    /// `dueHeld`, `dueSuspended`, `classes`, `months`. Of a preview: `now` and `then` (each such a
    /// survey), `changed`, `earlier`, `later`, `newlyDue`, `newlyDueHeld`, `noLongerDue`.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
    pub error: Option<String>,
}

/// When periods end.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionCalendar {
    /// The last survey of the policies in force; `null`: none was asked for yet.
    pub survey: Option<RetentionSurvey>,
}

/// A mailbox whose mail is not archived.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionExclusion {
    pub name: String,
    /// `works.council@x.example`, `@council.x.example` or `council@`.
    pub addresses: Vec<String>,
    #[serde(default)]
    pub clauses: Vec<RetentionClause>,
    /// Why, and on which legal ground.
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExclusionsAnswer {
    pub rules: Vec<RetentionExclusion>,
    pub changed_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub changed_at: Option<String>,
    /// What whoever changes them must have read.
    pub warning: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetExclusions {
    pub rules: Vec<RetentionExclusion>,
    /// That the warning was read.
    #[serde(default)]
    pub warning_accepted: bool,
    pub reason: String,
}

/// What to say of mails.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetLabels {
    /// Ids of records, at most 1,000.
    pub records: Vec<String>,
    /// The class; an empty one: what the policies say.
    #[serde(default)]
    pub class: Option<String>,
    #[serde(default)]
    pub add_tag: Option<String>,
    #[serde(default)]
    pub remove_tag: Option<String>,
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelsAnswer {
    /// How many of the mails exist.
    pub changed: u64,
}
