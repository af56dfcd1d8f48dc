use std::collections::HashMap;

use crate::hash::LENGTH_BYTES_MAX;
use crate::{EvidenceError, HashAlgorithm, HashValue, Result};

/// A binary hash tree (RFC 4998 §4.2): each parent is the hash of its two children in ascending
/// order; a lone node is carried up. Equal leaves stand in it once.
///
/// Building is linear in the leaves; a proof takes one hash value per level.
pub struct HashTree {
    algorithm: HashAlgorithm,
    /// From the leaves to the root; each level is a row of hash values without separators.
    levels: Vec<Vec<u8>>,
    /// For each leaf as it was passed its place in the lowest level; `None` when no two are equal:
    /// then that is its index.
    places: Option<Vec<u32>>,
}

impl HashTree {
    /// # Errors
    /// [`EvidenceError::NoObjects`] without a leaf, [`EvidenceError::TooMuch`] above 2^32 leaves.
    pub fn build(algorithm: HashAlgorithm, leaves: &[HashValue]) -> Result<Self> {
        if leaves.is_empty() {
            return Err(EvidenceError::NoObjects);
        }
        let too_many = |_| EvidenceError::TooMuch { what: "a hash tree", limit: u32::MAX as usize };
        u32::try_from(leaves.len()).map_err(too_many)?;
        let width = algorithm.length_bytes();
        let places = places(leaves);
        let mut lowest = Vec::with_capacity(leaves.len() * width);
        let mut next = 0;
        for (index, leaf) in leaves.iter().enumerate() {
            if places.as_ref().is_none_or(|places| places[index] as usize == next) {
                lowest.extend_from_slice(leaf.as_slice());
                next += 1;
            }
        }
        let mut levels = vec![lowest];
        while let Some(level) = levels.last().filter(|level| level.len() > width) {
            levels.push(parents(algorithm, level));
        }
        Ok(Self { algorithm, levels, places })
    }

    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// What is to be time-stamped.
    pub fn root(&self) -> HashValue {
        self.node(self.levels.len() - 1, 0)
    }

    /// The siblings on the way from the leaf that was passed as the `index`-th to the root.
    ///
    /// # Panics
    /// When there is no such leaf.
    pub fn siblings(&self, index: usize) -> Vec<HashValue> {
        let width = self.algorithm.length_bytes();
        let mut place = self.place(index);
        let mut siblings = Vec::with_capacity(self.levels.len());
        for (number, level) in self.levels.iter().enumerate() {
            let sibling = place ^ 1;
            if sibling * width < level.len() && level.len() > width {
                siblings.push(self.node(number, sibling));
            }
            place /= 2;
        }
        siblings
    }

    /// The leaf that was passed as the `index`-th.
    ///
    /// # Panics
    /// When there is no such leaf.
    pub fn leaf(&self, index: usize) -> HashValue {
        self.node(0, self.place(index))
    }

    fn place(&self, index: usize) -> usize {
        self.places.as_ref().map_or(index, |places| places[index] as usize)
    }

    fn node(&self, level: usize, place: usize) -> HashValue {
        let width = self.algorithm.length_bytes();
        let octets = &self.levels[level][place * width..(place + 1) * width];
        // A level consists of hash values of this algorithm only.
        HashValue::new(self.algorithm, octets).expect("a node is as wide as a hash value")
    }
}

/// Where each leaf stands among those that differ; `None` when all do. Sorts what they begin with:
/// a table of a million hash values costs more than hashing them.
fn places(leaves: &[HashValue]) -> Option<Vec<u32>> {
    let mut order: Vec<(u64, u32)> =
        leaves.iter().zip(0..).map(|(leaf, index)| (leaf.beginning(), index)).collect();
    order.sort_unstable();
    // For those that were there before: the index of the first one.
    let mut firsts: HashMap<u32, u32> = HashMap::new();
    for alike in order.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        let mut known: HashMap<HashValue, u32> = HashMap::new();
        for (_, index) in alike {
            let first = *known.entry(leaves[*index as usize]).or_insert(*index);
            if first != *index {
                firsts.insert(*index, first);
            }
        }
    }
    if firsts.is_empty() {
        return None;
    }
    let mut places: Vec<u32> = Vec::with_capacity(leaves.len());
    let mut next = 0;
    for index in 0..leaves.len() as u32 {
        match firsts.get(&index) {
            Some(first) => places.push(places[*first as usize]),
            None => {
                places.push(next);
                next += 1;
            }
        }
    }
    Some(places)
}

fn parents(algorithm: HashAlgorithm, level: &[u8]) -> Vec<u8> {
    let width = algorithm.length_bytes();
    let mut above = Vec::with_capacity(level.len() / 2 + width);
    for pair in level.chunks(2 * width) {
        let (left, right) = pair.split_at(width);
        match right.is_empty() {
            true => above.extend_from_slice(left),
            false => above.extend_from_slice(parent(algorithm, left, right).as_slice()),
        }
    }
    above
}

/// The hash of two nodes in ascending order.
fn parent(algorithm: HashAlgorithm, one: &[u8], other: &[u8]) -> HashValue {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    // One call over a row is twice as fast as two pieces.
    let mut row = [0; 2 * LENGTH_BYTES_MAX];
    let row = &mut row[..low.len() + high.len()];
    row[..low.len()].copy_from_slice(low);
    row[low.len()..].copy_from_slice(high);
    algorithm.hash(row)
}

/// The hash of a data object group: that of its members' hashes in ascending order; a group of one
/// is its member (RFC 4998 §4.2). Equal members count once.
///
/// # Errors
/// [`EvidenceError::NoObjects`] for no members.
pub fn group_hash(algorithm: HashAlgorithm, members: &[HashValue]) -> Result<HashValue> {
    let members = sorted(members);
    match members.as_slice() {
        [] => Err(EvidenceError::NoObjects),
        [only] => Ok(*only),
        _ => Ok(algorithm.hash_pieces(members.iter().map(HashValue::as_slice))),
    }
}

/// The reduced hash tree of a group of data objects: first the group's own hashes and no others,
/// so that it proves nothing beside them, then one sibling per list. Empty when the object itself
/// was time-stamped.
pub fn reduced_hash_tree(members: &[HashValue], siblings: &[HashValue]) -> Vec<Vec<HashValue>> {
    if members.len() <= 1 && siblings.is_empty() {
        return Vec::new();
    }
    let first = sorted(members);
    std::iter::once(first).chain(siblings.iter().map(|sibling| vec![*sibling])).collect()
}

pub fn sorted(values: &[HashValue]) -> Vec<HashValue> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    values
}

/// The root that a reduced hash tree leads to (RFC 4998 §4.3), binary or wide.
///
/// # Errors
/// [`EvidenceError::DuplicateHash`] when a list is ambiguous.
pub fn root_of(algorithm: HashAlgorithm, lists: &[Vec<HashValue>]) -> Result<HashValue> {
    let mut parent: Option<HashValue> = None;
    for list in lists {
        // As in all records that are made here: one sibling.
        if let ([sibling], Some(other)) = (list.as_slice(), &parent) {
            if sibling == other {
                return Err(EvidenceError::DuplicateHash);
            }
            parent = Some(self::parent(algorithm, sibling.as_slice(), other.as_slice()));
            continue;
        }
        let mut values = list.clone();
        values.extend(parent);
        let count = values.len();
        let values = sorted(&values);
        if values.len() != count {
            return Err(EvidenceError::DuplicateHash);
        }
        parent = Some(group_hash(algorithm, &values)?);
    }
    parent.ok_or(EvidenceError::NoObjects)
}
