//! Events that are not about the arrival of a mail: their notes in the vault, their leaves.

use catalog::{Catalog, CatalogError, KeptLeaf, LedgerEvent, LedgerNote};
use evidence::{HashAlgorithm, HashValue, group_hash};
use fail::fail_point;
use model::{ContentId, Digest, Location, TenantId};
use store::{EntryKind, NewEntry, Sealed as SealedEntry};

use crate::octets::hash_values;
use crate::{Ledger, LedgerError, Result};

/// Notes that are written into the vault at once.
const NOTES_MAX: u32 = 1000;

/// The places where the crash suite ends the process: around the notes of events.
pub const EVENT_CRASH_POINTS: &[&str] = &["ledger.note.before", "ledger.note.after"];

impl Ledger {
    /// Writes the notes of all events that wait for the vault; returns how many. Durable on return.
    ///
    /// A crash before the catalog knows where they are leaves notes that are written once more: a
    /// rebuild sees the same event twice, which changes nothing. While the tenant has no folder in
    /// the vault, because no mail came yet, they wait.
    ///
    /// # Errors
    /// Of catalog and vault: what was not written waits.
    pub fn flush(&self, tenant: TenantId) -> Result<u64> {
        let mut written = 0;
        loop {
            let waiting = self.catalog.waiting_notes(tenant, NOTES_MAX)?;
            if waiting.is_empty() || !self.vault.has_tenant(tenant) {
                return Ok(written);
            }
            let entries: Vec<SealedEntry> = waiting
                .iter()
                .map(|it| {
                    let content = ContentId::of(&it.note);
                    let entry = NewEntry { kind: EntryKind::Note, content, octets: &it.note };
                    self.vault.seal(tenant, &entry)
                })
                .collect::<Result<_, _>>()?;
            fail_point!("ledger.note.before");
            let places = self.vault.append(tenant, &entries)?;
            fail_point!("ledger.note.after");
            let places: Vec<(u64, Location)> =
                waiting.iter().map(|it| it.seq).zip(places).collect();
            self.catalog.settle_notes(tenant, &places)?;
            written += places.len() as u64;
        }
    }

    /// What must be kept of a record's deliveries before their entries are erased
    /// ([`catalog::NewLedgerEvent::kept`]). Reads their facts from the vault.
    ///
    /// # Errors
    /// [`LedgerError::Facts`] when a number is no event of a mail, or its facts cannot be read.
    pub fn kept_leaves(&self, tenant: TenantId, numbers: &[u64]) -> Result<Vec<KeptLeaf>> {
        let mut kept = Vec::with_capacity(numbers.len());
        for &seq in numbers {
            let events = self.catalog.ledger_events(tenant, seq.saturating_sub(1), 1)?;
            let event = events.into_iter().find(|event| event.seq == seq && event.mail);
            let none = || LedgerError::Facts { seq, why: "it is no event of a mail".into() };
            let event = event.ok_or_else(none)?;
            let leaf = self.sha256_leaf(tenant, &event)?;
            let leaf = <[u8; 32]>::try_from(leaf.as_slice()).map_err(|_| none())?;
            kept.push(KeptLeaf {
                seq,
                kind: event.kind,
                at: event.at,
                facts: event.digest,
                leaf: Digest::from_bytes(leaf),
            });
        }
        Ok(kept)
    }

    /// An event that is not about the arrival of a mail, as the vault has it, and its octets, which are
    /// its leaf's one data object; `None` for mail and for what waits for the vault.
    ///
    /// # Errors
    /// When the note is not readable or tells of another event.
    pub fn note(
        &self,
        tenant: TenantId,
        event: &LedgerEvent,
    ) -> Result<Option<(LedgerNote, Vec<u8>)>> {
        let seq = event.seq;
        let (false, Some(location)) = (event.mail, event.location) else { return Ok(None) };
        let octets = self.vault.read(tenant, location)?.octets;
        let wrong = |why: &str| LedgerError::Facts { seq, why: why.to_owned() };
        let note = LedgerNote::parse(&octets).ok_or_else(|| wrong("they are no event"))?;
        let named = (note.tenant, note.seq, note.kind.name(), note.at);
        if named != (tenant, seq, event.kind.as_str(), event.at) {
            return Err(wrong("they tell of another event"));
        }
        if Digest::of(&octets) != event.digest {
            return Err(wrong("they are not those that the catalog knows"));
        }
        Ok(Some((note, octets)))
    }

    /// The leaf of an event under the archive's hash algorithm. Of mail whose entry was erased it is what was
    /// kept: the hash under SHA-256, hashed once more if that is another algorithm.
    pub(crate) fn leaf(&self, tenant: TenantId, event: &LedgerEvent) -> Result<HashValue> {
        let algorithm = self.algorithm;
        if algorithm == HashAlgorithm::Sha256 {
            return self.sha256_leaf(tenant, event);
        }
        if let Some(kept) = event.kept {
            return Ok(algorithm.hash(kept.as_bytes()));
        }
        let hashes = match (event.mail, event.location) {
            (true, Some(location)) => {
                self.octets(tenant, event.seq, location)?.objects()?.hashes(algorithm)
            }
            _ => match self.note(tenant, event)? {
                Some((_, octets)) => vec![algorithm.hash(&octets)],
                None => return Err(lost(event.seq)),
            },
        };
        Ok(group_hash(algorithm, &hashes)?)
    }

    fn sha256_leaf(&self, tenant: TenantId, event: &LedgerEvent) -> Result<HashValue> {
        let seq = event.seq;
        if let Some(kept) = event.kept {
            return Ok(HashValue::from(kept));
        }
        let members = match (event.mail, event.location) {
            (true, Some(location)) => self.members(tenant, seq, location)?,
            _ => match self.note(tenant, event)? {
                Some((_, octets)) => vec![Digest::of(&octets)],
                None => return Err(lost(seq)),
            },
        };
        Ok(group_hash(HashAlgorithm::Sha256, &hash_values(&members))?)
    }
}

fn lost(seq: u64) -> LedgerError {
    LedgerError::Facts { seq, why: "the catalog has lost its entry".into() }
}

/// Writes down the event that a note of the vault holds; `false` when it holds none. For a
/// rebuild, before any mail is committed.
///
/// # Errors
/// Of the catalog.
pub fn recover_event(
    catalog: &dyn Catalog,
    tenant: TenantId,
    location: Location,
    octets: &[u8],
) -> Result<bool, CatalogError> {
    let Some(note) = LedgerNote::parse(octets).filter(|note| note.tenant == tenant) else {
        return Ok(false);
    };
    catalog.recover_event(&note, Digest::of(octets), location)?;
    Ok(true)
}
