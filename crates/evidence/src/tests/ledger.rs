use model::{TenantId, Timestamp};

use crate::ledger::{Batch, Leaf, SealKind, record_members};
use crate::{DataObjects, EvidenceError, HashAlgorithm, Limits, LocalKey, LocalSeal, group_hash};

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;

fn batch(number: u64, seqs: std::ops::Range<u64>, before: Option<&Batch>) -> Batch {
    let leaf = |seq: u64| Leaf {
        seq,
        kind: "archived".into(),
        at: Timestamp::from_micros(1_700_000_000_000_000 + seq as i64),
        digest: SHA256.hash(&seq.to_be_bytes()),
    };
    Batch {
        tenant: TenantId::from_bytes([7; 16]),
        number,
        predecessor: before.map(|batch| SHA256.hash(&batch.to_der().unwrap())),
        algorithm: SHA256,
        sealed_at: Timestamp::from_seconds(1_700_000_100 + number as i64),
        kind: SealKind::Stamped,
        leaves: seqs.map(leaf).collect(),
    }
}

fn chain() -> [Batch; 3] {
    let first = batch(1, 1..11, None);
    let second = batch(2, 11..12, Some(&first));
    let third = batch(3, 12..40, Some(&second));
    [first, second, third]
}

fn follows(later: &Batch, earlier: &Batch) -> Result<(), EvidenceError> {
    later.check_follows(earlier, &earlier.to_der().unwrap())
}

#[test]
fn a_batch_is_read_as_it_was_written() {
    for batch in chain() {
        let octets = batch.to_der().unwrap();
        assert_eq!(Batch::parse(&octets, &Limits::default()).unwrap(), batch);
    }
}

#[test]
fn batches_in_their_order_follow_each_other() {
    let [first, second, third] = chain();
    follows(&second, &first).unwrap();
    follows(&third, &second).unwrap();
}

#[test]
fn a_removed_inserted_moved_or_changed_leaf_shows_in_the_next_batch() {
    let [first, second, _] = chain();
    let mut removed = first.clone();
    removed.leaves.pop();
    assert!(follows(&second, &removed).is_err());
    let mut inserted = first.clone();
    inserted.leaves.push(Leaf { seq: 11, ..first.leaves[0].clone() });
    assert!(follows(&second, &inserted).is_err());
    let mut moved = first.clone();
    let digest = moved.leaves[3].digest;
    moved.leaves[3].digest = moved.leaves[4].digest;
    moved.leaves[4].digest = digest;
    assert!(follows(&second, &moved).is_err());
    let mut changed = first.clone();
    changed.leaves[3].kind = "merged".into();
    assert!(follows(&second, &changed).is_err());
    let mut gap = first;
    gap.leaves.remove(4);
    assert!(gap.to_der().is_err());
}

#[test]
fn a_removed_or_foreign_batch_shows() {
    let [first, second, third] = chain();
    assert!(matches!(follows(&third, &first), Err(EvidenceError::BatchOrder(_))));
    assert!(matches!(follows(&first, &second), Err(EvidenceError::BatchOrder(_))));
    let mut foreign = second.clone();
    foreign.tenant = TenantId::from_bytes([8; 16]);
    assert!(matches!(follows(&third, &foreign), Err(EvidenceError::BatchOrder(_))));
    let mut renumbered = third;
    renumbered.number = 2;
    assert!(matches!(follows(&renumbered, &first), Err(EvidenceError::BatchOrder(_))));
}

#[test]
fn no_flipped_bit_of_a_batch_gives_the_same_batch() {
    let [_, second, _] = chain();
    let octets = second.to_der().unwrap();
    let mut flipped = octets.clone();
    for at in 0..octets.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            if let Ok(read) = Batch::parse(&flipped, &Limits::default()) {
                assert_ne!(read, second);
                assert_eq!(read.to_der().unwrap(), flipped);
            }
            flipped[at] ^= 1 << bit;
        }
    }
}

#[test]
fn the_batch_file_and_each_leaf_lead_to_one_root() {
    let [first, ..] = chain();
    let tree = first.tree().unwrap();
    let file = first.to_der().unwrap();
    let objects = DataObjects::new([file.as_slice()]).unwrap();
    let mut members = vec![objects.hashes(SHA256)[0]];
    members.extend(first.leaves.iter().map(|leaf| leaf.digest));
    for (place, member) in members.iter().enumerate() {
        let lists = crate::reduced_hash_tree(&[*member], &tree.siblings(place));
        assert_eq!(crate::tree::root_of(SHA256, &lists).unwrap(), tree.root());
    }
    assert_eq!(first.leaf(4).unwrap().0, 3);
    assert_eq!(first.leaf(11), None);
}

#[test]
fn the_leaf_of_a_record_is_the_group_of_mail_report_and_facts() {
    let members = record_members(b"mail", None, Some(b"report"), b"facts");
    let digests: Vec<model::Digest> = members.iter().map(|it| model::Digest::of(it)).collect();
    let objects = DataObjects::new(members).unwrap();
    let group = group_hash(SHA256, &objects.hashes(SHA256)).unwrap();
    assert_eq!(Leaf::digest_of(&digests).unwrap(), group);
}

#[test]
fn the_summary_says_what_the_file_says() {
    let [_, second, _] = chain();
    let summary = second.summary().unwrap();
    assert_eq!((summary.number, summary.first_seq, summary.last_seq), (2, 11, 11));
    let json = serde_json::to_string(&summary).unwrap();
    assert!(json.contains(r#""kind":"stamped""#), "{json}");
    let again: crate::ledger::BatchSummary = serde_json::from_str(&json).unwrap();
    assert_eq!(again, summary);
}

#[test]
fn a_local_seal_proves_the_file_and_the_key_and_nothing_else() {
    let key = LocalKey::from_seed(&[3; 32]).unwrap();
    let at = Timestamp::from_seconds(1_700_000_000);
    let seal = key.seal(SHA256, b"file", at);
    let octets = seal.to_der();
    let read = LocalSeal::parse(&octets).unwrap();
    assert_eq!(read, seal);
    read.verify(b"file", Some(key.public_key())).unwrap();
    assert!(read.verify(b"other", None).is_err());
    let other = LocalKey::from_seed(&[4; 32]).unwrap();
    assert!(read.verify(b"file", Some(other.public_key())).is_err());
    let mut flipped = octets.clone();
    for at in 0..octets.len() {
        flipped[at] ^= 0x04;
        let passes = LocalSeal::parse(&flipped)
            .is_ok_and(|seal| seal.verify(b"file", Some(key.public_key())).is_ok());
        assert!(!passes, "octet {at}");
        flipped[at] ^= 0x04;
    }
}
