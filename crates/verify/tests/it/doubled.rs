//! Two authorities stamp one batch (RFC 4998 §7): both are shown, both are checked, both are renewed.

use evidence::{HashAlgorithm, TrustAnchors};
use ledger::{Asked, How, LedgerError};
use testkit::authority::{Authority, has_authority};

use crate::archive::{Archive, Openssl, Silent, TENANT};
use crate::support::{Outcome, now};

fn mail(subject: &str) -> Vec<u8> {
    format!("From: a@b.example\r\nSubject: {subject}\r\n\r\n{subject}\r\n").into_bytes()
}

fn double<'a>(authorities: &'a [Asked<'a>]) -> How<'a> {
    How::Stamp { authorities, nonce: &|| 77, require_revocation: false, double: true }
}

/// Both stamps of a finding, by their authorities' certificates.
fn stamps(found: &serde_json::Value) -> [usize; 2] {
    ["evidence", "second"].map(|it| found[it]["stamps"].as_array().map_or(0, Vec::len))
}

#[test]
fn two_authorities_prove_one_batch_each_by_itself_also_after_renewals() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let other_folder = tempfile::TempDir::new().unwrap();
    let other = Authority::make(other_folder.path(), "rsa:3072");
    let other_anchors = TrustAnchors::from_pem(&other.read("root.pem")).unwrap();
    let (one, two) = (Openssl(&archive.authority), Openssl(&other));
    let first = || archive.asked("one", &one);
    let second = || Asked { name: "two", authority: &two, anchors: &other_anchors, policy: None };
    let ledger = archive.ledger();
    let a = archive.archive(&mail("one"));
    let b = archive.archive(&mail("two"));

    // One that is silent, or the same one again, is not two: nothing is sealed.
    let silent = Asked { authority: &Silent, ..second() };
    let error = ledger.seal(TENANT, now(), &double(&[first(), silent])).unwrap_err();
    assert!(error.to_string().contains("a second authority is wanted"), "{error}");
    let error = ledger.seal(TENANT, now(), &double(&[first(), first()])).unwrap_err();
    assert!(error.to_string().contains("the same certificate"), "{error}");
    assert!(matches!(error, LedgerError::Authority(_)));
    let sealed = ledger.seal(TENANT, now(), &double(&[first(), second()])).unwrap().unwrap();
    assert_eq!((sealed.number, sealed.last_seq), (1, 2));

    let anchor = other.file("root.pem");
    let anchor = ["--anchor", anchor.to_str().unwrap()];
    let verify = |name: &str, more: &[&str]| -> Outcome {
        let folder = archive.folder.path().join(name);
        archive.verify(&folder, more)
    };
    archive.export(&[a, b], "both").unwrap();
    let outcome = verify("both", &anchor);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(stamps(&found["batches"][0]), [1, 1]);
    assert_eq!(stamps(&found["mails"][0]["deliveries"][0]), [1, 1]);
    // Who trusts one of them only is told about the other.
    let outcome = verify("both", &[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("the second authority's: "), "{outcome:?}");
    // A mail without its second record lacks something.
    let folder = archive.folder.path().join("both");
    let gone = format!("mails/{a}/evidence-1.2.ers");
    let record = std::fs::read(folder.join(&gone)).unwrap();
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let fewer: String =
        sums.lines().filter(|line| !line.ends_with(&gone)).map(|it| format!("{it}\n")).collect();
    std::fs::remove_file(folder.join(&gone)).unwrap();
    std::fs::write(folder.join("SHA256SUMS"), fewer).unwrap();
    let outcome = verify("both", &anchor);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("evidence-1.2.ers is missing"), "{outcome:?}");
    std::fs::write(folder.join(&gone), record).unwrap();
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    assert_eq!(verify("both", &anchor).code, 0);

    // Renewed by both, under the old and under a new hash algorithm.
    let rows = archive.catalog.sealed_batches(TENANT, 0, 10).unwrap();
    let both = [first(), second()];
    let renewed = ledger.renew_stamps(TENANT, &rows, now(), &double(&both)).unwrap();
    assert_eq!(renewed.batches, [1]);
    let rows = archive.catalog.sealed_batches(TENANT, 0, 10).unwrap();
    let sha512 = HashAlgorithm::Sha512;
    let renewed = ledger.renew_hashes(TENANT, &rows, sha512, now(), &double(&both)).unwrap();
    assert_eq!((renewed.batches, renewed.lost), (vec![1], Vec::new()));
    archive.export(&[a, b], "renewed").unwrap();
    let outcome = verify("renewed", &anchor);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(stamps(&found["batches"][0]), [3, 3]);
    assert_eq!(stamps(&found["mails"][1]["deliveries"][0]), [3, 3]);
    let standing = archive.ledger().standing(TENANT, 1).unwrap().unwrap();
    assert_eq!(standing.second.map(|it| it.stamps), Some(3));
    assert_eq!(archive.ledger().check(TENANT).unwrap().findings, Vec::<String>::new());
}
