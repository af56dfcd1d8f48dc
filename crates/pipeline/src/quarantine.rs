//! Decisions about what waits in quarantine.

use std::time::Duration;

use catalog::{NewQuarantine, QuarantineFilter, QuarantineRow, QuarantineState};
use model::{ContentId, QuarantineId, Submission, TenantId};
use policy::Assigned;
use serde::{Deserialize, Serialize};
use spool::SpoolError;
use store::{Bundle, EntryKind, NewEntry, SectionKind, StoreError, VaultParts};

use crate::error::{Error, Result};
use crate::judge::Judge;
use crate::places::Places;
use crate::understand::candidate;
use crate::{LineParts, Progress};

/// Decisions of this span are looked at again after a start.
const RESUME_SECONDS: i64 = 24 * 60 * 60;

/// Quarantine entries that are read at a time.
const PAGE: u32 = 500;

/// How long work in bulk waits before it asks a full spool again.
const FULL_PAUSE: Duration = Duration::from_millis(500);

/// A decision as it is kept in the vault, so that a rebuild knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub quarantine: QuarantineId,
    pub state: QuarantineState,
    pub by: String,
    pub reason: String,
    pub at: model::Timestamp,
    /// Of a discarded submission, whose own entry is erased: what is known of it, without its
    /// envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<NewQuarantine>,
}

/// What is done with all entries that a filter names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bulk {
    Discard,
    Release,
    /// Those that the present rules let in.
    Retry,
}

/// What became of work in bulk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkDone {
    /// Entries that were looked at.
    pub seen: u64,
    /// Entries for which a decision was made.
    pub decided: u64,
    /// Entries that could not be read; the log names the reasons.
    pub failed: u64,
}

/// What an administrator does with quarantined submissions, without seeing them.
#[derive(Clone)]
pub struct QuarantineDesk {
    parts: LineParts,
}

impl QuarantineDesk {
    pub fn new(parts: LineParts) -> Self {
        Self { parts }
    }

    /// Sends the submission through the line again under the present rules. `false`: there is no
    /// such entry, or it does not wait.
    ///
    /// # Errors
    /// When it cannot be read or the spool is full; it waits on then.
    pub fn retry(&self, tenant: TenantId, id: QuarantineId, by: &str) -> Result<bool> {
        self.let_in(tenant, id, QuarantineState::Retried, by, "")
    }

