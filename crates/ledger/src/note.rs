use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use catalog::{Catalog, SealedBatchRow};
use evidence::export::last_token;
use evidence::ledger::{Batch, Leaf, Note, decode_note, encode_note};
use evidence::{
    EvidenceRecord, HashAlgorithm, Limits, LocalSeal, RenewedBatch, Strand, TimeStampToken,
};
use model::{Location, RecordFacts, TenantId, Timestamp};

use crate::octets::members_of;
use crate::{Ledger, LedgerError, Result};

/// A batch and its seal, as a note of the vault holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBatch {
    pub batch: Batch,
    /// The batch file: the octets that are sealed.
    pub file: Vec<u8>,
    pub seal: Seal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    Local(LocalSeal),
    /// The evidence record of the batch file; a second one when two authorities stamped it. Each proves
    /// everything by itself.
    Stamped(Vec<Strand>),
}

impl SealedBatch {
    /// The evidence records of the batch file; none for a local seal.
    pub fn strands(&self) -> &[Strand] {
        match &self.seal {
            Seal::Local(_) => &[],
            Seal::Stamped(strands) => strands,
        }
    }

    pub(crate) fn to_note(&self) -> Vec<u8> {
        let file = &self.file;
        match &self.seal {
            Seal::Local(seal) => {
                encode_note(&Note { file, seal: Some(&seal.to_der()), ..Note::default() })
            }
            Seal::Stamped(strands) => {
                let records: Vec<Vec<u8>> = strands.iter().map(|it| it.record.to_der()).collect();
                let (record, second) = (records.first(), records.get(1));
                let (record, second) = (record.map(Vec::as_slice), second.map(Vec::as_slice));
                encode_note(&Note { file, record, second, ..Note::default() })
            }
        }
    }
}

impl Ledger {
    /// Reads the note that the catalog points to.
    pub(crate) fn read_note(&self, tenant: TenantId, row: &SealedBatchRow) -> Result<SealedBatch> {
        let entry = self.vault.read(tenant, row.location)?;
        let note = decode_note(&entry.octets, &self.limits)?;
        let batch = Batch::parse(note.file, &self.limits)?;
        let seal = match (note.record, note.seal) {
            (Some(_), _) => Seal::Stamped(strands(&note, &self.limits)?),
            (None, Some(seal)) => Seal::Local(LocalSeal::parse(seal)?),
            (None, None) => return Err(LedgerError::NotTheBatch(row.number)),
        };
        let expected = (tenant, row.number, row.first_seq, row.last_seq);
        if (batch.tenant, batch.number, batch.first_seq(), batch.last_seq()) != expected {
            return Err(LedgerError::NotTheBatch(row.number));
        }
        let mut sealed = SealedBatch { batch, file: note.file.to_vec(), seal };
        if let Some(proof) = row.proof {
            let entry = self.vault.read(tenant, proof)?;
            let renewed = RenewedBatch::parse(&entry.octets, &self.limits)?;
            let renewed = renewed.filter(|it| it.number == row.number);
            let renewed = renewed.ok_or(LedgerError::NotTheBatch(row.number))?;
            let strands = std::iter::once(renewed.first).chain(renewed.second);
            sealed.seal = Seal::Stamped(strands.collect());
        }
        Ok(sealed)
    }
}

/// The evidence records of a note, before any renewal.
fn strands(note: &Note<'_>, limits: &Limits) -> Result<Vec<Strand>> {
    let records = note.record.into_iter().chain(note.second);
    let strands: Result<Vec<Strand>, _> = records
        .map(|octets| {
            EvidenceRecord::parse(octets, limits).map(|record| Strand { record, trees: Vec::new() })
        })
        .collect();
    Ok(strands?)
}

/// The last tokens; empty for a local seal.
fn last_tokens<'s>(
    strands: impl IntoIterator<Item = &'s Strand>,
    limits: &Limits,
) -> Result<Vec<TimeStampToken>> {
    let tokens: Result<Vec<TimeStampToken>, _> = strands
        .into_iter()
        .map(|strand| TimeStampToken::parse(last_token(&strand.record), limits))
        .collect();
    Ok(tokens?)
}

/// When the first certificate of any of them ends.
fn ends(tokens: &[TimeStampToken]) -> Option<Timestamp> {
    let ends: Option<Vec<Timestamp>> = tokens.iter().map(|it| it.certificates_end()).collect();
    ends?.into_iter().min()
}

