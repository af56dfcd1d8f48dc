use super::{anchors, fixture, now, prove, verifier};
use crate::{
    DataObjects, EvidenceError, EvidenceRecord, HashAlgorithm, Limits, Options, TimeStampToken,
    TrustAnchors, Verifier,
};

fn check(record: &str, documents: &[&str], expected: Result<(bool, usize), EvidenceError>) {
    let documents: Vec<Vec<u8>> = documents.iter().map(|name| fixture(name)).collect();
    let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
    let proof = prove(&verifier(), &fixture(record), &documents);
    let found = proof.map(|proof| (proof.exact, proof.stamps.len()));
    assert_eq!(found, expected, "{record}");
}

#[test]
fn every_line_of_the_manifest_verifies_as_the_standard_says() {
    let lines: serde_json::Value = serde_json::from_slice(&fixture("manifest.json")).unwrap();
    let lines = lines.as_array().unwrap();
    assert_eq!(lines.len(), 12);
    for line in lines {
        let documents: Vec<Vec<u8>> = line["documents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| fixture(name.as_str().unwrap()))
            .collect();
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        let proof = prove(&verifier(), &fixture(line["record"].as_str().unwrap()), &documents);
        assert_eq!(proof.is_ok(), line["rfc4998_expected"] == "valid", "{line}: {proof:?}");
    }
}

#[test]
fn single_wide_carried_up_and_renewed_records_verify() {
    check("single.ers", &["d0"], Ok((true, 1)));
    check("k2-0.ers", &["d0"], Ok((false, 1)));
    check("k3-6.ers", &["d6"], Ok((false, 1)));
    check("k8-4.ers", &["d4"], Ok((false, 1)));
    check("renew-ts.ers", &["d0"], Ok((true, 2)));
    check("group.ers", &["d0", "d1", "d2"], Ok((true, 1)));
}

#[test]
fn a_group_must_be_there_whole_and_alone() {
    check("group.ers", &["d0", "d1"], Err(EvidenceError::NotExact));
    check("group.ers", &["d0", "d1", "d3"], Err(EvidenceError::HashAbsent));
    check("k8-4.ers", &["d4", "d5"], Err(EvidenceError::NotExact));
}

#[test]
fn a_sibling_in_the_first_list_is_refused_where_an_exact_proof_is_asked_for() {
    let options = Options { exact: true, ..Options::at(now()) };
    let strict = Verifier::new(anchors(), options);
    let proof = prove(&strict, &fixture("k2-0.ers"), &[&fixture("d0")]);
    assert_eq!(proof.unwrap_err(), EvidenceError::NotExact);
    assert!(prove(&strict, &fixture("single.ers"), &[&fixture("d0")]).is_ok());
}

#[test]
fn a_record_that_was_read_gives_back_its_octets() {
    for name in ["single.ers", "k3-0.ers", "renew-ts.ers", "group.ers"] {
        let octets = fixture(name);
        let record = EvidenceRecord::parse(&octets, &Limits::default()).unwrap();
        assert_eq!(record.to_der(), octets, "{name}");
    }
}

#[test]
fn the_token_says_when_who_and_under_which_policy() {
    let proof = prove(&verifier(), &fixture("single.ers"), &[&fixture("d0")]).unwrap();
    assert_eq!(proof.existed_at(), "2026-11-22T03:41:33.038Z".parse().unwrap());
    assert_eq!(proof.valid_until(), "2031-11-21T03:33:08Z".parse().unwrap());
    let stamp = &proof.stamps[0];
    assert_eq!(stamp.algorithm, HashAlgorithm::Sha256);
    assert_eq!(stamp.token.authority, "CN=Test TSA 1,O=Test Trust,C=DE");
    assert_eq!(stamp.token.anchor, "CN=Test Root,O=Test Trust,C=DE");
    let info = stamp.token.token.info();
    assert_eq!(info.policy, "1.3.6.1.4.1.99999.1.1");
    assert_eq!(info.accuracy_micros, Some(1_500_000));
    assert!(info.ordering && !info.claims_qualified);
    assert_eq!(proof.without_revocation(), ["CN=Test TSA 1,O=Test Trust,C=DE"]);
}

#[test]
fn missing_revocation_data_is_refused_where_it_is_required() {
    let options = Options { require_revocation: true, ..Options::at(now()) };
    let strict = Verifier::new(anchors(), options);
    let proof = prove(&strict, &fixture("single.ers"), &[&fixture("d0")]);
    let subject = "CN=Test TSA 1,O=Test Trust,C=DE".to_owned();
    assert_eq!(proof.unwrap_err(), EvidenceError::RevocationMissing(subject));
}

#[test]
fn nothing_is_proven_without_trust_in_the_authority() {
    let nobody = Verifier::new(TrustAnchors::default(), Options::at(now()));
    let error = prove(&nobody, &fixture("single.ers"), &[&fixture("d0")]).unwrap_err();
    assert!(matches!(error, EvidenceError::ChainBroken(_)), "{error}");
    let stranger = TrustAnchors::from_pem(&fixture("tsa.crt")).unwrap();
    let stranger = Verifier::new(stranger, Options::at(now()));
    assert!(prove(&stranger, &fixture("single.ers"), &[&fixture("d0")]).is_err());
}

#[test]
fn a_record_that_was_not_renewed_in_time_is_refused() {
    let late = Verifier::new(anchors(), Options::at("2031-11-21T03:33:09Z".parse().unwrap()));
    let error = prove(&late, &fixture("renew-ts.ers"), &[&fixture("d0")]).unwrap_err();
    assert!(matches!(error, EvidenceError::CertificateEnded { .. }), "{error}");
    let early = Verifier::new(anchors(), Options::at("2026-11-22T03:30:00Z".parse().unwrap()));
    let error = prove(&early, &fixture("single.ers"), &[&fixture("d0")]).unwrap_err();
    assert!(matches!(error, EvidenceError::ClockDiffers { .. }), "{error}");
}

#[test]
fn stamps_in_the_wrong_order_are_refused() {
    let record = EvidenceRecord::parse(&fixture("renew-ts.ers"), &Limits::default()).unwrap();
    let stamps = record.chains()[0].stamps();
    let mut turned = EvidenceRecord::first(stamps[1].clone());
    turned.extend(stamps[0].clone());
    let objects = [fixture("d0")];
    let objects = DataObjects::new(objects.iter().map(Vec::as_slice)).unwrap();
    assert!(verifier().record(&turned, &objects).is_err());
    let mut doubled = EvidenceRecord::first(stamps[0].clone());
    doubled.extend(stamps[0].clone());
    assert_eq!(verifier().record(&doubled, &objects).unwrap_err(), EvidenceError::HashAbsent);
}

#[test]
fn a_row_of_node_hashes_is_no_document() {
    let record = EvidenceRecord::parse(&fixture("k2-0.ers"), &Limits::default()).unwrap();
    let first = &record.chains()[0].stamps()[0].lists()[0];
    let fake: Vec<u8> = first.iter().flat_map(|hash| hash.as_slice().to_vec()).collect();
    let error = DataObjects::new([fake.as_slice()]).unwrap_err();
    assert_eq!(error, EvidenceError::NodeLike(64));
}

#[test]
fn a_token_that_carries_other_certificates_keeps_its_signature() {
    let record = EvidenceRecord::parse(&fixture("single.ers"), &Limits::default()).unwrap();
    let octets = record.chains()[0].stamps()[0].token();
    let token = TimeStampToken::parse(octets, &Limits::default()).unwrap();
    let same = token.carrying(token.certificates(), &[], &Limits::default()).unwrap();
    // OpenSSL does not sort certificates; what is written here is sorted.
    assert!(same.der() != octets && same.der().len() == octets.len());
    let verified = crate::verify_token(&same, &anchors()).unwrap();
    let lean = token.carrying(&verified.path, &[], &Limits::default()).unwrap();
    assert!(lean.der().len() < octets.len());
    crate::verify_token(&lean, &anchors()).unwrap();
    let bare = token.carrying(&[], &[], &Limits::default()).unwrap();
    let error = crate::verify_token(&bare, &anchors()).unwrap_err();
    assert!(matches!(error, EvidenceError::CertificateUnfit(_)), "{error}");
}
