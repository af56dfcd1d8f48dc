use model::{AccountId, ContentId, DisposalRunId, Location, RecordId, TenantId, Timestamp};
use policy::retain::{DisposalApproval, DispositionOrder, Ground, Verdict};
use serde::{Deserialize, Serialize};

use crate::{CatalogError, KeptLeaf};

/// Records that one call of [`Disposals::dispose`] takes.
pub const DISPOSED_AT_ONCE: usize = 500;
/// Records that one call of [`Disposals::add_disposal_items`] takes.
pub const ITEMS_AT_ONCE: usize = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisposalState {
    Done,
    /// Waits for approvals.
    Proposed,
    /// What it is about is looked for.
    Proposing,
    Rejected,
    /// Approved: goes on after a crash until every item is decided.
    Running,
    Withdrawn,
}

/// What is proposed, by whom, and what others said to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisposalDetail {
    pub ground: Ground,
    /// The classes it is about; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The version of the policies by which it was proposed.
    pub version: Option<u32>,
    pub reason: String,
    pub proposed_by: AccountId,
    /// The user name.
    pub proposer: String,
    pub proposed_at: Timestamp,
    /// What is not proposed although it might be expected.
    #[serde(default)]
    pub left_out: LeftOut,
    #[serde(default)]
    pub approvals: Vec<NamedApproval>,
    /// Who rejected or withdrew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<NamedApproval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Mails that a proposal leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Their period is over, but a hold is on them.
    pub held: u64,
    /// Their period is over, but their class is suspended.
    pub suspended: u64,
    /// Nobody can say how long they are to be kept.
    pub undetermined: u64,
}

/// What a person said, with the user name of that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedApproval {
    #[serde(flatten)]
    pub approval: DisposalApproval,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposalRun {
    pub id: DisposalRunId,
    pub state: DisposalState,
    pub detail: DisposalDetail,
    pub items: u64,
    pub bytes: u64,
    pub disposed: u64,
    /// Items that stay after all.
    pub kept: u64,
}

impl DisposalRun {
    pub fn approvals(&self) -> Vec<DisposalApproval> {
        self.detail.approvals.iter().map(|one| one.approval.clone()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    Disposed,
    Kept,
    Waiting,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposalItem {
    pub record: RecordId,
    pub state: ItemState,
    /// As it was when the run was proposed; `None`: nobody could say.
    pub verdict: Option<Verdict>,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    /// Why it stays.
    pub why: Option<String>,
}

/// One record that is to be destroyed.
#[derive(Clone, Debug)]
pub struct Disposal {
    pub order: DispositionOrder,
    pub run: DisposalRunId,
    /// What must be known of its deliveries.
    pub kept: Vec<KeptLeaf>,
    /// The parts that its entries refer to.
    pub parts: Vec<ContentId>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposed {
    /// It is in no list any more; `seq` certifies it. Its keys wait in
    /// [`Disposals::pending_erasures`].
    Gone { seq: u64 },
    /// A hold came in between.
    Held,
    /// There is no such record.
    Unknown,
}

/// What is left of a record that was disposed of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposedRow {
    pub record: RecordId,
    pub seq: u64,
    pub at: Timestamp,
    /// [`Ground::name`].
    pub ground: String,
    pub run: DisposalRunId,
}

impl DisposedRow {
    /// Whether a court or the person concerned wanted it.
    pub fn was_erased(&self) -> bool {
        self.ground != Ground::PeriodOver.name()
    }
}

/// What a run is about, by policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisposalShare {
    /// Both `None`: nobody could say how long these mails are kept.
    pub policy: Option<String>,
    pub class: Option<String>,
    pub mails: u64,
    pub bytes: u64,
    pub disposed: u64,
    pub kept: u64,
    pub received_first: Timestamp,
    pub received_last: Timestamp,
}

/// The certificates of deletion of a run: events of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificates {
    pub count: u64,
    /// Between them there may be events of other things.
    pub first_seq: u64,
    pub last_seq: u64,
}

/// A key that waits to be erased, and the record that it was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub location: Location,
    pub record: RecordId,
}

/// Runs that dispose of mail, and the way that a mail takes out of the catalog. All durable on
/// return.
pub trait Disposals: Send + Sync {
    fn add_disposal_run(&self, tenant: TenantId, run: &DisposalRun) -> Result<(), CatalogError>;

