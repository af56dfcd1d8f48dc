//! Others judge what is made here: OpenSSL the tokens, Bouncy Castle and the stand-alone reference
//! in Python the records.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool, succeed};

use super::{SHA256, SHA512, documents, make, records, stamp, system_now, write};
use crate::tests::fixtures;
use crate::{
    DataObjects, EvidenceRecord, HashAlgorithm, HashTree, HashTreeRenewal, Limits, Options,
    Request, TimeStampRenewal, TrustAnchors, Verifier,
};

const CLASS_PATH: &str =
    "/usr/share/java/bcpkix.jar:/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar";

fn has_bouncy_castle() -> bool {
    has_tool("javac", "openjdk-17-jdk-headless")
        && has_tool("/usr/share/java/bcpkix.jar", "libbcpkix-java")
}

/// Compiles the oracle into `folder`.
fn oracle(folder: &Path) -> String {
    let source = fixtures().join("ErsOracle.java");
    let target = folder.to_string_lossy().into_owned();
    let source = source.to_string_lossy().into_owned();
    succeed("javac", ["-cp", CLASS_PATH, "-d", &target, &source]);
    format!("{CLASS_PATH}:{target}")
}

fn judge(class_path: &str, record: &Path, files: &[PathBuf]) -> String {
    let mut words = vec!["-cp".into(), class_path.into(), "ErsOracle".into(), "verify".into()];
    words.push(record.as_os_str().to_owned());
    words.extend(files.iter().map(|file| file.as_os_str().to_owned()));
    succeed::<std::ffi::OsString>("java", words)
}

fn openssl_says(authority: &Authority, token: &[u8], digest: &str) -> bool {
    let token = write(&authority.file(""), "judged", token);
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-digest", digest, "-token_in", "-in"]).arg(token);
    command.arg("-CAfile").arg(authority.file("root.pem"));
    command.arg("-untrusted").arg(authority.file("issuing.pem"));
    command.output().unwrap().status.success()
}

#[test]
fn openssl_agrees_on_tokens_also_when_they_carry_revocation_data() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-384");
    let imprint = SHA512.hash(b"document");
    let token = stamp(&authority, SHA512, imprint, None);
    assert!(openssl_says(&authority, token.token.der(), &imprint.to_hex()));
    let limits = Limits::default();
    let crls = ["issuing.crl", "root.crl"]
        .map(|name| crate::RevocationInfo::crl(&authority.read(name), &limits).unwrap());
    let full = token.token.carrying(&token.path, &crls, &limits).unwrap();
    assert!(openssl_says(&authority, full.der(), &imprint.to_hex()));
    let other = SHA512.hash(b"other").to_hex();
    assert!(!openssl_says(&authority, full.der(), &other));
    let mut broken = full.der().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    assert!(!openssl_says(&authority, &broken, &imprint.to_hex()));
}

