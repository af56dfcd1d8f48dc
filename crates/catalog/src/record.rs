use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use model::{
    ContentId, Digest, Envelope, Location, QuarantineId, RecordFacts, RecordId, Source, Summary,
    TenantId, Timestamp,
};
use policy::Scope;
use serde::{Deserialize, Serialize};

use crate::{CatalogError, Changes, ListRow, RecordDetail, StoredRecord};

/// What one pass of the pipeline adds for one tenant. All of it lies in the vault already.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The moment that the ledger's events carry.
    pub at: Timestamp,
    pub parts: Vec<NewPart>,
    /// In the order of arrival; the same record may occur several times.
    pub records: Vec<NewRecord>,
    pub quarantined: Vec<NewQuarantine>,
    /// Counted only.
    pub not_selected: Vec<NotSelected>,
    /// Which parts its entries refer to. A part that is not in the catalog (any more) is refused
    /// ([`CatalogError::MissingPart`]): it was erased since the entry was made.
    pub uses: Vec<PartUse>,
    /// Written again from the vault: the history over time has counted it already.
    pub replay: bool,
    /// In a rebuild: what the sealed batches of the ledger say.
    pub numbers: Numbers,
}

/// The numbers of the ledger that sealed batches give to the arrival of mail: a rebuild must not
/// give them to anything else, whatever of the vault is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of the batch's records, by the digest of their facts.
    pub by_facts: HashMap<Digest, u64>,
    /// What is sealed; in order.
    pub sealed: Vec<RangeInclusive<u64>>,
}

impl Numbers {
    /// The sealed batches that hold a number.
    pub fn sealed(&self, seq: u64) -> Option<&RangeInclusive<u64>> {
        let after = self.sealed.partition_point(|range| *range.start() <= seq);
        self.sealed.get(after.checked_sub(1)?).filter(|range| range.contains(&seq))
    }
}

/// The parts that one of the batch's entries refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartUse {
    pub by: PartUser,
    pub parts: Vec<ContentId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartUser {
    Quarantine(QuarantineId),
    Record(RecordId),
}

/// A submission that was not kept, because none of its accounts is selected for the archive.
#[derive(Clone, Debug)]
pub struct NotSelected {
    pub source: Source,
    pub size_bytes: u64,
    pub received_at: Timestamp,
}

/// A decoded part that the vault now holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPart {
    pub content: ContentId,
    pub location: Location,
}

/// One accepted submission: a mail, or a further delivery of a mail that is archived already.
#[derive(Clone, Debug)]
pub struct NewRecord {
    pub facts: RecordFacts,
    /// SHA-256 of the facts as they were written into the vault: the ledger's leaf.
    pub facts_digest: Digest,
    /// Not looked at when the record exists.
    pub summary: Summary,
    /// What lists are sorted by: the Date header if it is plausible, else the time of arrival.
    pub date: Timestamp,
    /// The entry that was written for this submission.
    pub location: Location,
    /// Whether that entry contains the mail itself, not only facts about a further delivery.
    pub whole: bool,
}

/// A submission that waits for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewQuarantine {
    pub id: QuarantineId,
    pub content: ContentId,
    /// Such as `foreign-organisation`: [`policy::QuarantineReason::code`].
    pub reason_code: String,
    pub reason_detail: String,
    pub originator_org: Option<String>,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    pub source: Source,
    pub envelope: Option<Envelope>,
    pub location: Location,
}

/// What the catalog made of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Same record, same report, same participants: nothing was written, there is no event.
    Known,
    /// The record existed; a report or participants were added.
    Merged,
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    pub outcome: Outcome,
    pub record: RecordId,
    /// The record's row: unique in the catalog, grows with arrival.
    pub row: u64,
    /// The ledger event's number; `None` for [`Outcome::Known`].
    pub seq: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// One for each of the batch's records, in its order.
    pub records: Vec<Inserted>,
    /// The tenant's last ledger event after the batch.
    pub max_seq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineState {
    /// Not for the archive: an administrator's decision. Its octets are erased.
    Discarded,
    /// An administrator let it into the archive.
    Released,
    /// Sent through the pipeline again under the present rules.
    Retried,
    Waiting,
}

/// Which entries of the quarantine; `None` leaves a condition out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// The reason's code.
    pub reason: Option<String>,
    /// Entries in this state; `None`: those that wait.
    pub state: Option<QuarantineState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    /// The cursor for the next page.
    pub row: u64,
    pub entry: NewQuarantine,
    pub state: QuarantineState,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineList {
    /// All that the filter names, on whatever page.
    pub total: u64,
    pub rows: Vec<QuarantineRow>,
}

