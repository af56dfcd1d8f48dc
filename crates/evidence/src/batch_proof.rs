//! What has become of a batch's evidence after renewals, as a note of the vault keeps it beside the
//! batch (`docs/evidence.md`).

use crate::der::{self, INTEGER, OCTET_STRING, Reader, SEQUENCE, UTF8_STRING, constructed};
use crate::record::check_size;
use crate::tree::root_of;
use crate::{
    ArchiveTimeStampChain, EvidenceError, EvidenceRecord, HashAlgorithm, HashTree, HashValue,
    Limits, Result, TimeStampToken, group_hash,
};

const NAME: &str = "the note of a renewed batch";
const LABEL: &str = "chancery renewed batch";
const VERSION: u64 = 1;

/// What has become of a batch's evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewedBatch {
    /// The batch's number.
    pub number: u64,
    pub first: Strand,
    /// Of a second authority.
    pub second: Option<Strand>,
}

/// The evidence record of a batch file with all its renewals, and for each hash-tree renewal the leaves of
/// its tree: the batch file's, then those of the batch's events in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strand {
    pub record: EvidenceRecord,
    /// One for each chain of the record from the second on.
    pub trees: Vec<Vec<HashValue>>,
}

impl RenewedBatch {
    pub fn to_der(&self) -> Vec<u8> {
        let second = self.second.as_ref().map(|it| der::tlv(constructed(0), &it.to_fields()));
        der::sequence(&[
            &der::tlv(UTF8_STRING, LABEL.as_bytes()),
            &der::unsigned(INTEGER, VERSION),
            &der::unsigned(INTEGER, self.number),
            &self.first.to_fields(),
            &second.unwrap_or_default(),
        ])
    }

    /// `None` for the octets of anything else.
    ///
    /// # Errors
    /// A note that begins like one and is damaged.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Option<Self>> {
        let Ok(whole) = Reader::whole(octets, SEQUENCE, NAME) else { return Ok(None) };
        let mut fields = Reader::new(whole.value, NAME);
        if fields.text().ok() != Some(LABEL) {
            return Ok(None);
        }
        check_size(octets.len(), limits.batch_bytes_max, NAME)?;
        if fields.number()? != VERSION {
            return Err(fields.flaw("it is not of version 1"));
        }
        let number = fields.number()?;
        let first = Strand::read(&mut fields, limits)?;
        let second = match fields.inside_optional(constructed(0))? {
            Some(mut inner) => {
                let strand = Strand::read(&mut inner, limits)?;
                inner.finish()?;
                Some(strand)
            }
            None => None,
        };
        fields.finish()?;
        Ok(Some(Self { number, first, second }))
    }
}

impl Strand {
    fn to_fields(&self) -> Vec<u8> {
        let trees: Vec<u8> = self
            .trees
            .iter()
            .flat_map(|leaves| {
                let row: Vec<u8> =
                    leaves.iter().flat_map(|leaf| leaf.as_slice().iter().copied()).collect();
                der::tlv(OCTET_STRING, &row)
            })
            .collect();
        [der::tlv(OCTET_STRING, &self.record.to_der()), der::tlv(SEQUENCE, &trees)].concat()
    }

    fn read(fields: &mut Reader<'_>, limits: &Limits) -> Result<Self> {
        let record = EvidenceRecord::parse(fields.expect(OCTET_STRING)?.value, limits)?;
        let mut rows = fields.inside(SEQUENCE)?;
        let mut trees = Vec::new();
        for chain in record.chains().iter().skip(1) {
            let algorithm = chain.algorithm(limits)?;
            let row = rows.expect(OCTET_STRING)?.value;
            let width = algorithm.length_bytes();
            check_size(row.len() / width, limits.leaves_max + 1, NAME)?;
            if !row.len().is_multiple_of(width) {
                return Err(rows.flaw("a row of leaves is cut short"));
            }
            let leaf = |octets: &[u8]| HashValue::new(algorithm, octets);
            trees.push(row.chunks_exact(width).filter_map(leaf).collect());
        }
        rows.finish()?;
        Ok(Self { record, trees })
    }
}

/// The hash trees of a batch, one for each chain of its evidence record: they lead from any of its
/// events to what was stamped.
pub struct BatchTrees {
    trees: Vec<(HashTree, Vec<HashValue>)>,
}

/// The chain's first token stamps what the first leaf leads to.
fn check_stamp(
    chain: &ArchiveTimeStampChain,
    algorithm: HashAlgorithm,
    leaves: &[HashValue],
    limits: &Limits,
) -> Result<()> {
    let Some(stamp) = chain.stamps().first() else { return Err(EvidenceError::NoObjects) };
    let imprint = TimeStampToken::parse(stamp.token(), limits)?.info().imprint;
    let lists = stamp.lists();
    let own = lists.first().map(|list| group_hash(algorithm, list)).transpose()?;
    let root =
        if lists.is_empty() { leaves.first().copied() } else { Some(root_of(algorithm, lists)?) };
    if own.is_some_and(|own| Some(&own) != leaves.first()) {
        return Err(EvidenceError::HashAbsent);
    }
    if root != Some(imprint) { Err(EvidenceError::HashTreeBroken) } else { Ok(()) }
}

/// Where one leaf stands in the tree of one chain.
#[derive(Clone, Debug)]
pub struct LeafPlace {
    /// The leaf: the hash of the group, combined with the chains before.
    pub leaf: HashValue,
    /// From the leaf to what the chain's first token stamps.
    pub siblings: Vec<HashValue>,
}

impl BatchTrees {
    /// `first` are the leaves of the batch itself.
    ///
    /// # Errors
    /// When there are not as many trees as chains, or one has no leaves.
    pub fn build(
        record: &EvidenceRecord,
        first: Vec<HashValue>,
        further: &[Vec<HashValue>],
        limits: &Limits,
    ) -> Result<Self> {
        let flaw = |flaw| EvidenceError::Malformed { structure: NAME, flaw };
        if record.chains().len() != further.len() + 1 {
            return Err(flaw("it has not one tree for each chain"));
        }
        let mut trees = Vec::with_capacity(further.len() + 1);
        for (chain, leaves) in record.chains().iter().zip(std::iter::once(&first).chain(further)) {
            if leaves.len() != first.len() {
                return Err(flaw("a tree has not as many leaves as the batch"));
            }
            let algorithm = chain.algorithm(limits)?;
            let tree = HashTree::build(algorithm, leaves)?;
            check_stamp(chain, algorithm, leaves, limits)?;
            // A stamp over several batches: what leads on from this batch's root.
            let lists = chain.stamps().first().map_or(&[][..], |stamp| stamp.lists());
            let inner = 1 + tree.siblings(0).len();
            let outer = lists.iter().skip(inner).filter_map(|list| list.first().copied()).collect();
            trees.push((tree, outer));
        }
        Ok(Self { trees })
    }

    /// The places of the `index`-th leaf, for each chain; 0 is the batch file.
    ///
    /// # Panics
    /// When there is no such leaf.
    pub fn places(&self, index: usize) -> Vec<LeafPlace> {
        let place = |(tree, outer): &(HashTree, Vec<HashValue>)| LeafPlace {
            leaf: tree.leaf(index),
            siblings: [tree.siblings(index), outer.clone()].concat(),
        };
        self.trees.iter().map(place).collect()
    }
}
