//! The monthly completeness report: signed, a leaf of the ledger, and checked without the archive.

use catalog::Tenant;
use evidence::{HashAlgorithm, LocalKey, LocalSeal};
use ledger::How;
use model::{Digest, Timestamp};

use crate::archive::{Archive, TENANT};
use crate::support::run;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn a_months_report_is_made_once_signed_and_sealed_and_a_changed_figure_shows() {
    if !testkit::authority::has_authority() {
        return;
    }
    let archive = Archive::new();
    archive.archive(b"From: a@b.example\r\nSubject: one\r\n\r\none\r\n");
    let key = LocalKey::from_seed(&[5; 32]).unwrap();
    let sign = |octets: &[u8], at: Timestamp| key.seal(HashAlgorithm::Sha256, octets, at).to_der();
    let now: Timestamp = crate::support::now();
    let month = now.to_string()[..7].to_owned();
    let (from, until) = lifecycle::month_span(&month).unwrap();
    let tenant = Tenant { created_at: from, ..archive.catalog.tenant(TENANT).unwrap().unwrap() };
    let make = |at: Timestamp| {
        lifecycle::make_report(&*archive.catalog, &tenant, &month, at, &sign).unwrap()
    };
    // Not before the month is over.
    assert!(!make(now));
    assert!(make(until));
    assert!(!make(until.saturating_add_seconds(60)));
    let rows = archive.catalog.reports(TENANT).unwrap();
    assert_eq!(rows.len(), 1);
    let report: lifecycle::CompletenessReport = serde_json::from_str(&rows[0].report).unwrap();
    assert_eq!((report.archived, report.received, report.adds_up), (1, 1, true));
    let seal = LocalSeal::parse(&rows[0].seal).unwrap();
    seal.verify(rows[0].report.as_bytes(), Some(key.public_key())).unwrap();

    // The ledger names the very octets, and a batch seals that.
    let sealed = archive.ledger().seal(TENANT, now, &How::Local(&key)).unwrap().unwrap();
    assert_eq!((sealed.first_seq, sealed.last_seq), (1, 2));
    let event = &archive.catalog.ledger_events(TENANT, rows[0].seq - 1, 1).unwrap()[0];
    let (note, _) = archive.ledger().note(TENANT, event).unwrap().unwrap();
    let digest = Digest::of(rows[0].report.as_bytes());
    assert_eq!(note.facts["digest"], serde_json::json!(digest));

    let folder = archive.folder.path();
    let (file, beside) = (folder.join("report.json"), folder.join("report.seal"));
    std::fs::write(&beside, &rows[0].seal).unwrap();
    let verify = |text: &str, key: &str| {
        std::fs::write(&file, text).unwrap();
        let seal = beside.to_str().unwrap();
        run(&[file.to_str().unwrap(), "--seal", seal, "--local-key", key])
    };
    let public = hex(key.public_key());
    assert_eq!(verify(&rows[0].report, &public).code, 0);
    let changed = rows[0].report.replace("\"archived\":1", "\"archived\":2");
    assert_ne!(changed, rows[0].report);
    let outcome = verify(&changed, &public);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("the file is not the one that was sealed"), "{outcome:?}");
    assert_eq!(verify(&rows[0].report, &"0".repeat(64)).code, 1);
}
