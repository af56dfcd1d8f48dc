//! Everything read again: packs and key tables against their checksums and keys, octets against
//! their digests, catalog against packs, index against catalog.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use catalog::{Catalog, StoredRecord};
use index::{SearchIndex, State, document_digest};
use model::{ContentId, Digest, Location, Participant, RecordFacts, RecordId, TenantId};
use pipeline::Reload;
use rayon::prelude::*;
use store::{
    Bundle, Entry, EntryKind, LookupError, PartMap, Scanned, SectionKind, StoreError, Vault,
    VaultParts,
};

use crate::Result;

/// Records that are read from the catalog at a time.
const PAGE: u32 = 500;

/// How often figures are compared with the rows: a server that runs may write in between.
const COUNTED_MAX: u32 = 5;

const SECTIONS: [SectionKind; 3] = [SectionKind::Mail, SectionKind::Decrypted, SectionKind::Report];

/// One difference, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    Catalog { tenant: Option<TenantId>, what: String },
    Index { tenant: TenantId, what: String },
    Vault { tenant: TenantId, what: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog { tenant: Some(tenant), what } => write!(f, "catalog, {tenant}: {what}"),
            Self::Catalog { tenant: None, what } => write!(f, "catalog: {what}"),
            Self::Index { tenant, what } => write!(f, "index, {tenant}: {what}"),
            Self::Vault { tenant, what } => write!(f, "vault, {tenant}: {what}"),
        }
    }
}

/// What was read, and what differs.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    pub tenants: u64,
    pub entries: u64,
    pub records: u64,
    pub reports: u64,
    pub parts: u64,
    /// Sealed batches of the ledgers.
    pub batches: u64,
    /// Octets of mails and reports that were put together and compared.
    pub octets: u64,
    pub findings: BTreeSet<Finding>,
}

/// Reads everything again. Changes nothing; memory grows with the number of entries (about 200
/// bytes each), not with their octets.
///
/// # Errors
/// When a part cannot be read at all; differences are findings.
pub fn verify(
    vault: &Arc<Vault>,
    catalog: &Arc<dyn Catalog>,
    index: &Arc<dyn SearchIndex>,
) -> Result<Verified> {
    verify_parts(vault, catalog, Some(index))
}

/// [`verify`] without the index: of a copy, whose index is made anew.
///
/// # Errors
/// As of [`verify`].
pub fn verify_archive(vault: &Arc<Vault>, catalog: &Arc<dyn Catalog>) -> Result<Verified> {
    verify_parts(vault, catalog, None)
}

fn verify_parts(
    vault: &Arc<Vault>,
    catalog: &Arc<dyn Catalog>,
    index: Option<&Arc<dyn SearchIndex>>,
) -> Result<Verified> {
    let mut verified = Verified::default();
    for line in catalog.integrity_check()? {
        verified.findings.insert(Finding::Catalog { tenant: None, what: line });
    }
    let mut tenants: BTreeSet<TenantId> = vault.tenants().into_iter().collect();
    let in_vault = tenants.clone();
    tenants.extend(catalog.tenants()?.into_iter().map(|tenant| tenant.id));
    for tenant in tenants {
        verified.tenants += 1;
        let mut check =
            Check { vault, catalog, tenant, found: Found::default(), verified: &mut verified };
        if in_vault.contains(&tenant) {
            check.read_vault()?;
        }
        check.compare_catalog()?;
        if in_vault.contains(&tenant) {
            check.check_ledger()?;
        }
        if let Some(index) = index {
            check_index(&mut verified, vault, catalog, index, tenant)?;
        }
    }
    Ok(verified)
}