    /// Lets the submission into the archive whatever organisation and domain it names. `false` as
    /// above.
    ///
    /// # Errors
    /// As [`QuarantineDesk::retry`].
    pub fn release(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<bool> {
        self.let_in(tenant, id, QuarantineState::Released, by, reason)
    }

    /// Decides that the submission does not belong into the archive, and erases its octets. One
    /// that is archived all the same (a damaged report) stays archived. `false` as above.
    ///
    /// # Errors
    /// [`Error::Held`] while a legal hold of the tenant is active. Of catalog or vault: an erasure that was interrupted is repeated at the next start.
    pub fn discard(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        by: &str,
        reason: &str,
    ) -> Result<bool> {
        // What no hold has looked at counts as held, and nobody looks at what waits here.
        if self.parts.catalog.has_active_hold(tenant)? {
            return Err(Error::Held);
        }
        let state = QuarantineState::Discarded;
        let at = self.parts.clock.now();
        if !self.parts.catalog.decide_quarantine(tenant, id, state, by, reason, at)? {
            return Ok(false);
        }
        // A crash from here on leaves octets that are decided and not erased: see `resume`.
        let Some(row) = self.parts.catalog.quarantined(tenant, id)? else { return Ok(false) };
        self.erase(tenant, &row)?;
        Ok(true)
    }

    /// Decides for all waiting entries that the filter names, newest first. Each entry is decided
    /// by itself, so the work can be ended and begun again at any time.
    ///
    /// # Errors
    /// Of the catalog; entries that cannot be read are counted and skipped.
    pub fn bulk(
        &self,
        tenant: TenantId,
        filter: &QuarantineFilter,
        bulk: Bulk,
        (by, reason): (&str, &str),
        progress: &dyn Progress,
    ) -> Result<BulkDone> {
        let waiting = QuarantineFilter { state: Some(QuarantineState::Waiting), ..filter.clone() };
        let judge = Judge::of(&*self.parts.catalog, tenant)?;
        let (mut done, mut before) = (BulkDone::default(), None);
        loop {
            let page = self.parts.catalog.quarantine(tenant, &waiting, before, PAGE)?;
            if before.is_none() {
                progress.total(page.total);
            }
            let Some(last) = page.rows.last() else { return Ok(done) };
            before = Some(last.row);
            for row in &page.rows {
                if progress.is_cancelled() {
                    return Ok(done);
                }
                match self.decide_one(tenant, row, bulk, (by, reason), &judge, progress) {
                    Ok(decided) => done.decided += u64::from(decided),
                    Err(error) => {
                        done.failed += 1;
                        let error = Error::chain(&error);
                        tracing::error!(tenant.id = %tenant, quarantine.id = %row.entry.id, error, "a quarantined submission waits on");
                    }
                }
                done.seen += 1;
                progress.done(done.seen);
            }
        }
    }

    fn decide_one(
        &self,
        tenant: TenantId,
        row: &QuarantineRow,
        bulk: Bulk,
        (by, reason): (&str, &str),
        judge: &Judge<'_>,
        progress: &dyn Progress,
    ) -> Result<bool> {
        let id = row.entry.id;
        loop {
            let decided = match bulk {
                Bulk::Discard => self.discard(tenant, id, by, reason),
                Bulk::Release => self.release(tenant, id, by, reason),
                // What would come back is left where it is.
                Bulk::Retry if !self.would_enter(tenant, &row.entry, judge)? => return Ok(false),
                Bulk::Retry => self.retry(tenant, id, by),
            };
            match decided {
                Err(Error::Spool(SpoolError::Full(_))) if !progress.is_cancelled() => {
                    std::thread::sleep(FULL_PAUSE);
                }
                decided => return decided,
            }
        }
    }

    /// Whether the present rules let the submission in.
    fn would_enter(
        &self,
        tenant: TenantId,
        entry: &NewQuarantine,
        judge: &Judge<'_>,
    ) -> Result<bool> {
        let submission = Submission {
            tenant,
            source: entry.source.clone(),
            envelope: entry.envelope.clone(),
            received_at: entry.received_at,
            released: false,
            octets: self.octets(tenant, entry)?.into(),
        };
        let rules = self.parts.catalog.rules(tenant, submission.source.id())?;
        let examined = mail::examine_submission(&submission, &rules);
        let candidate = candidate(&submission, &examined);
        let selection = judge.selection(std::iter::once(candidate))?;
        Ok(!matches!(judge.assign(&rules, &candidate, &selection), Assigned::Quarantine(_)))
    }

    fn let_in(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        state: QuarantineState,
        by: &str,
        reason: &str,
    ) -> Result<bool> {
        let Some(row) = self.parts.catalog.quarantined(tenant, id)? else { return Ok(false) };
        if row.state != QuarantineState::Waiting {
            return Ok(false);
        }
        // Readable and room for it, before anything is decided.
        let draft = self.draft(tenant, &row.entry, state)?;
        self.parts.spool.admit(draft.size_bytes())?;
        let at = self.parts.clock.now();
        if !self.parts.catalog.decide_quarantine(tenant, id, state, by, reason, at)? {
            return Ok(false);
        }
        // A crash here leaves an entry that is decided and not archived: `resume` sends it again.
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.note(tenant, &Decision { quarantine: id, state, by, reason, at, entry: None })?;
        self.parts.spool.accept_wait(draft)?;
        Ok(true)
    }

    /// Does again what was decided lately: after a crash some of it may not have reached the spool
    /// or the key table. What did is known, and nothing is doubled. An entry that cannot be read
    /// is named in the log.
    ///
    /// # Errors
    /// Of the catalog.
    pub fn resume(&self) -> Result<()> {
        let since = self.parts.clock.now().saturating_add_seconds(-RESUME_SECONDS);
        for tenant in self.parts.catalog.tenants()? {
            let mut after = 0;
            loop {
                let page = self.parts.catalog.decided_since(tenant.id, since, after, PAGE)?;
                let Some(last) = page.last() else { break };
                after = last.row;
                for row in &page {
                    if let Err(error) = self.repeat(tenant.id, row) {
                        let error = Error::chain(&error);
                        tracing::error!(tenant.id = %tenant.id, quarantine.id = %row.entry.id, error, "a decision cannot be repeated");
                    }
                }
            }
        }
        Ok(())
    }

    fn repeat(&self, tenant: TenantId, row: &QuarantineRow) -> Result<()> {
        if row.state == QuarantineState::Discarded {
            return self.erase(tenant, row);
        }
        let draft = self.draft(tenant, &row.entry, row.state)?;
        self.parts.spool.accept_wait(draft)?;
        Ok(())
    }

    /// Writes down the decision and erases the entry's key. Attachments that the tenant stores once
    /// for many mails are not touched.
    fn erase(&self, tenant: TenantId, row: &QuarantineRow) -> Result<()> {
        match self.parts.vault.read(tenant, row.entry.location) {
            Err(StoreError::Erased(_)) => return Ok(()),
            Ok(stored) if stored.kind != EntryKind::Quarantine => {
                return self.note(tenant, &decision_of(row, None));
            }
            // What cannot be read is erased all the same.
            Ok(_) | Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let entry = NewQuarantine { envelope: None, ..row.entry.clone() };
        self.note(tenant, &decision_of(row, Some(entry)))?;
        self.parts.vault.erase(tenant, &[row.entry.location])?;
        Ok(())
    }

    fn draft(
        &self,
        tenant: TenantId,
        entry: &NewQuarantine,
        state: QuarantineState,
    ) -> Result<spool::Draft> {
        let octets = self.octets(tenant, entry)?;
        let (source, envelope) = (entry.source.clone(), entry.envelope.clone());
        let mut draft = self.parts.spool.draft(tenant, source, envelope, entry.received_at);
        draft.write(&octets)?;
        draft.set_released(state == QuarantineState::Released);
        Ok(draft)
    }

    fn octets(&self, tenant: TenantId, entry: &NewQuarantine) -> Result<Vec<u8>> {
        let places = Places::in_catalog(&*self.parts.catalog, tenant);
        let source = VaultParts { vault: &self.parts.vault, tenant, map: &places };
        let stored = self.parts.vault.read(tenant, entry.location)?;
        // A damaged report lies in quarantine by the entry of its record.
        let octets = Bundle::parse(&stored.octets)?.reassemble(SectionKind::Mail, &source)?;
        Ok(octets.unwrap_or_default())
    }

    fn note(&self, tenant: TenantId, decision: &Decision) -> Result<()> {
        let json = serde_json::to_vec(decision).unwrap_or_default();
        let entry =
            NewEntry { kind: EntryKind::Note, content: ContentId::of(&json), octets: &json };
        let sealed = self.parts.vault.seal(tenant, &entry)?;
        self.parts.vault.append(tenant, &[sealed])?;
        Ok(())
    }
}

fn decision_of(row: &QuarantineRow, entry: Option<NewQuarantine>) -> Decision {
    Decision {
        quarantine: row.entry.id,
        state: row.state,
        by: row.decided_by.clone().unwrap_or_default(),
        reason: row.decided_reason.clone().unwrap_or_default(),
        at: row.decided_at.unwrap_or_default(),
        entry,
    }
}
