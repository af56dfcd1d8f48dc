use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AccountRole;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    Person,
    /// Owns addresses, is opened by grants, never signs in.
    Shared,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct AccountParams {
    /// Words that all occur in user name, names or a present address.
    pub q: Option<String>,
    pub role: Option<AccountRole>,
    pub kind: Option<AccountKind>,
    pub disabled: Option<bool>,
    pub archived: Option<bool>,
    /// A directory's id, or `local`.
    pub directory: Option<String>,
    /// Only members of this group.
    pub group: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most 500; 100 if it is missing.
    pub limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountsAnswer {
    /// How many the filter lets through, on whatever page.
    pub total: u64,
    /// By user name.
    pub rows: Vec<AccountEntry>,
    #[schema(required)]
    pub next: Option<String>,
    /// User names are unique on the whole server: a beginning that tells those of this tenant
    /// apart.
    pub user_name_prefix: String,
}

/// An account as administrators see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountEntry {
    pub id: String,
    pub user_name: String,
    pub first_name: String,
    pub last_name: String,
    pub display_name: String,
    pub kind: AccountKind,
    pub role: AccountRole,
    /// Selected for "archive only selected accounts".
    pub archived: bool,
    pub disabled: bool,
    /// The directory that it comes from; null: made here.
    #[schema(required)]
    pub directory: Option<String>,
    pub has_password: bool,
    pub must_change_password: bool,
    #[schema(required)]
    pub language: Option<String>,
    /// Those that it owns or owned.
    pub addresses: Vec<AddressSpan>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
}