/// What the vault of one tenant holds.
#[derive(Default)]
struct Found {
    parts: HashMap<ContentId, Location>,
    mails: HashMap<ContentId, Location>,
    /// All copies: a crash before the catalog's commit leaves one that nothing refers to.
    copies: HashSet<(ContentId, Location)>,
    /// For each record the facts' digests of all entries about it, and their participants.
    facts: BTreeMap<RecordId, Vec<(Digest, Location)>>,
    participants: HashMap<RecordId, HashSet<Participant>>,
    quarantined: HashMap<Location, ContentId>,
    erased: HashSet<Location>,
}

impl PartMap for Found {
    fn locate(&self, ids: &[ContentId]) -> std::result::Result<Vec<Option<Location>>, LookupError> {
        Ok(ids.iter().map(|id| self.parts.get(id).copied()).collect())
    }

    fn locate_record(&self, mail: ContentId) -> std::result::Result<Option<Location>, LookupError> {
        Ok(self.mails.get(&mail).copied())
    }
}

/// Entries whose octets are checked together, in parallel.
const CHUNK: usize = 256;

struct Check<'a> {
    vault: &'a Arc<Vault>,
    catalog: &'a Arc<dyn Catalog>,
    tenant: TenantId,
    found: Found,
    verified: &'a mut Verified,
}