    /// Adds items to a proposal, at most [`ITEMS_AT_ONCE`]; those that are there stay as they are.
    fn add_disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        items: &[DisposalItem],
    ) -> Result<(), CatalogError>;

    fn disposal_run(
        &self,
        tenant: TenantId,
        id: DisposalRunId,
    ) -> Result<Option<DisposalRun>, CatalogError>;

    /// Newest first.
    fn disposal_runs(&self, tenant: TenantId, limit: u32)
    -> Result<Vec<DisposalRun>, CatalogError>;

    /// Of all tenants, oldest first.
    fn disposals_in(
        &self,
        state: DisposalState,
    ) -> Result<Vec<(TenantId, DisposalRunId)>, CatalogError>;

    /// Writes down what persons said or that it ended; `false` when it is not in the state `from`
    /// any more, or others said something meanwhile (`seen` approvals).
    fn change_disposal_run(
        &self,
        tenant: TenantId,
        from: DisposalState,
        seen: usize,
        run: &DisposalRun,
    ) -> Result<bool, CatalogError>;

    /// Items above `after`, by record, at most `limit`; `None`: in whatever state.
    fn disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        state: Option<ItemState>,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<DisposalItem>, CatalogError>;

    /// What a run is about, by policy and class. Reads every item.
    fn disposal_shares(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
    ) -> Result<Vec<DisposalShare>, CatalogError>;

    /// `None` while nothing of the run was destroyed. Reads every certificate of the tenant.
    fn certificates(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
    ) -> Result<Option<Certificates>, CatalogError>;

    /// These items of the run stay, for these reasons.
    fn keep_disposal_items(
        &self,
        tenant: TenantId,
        run: DisposalRunId,
        why: &[(RecordId, String)],
    ) -> Result<(), CatalogError>;

    /// Takes records out of the catalog, at most [`DISPOSED_AT_ONCE`], in one transaction: rows,
    /// addresses that only they named, parts that only they used; what is left is their event of
    /// the ledger (`disposed`), the leaves of their deliveries and what is to be erased. Holds are
    /// looked at once more under the writer's lock.
    ///
    /// The caller goes on with `ledger::Ledger::flush`, and with the erasure.
    fn dispose(
        &self,
        tenant: TenantId,
        disposals: &[Disposal],
        at: Timestamp,
    ) -> Result<Vec<Disposed>, CatalogError>;

    /// Tenants with keys that wait to be erased.
    fn erasing_tenants(&self) -> Result<Vec<TenantId>, CatalogError>;

    fn pending_erasures(&self, tenant: TenantId, limit: u32) -> Result<Vec<Erasure>, CatalogError>;

    /// These keys are erased, and the index has nothing of their records. May be repeated.
    fn settle_erasures(&self, tenant: TenantId, erased: &[Erasure]) -> Result<(), CatalogError>;

    /// Of those records that were disposed of.
    fn disposed(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<Vec<DisposedRow>, CatalogError>;

    fn disposed_count(&self, tenant: TenantId) -> Result<u64, CatalogError>;

    /// For a rebuild: what an event (`disposed`) tells of. May be repeated.
    fn recover_disposed(&self, tenant: TenantId, row: &DisposedRow) -> Result<(), CatalogError>;

    /// Records and quarantined submissions whose use of parts is not written down, with where they
    /// lie, at most `limit`.
    fn parts_unknown(
        &self,
        tenant: TenantId,
        limit: u32,
    ) -> Result<Vec<PartsUnknown>, CatalogError>;

    /// Writes down which parts a holder needs.
    fn set_part_uses(
        &self,
        tenant: TenantId,
        uses: &[(PartHolder, Vec<ContentId>)],
    ) -> Result<(), CatalogError>;

    /// Writes everything that was removed out of the database's files: the log is emptied. Waits
    /// for readers; `false` when one of them was in the way.
    fn forget_removed(&self) -> Result<bool, CatalogError>;
}

/// Whose bundles refer to a part: a row of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartHolder {
    Quarantine(i64),
    Record(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsUnknown {
    pub holder: PartHolder,
    pub entries: Vec<Location>,
}
