use model::{HoldId, MatterId, RecordId, TenantId, Timestamp};
use policy::Span;
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Custodians of one matter.
pub const CUSTODIANS_MAX: usize = 1_000;

/// Matters of one tenant, and holds of one matter.
pub const MATTERS_MAX: u32 = 10_000;
pub const MATTER_HOLDS_MAX: u32 = 1_000;

/// Characters of a matter's name, and of its notes.
pub const MATTER_NAME_CHARS_MAX: usize = 200;
pub const MATTER_NOTES_CHARS_MAX: usize = 20_000;

/// Which mail a matter is about: that which fulfils all of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterScope {
    /// Keys of addresses ([`model::EmailAddress::key`]), one of which takes part; none: anybody.
    pub addresses: Vec<String>,
    /// In the query language; empty: everything.
    pub query: String,
    /// When it was sent or received.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Beside what the query finds, also that of which it cannot be said: encrypted mail, and mail
    /// with attachments, whose contents the index does not have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsearchable: bool,
}

impl MatterScope {
    pub fn span(&self) -> Span {
        Span { from: self.from, until: self.until }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatterState {
    /// Over: it has no hold any more, and gets none.
    Closed,
    Open,
}

/// A dispute, an audit, an investigation: what is to be kept for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    pub id: MatterId,
    /// Once per tenant, whatever its case.
    pub name: String,
    /// As they were given: addresses, or user names of accounts.
    pub custodians: Vec<String>,
    /// For the next hold; holds that were placed keep theirs.
    pub scope: MatterScope,
    pub notes: String,
    pub state: MatterState,
    /// The user name.
    pub opened_by: String,
    pub opened_at: Timestamp,
    pub reason: String,
    pub closed: Option<HoldRelease>,
}

/// Who ended a hold or a matter, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRelease {
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
}

/// What a hold was placed with; never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldFacts {
    pub id: HoldId,
    pub matter: MatterId,
    pub scope: MatterScope,
    /// Relative dates in the query are counted from here.
    pub placed_at: Timestamp,
    /// The user name.
    pub placed_by: String,
    pub reason: String,
    pub released: Option<HoldRelease>,
}

/// What the vault keeps of a matter, so that a rebuild knows it: a note in JSON, written at every
/// change, with the holds that the change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterNote {
    pub matter: Matter,
    pub holds: Vec<HoldFacts>,
}

/// A hold and how far it has looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub facts: HoldFacts,
    /// The ledger event up to which it is complete. What comes later counts as held.
    pub through_seq: u64,
    /// Mails that it froze.
    pub found: u64,
}

/// What a hold is to look at next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexamined {
    /// Each once.
    pub records: Vec<RecordId>,
    /// The last event that they stand for; the given one when there is nothing more.
    pub through_seq: u64,
}

/// Matters, their holds, and what these freeze. All durable on return.
pub trait Matters: Send + Sync {
    /// # Errors
    /// [`crate::Conflict::MatterName`]; a limit of this module.
    fn add_matter(&self, tenant: TenantId, matter: &Matter) -> Result<(), CatalogError>;

    /// Replaces what is said of it; its holds stay as they are. `false`: there is none, or it is
    /// to be closed and has a hold.
    fn change_matter(&self, tenant: TenantId, matter: &Matter) -> Result<bool, CatalogError>;

    fn matter(&self, tenant: TenantId, id: MatterId) -> Result<Option<Matter>, CatalogError>;

    /// Newest first.
    fn matters(&self, tenant: TenantId) -> Result<Vec<Matter>, CatalogError>;

    /// From now on every mail of the tenant counts as held, until the hold has looked at it.
    /// `false`: there is no such open matter.
    fn place_hold(&self, tenant: TenantId, hold: &HoldFacts) -> Result<bool, CatalogError>;

    /// `false`: there is none, or it is released already.
    fn release_hold(
        &self,
        tenant: TenantId,
        id: HoldId,
        release: &HoldRelease,
    ) -> Result<bool, CatalogError>;

    /// Of one matter, or of all; the newest first.
    fn holds(
        &self,
        tenant: TenantId,
        matter: Option<MatterId>,
    ) -> Result<Vec<HoldRow>, CatalogError>;

    /// Those that are not released, with their tenants.
    fn active_holds(&self) -> Result<Vec<(TenantId, HoldRow)>, CatalogError>;

    /// Whether anything of the tenant may be held: then nothing goes that no hold has looked at.
    fn has_active_hold(&self, tenant: TenantId) -> Result<bool, CatalogError>;

    /// The mails that up to `limit` events after `after_seq` are about.
    fn unexamined(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Unexamined, CatalogError>;

    /// Adds what a hold found among the events through `through_seq`. May be repeated; the hold
    /// never goes back.
    fn freeze(
        &self,
        tenant: TenantId,
        hold: HoldId,
        records: &[RecordId],
        through_seq: u64,
    ) -> Result<(), CatalogError>;

    /// Which of the records must not be disposed of, and for which matters: those that an active
    /// hold froze, and those that one has not looked at yet. A few lookups for each record.
    fn holds_on(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<(RecordId, MatterId)>, CatalogError>;

    /// What the holds of a matter froze, released ones included, by id, each once, at most
    /// `limit`. No scope: names mails, shows nothing of them.
    fn held_records(
        &self,
        tenant: TenantId,
        matter: MatterId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>, CatalogError>;

    /// How many [`Matters::held_records`] there are.
    fn held_count(&self, tenant: TenantId, matter: MatterId) -> Result<u64, CatalogError>;

    /// For a rebuild, in the order in which it happened: a matter and its holds as the vault knows
    /// them. What is there already is only brought up to date; a release is never taken back.
    fn recover_matter(
        &self,
        tenant: TenantId,
        matter: &Matter,
        holds: &[HoldFacts],
    ) -> Result<(), CatalogError>;
}
