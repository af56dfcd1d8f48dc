use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool};

use super::{SHA256, SHA512, anchors_of, documents, records, stamp};
use crate::{
    ArchiveTimeStamp, DataObjects, EvidenceError, EvidenceRecord, HashTree, HashTreeRenewal,
    HashValue, Limits, Options, Proof, TimeStampRenewal, TrustAnchors, Verifier, reduced_hash_tree,
};

/// Renews all records under one new token.
fn renew_stamps(authority: &Authority, records: &mut [EvidenceRecord], at: &str) {
    let limits = Limits::default();
    let renewals: Vec<TimeStampRenewal> =
        records.iter().map(|record| TimeStampRenewal::of(record, &limits).unwrap()).collect();
    let algorithm = renewals[0].algorithm();
    let leaves: Vec<HashValue> = renewals.iter().map(TimeStampRenewal::leaf).collect();
    let tree = HashTree::build(algorithm, &leaves).unwrap();
    let token = stamp(authority, algorithm, tree.root(), Some(at));
    for (number, record) in records.iter_mut().enumerate() {
        *record = renewals[number].apply(record, &tree.siblings(number), token.token.der());
    }
}

fn renew_trees(
    authority: &Authority,
    records: &mut [EvidenceRecord],
    groups: &[Vec<Vec<u8>>],
    at: &str,
) {
    let renewals: Vec<HashTreeRenewal> = records
        .iter()
        .zip(groups)
        .map(|(record, group)| {
            let objects = DataObjects::new(group.iter().map(Vec::as_slice)).unwrap();
            HashTreeRenewal::of(record, &objects, SHA512)
        })
        .collect();
    let leaves: Vec<HashValue> = renewals.iter().map(|it| it.leaf().unwrap()).collect();
    let tree = HashTree::build(SHA512, &leaves).unwrap();
    let token = stamp(authority, SHA512, tree.root(), Some(at));
    for (number, record) in records.iter_mut().enumerate() {
        *record = renewals[number].apply(record, &tree.siblings(number), token.token.der());
    }
}

fn prove(
    anchors: &TrustAnchors,
    record: &EvidenceRecord,
    group: &[Vec<u8>],
    now: &str,
) -> Result<Proof, EvidenceError> {
    let options = Options { exact: true, ..Options::at(now.parse().unwrap()) };
    let verifier = Verifier::new(anchors.clone(), options);
    // As an auditor has it: from a file.
    let record = EvidenceRecord::parse(&record.to_der(), &Limits::default())?;
    verifier.record(&record, &DataObjects::new(group.iter().map(Vec::as_slice))?)
}

#[test]
fn records_live_over_thirty_years_with_renewals_and_one_change_of_the_hash_algorithm() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let folders: Vec<TempDir> = (0..4).map(|_| TempDir::new().unwrap()).collect();
    let authority =
        |number: usize, key: &str, at: &str| Authority::make_at(folders[number].path(), key, at);
    // Each generation of signers lasts ten years.
    let first = authority(0, "rsa:2048", "2005-01-01 00:00:00");
    let second = authority(1, "ec:P-256", "2014-01-01 00:00:00");
    let third = authority(2, "ec:P-384", "2021-01-01 00:00:00");
    let mut groups = documents(5);
    groups[1].push(b"its report".to_vec());
    groups[1].push(b"its facts".to_vec());
    let mut all = records(&first, SHA256, &groups, Some("2005-06-01 12:00:00"));
    renew_stamps(&first, &mut all, "2009-06-01 12:00:00");
    renew_stamps(&second, &mut all, "2014-06-01 12:00:00");
    renew_trees(&third, &mut all, &groups, "2021-06-01 12:00:00");
    renew_stamps(&third, &mut all, "2026-06-01 12:00:00");
    let mut anchors = anchors_of(&first);
    anchors.extend(anchors_of(&second));
    anchors.extend(anchors_of(&third));
    for (record, group) in all.iter().zip(&groups) {
        let proof = prove(&anchors, record, group, "2030-01-01T00:00:00Z").unwrap();
        let chains: Vec<usize> = proof.stamps.iter().map(|stamp| stamp.chain).collect();
        assert_eq!(chains, [1, 1, 1, 2, 2]);
        assert_eq!(proof.existed_at().to_string().split('T').next(), Some("2005-06-01"));
        assert_eq!(record.digest_algorithms(), [SHA256, SHA512]);
        let late = prove(&anchors, record, group, "2035-01-01T00:00:00Z").unwrap_err();
        assert!(matches!(late, EvidenceError::CertificateEnded { .. }), "{late}");
    }
    assert_eq!(
        prove(&anchors, &all[0], &groups[2], "2030-01-01T00:00:00Z").unwrap_err(),
        EvidenceError::HashAbsent
    );
    let missing = anchors_of(&third);
    assert!(prove(&missing, &all[0], &groups[0], "2030-01-01T00:00:00Z").is_err());
}