#[test]
fn openssl_reads_the_requests() {
    if !has_authority() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let request = Request {
        algorithm: HashAlgorithm::Sha384,
        imprint: HashAlgorithm::Sha384.hash(b"document"),
        nonce: u64::MAX,
        policy: Some("1.2.3.4.5".into()),
    };
    let path = write(folder.path(), "query", &request.to_der().unwrap());
    let path = path.to_string_lossy().into_owned();
    let text = succeed("openssl", ["ts", "-query", "-in", &path, "-text"]);
    for line in [
        "Hash Algorithm: sha384",
        "Policy OID: 1.2.3.4.5",
        "Nonce: 0xFFFFFFFFFFFFFFFF",
        "Certificate required: yes",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}

#[test]
fn bouncy_castle_and_the_reference_agree_on_our_records_of_many_sizes() {
    if !has_authority() || !has_bouncy_castle() || !has_tool("python3", "python3") {
        return;
    }
    let (folder, authority) = make("rsa:2048");
    let class_path = oracle(folder.path());
    for count in [1, 2, 3, 7, 1000] {
        let groups = documents(count);
        let all = records(&authority, SHA256, &groups, None);
        let number = count / 2;
        let record = write(folder.path(), "record.ers", &all[number].to_der());
        let right = write(folder.path(), "right", &groups[number][0]);
        let script = fixtures().join("ver.py");
        let said = succeed("python3", [script.as_os_str(), record.as_os_str(), right.as_os_str()]);
        assert!(said.contains("root in TST True"), "{count}: {said}");
        if ![1, 3, 1000].contains(&count) {
            continue;
        }
        let said = judge(&class_path, &record, std::slice::from_ref(&right));
        assert!(said.contains("PRESENT ok") && said.contains("TST+CHAIN ok"), "{count}: {said}");
        let wrong = write(folder.path(), "wrong", b"another document");
        let said = judge(&class_path, &record, &[wrong]);
        assert!(said.contains("PRESENT FAIL"), "{count}: {said}");
        if count > 2 {
            // Its own hash stands alone in the first list: a neighbour is not proven by it.
            let neighbour = write(folder.path(), "neighbour", &groups[number - 1][0]);
            let said = judge(&class_path, &record, &[neighbour]);
            assert!(said.contains("PRESENT FAIL"), "{count}: {said}");
        }
    }
}

#[test]
fn bouncy_castle_agrees_on_our_groups_and_renewals() {
    if !has_authority() || !has_bouncy_castle() {
        return;
    }
    let (folder, authority) = make("rsa:2048");
    let class_path = oracle(folder.path());
    let mut groups = documents(4);
    groups[2].push(b"its report".to_vec());
    groups[2].push(b"its facts".to_vec());
    let all = records(&authority, SHA256, &groups, None);
    for (number, group) in groups.iter().enumerate().skip(1).take(2) {
        let mut record = all[number].clone();
        let files: Vec<PathBuf> = group
            .iter()
            .enumerate()
            .map(|(place, octets)| write(folder.path(), &format!("member{place}"), octets))
            .collect();
        let check = |record: &EvidenceRecord, what: &str| {
            let path = write(folder.path(), "record.ers", &record.to_der());
            let said = judge(&class_path, &path, &files);
            assert!(said.contains("PRESENT ok"), "{what} of group {number}: {said}");
            assert!(said.contains("TST+CHAIN ok"), "{what} of group {number}: {said}");
        };
        check(&record, "first record");
        let renewal = TimeStampRenewal::of(&record, &Limits::default()).unwrap();
        let neighbour = SHA256.hash(b"another token");
        let tree = HashTree::build(SHA256, &[neighbour, renewal.leaf()]).unwrap();
        let token = stamp(&authority, SHA256, tree.root(), None);
        record = renewal.apply(&record, &tree.siblings(1), token.token.der());
        check(&record, "time-stamp renewal");
        let objects = DataObjects::new(group.iter().map(Vec::as_slice)).unwrap();
        let renewal = HashTreeRenewal::of(&record, &objects, SHA512);
        let leaf = renewal.leaf().unwrap();
        let tree = HashTree::build(SHA512, &[leaf, SHA512.hash(b"x")]).unwrap();
        let token = stamp(&authority, SHA512, tree.root(), None);
        record = renewal.apply(&record, &tree.siblings(0), token.token.der());
        check(&record, "hash-tree renewal");
    }
}

#[test]
fn our_verifier_agrees_on_records_that_bouncy_castle_and_the_reference_made() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let (folder, authority) = make("ec:P-256");
    let anchors = TrustAnchors::from_pem(&authority.read("root.pem")).unwrap();
    let verifier =
        || Verifier::new(anchors.clone(), Options::at(system_now().saturating_add_seconds(60)));
    let check = |record: &Path, files: &[PathBuf]| {
        let octets: Vec<Vec<u8>> = files.iter().map(|it| std::fs::read(it).unwrap()).collect();
        let record = EvidenceRecord::parse(&std::fs::read(record).unwrap(), &Limits::default())?;
        verifier().record(&record, &DataObjects::new(octets.iter().map(Vec::as_slice))?)
    };
    let mut command = Command::new("python3");
    command.arg(fixtures().join("ers_ref.py")).current_dir(folder.path());
    command.env("TSA_DIR", folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reference = folder.path().join("ref");
    let document = |number: usize| reference.join(format!("d{number}"));
    for width in [2, 3, 8] {
        for number in 0..7 {
            let record = reference.join(format!("k{width}-{number}.ers"));
            check(&record, &[document(number)]).unwrap();
        }
    }
    for name in ["single", "renew-ts", "renew-ts-tree", "renew-hash-unsorted"] {
        let result = check(&reference.join(format!("{name}.ers")), &[document(0)]);
        // Stamps of the same second are not in ascending order.
        if let Err(error) = result {
            assert!(error.to_string().contains("ascending"), "{name}: {error}");
        }
    }
    check(&reference.join("group.ers"), &[document(0), document(1), document(2)]).unwrap();
    if !has_bouncy_castle() {
        return;
    }
    let class_path = oracle(folder.path());
    let made = TempDir::new().unwrap();
    let mut words: Vec<std::ffi::OsString> =
        vec!["-cp".into(), class_path.into(), "ErsOracle".into(), "make".into()];
    words.extend([made.path().into(), folder.path().into(), "sha256".into()]);
    words.extend((0..5).map(|number| document(number).into_os_string()));
    succeed("java", words);
    let proven = (0..5)
        .map(|number| made.path().join(format!("er-{number}.der")))
        .filter(|record| (0..5).any(|number| check(record, &[document(number)]).is_ok()))
        .count();
    assert_eq!(proven, 5);
}
