//! The scrub: all octets read again against their digests, damage named with the mails that it
//! concerns, written into the ledger, and repaired from a backup where one is at hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Catalog, LedgerKind, NewLedgerEvent};
use model::{ContentId, RecordId, TenantId, Timestamp};
use pipeline::Places;
use serde::{Deserialize, Serialize};
use store::{Bundle, Entry, EntryKind, Scanned, SectionKind, Vault, VaultParts};

use crate::Result;

/// Mails that one finding names; the others are counted.
const NAMED_MAX: usize = 1000;
/// Findings of one pack that are written down one by one.
const FINDINGS_MAX: usize = 100;

const SECTIONS: [SectionKind; 3] = [SectionKind::Mail, SectionKind::Decrypted, SectionKind::Report];

/// Reads vaults again, pack by pack.
pub struct Scrub {
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    /// Opens a copy of the vault that damage is repaired from: that of a backup folder.
    pub copy: Option<OpenCopy>,
}

/// `None` when there is none now.
pub type OpenCopy = Box<dyn Fn() -> Option<Box<dyn VaultCopy>> + Send + Sync>;

/// A copy of the vault, and what must outlive it.
pub trait VaultCopy {
    fn vault(&self) -> &Vault;
}

/// What was read of one pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubbedPack {
    pub entries: u64,
    /// Bytes of entries that were read.
    pub bytes: u64,
    pub findings: Vec<ScrubFinding>,
}

/// Damage in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubFinding {
    pub tenant: TenantId,
    /// The file below the tenant's folder.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    pub why: String,
    /// The mails concerned; of a place that is no entry any more none can be named.
    pub records: Vec<RecordId>,
    pub at: Timestamp,
    /// Written anew from the backup and read again without fault.
    pub repaired: bool,
}

impl Scrub {
    /// Reads one pack of a tenant again: every entry is decrypted and authenticated, every mail put
    /// together from its parts and compared with its SHA-256. `pace` is called with the bytes of each
    /// entry and may wait.
    ///
    /// Findings are events of the ledger when this returns; a crash before that finds them once more.
    ///
    /// # Errors
    /// When the tenant or the catalog cannot be read at all.
    pub fn pack(
        &self,
        tenant: TenantId,
        pack: u32,
        now: Timestamp,
        pace: &mut dyn FnMut(u64),
    ) -> Result<ScrubbedPack> {
        let mut read = self.read(tenant, pack, now, pace)?;
        if read.findings.is_empty() {
            return Ok(read);
        }
        self.repair(tenant, pack, now, &mut read)?;
        let events: Vec<NewLedgerEvent> = read.findings.iter().map(event).collect();
        self.catalog.append_ledger(tenant, &events)?;
        for finding in &read.findings {
            let ScrubFinding { file, offset, why, records, repaired, .. } = finding;
            let mails = records.len();
            tracing::error!(tenant.id = %tenant, file, offset, why, mails, repaired, "damage in the archive");
        }
        Ok(read)
    }

    fn read(
        &self,
        tenant: TenantId,
        pack: u32,
        now: Timestamp,
        pace: &mut dyn FnMut(u64),
    ) -> Result<ScrubbedPack> {
        let mut read = ScrubbedPack::default();
        let mut lost_parts = BTreeSet::new();
        let finding = |file: String, offset: u64, why: String, records: Vec<RecordId>| {
            ScrubFinding { tenant, file, offset, why, records, at: now, repaired: false }
        };
        for scanned in self.vault.scan(tenant, pack..=pack)? {
            match scanned {
                Scanned::Erased { .. } => read.entries += 1,
                Scanned::Damaged(damage) => {
                    let mut records = Vec::new();
                    if let Some(content) = damage.content {
                        let record = RecordId::of(tenant, content);
                        match self.catalog.stored(tenant, &[record])?.is_empty() {
                            true => drop(lost_parts.insert((content, read.findings.len()))),
                            false => records.push(record),
                        }
                    }
                    if read.findings.len() < FINDINGS_MAX {
                        read.findings.push(finding(
                            damage.file,
                            damage.offset,
                            damage.why,
                            records,
                        ));
                    }
                }
                Scanned::Entry { location, entry } => {
                    read.entries += 1;
                    read.bytes += location.length_bytes;
                    pace(location.length_bytes);
                    let Some((record, why)) = self.mail_flaw(tenant, &entry) else { continue };
                    if read.findings.len() < FINDINGS_MAX {
                        let file = format!("{:08}.pack", location.pack);
                        read.findings.push(finding(file, location.offset, why, vec![record]));
                    }
                }
            }
        }
        for (part, place) in lost_parts {
            let records = self.mails_with(tenant, part)?;
            if let Some(finding) = read.findings.get_mut(place) {
                finding.records = records;
            }
        }
        Ok(read)
    }

