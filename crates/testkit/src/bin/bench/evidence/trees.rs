//! Hash trees alone, without vault and catalog.

use std::hint::black_box;
use std::time::Instant;

use evidence::ledger::{Batch, Leaf, SealKind};
use evidence::{ArchiveTimeStamp, EvidenceRecord, HashTree, HashValue, LocalKey};
use evidence::{group_hash, reduced_hash_tree};
use model::{TenantId, Timestamp};
use testkit::Random;

use super::{SHA256, ensure, fastest, hash};
use crate::Outcome;
use crate::figures::{Latencies, heading, line};

/// Events of one batch, as the ledger seals them.
const BATCH: usize = ledger::LEAVES_MAX as usize;
/// The goal: sealing takes so many times as long as hashing the leaves.
const SEALING_RATIO_MAX: f64 = 2.0;
/// The goal for one proof, in milliseconds.
const PROOF_MS_MAX: f64 = 5.0;
const PROOFS: usize = 1_000;
/// As long as a token of a public authority.
const TOKEN_BYTES: usize = 4_500;
const AT: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// Batches of a ledger: the files, their trees and seals; beside it the hashes that a binary tree
/// over as many leaves cannot do without.
pub fn sealing(count: usize) -> Outcome<()> {
    heading(&format!("evidence: sealing {count} leaves in batches of {BATCH}"));
    let leaves = leaves(count);
    let row: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.digest.as_slice()).copied().collect();
    let hashing = fastest(|| {
        for pair in row.windows(64).step_by(32) {
            black_box(hash(black_box(pair)));
        }
        Ok(())
    })?;
    line("hashing them", &format!("{:>8.1} ms", hashing.as_secs_f64() * 1e3));
    let key = LocalKey::from_seed(&[7; 32])?;
    let mut batches = Vec::new();
    for chunk in leaves.chunks(BATCH) {
        let batch = batch(batches.len() as u64 + 1, chunk);
        let file = batch.to_der()?;
        let all = batch.tree_leaves(&file);
        let root = HashTree::build(SHA256, &all)?.root();
        ensure(root.as_slice() == plain_root(&all), "the root of a tree is wrong")?;
        let read = Batch::parse(&file, &evidence::Limits::default())?;
        ensure(read == batch, "a batch file is read otherwise than written")?;
        batches.push(batch);
    }
    let sealing = fastest(|| {
        for batch in &batches {
            let file = batch.to_der()?;
            let tree = HashTree::build(SHA256, &batch.tree_leaves(&file))?;
            black_box(reduced_hash_tree(&[tree.leaf(0)], &tree.siblings(0)));
            black_box(key.seal(SHA256, &file, AT).to_der());
        }
        Ok(())
    })?;
    let ratio = sealing.as_secs_f64() / hashing.as_secs_f64();
    line(
        "sealing: files, trees, seals",
        &format!(
            "{:>8.1} ms  {ratio:.2} × hashing  (goal: at most {SEALING_RATIO_MAX})",
            sealing.as_secs_f64() * 1e3
        ),
    );
    Ok(())
}

/// The evidence record of one leaf out of one tree.
pub fn proof(count: usize) -> Outcome<()> {
    heading(&format!("evidence: one proof out of {count} leaves"));
    let leaves: Vec<HashValue> = (0..count as u64).map(|it| hash(&it.to_be_bytes())).collect();
    let begun = Instant::now();
    let tree = HashTree::build(SHA256, &leaves)?;
    line("the tree", &format!("{:>8.1} ms", begun.elapsed().as_secs_f64() * 1e3));
    let token = evidence_token();
    let mut random = Random::new(3);
    let mut latencies = Latencies::default();
    for _ in 0..PROOFS {
        let index = random.below(count);
        let begun = Instant::now();
        let siblings = tree.siblings(index);
        let lists = reduced_hash_tree(&[leaves[index]], &siblings);
        let record = EvidenceRecord::first(ArchiveTimeStamp::new(SHA256, lists, &token)).to_der();
        latencies.add(begun.elapsed());
        let root = siblings.iter().fold(leaves[index], |node, sibling| parent(node, *sibling));
        ensure(root == tree.root() && !record.is_empty(), "a proof does not lead to the root")?;
    }
    let (p50, p99) = (latencies.percentile(50), latencies.percentile(99));
    let goal = format!("(goal: at most {PROOF_MS_MAX})");
    line(&format!("{PROOFS} proofs"), &format!("ms: p50 {p50:.4}  p99 {p99:.4}  {goal}"));
    Ok(())
}

fn leaves(count: usize) -> Vec<Leaf> {
    let leaf = |seq: u64| Leaf {
        seq,
        kind: "archived".into(),
        at: Timestamp::from_micros(AT.as_micros() + seq as i64 * 1_234),
        digest: hash(&seq.to_be_bytes()),
    };
    (1..=count as u64).map(leaf).collect()
}

fn batch(number: u64, leaves: &[Leaf]) -> Batch {
    Batch {
        tenant: TenantId::from_bytes([9; 16]),
        number,
        predecessor: (number > 1).then(|| hash(b"the one before")),
        algorithm: SHA256,
        sealed_at: AT,
        kind: SealKind::LocalKey,
        leaves: leaves.to_vec(),
    }
}

/// Any octets in DER that are as long as a token.
fn evidence_token() -> Vec<u8> {
    let [high, low] = (TOKEN_BYTES as u16).to_be_bytes();
    [vec![0x30, 0x82, high, low], vec![0; TOKEN_BYTES]].concat()
}

fn parent(one: HashValue, other: HashValue) -> HashValue {
    // The group rule of RFC 4998 says the same as the tree: ascending, one after the other.
    group_hash(SHA256, &[one, other]).unwrap_or(one)
}

/// The root as RFC 4998 §4.2 has it, by another way than the tree's: recursion, another hash.
fn plain_root(leaves: &[HashValue]) -> [u8; 32] {
    let mut level: Vec<[u8; 32]> =
        leaves.iter().filter_map(|leaf| <[u8; 32]>::try_from(leaf.as_slice()).ok()).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match *pair {
                [one, other] => {
                    let row = [one.min(other), one.max(other)].concat();
                    *model::Digest::of(&row).as_bytes()
                }
                _ => pair[0],
            })
            .collect();
    }
    level[0]
}