/// Writes down the sealed batch that a note of the vault holds; `false` when it holds none. For a
/// rebuild, which comes by the notes in the order in which they were written: the last one of a
/// batch counts.
///
/// # Errors
/// Of the catalog; a note that begins like a sealed batch and is damaged.
pub fn recover_note(
    catalog: &dyn Catalog,
    tenant: TenantId,
    location: Location,
    octets: &[u8],
) -> Result<bool> {
    let limits = Limits::default();
    if let Some(renewed) = RenewedBatch::parse(octets, &limits)? {
        return recover_renewal(catalog, tenant, location, &renewed, &limits);
    }
    let Ok(note) = decode_note(octets, &limits) else { return Ok(false) };
    let batch = Batch::parse(note.file, &limits)?;
    let tokens = last_tokens(&strands(&note, &limits)?, &limits)?;
    let row = SealedBatchRow {
        number: batch.number,
        first_seq: batch.first_seq(),
        last_seq: batch.last_seq(),
        sealed_at: batch.sealed_at,
        stamped_at: tokens.first().map(|token| token.info().gen_time),
        valid_until: ends(&tokens),
        location,
        digest: batch.algorithm.name().to_owned(),
        renewed_at: None,
        proof: None,
    };
    catalog.save_sealed_batch(tenant, &row)?;
    Ok(true)
}

/// Under which numbers the arrival of mail was sealed, for a rebuild: by the digest of the leaf.
///
/// Batches under other hash algorithms than SHA-256 are left out: their leaves cannot be made from
/// what facts name, and mail takes its numbers in its order.
#[derive(Debug, Default)]
pub struct SealedNumbers {
    /// The first half of a leaf's digest is enough to tell mails apart; half the memory.
    by_leaf: HashMap<[u8; 16], u64>,
    sealed: BTreeMap<u64, u64>,
}

impl SealedNumbers {
    /// Takes the numbers from a note of the vault, if it is a sealed batch.
    pub fn learn(&mut self, tenant: TenantId, octets: &[u8]) {
        let limits = Limits::default();
        let Ok(note) = decode_note(octets, &limits) else { return };
        let Ok(batch) = Batch::parse(note.file, &limits) else { return };
        if batch.tenant != tenant || batch.algorithm != HashAlgorithm::Sha256 {
            return;
        }
        self.sealed.insert(batch.first_seq(), batch.last_seq());
        for leaf in batch.leaves.iter().filter(|leaf| ["archived", "merged"].contains(&&*leaf.kind))
        {
            if let Some(half) = leaf.digest.as_slice().first_chunk() {
                self.by_leaf.entry(*half).or_insert(leaf.seq);
            }
        }
    }

    /// The number under which a delivery was sealed.
    pub fn of(&self, facts: &RecordFacts, json: &[u8]) -> Option<u64> {
        let leaf = Leaf::digest_of(&members_of(facts, json)).ok()?;
        self.by_leaf.get(leaf.as_slice().first_chunk::<16>()?).copied()
    }

    /// What is sealed, in order, as few spans as there are.
    pub fn spans(&self) -> Vec<RangeInclusive<u64>> {
        let mut spans: Vec<RangeInclusive<u64>> = Vec::new();
        for (&first, &last) in &self.sealed {
            match spans.last_mut() {
                Some(span) if first <= span.end().saturating_add(1) => {
                    *span = *span.start()..=last.max(*span.end());
                }
                _ => spans.push(first..=last),
            }
        }
        spans
    }
}

/// A renewal follows its batch; one without it is left alone.
fn recover_renewal(
    catalog: &dyn Catalog,
    tenant: TenantId,
    location: Location,
    renewed: &RenewedBatch,
    limits: &Limits,
) -> Result<bool> {
    let rows = catalog.sealed_batches(tenant, renewed.number.saturating_sub(1), 1)?;
    let Some(row) = rows.into_iter().find(|row| row.number == renewed.number) else {
        return Err(LedgerError::NotTheBatch(renewed.number));
    };
    let tokens = last_tokens(std::iter::once(&renewed.first).chain(&renewed.second), limits)?;
    let Some(token) = tokens.first() else { return Ok(false) };
    let row = SealedBatchRow {
        renewed_at: Some(token.info().gen_time),
        valid_until: ends(&tokens),
        digest: token.info().algorithm.name().to_owned(),
        proof: Some(location),
        ..row
    };
    catalog.save_sealed_batch(tenant, &row)?;
    Ok(true)
}
