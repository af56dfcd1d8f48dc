//! Ledger batches: what a tenant's archive did over a span of sequence numbers, sealed.
//!
//! A batch is one file in DER (format statement: `docs/evidence.md`). The file itself is a leaf of
//! the batch's hash tree, beside the leaf of each event; and it names the digest of the batch
//! before it. A leaf that is removed, inserted or moved therefore shows in the file's evidence
//! record, a batch that is removed or replaced in the one after it.

use model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::der::{
    self, Algorithm, ENUMERATED, GENERALIZED_TIME, INTEGER, OCTET_STRING, Reader, SEQUENCE,
    UTF8_STRING, context,
};
use crate::record::check_size;
use crate::{EvidenceError, HashAlgorithm, HashTree, HashValue, Limits, Result, group_hash, time};

const NAME: &str = "the ledger batch";
/// Begins every batch file, so that it is nothing else.
const LABEL: &str = "chancery ledger batch";
const VERSION: u64 = 1;
/// The longest name of an event's kind, in bytes.
const KIND_BYTES_MAX: usize = 64;

/// How a batch was sealed when it was made; a stamp may be added later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SealKind {
    /// By a time-stamp authority.
    Stamped,
    /// By a key of this archive alone: proves that nothing changed since to whoever trusts the
    /// archive, and no time.
    LocalKey,
}

/// One event of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub seq: u64,
    /// Such as `archived` or `merged`; at most 64 bytes.
    pub kind: String,
    pub at: Timestamp,
    /// The hash of the event's data object group ([`record_members`] for an archived mail).
    pub digest: HashValue,
}

/// The leaves of one tenant from `first` to `last`, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub tenant: TenantId,
    /// From 1, without gaps.
    pub number: u64,
    /// The digest of the batch file before this one, under this batch's hash algorithm; `None`
    /// only for the first.
    pub predecessor: Option<HashValue>,
    pub algorithm: HashAlgorithm,
    pub sealed_at: Timestamp,
    pub kind: SealKind,
    /// In ascending order of sequence numbers; at least one.
    pub leaves: Vec<Leaf>,
}

/// The header of a batch for people and scripts; the file in DER is what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchSummary {
    pub format: u64,
    pub tenant: TenantId,
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub leaves: u64,
    /// Hexadecimal digits.
    pub predecessor: Option<String>,
    /// `sha256`, `sha384` or `sha512`.
    pub digest_algorithm: String,
    pub sealed_at: Timestamp,
    pub kind: SealKind,
    /// The digest of the file in DER, in hexadecimal digits.
    pub digest: String,
}

/// The data object group of an archived mail: the octets of the mail, of its decrypted copy, of
/// the journal report around it, and the facts in JSON as the vault holds them. The facts name the
/// digests of the others, so no two members can change places.
pub fn record_members<'a>(
    mail: &'a [u8],
    decrypted: Option<&'a [u8]>,
    report: Option<&'a [u8]>,
    facts: &'a [u8],
) -> Vec<&'a [u8]> {
    [Some(mail), decrypted, report, Some(facts)].into_iter().flatten().collect()
}

impl Leaf {
    /// The leaf of an archived mail from SHA-256 digests that are known already.
    ///
    /// # Errors
    /// None for at least one digest.
    pub fn digest_of(members: &[model::Digest]) -> Result<HashValue> {
        let members: Vec<HashValue> = members.iter().copied().map(HashValue::from).collect();
        group_hash(HashAlgorithm::Sha256, &members)
    }
}

impl Batch {
    pub fn first_seq(&self) -> u64 {
        self.leaves.first().map_or(0, |leaf| leaf.seq)
    }

    pub fn last_seq(&self) -> u64 {
        self.leaves.last().map_or(0, |leaf| leaf.seq)
    }

    /// The leaf of this sequence number and its place in the batch.
    pub fn leaf(&self, seq: u64) -> Option<(usize, &Leaf)> {
        let place = usize::try_from(seq.checked_sub(self.first_seq())?).ok()?;
        self.leaves.get(place).filter(|leaf| leaf.seq == seq).map(|leaf| (place, leaf))
    }

