//! Against `openssl ts` and friends: tokens made by another implementation, and records made here
//! judged by others.

mod faults;
mod forged;
mod judges;
mod renewals;
mod revocation;

use std::path::Path;

use model::Timestamp;
use tempfile::TempDir;
use testkit::authority::Authority;

use crate::{
    ArchiveTimeStamp, EvidenceError, EvidenceRecord, HashAlgorithm, HashTree, HashValue, Limits,
    Request, TrustAnchors, VerifiedToken, check_response, reduced_hash_tree,
};

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;
const SHA512: HashAlgorithm = HashAlgorithm::Sha512;

fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(since.as_micros() as i64)
}

fn request(algorithm: HashAlgorithm, imprint: HashValue) -> Request {
    Request { algorithm, imprint, nonce: 0x8123_4567_89ab_cdef, policy: None }
}

fn anchors_of(authority: &Authority) -> TrustAnchors {
    TrustAnchors::from_pem(&authority.read("root.pem")).unwrap()
}

/// A token over `imprint`, as of now or of a day such as `2030-05-01 12:00:00`.
fn stamp(
    authority: &Authority,
    algorithm: HashAlgorithm,
    imprint: HashValue,
    at: Option<&str>,
) -> VerifiedToken {
    let request = request(algorithm, imprint);
    let answer = authority.reply(&request.to_der().unwrap(), at);
    let now = match at {
        Some(at) => format!("{}Z", at.replace(' ', "T")).parse().unwrap(),
        None => system_now(),
    };
    check_response(&request, &answer, &anchors_of(authority), now, &Limits::default()).unwrap()
}

/// One record for each of the groups of documents, under one token.
fn records(
    authority: &Authority,
    algorithm: HashAlgorithm,
    groups: &[Vec<Vec<u8>>],
    at: Option<&str>,
) -> Vec<EvidenceRecord> {
    let members: Vec<Vec<HashValue>> = groups
        .iter()
        .map(|group| group.iter().map(|document| algorithm.hash(document)).collect())
        .collect();
    let leaves: Vec<HashValue> =
        members.iter().map(|members| crate::group_hash(algorithm, members).unwrap()).collect();
    let tree = HashTree::build(algorithm, &leaves).unwrap();
    let token = stamp(authority, algorithm, tree.root(), at);
    let record = |(number, members): (usize, &Vec<HashValue>)| {
        let lists = reduced_hash_tree(members, &tree.siblings(number));
        EvidenceRecord::first(ArchiveTimeStamp::new(algorithm, lists, token.token.der()))
    };
    members.iter().enumerate().map(record).collect()
}

fn documents(count: usize) -> Vec<Vec<Vec<u8>>> {
    (0..count).map(|number| vec![format!("document {number}").into_bytes()]).collect()
}

fn make(key: &str) -> (TempDir, Authority) {
    let folder = TempDir::new().unwrap();
    let authority = Authority::make(folder.path(), key);
    (folder, authority)
}

fn write(folder: &Path, name: &str, octets: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, octets).unwrap();
    path
}

/// The error of a check that must fail.
fn refused(result: Result<VerifiedToken, EvidenceError>) -> String {
    result.map(|token| token.authority).unwrap_err().to_string()
}
