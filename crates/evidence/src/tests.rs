mod authority;
mod der;
mod flips;
mod ledger;
mod tree;
mod vectors;

use std::path::{Path, PathBuf};

use model::Timestamp;

use crate::{
    DataObjects, EvidenceError, EvidenceRecord, Limits, Options, Proof, TrustAnchors, Verifier,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evidence")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(name)).unwrap()
}

/// Within the validity of the fixtures' certificates.
fn now() -> Timestamp {
    "2027-06-01T00:00:00Z".parse().unwrap()
}

fn anchors() -> TrustAnchors {
    TrustAnchors::from_pem(&fixture("ca.crt")).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(anchors(), Options::at(now()))
}

fn prove(verifier: &Verifier, record: &[u8], objects: &[&[u8]]) -> Result<Proof, EvidenceError> {
    let record = EvidenceRecord::parse(record, &Limits::default())?;
    verifier.record(&record, &DataObjects::new(objects.iter().copied())?)
}
