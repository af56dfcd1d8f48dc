//! Decisions about what waits in quarantine.

use catalog::QuarantineState;
use model::{ContentId, QuarantineId, TenantId};
use serde::{Deserialize, Serialize};
use store::{Bundle, EntryKind, NewEntry, SectionKind, VaultParts};

use crate::LineParts;
use crate::error::Result;
use crate::places::Places;

/// Decisions of this span are looked at again after a start.
const RESUME_SECONDS: i64 = 24 * 60 * 60;

/// Quarantine entries that are read at a time.
const PAGE: u32 = 500;

/// A decision as it is kept in the vault, so that a rebuild knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub quarantine: QuarantineId,
    pub state: QuarantineState,
    pub by: String,
    pub reason: String,
    pub at: model::Timestamp,
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
        self.decide(tenant, id, QuarantineState::Retried, by, "")
    }

    /// Lets the submission into the archive whatever organisation it names. `false` as above.
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
        self.decide(tenant, id, QuarantineState::Released, by, reason)
    }

    fn decide(
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
        let decision =
            Decision { quarantine: id, state, by: by.to_owned(), reason: reason.to_owned(), at };
        self.note(tenant, &decision)?;
        self.parts.spool.accept_wait(draft)?;
        Ok(true)
    }

    /// Sends again what was decided lately: after a crash some of it may not have reached the
    /// spool. What did is known, and nothing is doubled.
    ///
    /// # Errors
    /// Of catalog, vault or spool.
    pub fn resume(&self) -> Result<()> {
        let since = self.parts.clock.now().saturating_add_seconds(-RESUME_SECONDS);
        for tenant in self.parts.catalog.tenants()? {
            let mut after = 0;
            loop {
                let page = self.parts.catalog.all_quarantined(tenant.id, after, PAGE)?;
                let Some(last) = page.last() else { break };
                after = last.row;
                let decided = |row: &&catalog::QuarantineRow| {
                    row.state != QuarantineState::Waiting
                        && row.decided_at.is_some_and(|at| at >= since)
                };
                for row in page.iter().filter(decided) {
                    let draft = self.draft(tenant.id, &row.entry, row.state)?;
                    self.parts.spool.accept_wait(draft)?;
                }
            }
        }
        Ok(())
    }

    fn draft(
        &self,
        tenant: TenantId,
        entry: &catalog::NewQuarantine,
        state: QuarantineState,
    ) -> Result<spool::Draft> {
        let octets = self.octets(tenant, entry)?;
        let (source, envelope) = (entry.source.clone(), entry.envelope.clone());
        let mut draft = self.parts.spool.draft(tenant, source, envelope, entry.received_at);
        draft.write(&octets)?;
        draft.set_released(state == QuarantineState::Released);
        Ok(draft)
    }

    fn octets(&self, tenant: TenantId, entry: &catalog::NewQuarantine) -> Result<Vec<u8>> {
        let places = Places::in_catalog(&*self.parts.catalog, tenant);
        let source = VaultParts { vault: &self.parts.vault, tenant, map: &places };
        let stored = self.parts.vault.read(tenant, entry.location)?;
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