impl Check<'_> {
    fn vault_finding(&mut self, what: String) {
        self.verified.findings.insert(Finding::Vault { tenant: self.tenant, what });
    }

    fn catalog_finding(&mut self, what: String) {
        self.verified.findings.insert(Finding::Catalog { tenant: Some(self.tenant), what });
    }

    fn read_vault(&mut self) -> Result<()> {
        let mut bundles: Vec<(Location, Entry)> = Vec::new();
        for scanned in self.vault.scan(self.tenant, 1..=u32::MAX)? {
            self.verified.entries += 1;
            match scanned {
                Scanned::Damaged(damage) => self.vault_finding(damage.to_string()),
                Scanned::Erased { location, .. } => {
                    self.found.erased.insert(location);
                }
                Scanned::Entry { location, entry } => match entry.kind {
                    EntryKind::Part => {
                        // The first copy counts; further ones are left from a crash.
                        self.found.parts.entry(entry.content).or_insert(location);
                        self.verified.parts += 1;
                    }
                    EntryKind::Dictionary | EntryKind::Note => {}
                    EntryKind::Quarantine | EntryKind::Record | EntryKind::Report => {
                        if entry.kind == EntryKind::Record {
                            self.found.mails.entry(entry.content).or_insert(location);
                            self.found.copies.insert((entry.content, location));
                        }
                        bundles.push((location, entry));
                        if bundles.len() >= CHUNK {
                            self.check_bundles(&mut bundles);
                        }
                    }
                },
            }
        }
        self.check_bundles(&mut bundles);
        Ok(())
    }

    /// Puts all sections together; each is compared with its SHA-256.
    fn check_bundles(&mut self, bundles: &mut Vec<(Location, Entry)>) {
        let (vault, tenant, found) = (self.vault, self.tenant, &self.found);
        let checked: Vec<_> = bundles
            .par_iter()
            .map(|(location, entry)| {
                (*location, entry.kind, entry.content, octets(vault, tenant, found, entry))
            })
            .collect();
        bundles.clear();
        for (location, kind, content, result) in checked {
            let (facts, digest, octets, reports) = match result {
                Ok(read) => read,
                Err(why) => {
                    let (pack, slot) = (location.pack, location.slot);
                    self.vault_finding(format!("pack {pack} slot {slot}, mail {content}: {why}"));
                    continue;
                }
            };
            self.verified.octets += octets;
            self.verified.reports += reports;
            if kind == EntryKind::Quarantine {
                self.found.quarantined.insert(location, content);
                continue;
            }
            if facts.content != content || facts.record != RecordId::of(self.tenant, content) {
                self.vault_finding(format!("mail {content}: its facts are about another mail"));
            }
            self.found.facts.entry(facts.record).or_default().push((digest, location));
            self.found.participants.entry(facts.record).or_default().extend(facts.participants);
        }
    }

    fn compare_catalog(&mut self) -> Result<()> {
        let mut seen: HashSet<RecordId> = HashSet::new();
        let mut after = 0;
        loop {
            let page = self.catalog.all_records(self.tenant, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.list.row;
            for stored in &page {
                seen.insert(stored.list.record);
                self.compare_record(stored);
            }
        }
        self.verified.records += seen.len() as u64;
        let missing: Vec<RecordId> =
            self.found.facts.keys().filter(|record| !seen.contains(record)).copied().collect();
        for record in missing {
            self.catalog_finding(format!("record {record} is in the vault and not in the catalog"));
        }
        self.compare_parts()?;
        self.compare_quarantine()?;
        self.compare_figures()
    }

    fn compare_figures(&mut self) -> Result<()> {
        let mut differ = None;
        for _ in 0..COUNTED_MAX {
            let kept = self.catalog.figures(self.tenant)?;
            let counted = self.catalog.recount(self.tenant)?;
            differ = (kept != counted).then_some((kept, counted));
            if differ.is_none() {
                break;
            }
        }
        if let Some((kept, counted)) = differ {
            self.catalog_finding(format!(
                "the figures are not those of its rows: {kept:?} instead of {counted:?}"
            ));
        }
        Ok(())
    }

    fn check_ledger(&mut self) -> Result<()> {
        let ledger = ledger::Ledger::new(Arc::clone(self.vault), Arc::clone(self.catalog));
        match ledger.check(self.tenant) {
            Ok(checked) => {
                self.verified.batches += checked.batches;
                checked.findings.into_iter().for_each(|what| self.vault_finding(what));
            }
            Err(error) => self.catalog_finding(format!("the ledger is not readable: {error}")),
        }
        Ok(())
    }

    /// Also of what compaction took out of its pack.
    fn is_erased(&self, location: Location) -> bool {
        let gone = || matches!(self.vault.read(self.tenant, location), Err(StoreError::Erased(_)));
        self.found.erased.contains(&location) || gone()
    }

    fn compare_record(&mut self, stored: &StoredRecord) {
        let record = stored.list.record;
        let there = self.found.copies.contains(&(stored.content, stored.location));
        if !there && self.is_erased(stored.location) {
            return;
        }
        let Some(entries) = self.found.facts.get(&record).cloned() else {
            self.catalog_finding(format!("record {record} has no readable entry in the vault"));
            return;
        };
        if !there {
            self.catalog_finding(format!("record {record}: the vault holds its mail elsewhere"));
        }
        for delivery in &stored.deliveries {
            if !entries.contains(&(delivery.facts_digest, delivery.location)) {
                let (pack, slot) = (delivery.location.pack, delivery.location.slot);
                self.catalog_finding(format!(
                    "record {record}: its delivery at pack {pack} slot {slot} is not in the vault as the catalog has it"
                ));
            }
        }
        let known: HashSet<&Participant> =
            stored.participants.iter().map(|row| &row.participant).collect();
        let keys = |all: &mut dyn Iterator<Item = &Participant>| -> BTreeSet<_> {
            all.map(|it| (it.address.key(), it.role, it.provenance)).collect()
        };
        let in_catalog = keys(&mut known.iter().copied());
        let in_vault = keys(&mut self.found.participants.get(&record).into_iter().flatten());
        for _ in in_vault.difference(&in_catalog) {
            self.catalog_finding(format!("record {record}: a participant is missing"));
        }
        for _ in in_catalog.difference(&in_vault) {
            self.catalog_finding(format!("record {record}: a participant is not in the vault"));
        }
    }

    fn compare_parts(&mut self) -> Result<()> {
        let mut after = None;
        let mut seen = HashSet::new();
        loop {
            let page = self.catalog.all_parts(self.tenant, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.content);
            for part in &page {
                seen.insert(part.content);
                let there = self.found.parts.contains_key(&part.content);
                if !there && !self.is_erased(part.location) {
                    self.catalog_finding(format!("part {} is not in the vault", part.content));
                }
            }
        }
        // A part that only the vault has is left from a crash before the catalog's commit, unless
        // a record refers to it; then putting its mail together would have failed.
        Ok(())
    }

    fn compare_quarantine(&mut self) -> Result<()> {
        let mut after = 0;
        let mut seen = HashSet::new();
        loop {
            let page = self.catalog.all_quarantined(self.tenant, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.row;
            for row in &page {
                seen.insert(row.entry.content);
            }
        }
        let missing: BTreeSet<ContentId> = self
            .found
            .quarantined
            .values()
            .filter(|content| !seen.contains(*content))
            .copied()
            .collect();
        for content in missing {
            self.catalog_finding(format!(
                "submission {content} is quarantined in the vault and not in the catalog"
            ));
        }
        Ok(())
    }
}

type ReadBundle = (RecordFacts, Digest, u64, u64);

fn octets(
    vault: &Vault,
    tenant: TenantId,
    found: &Found,
    entry: &Entry,
) -> std::result::Result<ReadBundle, String> {
    let bundle = Bundle::parse(&entry.octets).map_err(|error| error.to_string())?;
    let facts: RecordFacts = serde_json::from_slice(bundle.facts())
        .map_err(|error| format!("the facts are not readable: {error}"))?;
    let source = VaultParts { vault, tenant, map: found };
    let (mut octets, mut reports) = (0, 0);
    for kind in SECTIONS {
        let section =
            bundle.reassemble(kind, &source).map_err(|error| pipeline::Error::chain(&error))?;
        if let Some(section) = section {
            octets += section.len() as u64;
            reports += u64::from(kind == SectionKind::Report);
        }
    }
    Ok((facts, Digest::of(bundle.facts()), octets, reports))
}

fn check_index(
    verified: &mut Verified,
    vault: &Arc<Vault>,
    catalog: &Arc<dyn Catalog>,
    index: &Arc<dyn SearchIndex>,
    tenant: TenantId,
) -> Result<()> {
    let mut finding = |what: String| {
        verified.findings.insert(Finding::Index { tenant, what });
    };
    let max_seq = catalog.max_seq(tenant)?;
    match index.state(tenant)? {
        State::NeedsRebuild(reason) => {
            finding(format!("must be made anew: {reason}"));
            return Ok(());
        }
        State::Absent if catalog.records_after(tenant, 0)? == 0 => return Ok(()),
        State::Absent | State::Ready => {}
    }
    for file in index.damaged_files(tenant)? {
        finding(format!("{file} is damaged"));
    }
    let through = index.indexed_through(tenant)?;
    let behind = if through < max_seq { catalog.records_after(tenant, through)? } else { 0 };
    if behind > 0 {
        finding(format!(
            "{behind} records are not searchable yet; start the server to complete it"
        ));
    }
    let mut indexed: HashMap<RecordId, u64> =
        index.records(tenant)?.into_iter().map(|it| (it.record, it.digest)).collect();
    let reload = Reload::new(Arc::clone(vault), Arc::clone(catalog));
    let mut after = 0;
    loop {
        let page = catalog.all_records(tenant, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.list.row;
        let digests: Vec<u64> = page
            .par_iter()
            .map(|stored| document_digest(&reload.document(tenant, stored)))
            .collect();
        for (stored, digest) in page.iter().zip(digests) {
            let record = stored.list.record;
            match indexed.remove(&record) {
                None if behind > 0 => {}
                None => finding(format!("record {record} is not in the index")),
                Some(there) if there != digest && behind == 0 => {
                    finding(format!("record {record} is indexed with other content"));
                }
                Some(_) => {}
            }
        }
    }
    for record in indexed.into_keys() {
        finding(format!("record {record} is in the index and not in the catalog"));
    }
    Ok(())
}
