//! Entry points for fuzzing: any octets, no panic, time linear in their number.

use crate::ledger::Batch;
use crate::{
    DataObjects, EvidenceRecord, Limits, LocalSeal, Options, Request, RevocationInfo,
    TimeStampToken, TrustAnchors, Verifier,
};

/// Reads `octets` as an evidence record and verifies it without trusting anybody.
pub fn record(octets: &[u8]) {
    let limits = Limits::default();
    if let Ok(record) = EvidenceRecord::parse(octets, &limits) {
        assert_eq!(record.to_der(), octets, "a record that is read gives back its octets");
        let now = model::Timestamp::from_seconds(1_800_000_000);
        let verifier = Verifier::new(TrustAnchors::default(), Options::at(now));
        if let Ok(objects) = DataObjects::new([octets]) {
            assert!(verifier.record(&record, &objects).is_err(), "nobody is trusted");
        }
    }
}

/// Reads `octets` as a time-stamp token and verifies it without trusting anybody.
pub fn token(octets: &[u8]) {
    if let Ok(token) = TimeStampToken::parse(octets, &Limits::default()) {
        assert!(crate::verify_token(&token, &TrustAnchors::default()).is_err());
    }
}

/// Reads `octets` as an authority's answer, a CRL, an OCSP answer and a certificate.
pub fn answer(octets: &[u8]) {
    let algorithm = crate::HashAlgorithm::Sha256;
    let request = Request { algorithm, imprint: algorithm.hash(b"a"), nonce: 1, policy: None };
    let limits = Limits::default();
    let anchors = TrustAnchors::default();
    let now = model::Timestamp::from_seconds(1_800_000_000);
    assert!(crate::check_response(&request, octets, &anchors, now, &limits).is_err());
    let _ = RevocationInfo::crl(octets, &limits);
    let _ = RevocationInfo::ocsp_answer(octets);
    let _ = TrustAnchors::from_der([octets.to_vec()]);
}

/// Reads `octets` as a ledger batch and as a local seal.
pub fn batch(octets: &[u8]) {
    if let Ok(batch) = Batch::parse(octets, &Limits::default()) {
        let again = batch.to_der().unwrap_or_default();
        assert_eq!(again, octets, "a batch has one encoding");
    }
    if let Ok(seal) = LocalSeal::parse(octets) {
        let _ = seal.verify(octets, None);
    }
}

/// A small batch file, to begin with.
pub fn batch_seed() -> Vec<u8> {
    let algorithm = crate::HashAlgorithm::Sha256;
    let at = model::Timestamp::from_seconds(1_700_000_000);
    let leaf = |seq: u64| crate::ledger::Leaf {
        seq,
        kind: "archived".into(),
        at,
        digest: algorithm.hash(&seq.to_be_bytes()),
    };
    let batch = Batch {
        tenant: model::TenantId::from_bytes([1; 16]),
        number: 2,
        predecessor: Some(algorithm.hash(b"a")),
        algorithm,
        sealed_at: at,
        kind: crate::ledger::SealKind::Stamped,
        leaves: (7..10).map(leaf).collect(),
    };
    batch.to_der().unwrap_or_default()
}