    /// The batch file.
    ///
    /// # Errors
    /// Leaves with gaps or none, digests of another length, a predecessor where none may be or
    /// none where one must be.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut leaves = Vec::with_capacity(self.leaves.len() * 96);
        let mut fields = Vec::with_capacity(256);
        for leaf in &self.leaves {
            fields.clear();
            der::append_unsigned(&mut fields, INTEGER, leaf.seq);
            der::append(&mut fields, UTF8_STRING, leaf.kind.as_bytes());
            time::append_generalized(&mut fields, leaf.at);
            der::append(&mut fields, OCTET_STRING, leaf.digest.as_slice());
            der::append(&mut leaves, SEQUENCE, &fields);
        }
        let predecessor = match &self.predecessor {
            Some(digest) => der::tlv(context(0), digest.as_slice()),
            None => Vec::new(),
        };
        let kind = match self.kind {
            SealKind::Stamped => 0,
            SealKind::LocalKey => 1,
        };
        Ok(der::sequence(&[
            &der::tlv(UTF8_STRING, LABEL.as_bytes()),
            &der::unsigned(INTEGER, VERSION),
            &der::tlv(OCTET_STRING, self.tenant.as_bytes()),
            &der::unsigned(INTEGER, self.number),
            &der::unsigned(INTEGER, self.first_seq()),
            &der::unsigned(INTEGER, self.last_seq()),
            &predecessor,
            &self.algorithm.identifier(),
            &time::write_generalized(self.sealed_at),
            &der::unsigned(ENUMERATED, kind),
            &der::tlv(SEQUENCE, &leaves),
        ]))
    }

    /// Reads a batch file in strict DER; encoding it again gives the same octets.
    ///
    /// # Errors
    /// Anything else, and whatever [`Batch::to_der`] refuses.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Self> {
        check_size(octets.len(), limits.batch_bytes_max, NAME)?;
        let mut fields = Reader::new(Reader::whole(octets, SEQUENCE, NAME)?.value, NAME);
        if fields.text()? != LABEL || fields.number()? != VERSION {
            return Err(fields.flaw("it is not a ledger batch of version 1"));
        }
        let tenant = fields.expect(OCTET_STRING)?.value;
        let tenant = tenant.try_into().map_err(|_| fields.flaw("its tenant is no id"))?;
        let (number, first, last) = (fields.number()?, fields.number()?, fields.number()?);
        let predecessor = fields.optional(context(0))?.map(|tlv| tlv.value);
        let identifier = Algorithm::read(&mut fields)?;
        let algorithm = HashAlgorithm::from_algorithm(&identifier, NAME)?;
        if identifier.content != algorithm.identifier_content() {
            return Err(fields.flaw("its hash algorithm is not written as in all batches"));
        }
        let hash = |octets: &[u8]| {
            let flaw = "a digest is not as long as its algorithm's";
            HashValue::new(algorithm, octets)
                .ok_or(EvidenceError::Malformed { structure: NAME, flaw })
        };
        let sealed_at = read_time(&mut fields)?;
        let kind = match fields.expect(ENUMERATED)?.value {
            [0] => SealKind::Stamped,
            [1] => SealKind::LocalKey,
            _ => return Err(fields.flaw("its kind of seal is not known")),
        };
        let mut list = fields.inside(SEQUENCE)?;
        fields.finish()?;
        let mut leaves = Vec::new();
        while !list.is_empty() {
            check_size(leaves.len() + 1, limits.leaves_max, NAME)?;
            let mut leaf = list.inside(SEQUENCE)?;
            let (seq, kind) = (leaf.number()?, leaf.text()?.to_owned());
            let at = read_time(&mut leaf)?;
            let digest = hash(leaf.expect(OCTET_STRING)?.value)?;
            leaf.finish()?;
            leaves.push(Leaf { seq, kind, at, digest });
        }
        let predecessor = predecessor.map(hash).transpose()?;
        let tenant = TenantId::from_bytes(tenant);
        let batch = Self { tenant, number, predecessor, algorithm, sealed_at, kind, leaves };
        if (batch.first_seq(), batch.last_seq()) != (first, last) {
            return Err(fields.flaw("its leaves are not those of its range"));
        }
        batch.check()?;
        Ok(batch)
    }

    fn check(&self) -> Result<()> {
        let malformed = |flaw| Err(EvidenceError::Malformed { structure: NAME, flaw });
        if self.number == 0 || self.first_seq() == 0 {
            return malformed("it has no leaves, or counts from 0");
        }
        if self.predecessor.is_some() == (self.number == 1) {
            return malformed("only the first batch has no predecessor");
        }
        let width = self.algorithm.length_bytes();
        if self.leaves.iter().any(|leaf| leaf.digest.as_slice().len() != width) {
            return malformed("a digest is not as long as its algorithm's");
        }
        if self.leaves.iter().any(|leaf| leaf.kind.is_empty() || leaf.kind.len() > KIND_BYTES_MAX) {
            return malformed("an event has no kind, or one that is too long");
        }
        if self.leaves.windows(2).any(|pair| pair[0].seq.checked_add(1) != Some(pair[1].seq)) {
            return malformed("its sequence numbers have gaps");
        }
        Ok(())
    }

    /// The hash tree of the batch: first the batch file itself, then its leaves in their order; so
    /// the leaf at place `n` of the batch is the tree's leaf `n + 1`.
    ///
    /// # Errors
    /// As [`Batch::to_der`].
    pub fn tree(&self) -> Result<HashTree> {
        HashTree::build(self.algorithm, &self.tree_leaves(&self.to_der()?))
    }

    /// The leaves of [`Batch::tree`], from the batch file ([`Batch::to_der`]).
    pub fn tree_leaves(&self, file: &[u8]) -> Vec<HashValue> {
        let mut leaves = Vec::with_capacity(self.leaves.len() + 1);
        leaves.push(self.algorithm.hash(file));
        leaves.extend(self.leaves.iter().map(|leaf| leaf.digest));
        leaves
    }

    /// Checks that this batch comes right after the one whose file is `predecessor`.
    ///
    /// # Errors
    /// [`EvidenceError::BatchOrder`] with what is missing, moved or replaced.
    pub fn check_follows(&self, predecessor: &Self, file: &[u8]) -> Result<()> {
        let order = |what: String| Err(EvidenceError::BatchOrder(what));
        let (number, before) = (self.number, predecessor.number);
        if self.tenant != predecessor.tenant {
            return order(format!("batch {number} is of another tenant"));
        }
        if before.checked_add(1) != Some(number) {
            return order(format!("batch {number} comes after batch {before}"));
        }
        if self.predecessor != Some(self.algorithm.hash(file)) {
            return order(format!("batch {before} is not the one that batch {number} was made on"));
        }
        if predecessor.last_seq().checked_add(1) != Some(self.first_seq()) {
            let (last, first) = (predecessor.last_seq(), self.first_seq());
            return order(format!("between {last} and {first} sequence numbers are missing"));
        }
        if self.sealed_at < predecessor.sealed_at {
            return order(format!("batch {number} was sealed before batch {before}"));
        }
        Ok(())
    }

    /// # Errors
    /// As [`Batch::to_der`].
    pub fn summary(&self) -> Result<BatchSummary> {
        Ok(self.summary_of(&self.to_der()?))
    }

    /// [`Batch::summary`] from the batch file ([`Batch::to_der`]).
    pub fn summary_of(&self, file: &[u8]) -> BatchSummary {
        BatchSummary {
            format: VERSION,
            tenant: self.tenant,
            number: self.number,
            first_seq: self.first_seq(),
            last_seq: self.last_seq(),
            leaves: self.leaves.len() as u64,
            predecessor: self.predecessor.map(|digest| digest.to_hex()),
            digest_algorithm: self.algorithm.name().to_owned(),
            sealed_at: self.sealed_at,
            kind: self.kind,
            digest: self.algorithm.hash(file).to_hex(),
        }
    }
}

