use std::collections::HashMap;

use crate::{EvidenceError, HashAlgorithm, HashValue, Result};

/// A binary hash tree (RFC 4998 §4.2): each parent is the hash of its two children in ascending
/// order; a lone node is carried up. Equal leaves stand in it once.
///
/// Building is linear in the leaves; a proof takes one hash value per level.
pub struct HashTree {
    algorithm: HashAlgorithm,
    /// From the leaves to the root; each level is a row of hash values without separators.
    levels: Vec<Vec<u8>>,
    /// For each leaf as it was passed its place in the lowest level.
    places: Vec<u32>,
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
        let mut lowest = Vec::with_capacity(leaves.len() * width);
        let mut known: HashMap<HashValue, u32> = HashMap::with_capacity(leaves.len());
        let mut places = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let next = known.len() as u32;
            let place = *known.entry(*leaf).or_insert(next);
            if place == next {
                lowest.extend_from_slice(leaf.as_slice());
            }
            places.push(place);
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
        let mut place = self.places[index] as usize;
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
        self.node(0, self.places[index] as usize)
    }

    fn node(&self, level: usize, place: usize) -> HashValue {
        let width = self.algorithm.length_bytes();
        let octets = &self.levels[level][place * width..(place + 1) * width];
        // A level consists of hash values of this algorithm only.
        HashValue::new(self.algorithm, octets).expect("a node is as wide as a hash value")
    }
}

fn parents(algorithm: HashAlgorithm, level: &[u8]) -> Vec<u8> {
    let width = algorithm.length_bytes();
    let mut above = Vec::with_capacity(level.len() / 2 + width);
    for pair in level.chunks(2 * width) {
        let (left, right) = pair.split_at(width);
        match right.is_empty() {
            true => above.extend_from_slice(left),
            false => {
                let (low, high) = if left < right { (left, right) } else { (right, left) };
                above.extend_from_slice(algorithm.hash_pieces([low, high]).as_slice());
            }
        }
    }
    above
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
