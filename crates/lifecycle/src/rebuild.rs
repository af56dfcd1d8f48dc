//! Catalog and index anew from packs and key tables alone.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use catalog::{
    Batch, Catalog, DomainRow, MatterNote, NewPart, NewQuarantine, NewRecord, Numbers, PartUse,
    PartUser, SourceKind, SourceRow, SourceState, Tenant, TenantState,
};
use index::SearchIndex;
use model::{
    Clock, ContentId, Digest, Location, QuarantineId, RecordFacts, RecordId, Shape, TenantId,
    Timestamp,
};
use pipeline::{
    Decision, HeldFacts, IndexFigures, Indexer, OwnDomain, Places, Reload, TenantInfo, list_date,
    view,
};
use store::{
    Bundle, Entry, EntryKind, LookupError, PartMap, Scanned, SectionKind, Vault, VaultParts,
};

use crate::Result;
use crate::retain::Doomed;

/// Entries that are committed together.
const BATCH_ENTRIES: usize = 500;

/// What a rebuild did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    pub tenants: u64,
    pub records: u64,
    pub deliveries: u64,
    pub parts: u64,
    pub quarantined: u64,
    /// Entries whose key was erased.
    pub erased: u64,
    /// What could not be read, by name: these mails are not in the new catalog.
    pub damaged: Vec<String>,
}

/// Fills the fresh `catalog` and `index` from the vault. Tenants that the catalog does not have
/// (because nothing could be carried over) are made from what the vault knows of them.
///
/// # Errors
/// When the vault cannot be read at all or the views cannot be written. Damage is counted and
/// named, never repaired and never silently left out.
pub fn rebuild(
    vault: &Arc<Vault>,
    catalog: &Arc<dyn Catalog>,
    index: &Arc<dyn SearchIndex>,
    clock: &Arc<dyn Clock>,
) -> Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    for tenant in vault.tenants() {
        // Its removal was interrupted; the next start of the server completes it.
        if catalog.is_removed(tenant)? {
            continue;
        }
        ensure_tenant(vault, &**catalog, tenant, clock.now(), &mut rebuilt)?;
        index.drop_tenant(tenant)?;
        // What the old catalog knew and the vault does not.
        ledger::Ledger::new(Arc::clone(vault), Arc::clone(catalog)).flush(tenant)?;
        rebuild_tenant(vault, catalog, tenant, &mut rebuilt)?;
        rebuilt.tenants += 1;
    }
    let indexer = Indexer {
        catalog: Arc::clone(catalog),
        index: Arc::clone(index),
        reload: Reload::new(Arc::clone(vault), Arc::clone(catalog)),
        clock: Arc::clone(clock),
        heartbeat: pipeline::Heartbeat::default(),
        figures: Arc::new(IndexFigures::default()),
    };
    indexer.complete()?;
    Ok(rebuilt)
}

fn ensure_tenant(
    vault: &Vault,
    catalog: &dyn Catalog,
    id: TenantId,
    now: Timestamp,
    rebuilt: &mut Rebuilt,
) -> Result<()> {
    if catalog.tenant(id)?.is_some() {
        return Ok(());
    }
    let info = vault.tenant_info(id)?;
    let known = info.as_deref().and_then(|json| serde_json::from_slice::<TenantInfo>(json).ok());
    let Some(info) = known else {
        rebuilt.damaged.push(format!("tenant {id}: its description in the vault is lost"));
        return Ok(catalog.add_tenant(&Tenant::new(id, &format!("tenant {id}"), now))?);
    };
    catalog.add_tenant(&Tenant {
        state: if info.suspended { TenantState::Suspended } else { TenantState::Active },
        organisations: info.organisations,
        archive_domains: info.archive_domains,
        settings: info.settings,
        ..Tenant::new(id, &info.name, info.created_at)
    })?;
    for OwnDomain { name, subdomains, added_at } in info.domains {
        catalog.add_domain(id, &DomainRow { name, subdomains, added_at })?;
    }
    for address in info.journal_addresses {
        catalog.add_source(&SourceRow {
            id: address.id,
            tenant: id,
            kind: SourceKind::Smtp,
            name: address.name,
            address: Some(address.address),
            rules: address.rules,
            state: match address.suspended {
                true => SourceState::Suspended,
                false => SourceState::Active,
            },
            ends_at: address.ends_at,
            successor: address.successor,
            created_at: address.created_at,
        })?;
    }
    Ok(())
}