#[test]
fn a_renewal_after_the_certificate_ended_is_refused() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = Authority::make_at(one.path(), "ec:P-256", "2005-01-01 00:00:00");
    let second = Authority::make_at(two.path(), "ec:P-256", "2020-01-01 00:00:00");
    let groups = documents(3);
    let mut all = records(&first, SHA256, &groups, Some("2005-06-01 12:00:00"));
    renew_stamps(&second, &mut all, "2020-06-01 12:00:00");
    let mut anchors = anchors_of(&first);
    anchors.extend(anchors_of(&second));
    let error = prove(&anchors, &all[1], &groups[1], "2021-01-01T00:00:00Z").unwrap_err();
    assert!(matches!(error, EvidenceError::CertificateEnded { .. }), "{error}");
}

#[test]
fn a_hash_tree_renewal_that_leaves_out_the_past_or_sorts_is_refused() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let authority = Authority::make_at(folder.path(), "ec:P-256", "2020-01-01 00:00:00");
    let anchors = anchors_of(&authority);
    let groups = documents(1);
    let first = records(&authority, SHA256, &groups, Some("2020-06-01 12:00:00")).remove(0);
    let begin = |imprint: HashValue| {
        let token = stamp(&authority, SHA512, imprint, Some("2021-06-01 12:00:00"));
        let lists = reduced_hash_tree(&[imprint], &[]);
        let mut renewed = first.clone();
        renewed.begin(SHA512, ArchiveTimeStamp::new(SHA512, lists, token.token.der()));
        prove(&anchors, &renewed, &groups[0], "2022-01-01T00:00:00Z")
    };
    let hash = SHA512.hash(&groups[0][0]);
    assert_eq!(begin(hash).unwrap_err(), EvidenceError::HashAbsent);
    let so_far = first.sequence_der(1);
    let positional = crate::renew::combined(SHA512, &[hash], &so_far)[0];
    begin(positional).unwrap();
    let sorted = crate::renew::combined_sorted(SHA512, &[hash], &so_far)[0];
    if sorted != positional {
        assert_eq!(begin(sorted).unwrap_err(), EvidenceError::RenewalSorted);
    }
}

#[test]
fn the_renewal_of_one_record_alone_needs_no_hash_tree() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let authority = Authority::make_at(folder.path(), "ec:P-256", "2020-01-01 00:00:00");
    let groups = documents(1);
    let mut all = records(&authority, SHA256, &groups, Some("2020-06-01 12:00:00"));
    renew_stamps(&authority, &mut all, "2021-06-01 12:00:00");
    assert!(all[0].chains()[0].stamps().iter().all(|stamp| stamp.lists().is_empty()));
    let anchors = anchors_of(&authority);
    let proof = prove(&anchors, &all[0], &groups[0], "2022-01-01T00:00:00Z").unwrap();
    assert_eq!(proof.stamps.len(), 2);
}
