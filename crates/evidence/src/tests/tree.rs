use crate::tree::root_of;
use crate::{EvidenceError, HashAlgorithm, HashTree, HashValue, group_hash, reduced_hash_tree};

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;

fn leaves(count: usize) -> Vec<HashValue> {
    (0..count).map(|number| SHA256.hash(&number.to_be_bytes())).collect()
}

#[test]
fn every_leaf_of_every_tree_leads_to_the_root() {
    for count in (1..70).chain([127, 128, 129, 1000, 4097]) {
        let leaves = leaves(count);
        let tree = HashTree::build(SHA256, &leaves).unwrap();
        for (index, leaf) in leaves.iter().enumerate().step_by(1 + count / 97) {
            let siblings = tree.siblings(index);
            let lists = reduced_hash_tree(&[*leaf], &siblings);
            let root = if lists.is_empty() { *leaf } else { root_of(SHA256, &lists).unwrap() };
            assert_eq!(root, tree.root(), "leaf {index} of {count}");
            assert!(lists.iter().all(|list| list.len() == 1));
        }
    }
}

#[test]
fn equal_leaves_share_their_proof() {
    let mut leaves = leaves(5);
    leaves.push(leaves[1]);
    let tree = HashTree::build(SHA256, &leaves).unwrap();
    assert_eq!(tree.siblings(1), tree.siblings(5));
    assert_eq!(tree.root(), HashTree::build(SHA256, &leaves[..5]).unwrap().root());
    assert_eq!(HashTree::build(SHA256, &[]).err(), Some(EvidenceError::NoObjects));
}

#[test]
fn a_group_stands_alone_in_the_first_list_and_is_hashed_before_its_sibling() {
    let members = leaves(3);
    let group = group_hash(SHA256, &members).unwrap();
    let others = [SHA256.hash(b"x"), SHA256.hash(b"y")];
    let tree = HashTree::build(SHA256, &[group, others[0], others[1]]).unwrap();
    let lists = reduced_hash_tree(&members, &tree.siblings(0));
    assert_eq!(lists.len(), 3);
    assert_eq!(lists[0].len(), 3);
    assert!(lists[0].is_sorted());
    assert_eq!(root_of(SHA256, &lists).unwrap(), tree.root());
}

#[test]
fn a_list_with_equal_hashes_is_refused() {
    let leaf = SHA256.hash(b"a");
    let error = root_of(SHA256, &[vec![leaf], vec![leaf]]).unwrap_err();
    assert_eq!(error, EvidenceError::DuplicateHash);
}

#[test]
fn all_three_algorithms_build_trees() {
    for algorithm in HashAlgorithm::ALL {
        let leaves: Vec<HashValue> = (0..9u8).map(|it| algorithm.hash(&[it])).collect();
        let tree = HashTree::build(algorithm, &leaves).unwrap();
        let lists = reduced_hash_tree(&[leaves[8]], &tree.siblings(8));
        assert_eq!(root_of(algorithm, &lists).unwrap(), tree.root());
        assert_eq!(HashValue::from_hex(algorithm, &tree.root().to_hex()), Some(tree.root()));
    }
}