fn rebuild_tenant(
    vault: &Vault,
    catalog: &Arc<dyn Catalog>,
    tenant: TenantId,
    rebuilt: &mut Rebuilt,
) -> Result<()> {
    let replay = catalog.has_history(tenant)?;
    // Events that are not about mail know their numbers; mail takes what is left, in its order.
    let mut doomed = Doomed::default();
    // Mail that was sealed keeps its number, whatever of the vault is lost or stands there twice.
    let mut sealed = ledger::SealedNumbers::default();
    for scanned in vault.scan(tenant, 1..=u32::MAX)?.only(EntryKind::Note) {
        if let Scanned::Entry { location, entry } = scanned {
            ledger::recover_event(&**catalog, tenant, location, &entry.octets)?;
            doomed.learn(&**catalog, tenant, &entry.octets)?;
            sealed.learn(tenant, &entry.octets);
        }
    }
    // A disposal was interrupted before these keys were erased.
    let mut left = Vec::new();
    let mut builder = Builder {
        replay,
        vault,
        catalog: &**catalog,
        tenant,
        batch: Batch::default(),
        parts: HashMap::new(),
        records: HashMap::new(),
        spans: sealed.spans(),
        sealed,
        rebuilt,
    };
    for scanned in vault.scan(tenant, 1..=u32::MAX)? {
        match scanned {
            Scanned::Damaged(damage) => builder.rebuilt.damaged.push(format!("{tenant}: {damage}")),
            Scanned::Erased { .. } => builder.rebuilt.erased += 1,
            Scanned::Entry { location, .. } if doomed.contains(location) => left.push(location),
            Scanned::Entry { location, entry } => builder.add(location, &entry)?,
        }
        if builder.batch.records.len() + builder.batch.parts.len() >= BATCH_ENTRIES {
            builder.commit()?;
        }
    }
    builder.commit()?;
    rebuilt.erased += left.len() as u64;
    vault.erase(tenant, &left)?;
    Ok(catalog.complete_ledger(tenant)?)
}

/// Collects the entries of one tenant into batches for the catalog.
struct Builder<'a> {
    /// The history over time was taken over.
    replay: bool,
    vault: &'a Vault,
    catalog: &'a dyn Catalog,
    tenant: TenantId,
    batch: Batch,
    /// Of the batch: what the catalog does not know yet.
    parts: HashMap<ContentId, Location>,
    records: HashMap<ContentId, Location>,
    sealed: ledger::SealedNumbers,
    spans: Vec<RangeInclusive<u64>>,
    rebuilt: &'a mut Rebuilt,
}

