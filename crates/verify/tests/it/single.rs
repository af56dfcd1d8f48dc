use testkit::authority::has_authority;

use crate::support::{Export, run};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evidence");

fn fixture(name: &str) -> String {
    format!("{FIXTURES}/{name}")
}

#[test]
fn records_of_other_makers_verify_with_their_documents() {
    let anchor = fixture("ca.crt");
    let check = |documents: &[&str], record: &str, expected: i32| {
        let documents: Vec<String> = documents.iter().map(|name| fixture(name)).collect();
        let record = fixture(record);
        let mut words: Vec<&str> = documents.iter().map(String::as_str).collect();
        words.extend(["--evidence", &record, "--anchor", &anchor]);
        words.extend(["--at", "2027-01-01T00:00:00Z"]);
        let outcome = run(&words);
        assert_eq!(outcome.code, expected, "{outcome:?}");
        outcome.said
    };
    let said = check(&["d0"], "renew-ts.ers", 0);
    assert_eq!(said.matches("stamped 2026-11-22").count(), 2, "{said}");
    let said = check(&["d0"], "k2-0.ers", 0);
    assert!(said.contains("the record proves other objects beside these too"), "{said}");
    check(&["d0", "d1", "d2"], "group.ers", 0);
    check(&["d0", "d1"], "group.ers", 1);
    check(&["d2"], "k2-0.ers", 1);
}

#[test]
fn a_mail_with_its_record_and_its_batch_is_proven_alone() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    let mail = &export.manifest.mails[0];
    let folder = export.folder.path();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let of_mail = |name: &str| path(&format!("mails/{}/{name}", mail.record));
    let mut files = vec![of_mail("mail.eml"), of_mail("facts-1.json")];
    if mail.deliveries[0].report {
        files.push(of_mail("report-1.eml"));
    }
    let record = of_mail("evidence-1.ers");
    let batch = path(&format!("ledger/batch-{:08}.der", mail.deliveries[0].batch));
    let other = path(&format!("ledger/batch-{:08}.der", mail.deliveries[0].batch % 3 + 1));
    let anchor = export.authority.file("root.pem");
    let check = |files: &[String], batch: &str| {
        let mut words: Vec<&str> = files.iter().map(String::as_str).collect();
        words.extend(["--evidence", &record, "--batch", batch, "--json"]);
        words.extend(["--anchor", anchor.to_str().unwrap()]);
        run(&words)
    };
    let outcome = check(&files, &batch);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(found["seqs"][0], mail.deliveries[0].seq);
    assert_eq!(found["evidence"]["exact"], true);
    let outcome = check(&files, &other);
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.json()["ledger"]["proven"], false);
    assert_eq!(check(&files[..1], &batch).code, 1);
}
