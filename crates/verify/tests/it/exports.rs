use std::fs::File;
use std::io::Write as _;
use std::process::Command;

use evidence::LocalKey;
use testkit::authority::{Authority, has_authority, has_tool};

use crate::support::{Export, run};

#[test]
fn a_whole_export_is_proven_for_people_and_programs() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    let outcome = export.verify(&[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.said.contains("4 of 4 mails are proven\nEverything is proven."));
    let outcome = export.verify(&["--json"]);
    assert_eq!(outcome.code, 0);
    let found = outcome.json();
    assert_eq!(found["proven"], true);
    assert_eq!(found["batches"].as_array().unwrap().len(), 3);
    assert_eq!(found["batches"][2]["firstSeq"], 5);
    let mails = found["mails"].as_array().unwrap();
    let deliveries: Vec<usize> =
        mails.iter().map(|mail| mail["deliveries"].as_array().unwrap().len()).collect();
    assert_eq!(deliveries.iter().sum::<usize>(), 5);
    assert!(deliveries.contains(&2), "one mail came by two reports");
    let stamp = &mails[0]["deliveries"][0]["evidence"]["stamps"][0];
    assert_eq!(stamp["authority"], "CN=Test Stamps,O=Test Trust,C=DE");
    assert_eq!(stamp["anchor"], "CN=Test Root,O=Test Trust,C=DE");
    assert_eq!(stamp["hashAlgorithm"], "sha256");
}

#[test]
fn a_zip_file_of_an_export_says_the_same() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    let target = tempfile::TempDir::new().unwrap();
    let path = target.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for name in export.files() {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&export.read(&name)).unwrap();
    }
    zip.finish().unwrap();
    let anchor = export.authority.file("root.pem");
    let words = [path.to_str().unwrap(), "--anchor", anchor.to_str().unwrap(), "--json"];
    let outcome = run(&words);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let (mut zipped, mut folder) = (outcome.json(), export.verify(&["--json"]).json());
    zipped["verifiedAt"].take();
    folder["verifiedAt"].take();
    assert_eq!(zipped, folder);
}

#[test]
fn the_commands_of_the_readme_check_the_tokens_without_us() {
    if !has_authority() || !has_tool("sha256sum", "coreutils") {
        return;
    }
    let export = Export::make(None);
    let readme = String::from_utf8(export.read("README.txt")).unwrap();
    let anchor = export.authority.file("root.pem");
    let commands: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("  openssl ts -verify") || line.starts_with("  sha256sum"))
        .collect();
    assert_eq!(commands.len(), 4, "{readme}");
    let succeeds = |command: &str| {
        let command = command.replace("TRUSTED.pem", anchor.to_str().unwrap());
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).current_dir(export.folder.path());
        shell.output().unwrap().status.success()
    };
    assert!(commands.iter().all(|command| succeeds(command)), "{commands:?}");
    let token = export.read("ledger/batch-00000002.tst");
    export.write("ledger/batch-00000001.tst", &token);
    assert!(!succeeds(commands[0]) && !succeeds(commands[1]) && succeeds(commands[2]));
}

#[test]
fn a_local_seal_proves_the_ledger_to_whoever_trusts_the_archive_and_no_time() {
    if !has_authority() {
        return;
    }
    let key = LocalKey::from_seed(&[5; 32]).unwrap();
    let export = Export::make(Some(&key));
    let hex: String = key.public_key().iter().map(|octet| format!("{octet:02x}")).collect();
    let outcome = export.verify(&["--local-key", &hex, "--json"]);
    assert_eq!(outcome.code, 1);
    let found = outcome.json();
    assert_eq!(found["ledger"]["proven"], true);
    assert_eq!(found["batches"][2]["seal"], "local-key");
    assert_eq!(found["batches"][2]["sealed"]["proven"], true);
    let all: Vec<_> = found["mails"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|mail| mail["deliveries"].as_array().unwrap().clone())
        .collect();
    let local: Vec<_> = all.iter().filter(|delivery| delivery["batch"] == 3).collect();
    assert!(local.iter().all(|it| it["time"]["proven"] == false && it["ledger"]["proven"] == true));
    assert_eq!(all.iter().filter(|it| it["time"]["proven"] == true).count(), 4);
    let stranger = export.verify(&["--local-key", &"0".repeat(64), "--json"]).json();
    assert_eq!(stranger["batches"][2]["sealed"]["proven"], false);
    let nobody = export.verify(&["--json"]).json();
    assert_eq!(nobody["batches"][2]["sealed"]["proven"], false);
}

#[test]
fn trust_must_come_from_outside() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    let folder = export.folder.path().to_str().unwrap();
    let outcome = run(&[folder]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.complained.contains("nobody is trusted"), "{outcome:?}");
    assert_eq!(run(&[folder, "--trust-export"]).code, 0);
    let other = tempfile::TempDir::new().unwrap();
    let other = Authority::make(other.path(), "ec:P-256");
    let outcome = run(&[folder, "--anchor", other.file("root.pem").to_str().unwrap()]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("0 of 4 mails are proven"), "{outcome:?}");
}

#[test]
fn evidence_that_has_ended_or_lacks_revocation_data_is_named() {
    if !has_authority() {
        return;
    }
    let export = Export::make(None);
    let late = export.verify(&["--at", "2060-01-01T00:00:00Z"]);
    assert_eq!(late.code, 1);
    assert!(late.said.contains("ended at"), "{late:?}");
    let strict = export.verify(&["--require-revocation"]);
    assert_eq!(strict.code, 1);
    assert!(strict.said.contains("no revocation data for the certificate of"), "{strict:?}");
}

#[test]
fn what_is_no_export_is_unreadable() {
    let folder = tempfile::TempDir::new().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, b"text").unwrap();
    let anchor = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evidence/ca.crt");
    for input in [folder.path(), text.as_path(), &folder.path().join("absent")] {
        let outcome = run(&[input.to_str().unwrap(), "--anchor", anchor]);
        assert_eq!(outcome.code, 2, "{outcome:?}");
    }
    let outcome = run(&[folder.path().to_str().unwrap(), "--anchor", text.to_str().unwrap()]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.complained.contains("a PEM file"), "{outcome:?}");
    assert_eq!(run(&[]).code, 2);
}