    /// What is wrong with a mail whose own entry is sound: its parts, or its digests.
    fn mail_flaw(&self, tenant: TenantId, entry: &Entry) -> Option<(RecordId, String)> {
        if !matches!(entry.kind, EntryKind::Record | EntryKind::Report) {
            return None;
        }
        let places = Places::in_catalog(&*self.catalog, tenant);
        let source = VaultParts { vault: &self.vault, tenant, map: &places };
        let why = match Bundle::parse(&entry.octets) {
            Ok(bundle) => SECTIONS
                .into_iter()
                .find_map(|kind| bundle.reassemble(kind, &source).err())
                .map(|error| pipeline::Error::chain(&error))?,
            Err(error) => error.to_string(),
        };
        Some((RecordId::of(tenant, entry.content), why))
    }

    /// The mails that cannot be put together without a part: all mails of the tenant are read.
    fn mails_with(&self, tenant: TenantId, part: ContentId) -> Result<Vec<RecordId>> {
        let mut records = BTreeSet::new();
        let at = self.catalog.locate(tenant, &[part])?.first().copied().flatten();
        // As the vault names a damaged entry.
        let place =
            at.map_or_else(String::new, |at| format!("entry {} of pack {} ", at.slot, at.pack));
        if place.is_empty() {
            return Ok(Vec::new());
        }
        for scanned in self.vault.scan(tenant, 1..=u32::MAX)? {
            let Scanned::Entry { entry, .. } = scanned else { continue };
            if let Some((record, why)) = self.mail_flaw(tenant, &entry)
                && (why.contains(&part.to_string()) || why.contains(&place))
            {
                records.insert(record);
            }
            if records.len() >= NAMED_MAX {
                break;
            }
        }
        Ok(records.into_iter().collect())
    }

    /// Writes the pack anew from the copy and reads it again.
    fn repair(
        &self,
        tenant: TenantId,
        pack: u32,
        now: Timestamp,
        read: &mut ScrubbedPack,
    ) -> Result<()> {
        let Some(copy) = self.copy.as_ref().and_then(|open| open()) else { return Ok(()) };
        let Some(repaired) = self.vault.repair(tenant, pack, copy.vault())? else {
            return Ok(());
        };
        tracing::warn!(
            tenant.id = %tenant, pack, blocks = repaired.blocks, slots = repaired.slots,
            "a damaged pack was repaired from the backup"
        );
        let again = self.read(tenant, pack, now, &mut |_| {})?;
        for finding in &mut read.findings {
            let place = (&finding.file, finding.offset);
            finding.repaired = !again.findings.iter().any(|it| (&it.file, it.offset) == place);
        }
        Ok(())
    }
}

fn event(finding: &ScrubFinding) -> NewLedgerEvent {
    let facts = serde_json::json!({
        "during": "scrub",
        "file": finding.file,
        "offset": finding.offset,
        "why": finding.why,
        "records": finding.records,
        "repaired": finding.repaired,
    });
    NewLedgerEvent::new(LedgerKind::ScrubFinding, finding.at, facts)
}