/// An address and when received mail it opens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpan {
    pub address: String,
    /// Null: from the beginning.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub from: Option<String>,
    /// Null: it is owned now.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub until: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetail {
    #[serde(flatten)]
    pub entry: AccountEntry,
    pub groups: Vec<NamedGroup>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedGroup {
    pub id: String,
    pub name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccount {
    /// Never changes.
    pub user_name: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    /// Empty: first and last name.
    #[serde(default)]
    pub display_name: String,
    /// `person` if it is missing.
    pub kind: Option<AccountKind>,
    /// `user` if it is missing; operators are added on the command line.
    pub role: Option<AccountRole>,
    pub language: Option<String>,
    #[serde(default)]
    pub addresses: Vec<String>,
    /// A one-time password is drawn if it is missing.
    pub password: Option<String>,
    /// Opens all mail of the tenant to an auditor or officer, for this reason.
    pub whole_tenant_reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedAccount {
    pub account: AccountEntry,
    /// Shown this once; must be changed at the first sign-in.
    #[schema(required)]
    pub one_time_password: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneTimePassword {
    /// Shown this once; must be changed at the next sign-in.
    pub one_time_password: String,
}

/// What is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeAccount {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// Empty: first and last name.
    pub display_name: Option<String>,
    pub role: Option<AccountRole>,
    pub disabled: Option<bool>,
    pub archived: Option<bool>,
    /// Empty: that of the browser.
    pub language: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GiveAddress {
    pub address: String,
    /// Opens also the mail of an earlier owner's time; stands in the audit log.
    pub everything_reason: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectAccounts {
    pub archived: bool,
    /// At most 1,000; null: all accounts of the tenant.
    pub accounts: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelectedAccounts {
    pub changed: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupsAnswer {
    /// By name.
    pub groups: Vec<GroupEntry>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupEntry {
    pub id: String,
    pub name: String,
    pub members: u64,
    /// The directory that it comes from; null: made here.
    #[schema(required)]
    pub directory: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupDetail {
    pub id: String,
    pub name: String,
    #[schema(required)]
    pub directory: Option<String>,
    /// By user name.
    pub members: Vec<NamedAccount>,
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedAccount {
    pub id: String,
    pub user_name: String,
    pub display_name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGroup {
    pub name: String,
    /// Ids of accounts.
    #[serde(default)]
    pub members: Vec<String>,
}

/// What is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeGroup {
    pub name: Option<String>,
    /// Ids of all accounts that are to be members.
    pub members: Option<Vec<String>>,
}

/// A span of time; an end that is missing is without one.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeSpan {
    /// The first moment that belongs to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// The first moment that no longer belongs to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A span of time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownSpan {
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub from: Option<String>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub until: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    Audit,
    Deputy,
    Leaver,
    Shared,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct GrantParams {
    /// Only grants to this account.
    pub account: Option<String>,
    /// Only grants to this group.
    pub group: Option<String>,
    /// Only grants on this mailbox: an account's id, or `tenant`.
    pub mailbox: Option<String>,
    /// Only those that stand: neither revoked nor over.
    #[serde(default)]
    pub standing: bool,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantsAnswer {
    /// Newest first.
    pub grants: Vec<Grant>,
    #[schema(required)]
    pub next: Option<String>,
}

/// Who may see whose mail, and why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    pub id: String,
    /// Whom it was given to; null for a group.
    #[schema(required)]
    pub account: Option<NamedAccount>,
    /// The group that it was given to; its name is empty when it is gone.
    #[schema(required)]
    pub group: Option<NamedGroup>,
    /// Whose mail; null: that of the whole tenant.
    #[schema(required)]
    pub mailbox: Option<NamedAccount>,
    pub kind: GrantKind,
    /// When the grant works.
    pub valid: ShownSpan,
    /// Which mail it opens: that received within this span.
    pub mail: ShownSpan,
    pub reason: String,
    pub granted_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: String,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<String>,
    #[schema(required)]
    pub revoked_by: Option<String>,
    /// Whether it works at this moment; four eyes apart.
    pub active: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrant {
    /// Whom to: an account, or else a group.
    pub account: Option<String>,
    pub group: Option<String>,
    /// Whose mail: an account; null with `wholeTenant`.
    pub mailbox: Option<String>,
    /// Opens all mail of the tenant; for one auditor or officer.
    #[serde(default)]
    pub whole_tenant: bool,
    pub kind: GrantKind,
    #[serde(default)]
    pub valid: TimeSpan,
    #[serde(default)]
    pub mail: TimeSpan,
    pub reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequestsAnswer {
    /// Newest first.
    pub requests: Vec<AccessRequest>,
    #[schema(required)]
    pub next: Option<String>,
}

/// A request for access to foreign mail, where four eyes are required.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequest {
    pub id: String,
    pub requester: NamedAccount,
    /// Whose mail; empty: that of the whole tenant.
    pub mailboxes: Vec<NamedAccount>,
    pub whole_tenant: bool,
    pub mail: ShownSpan,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: String,
    #[schema(value_type = String, format = DateTime)]
    pub until: String,
    /// `asked`, `approved`, `rejected` or `revoked`.
    pub state: String,
    /// Whether it counts at this moment.
    pub active: bool,
    /// Oldest first.
    pub decisions: Vec<AccessDecision>,
    /// Whether the caller may approve or reject it.
    pub decidable: bool,
    /// Who is to be told, as far as the tenant wants that.
    pub concerned: Vec<ConcernedPerson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessDecision {
    pub state: String,
    pub who: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConcernedPerson {
    pub account: NamedAccount,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub told_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccessRequest {
    /// Ids of accounts, at most 1,000; none with `wholeTenant`.
    #[serde(default)]
    pub mailboxes: Vec<String>,
    #[serde(default)]
    pub whole_tenant: bool,
    #[serde(default)]
    pub mail: TimeSpan,
    pub reason: String,
    /// At most 366 days from now.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct MailboxParams {
    /// Words that all occur in user name, names or a present address.
    pub q: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailboxesAnswer {
    /// Mailboxes of others that grants of the caller open, or would open once access is approved.
    pub mailboxes: Vec<GrantedMailbox>,
    #[schema(required)]
    pub next: Option<String>,
    /// When mail was received of which everything of the tenant is open now.
    pub everything: Vec<ShownSpan>,
    /// Whether the caller needs an approved access request.
    pub four_eyes: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantedMailbox {
    #[serde(flatten)]
    pub account: NamedAccount,
    pub kind: AccountKind,
    pub addresses: Vec<String>,
    /// Whether some of its mail is open now.
    pub open: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct ImportParams {
    /// That of the preview: what was previewed is what is imported.
    pub digest: String,
}

/// What an import does, or did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountImport {
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Lines with errors; one is enough that nothing is imported.
    pub refused: u64,
    /// For the import of this very file.
    pub digest: String,
    /// About the file as a whole.
    pub notes: Vec<ImportFinding>,
    pub lines: Vec<ImportLine>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportLine {
    /// The first line is 1.
    pub line: u64,
    pub user_name: String,
    /// `create`, `change`, `unchanged` or `refused`.
    pub effect: String,
    /// Of `firstName`, `lastName`, `password`, `addresses`.
    pub changes: Vec<String>,
    /// Addresses that the account is given.
    pub addresses: Vec<String>,
    pub notes: Vec<ImportFinding>,
    pub errors: Vec<ImportFinding>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportFinding {
    /// Such as `duplicate-user`, `address-owned`, `weak-password`.
    pub code: String,
    pub detail: String,
}
