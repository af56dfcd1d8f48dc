use catalog::Catalog;
use evidence::ledger::record_members;
use evidence::{DataObjects, HashValue};
use model::{ContentId, Digest, Location, RecordFacts, RecordId, TenantId};
use store::{Bundle, LookupError, PartMap, SectionKind, VaultParts};

use crate::{Ledger, LedgerError, Result};

/// The octets of one delivery: its data object group.
#[derive(Clone, Debug)]
pub struct DeliveryOctets {
    pub facts: RecordFacts,
    /// The facts as they are hashed.
    pub json: Vec<u8>,
    pub mail: Vec<u8>,
    pub decrypted: Option<Vec<u8>>,
    pub report: Option<Vec<u8>>,
}

impl DeliveryOctets {
    /// # Errors
    /// When a member could be mistaken for nodes of a hash tree.
    pub fn objects(&self) -> Result<DataObjects<'_>> {
        let (decrypted, report) = (self.decrypted.as_deref(), self.report.as_deref());
        let members = record_members(&self.mail, decrypted, report, &self.json);
        Ok(DataObjects::new(members)?)
    }
}

/// What is left of a delivery whose octets cannot all be read. Whatever is named here is whole: it
/// has the digest that the facts name; only `torn` is not.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    pub json: Option<Vec<u8>>,
    pub mail: Option<Vec<u8>>,
    pub decrypted: Option<Vec<u8>>,
    pub report: Option<Vec<u8>>,
    /// The mail without what is damaged of it, when it is not whole.
    pub torn: Option<Vec<u8>>,
}

/// Where the catalog says that the parts of one tenant lie.
struct Places<'a> {
    catalog: &'a dyn Catalog,
    tenant: TenantId,
}

impl PartMap for Places<'_> {
    fn locate(&self, ids: &[ContentId]) -> Result<Vec<Option<Location>>, LookupError> {
        Ok(self.catalog.locate(self.tenant, ids)?)
    }

    fn locate_record(&self, mail: ContentId) -> Result<Option<Location>, LookupError> {
        let stored = self.catalog.stored(self.tenant, &[RecordId::of(self.tenant, mail)])?;
        Ok(stored.first().map(|stored| stored.location))
    }
}

impl Ledger {
    /// The hashes of an event's group from the digests that its facts name: no octets are read but
    /// the facts.
    pub(crate) fn members(&self, tenant: TenantId, seq: u64, at: Location) -> Result<Vec<Digest>> {
        let entry = self.vault.read(tenant, at)?;
        let bundle = Bundle::parse(&entry.octets)?;
        let facts = parse_facts(seq, bundle.facts())?;
        Ok(members_of(&facts, bundle.facts()))
    }

    /// Everything of one delivery of a record, from the vault.
    ///
    /// # Errors
    /// When something of it is damaged or missing.
    pub fn octets(&self, tenant: TenantId, seq: u64, at: Location) -> Result<DeliveryOctets> {
        let places = Places { catalog: &*self.catalog, tenant };
        let source = VaultParts { vault: &self.vault, tenant, map: &places };
        let entry = self.vault.read(tenant, at)?;
        let bundle = Bundle::parse(&entry.octets)?;
        let facts = parse_facts(seq, bundle.facts())?;
        let own_mail = bundle.reassemble(SectionKind::Mail, &source)?;
        let own_decrypted = bundle.reassemble(SectionKind::Decrypted, &source)?;
        let report = bundle.reassemble(SectionKind::Report, &source)?;
        let json = bundle.facts().to_vec();
        // A further delivery's entry leaves out what the record's own entry holds.
        let (mail, decrypted) = match own_mail {
            Some(mail) => (mail, own_decrypted),
            None => self.first_octets(tenant, seq, &facts)?,
        };
        let decrypted = decrypted.filter(|_| facts.decrypted.is_some());
        let octets = DeliveryOctets { facts, json, mail, decrypted, report };
        let named = octets.facts.report.as_ref().map(|report| report.content);
        let fits = ContentId::of(&octets.mail) == octets.facts.content
            && octets.decrypted.as_deref().map(ContentId::of) == octets.facts.decrypted
            && octets.report.as_deref().map(ContentId::of) == named;
        match fits {
            true => Ok(octets),
            false => Err(LedgerError::Facts { seq, why: "they name other octets".into() }),
        }
    }

    /// What can be read of a delivery that [`Ledger::octets`] says is damaged.
    pub fn salvage(&self, tenant: TenantId, record: RecordId, at: Location) -> Salvaged {
        let places = Places { catalog: &*self.catalog, tenant };
        let source = VaultParts { vault: &self.vault, tenant, map: &places };
        let mut left = Salvaged::default();
        let Ok(entry) = self.vault.read(tenant, at) else { return left };
        let Ok(bundle) = Bundle::parse(&entry.octets) else { return left };
        let whole = |kind| bundle.reassemble(kind, &source).ok().flatten();
        let is_mail = |mail: &Vec<u8>| RecordId::of(tenant, ContentId::of(mail)) == record;
        left.mail = whole(SectionKind::Mail).filter(is_mail);
        if left.mail.is_none() {
            left.torn = bundle.salvage(SectionKind::Mail, &source).map(|(octets, _)| octets);
        }
        let Ok(facts) = parse_facts(0, bundle.facts()) else { return left };
        if facts.record != record {
            return left;
        }
        left.json = Some(bundle.facts().to_vec());
        let named = |octets: &Vec<u8>, id: Option<ContentId>| Some(ContentId::of(octets)) == id;
        left.decrypted =
            whole(SectionKind::Decrypted).filter(|octets| named(octets, facts.decrypted));
        let report = facts.report.as_ref().map(|report| report.content);
        left.report = whole(SectionKind::Report).filter(|octets| named(octets, report));
        left
    }

    fn first_octets(
        &self,
        tenant: TenantId,
        seq: u64,
        facts: &RecordFacts,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        let places = Places { catalog: &*self.catalog, tenant };
        let source = VaultParts { vault: &self.vault, tenant, map: &places };
        let missing = || LedgerError::UnknownRecord(facts.record);
        let location = places
            .locate_record(facts.content)
            .map_err(|error| LedgerError::Facts { seq, why: error.to_string() })?
            .ok_or_else(missing)?;
        let entry = self.vault.read(tenant, location)?;
        let bundle = Bundle::parse(&entry.octets)?;
        let mail = bundle.reassemble(SectionKind::Mail, &source)?.ok_or_else(missing)?;
        Ok((mail, bundle.reassemble(SectionKind::Decrypted, &source)?))
    }
}

/// The members of a delivery's data object group, as its facts name them.
pub(crate) fn members_of(facts: &RecordFacts, json: &[u8]) -> Vec<Digest> {
    let report = facts.report.as_ref().map(|report| report.content);
    let named = [Some(facts.content), facts.decrypted, report];
    let mut members: Vec<Digest> = named.into_iter().flatten().map(|it| it.0).collect();
    members.push(Digest::of(json));
    members
}

fn parse_facts(seq: u64, json: &[u8]) -> Result<RecordFacts> {
    serde_json::from_slice(json).map_err(|error| LedgerError::Facts { seq, why: error.to_string() })
}

/// Digests known from facts as hash values of the batch's tree.
pub(crate) fn hash_values(members: &[Digest]) -> Vec<HashValue> {
    members.iter().copied().map(HashValue::from).collect()
}