/// Counters of one tenant; kept with each commit, so that asking costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub records: u64,
    /// Submissions that were archived: new records and merged deliveries.
    pub deliveries: u64,
    /// Journal reports among them.
    pub reports: u64,
    pub merged: u64,
    /// Waiting for a decision.
    pub quarantined: u64,
    /// Octets of the mails and of the reports around them, as received.
    pub raw_bytes: u64,
    /// Octets of the mails alone.
    pub mail_bytes: u64,
    /// Distinct decoded parts in the vault.
    pub parts: u64,
    /// Submissions that were left out because none of their accounts is selected.
    pub not_selected: u64,
}

/// Records, participants, deliveries, parts, quarantine and the ledger's events.
///
/// One pipeline writes for a tenant at a time. Readers see whole batches only.
pub trait Records: Send + Sync {
    /// Which of the records the tenant has.
    fn existing(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<HashSet<RecordId>, CatalogError>;

    /// What [`Records::commit`] would make of these submissions, in this order, without writing:
    /// tells the pipeline what to write into the vault. Location, digest and summary are not
    /// looked at. Holds until someone else writes for the tenant.
    fn foresee(
        &self,
        tenant: TenantId,
        records: &[&RecordFacts],
    ) -> Result<Vec<Outcome>, CatalogError>;

    /// Adds a batch: all of it or nothing, durable on return. Adding the same batch again changes
    /// nothing. Outcomes are decided anew under the writer's lock; a further delivery of a record
    /// that is missing is refused ([`CatalogError::MissingRecord`]) unless its entry is whole.
    fn commit(&self, tenant: TenantId, batch: &Batch) -> Result<Committed, CatalogError>;

    /// Where the vault holds these parts, in their order.
    fn locate(
        &self,
        tenant: TenantId,
        parts: &[ContentId],
    ) -> Result<Vec<Option<Location>>, CatalogError>;

    /// The record with everything about it, if the scope sees it; versions only as far as the
    /// scope sees them.
    fn record(&self, scope: &Scope, id: RecordId) -> Result<Option<RecordDetail>, CatalogError>;

    /// The rows of a list of results in the order of `ids`; what the scope does not see or the
    /// catalog does not have is left out.
    fn rows(&self, scope: &Scope, ids: &[RecordId]) -> Result<Vec<ListRow>, CatalogError>;

    /// Addresses that begin with `prefix` and occur in mail that the scope sees, by address. For
    /// a user only their newest mail is looked at.
    fn suggest_addresses(
        &self,
        scope: &Scope,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<String>, CatalogError>;

    /// Records by id without a scope, in the order of `ids`, missing ones left out. For the
    /// pipeline and for verification; never for an answer to a person.
    fn stored(&self, tenant: TenantId, ids: &[RecordId])
    -> Result<Vec<StoredRecord>, CatalogError>;

    /// The records that up to `limit` ledger events after `after_seq` are about, each once, in
    /// the order of their first event. For the pipeline: no scope.
    fn changes(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Changes, CatalogError>;

    /// All records with a row above `after_row`, in the order of arrival, at most `limit`. For
    /// verification: no scope.
    fn all_records(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, CatalogError>;

    /// All parts with a content id above `after` (`None`: from the start), by content id, at most
    /// `limit`. For verification.
    fn all_parts(
        &self,
        tenant: TenantId,
        after: Option<ContentId>,
        limit: u32,
    ) -> Result<Vec<NewPart>, CatalogError>;

    /// The number of the tenant's last ledger event; 0 before the first.
    fn max_seq(&self, tenant: TenantId) -> Result<u64, CatalogError>;

    /// How many distinct records the events after `after_seq` are about: what an index that is
    /// complete up to there does not show yet.
    fn records_after(&self, tenant: TenantId, after_seq: u64) -> Result<u64, CatalogError>;

    /// As [`Records::records_after`], of those that the scope sees. At once when there are none;
    /// takes as long as the tenant's events after `after_seq` are many.
    fn visible_after(&self, scope: &Scope, after_seq: u64) -> Result<u64, CatalogError>;

    fn figures(&self, tenant: TenantId) -> Result<Figures, CatalogError>;

    /// The figures counted anew from the rows, to be compared; takes as long as these are many. What
    /// leaves no row is as in [`Records::figures`].
    fn recount(&self, tenant: TenantId) -> Result<Figures, CatalogError>;

    /// What the filter names, newest first, below the row `before`, at most `limit`.
    fn quarantine(
        &self,
        tenant: TenantId,
        filter: &QuarantineFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<QuarantineList, CatalogError>;

    fn quarantined(
        &self,
        tenant: TenantId,
        id: QuarantineId,
    ) -> Result<Option<QuarantineRow>, CatalogError>;

    /// All quarantine entries with a row above `after_row`, whatever their state. For
    /// verification.
    fn all_quarantined(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, CatalogError>;

    /// Entries that were decided since `since`, at most `limit`, with a row above `after_row`.
    fn decided_since(
        &self,
        tenant: TenantId,
        since: Timestamp,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, CatalogError>;

    /// Writes down a decision about a waiting entry. `false`: it does not exist or does not wait.
    fn decide_quarantine(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        state: QuarantineState,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError>;
}
