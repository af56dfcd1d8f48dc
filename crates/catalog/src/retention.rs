use std::collections::HashMap;

use model::{RecordId, Role, Source, SurveyId, TenantId, Timestamp};
use policy::retain::{Exclusion, PolicySet, SetDraft};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Versions of policies that a tenant may make.
pub const POLICY_VERSIONS_MAX: u32 = 10_000;
/// Bytes of one version as JSON.
pub const POLICY_SET_BYTES_MAX: usize = 512 << 10;
/// Characters of a class or a tag.
pub const LABEL_CHARS_MAX: usize = 200;
/// Tags of one mail.
pub const TAGS_MAX: usize = 100;
/// Surveys that are kept.
pub const SURVEYS_KEPT: u32 = 20;
/// Records that one change of labels is about.
pub const LABELLED_MAX: usize = 1_000;

/// A version of the policies, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySetRow {
    pub set: PolicySet,
    /// The user name.
    pub made_by: String,
    pub made_at: Timestamp,
}

/// A class of which nothing is disposed for the time being.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionRow {
    pub class: String,
    pub begun_at: Timestamp,
    pub begun_by: String,
    pub reason: String,
    pub ended: Option<SuspensionEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionEnd {
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
}

/// What persons said of a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    pub class: Option<String>,
    /// In alphabetical order.
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", content = "value", rename_all = "kebab-case")]
pub enum LabelChange {
    AddTag(String),
    /// `None`: what the policies say.
    Class(Option<String>),
    RemoveTag(String),
}

/// Who changes something, when and why; becomes part of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The user name.
    pub who: &'a str,
    pub at: Timestamp,
    pub reason: &'a str,
}

/// The rules of what is not archived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionsRow {
    pub rules: Vec<Exclusion>,
    /// `None`: never changed.
    pub changed: Option<(String, Timestamp)>,
}

/// What somebody wants to know of all mail.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyRow {
    pub id: SurveyId,
    /// `None`: of the policies in force.
    pub draft: Option<SetDraft>,
    /// The user name.
    pub asked_by: String,
    pub asked_at: Timestamp,
    /// `None`: it waits, or is being made.
    pub ended_at: Option<Timestamp>,
    pub result: Option<serde_json::Value>,
    pub error: Option<String>,
}

/// Which facts a caller wants; what is not wanted is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetainedNeeds {
    pub participants: bool,
    pub deliveries: bool,
    pub labels: bool,
}

impl RetainedNeeds {
    pub const ALL: Self = Self { participants: true, deliveries: true, labels: true };
}

/// What the policies ask of a mail, as far as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedMail {
    pub row: u64,
    pub record: RecordId,
    pub subject: String,
    /// When it was received: of several deliveries the last one.
    pub received_at: Timestamp,
    /// The Date header.
    pub sent_at: Option<Timestamp>,
    pub size_bytes: u64,
    /// Keys of addresses and how they took part.
    pub participants: Vec<(String, Role)>,
    pub sources: Vec<Source>,
    pub labels: Labels,
}

/// Policies and what persons say of mail. Every change is an event of the ledger
/// (`retention-changed`) in the same transaction, and durable on return.
pub trait Retention: Send + Sync {
    /// In the order of their versions.
    fn retention_sets(&self, tenant: TenantId) -> Result<Vec<PolicySetRow>, CatalogError>;

    /// Checks the draft and makes it the next version.
    ///
    /// # Errors
    /// `Policies` when it cannot be used; `Invalid` beyond a limit of this module.
    fn add_retention_set(
        &self,
        tenant: TenantId,
        draft: &SetDraft,
        by: By<'_>,
    ) -> Result<PolicySet, CatalogError>;

    /// Newest first, ended ones too.
    fn suspensions(&self, tenant: TenantId) -> Result<Vec<SuspensionRow>, CatalogError>;

    /// `false`: it is suspended already.
    fn suspend_class(
        &self,
        tenant: TenantId,
        class: &str,
        by: By<'_>,
    ) -> Result<bool, CatalogError>;

    /// `false`: it is not suspended.
    fn resume_class(&self, tenant: TenantId, class: &str, by: By<'_>)
    -> Result<bool, CatalogError>;

    /// Of those records that have any.
    fn labels(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Labels>, CatalogError>;

    /// Changes the labels of up to [`LABELLED_MAX`] records; returns how many of them exist.
    fn label(
        &self,
        tenant: TenantId,
        records: &[RecordId],
        change: &LabelChange,
        by: By<'_>,
    ) -> Result<u64, CatalogError>;

    fn exclusions(&self, tenant: TenantId) -> Result<ExclusionsRow, CatalogError>;

    /// Replaces all rules; the caller has checked them ([`policy::retain::Exclusions::new`]).
    fn set_exclusions(
        &self,
        tenant: TenantId,
        rules: &[Exclusion],
        by: By<'_>,
    ) -> Result<(), CatalogError>;

    /// The mails with a row above `after_row`, in the order of their rows, at most `limit`. No
    /// scope: for decisions, never for an answer to a person.
    fn retained_after(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
        needs: RetainedNeeds,
    ) -> Result<Vec<RetainedMail>, CatalogError>;

    /// These mails with all that is known, in the order of their rows; missing ones are left out.
    fn retained(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<RetainedMail>, CatalogError>;

    /// Keeps the last [`SURVEYS_KEPT`] of a tenant.
    fn ask_survey(&self, tenant: TenantId, survey: &SurveyRow) -> Result<(), CatalogError>;

    fn survey(&self, tenant: TenantId, id: SurveyId) -> Result<Option<SurveyRow>, CatalogError>;

    /// The last one of the policies in force that was made.
    fn last_survey(&self, tenant: TenantId) -> Result<Option<SurveyRow>, CatalogError>;

    /// Of all tenants, oldest first.
    fn waiting_surveys(&self) -> Result<Vec<(TenantId, SurveyRow)>, CatalogError>;

    /// Writes down what came of it: a result or an error.
    fn end_survey(
        &self,
        id: SurveyId,
        at: Timestamp,
        outcome: Result<serde_json::Value, String>,
    ) -> Result<(), CatalogError>;

    /// For a rebuild, in the order of the ledger: repeats the change that an event
    /// (`retention-changed`) tells of. What is there already stays.
    fn recover_retention(
        &self,
        tenant: TenantId,
        at: Timestamp,
        facts: &serde_json::Value,
    ) -> Result<(), CatalogError>;
}