fn read_time(fields: &mut Reader<'_>) -> Result<Timestamp> {
    let value = fields.expect(GENERALIZED_TIME)?.value;
    let at = time::generalized(value)?;
    // Digits below microseconds would be lost: there is one encoding of a batch.
    match time::write_generalized(at).get(2..) == Some(value) {
        true => Ok(at),
        false => Err(fields.flaw("a time has too many digits")),
    }
}

const NOTE_LABEL: &str = "chancery sealed batch";
const NOTE_NAME: &str = "the note of a sealed batch";

/// What a note of the vault holds: a batch file with its evidence record or its local seal
/// (`docs/evidence.md`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Note<'a> {
    pub file: &'a [u8],
    pub record: Option<&'a [u8]>,
    pub seal: Option<&'a [u8]>,
    /// The evidence record of a second authority, which proves the same by itself.
    pub second: Option<&'a [u8]>,
}

pub fn encode_note(note: &Note<'_>) -> Vec<u8> {
    let field = |tag, octets: Option<&[u8]>| {
        octets.map(|it| der::tlv(context(tag), it)).unwrap_or_default()
    };
    der::sequence(&[
        &der::tlv(UTF8_STRING, NOTE_LABEL.as_bytes()),
        &der::unsigned(INTEGER, VERSION),
        &der::tlv(OCTET_STRING, note.file),
        &field(0, note.record),
        &field(1, note.seal),
        &field(2, note.second),
    ])
}

/// # Errors
/// When it is another note.
pub fn decode_note<'a>(octets: &'a [u8], limits: &Limits) -> Result<Note<'a>> {
    let greatest = limits.batch_bytes_max.saturating_add(2 * limits.record_bytes_max);
    check_size(octets.len(), greatest, NOTE_NAME)?;
    let mut fields = Reader::new(Reader::whole(octets, SEQUENCE, NOTE_NAME)?.value, NOTE_NAME);
    if fields.text()? != NOTE_LABEL || fields.number()? != VERSION {
        return Err(fields.flaw("it is another note"));
    }
    let file = fields.expect(OCTET_STRING)?.value;
    let record = fields.optional(context(0))?.map(|tlv| tlv.value);
    let seal = fields.optional(context(1))?.map(|tlv| tlv.value);
    let second = fields.optional(context(2))?.map(|tlv| tlv.value);
    fields.finish()?;
    Ok(Note { file, record, seal, second })
}