impl Builder<'_> {
    fn add(&mut self, location: Location, entry: &Entry) -> Result<()> {
        match entry.kind {
            EntryKind::Dictionary => Ok(()),
            EntryKind::Note => self.add_note(location, entry),
            EntryKind::Part => {
                // The first copy counts, as it did when the part came in.
                if !self.known(entry.content)? {
                    self.parts.insert(entry.content, location);
                    self.batch.parts.push(NewPart { content: entry.content, location });
                    self.rebuilt.parts += 1;
                }
                Ok(())
            }
            EntryKind::Quarantine | EntryKind::Record | EntryKind::Report => {
                if let Err(why) = self.add_bundle(location, entry) {
                    let at = format!("pack {} slot {}", location.pack, location.slot);
                    self.rebuilt.damaged.push(format!("{} {at}: {why}", self.tenant));
                }
                Ok(())
            }
        }
    }

    fn known(&self, part: ContentId) -> Result<bool> {
        let in_batch = self.parts.contains_key(&part);
        Ok(in_batch
            || self.catalog.locate(self.tenant, &[part])?.first().is_some_and(Option::is_some))
    }

    /// Those that are there: what is lost is damage that is named elsewhere.
    fn known_parts(&self, parts: Vec<ContentId>) -> std::result::Result<Vec<ContentId>, String> {
        let mut known = Vec::with_capacity(parts.len());
        for part in parts {
            if self.known(part).map_err(|error| error.to_string())? {
                known.push(part);
            }
        }
        Ok(known)
    }

    /// An error is text: one entry that cannot be read does not stop the others.
    fn add_bundle(&mut self, location: Location, entry: &Entry) -> std::result::Result<(), String> {
        let bundle = Bundle::parse(&entry.octets).map_err(|error| error.to_string())?;
        let facts: RecordFacts = serde_json::from_slice(bundle.facts())
            .map_err(|error| format!("the facts are not readable: {error}"))?;
        let by = match entry.kind {
            EntryKind::Quarantine => PartUser::Quarantine(QuarantineId::of(
                self.tenant,
                bundle.section(SectionKind::Mail).map_or(facts.content, |(content, _)| content),
            )),
            _ => PartUser::Record(facts.record),
        };
        let parts = self.known_parts(bundle.parts())?;
        self.batch.uses.push(PartUse { by, parts });
        if entry.kind == EntryKind::Quarantine {
            self.batch.quarantined.push(self.quarantine(&facts, &bundle, location));
            return Ok(());
        }
        let whole = entry.kind == EntryKind::Record;
        let mut summary = view(b"", None).summary;
        if whole {
            let places = self.places();
            let source = VaultParts { vault: self.vault, tenant: self.tenant, map: &places };
            let section =
                |kind| bundle.reassemble(kind, &source).map_err(|error| error.to_string());
            let mail = section(SectionKind::Mail)?.ok_or("the entry holds no mail")?;
            let decrypted = section(SectionKind::Decrypted)?;
            summary = view(&mail, decrypted.as_deref()).summary;
            self.records.insert(facts.content, location);
            if facts.shape == Shape::DamagedReport {
                self.batch.quarantined.push(self.quarantine(&facts, &bundle, location));
            }
        }
        if !whole && !self.has_record(facts.record)? {
            return Err("the mail that it is about is lost".to_owned());
        }
        let facts_digest = Digest::of(bundle.facts());
        if let Some(seq) = self.sealed.of(&facts, bundle.facts()) {
            self.batch.numbers.by_facts.insert(facts_digest, seq);
        }
        self.batch.records.push(NewRecord {
            facts_digest,
            date: list_date(summary.sent_at, facts.received_at),
            summary,
            location,
            whole,
            facts,
        });
        Ok(())
    }

    fn has_record(&self, record: RecordId) -> std::result::Result<bool, String> {
        let in_batch = self.batch.records.iter().any(|one| one.facts.record == record);
        let known = || self.catalog.existing(self.tenant, &[record]).map(|found| !found.is_empty());
        Ok(in_batch || known().map_err(|error| error.to_string())?)
    }

    fn quarantine(
        &self,
        facts: &RecordFacts,
        bundle: &Bundle<'_>,
        location: Location,
    ) -> NewQuarantine {
        let (content, size_bytes) =
            bundle.section(SectionKind::Mail).unwrap_or((facts.content, facts.size_bytes));
        let organisation = facts
            .report
            .as_ref()
            .and_then(|report| report.report.as_ref())
            .and_then(|report| report.originator_org.clone());
        let held = serde_json::from_slice::<HeldFacts<RecordFacts>>(bundle.facts());
        let held = held.ok().and_then(|facts| facts.quarantine);
        let organisation = held.as_ref().map_or(organisation, |held| held.originator_org.clone());
        let damaged = facts.shape == Shape::DamagedReport;
        let reason = match (held, &organisation, damaged) {
            (Some(held), ..) => (held.code, held.detail),
            // Written before the reason was kept, or a damaged report that is archived.
            (None, _, true) => ("damaged-report".to_owned(), String::new()),
            (None, Some(named), _) => ("foreign-organisation".to_owned(), named.clone()),
            (None, None, _) => ("no-organisation".to_owned(), String::new()),
        };
        NewQuarantine {
            id: QuarantineId::of(self.tenant, content),
            content,
            reason_code: reason.0,
            reason_detail: reason.1,
            originator_org: organisation,
            received_at: facts.received_at,
            size_bytes,
            source: facts.source.clone(),
            envelope: facts.envelope.clone(),
            location,
        }
    }

    fn add_note(&mut self, location: Location, entry: &Entry) -> Result<()> {
        match ledger::recover_note(self.catalog, self.tenant, location, &entry.octets) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => {
                let at = format!("pack {} slot {}", location.pack, location.slot);
                let why = format!("a sealed batch is not readable: {error}");
                self.rebuilt.damaged.push(format!("{} {at}: {why}", self.tenant));
                return Ok(());
            }
        }
        if let Ok(note) = serde_json::from_slice::<MatterNote>(&entry.octets) {
            return Ok(self.catalog.recover_matter(self.tenant, &note.matter, &note.holds)?);
        }
        let Ok(decision) = serde_json::from_slice::<Decision>(&entry.octets) else { return Ok(()) };
        // The decision is about an entry that came before it.
        self.commit()?;
        let Decision { quarantine, state, by, reason, at, entry } = decision;
        if let Some(entry) = entry {
            self.batch.quarantined.push(entry);
            self.commit()?;
        }
        self.catalog.decide_quarantine(self.tenant, quarantine, state, &by, &reason, at)?;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.parts.clear();
        self.records.clear();
        if batch.parts.is_empty() && batch.records.is_empty() && batch.quarantined.is_empty() {
            return Ok(());
        }
        let at = batch.records.iter().map(|record| record.facts.received_at).max();
        let numbers = Numbers { sealed: self.spans.clone(), ..batch.numbers };
        let batch = Batch { at: at.unwrap_or_default(), replay: self.replay, numbers, ..batch };
        self.rebuilt.quarantined += batch.quarantined.len() as u64;
        let committed = self.catalog.commit(self.tenant, &batch)?;
        for inserted in committed.records {
            match inserted.outcome {
                catalog::Outcome::Known => {}
                catalog::Outcome::Merged => self.rebuilt.deliveries += 1,
                catalog::Outcome::New => {
                    self.rebuilt.records += 1;
                    self.rebuilt.deliveries += 1;
                }
            }
        }
        Ok(())
    }

    fn places(&self) -> BatchPlaces<'_> {
        BatchPlaces {
            parts: &self.parts,
            records: &self.records,
            catalog: Places::in_catalog(self.catalog, self.tenant),
        }
    }
}

/// What the batch in hand adds to the catalog's places.
struct BatchPlaces<'a> {
    parts: &'a HashMap<ContentId, Location>,
    records: &'a HashMap<ContentId, Location>,
    catalog: Places<'a>,
}

impl PartMap for BatchPlaces<'_> {
    fn locate(&self, ids: &[ContentId]) -> std::result::Result<Vec<Option<Location>>, LookupError> {
        let one = |id: &ContentId| match self.parts.get(id) {
            Some(location) => Ok(Some(*location)),
            None => Ok(self.catalog.locate(&[*id])?.into_iter().next().flatten()),
        };
        ids.iter().map(one).collect()
    }

    fn locate_record(&self, mail: ContentId) -> std::result::Result<Option<Location>, LookupError> {
        match self.records.get(&mail) {
            Some(location) => Ok(Some(*location)),
            None => self.catalog.locate_record(mail),
        }
    }
}
