//! What an export says of mail that was destroyed, and of the other events of its batches.

use std::path::Path;
use std::process::Command;

use catalog::{LedgerKind, NewLedgerEvent};
use model::{Digest, RecordId};
use serde_json::json;
use testkit::authority::has_authority;

use crate::archive::{Archive, TENANT};
use crate::support::now;

fn mail(subject: &str) -> Vec<u8> {
    format!("From: a@b.example\r\nSubject: {subject}\r\n\r\n{subject}\r\n").into_bytes()
}

fn event(kind: LedgerKind) -> NewLedgerEvent {
    NewLedgerEvent::new(kind, now(), json!({ "by": "officer", "reason": "its time is over" }))
}

/// As a disposal does it: first the certificate, then the octets.
fn dispose(archive: &Archive, record: RecordId, seq: u64) {
    let ledger = archive.ledger();
    let kept = ledger.kept_leaves(TENANT, &[seq]).unwrap();
    let disposed = NewLedgerEvent { kept, ..event(LedgerKind::Disposed) };
    archive.catalog.append_ledger(TENANT, &[disposed]).unwrap();
    ledger.flush(TENANT).unwrap();
    let stored = archive.catalog.stored(TENANT, &[record]).unwrap();
    archive.vault.erase(TENANT, &[stored[0].location]).unwrap();
}

/// Writes a file of an export anew and its line of the list, as a forger would.
fn forge(folder: &Path, path: &str, octets: &[u8]) {
    std::fs::write(folder.join(path), octets).unwrap();
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let lines = sums.lines().map(|line| match line.split_once("  ") {
        Some((_, name)) if name == path => format!("{}  {path}\n", Digest::of(octets).to_hex()),
        _ => format!("{line}\n"),
    });
    let sums: String = lines.collect();
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
}

/// The commands of the README, without us.
fn openssl_agrees(archive: &Archive, folder: &Path) -> usize {
    let readme = std::fs::read_to_string(folder.join("README.txt")).unwrap();
    let commands = readme.lines().filter(|line| line.starts_with("  openssl ts -verify"));
    let anchor = archive.authority.file("root.pem");
    let mut count = 0;
    for command in commands {
        let command = command.replace("TRUSTED.pem", anchor.to_str().unwrap());
        let mut shell = Command::new("sh");
        let output = shell.arg("-c").arg(&command).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{command}");
        count += 1;
    }
    count
}

#[test]
fn a_destroyed_mail_is_explained_by_its_certificate_and_all_others_stay_proven() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let [a, b, c] = ["one", "two", "three"].map(|subject| archive.archive(&mail(subject)));
    archive.catalog.append_ledger(TENANT, &[event(LedgerKind::HoldPlaced)]).unwrap();
    archive.seal().unwrap();
    dispose(&archive, b, 2);
    let d = archive.archive(&mail("four"));
    archive.seal().unwrap();

    let outcome = archive.export(&[a, c], "whole").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(found["disposed"], json!([{ "seq": 2, "certificate": 5 }]));
    let kinds: Vec<_> = found["events"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["hold-placed", "disposed"]);
    let folder = archive.folder.path().join("whole");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let claims = ["complete", "completeUntil", "lastBatch", "allEvents"].map(|it| &manifest[it]);
    assert_eq!(claims, [&json!(true), &json!(1), &json!(2), &json!(true)]);
    assert_eq!(openssl_agrees(&archive, &folder), 2);

    // Mail that is only left out is not claimed to be all.
    let outcome = archive.export(&[a], "part").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.said.contains("does not claim to hold all mails"), "{outcome:?}");
    // With the later mail everything is there, and nothing lies behind it.
    let outcome = archive.export(&[a, c, d], "all").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.json()["disposed"].as_array().unwrap().len(), 1);
    assert!(!outcome.said.contains("their mails are not claimed"), "{outcome:?}");

    // Without the certificate the mail is missing, and so is the note.
    let notes = "ledger/events-00000002.jsonl";
    let whole = std::fs::read(folder.join(notes)).unwrap();
    forge(&folder, notes, &whole[whole.len() - 1..]);
    let outcome = archive.verify(&folder, &[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("the mail of event 2 is missing"), "{outcome:?}");
    assert!(outcome.said.contains("the note of event 5 (disposed) is missing"), "{outcome:?}");
    // One that says something else is not the ledger's.
    let changed = String::from_utf8(whole.clone()).unwrap().replace("officer", "nobody!");
    forge(&folder, notes, changed.as_bytes());
    let outcome = archive.verify(&folder, &[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.said.contains("event 5 of the ledger is about something else"), "{outcome:?}");
    assert!(outcome.said.contains("the mail of event 2 is missing"), "{outcome:?}");
    forge(&folder, notes, &whole);
    assert_eq!(archive.verify(&folder, &[]).code, 0);
}

#[test]
fn notes_that_the_exporter_may_not_see_are_not_there_and_said_to_be() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let a = archive.archive(&mail("one"));
    let events = [event(LedgerKind::Read), event(LedgerKind::HoldPlaced)];
    archive.catalog.append_ledger(TENANT, &events).unwrap();
    archive.seal().unwrap();
    let shows = |kind: &str, _| kind != "read";
    let outcome = archive.export_showing(&[a], "some", &shows).unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(found["events"].as_array().unwrap().len(), 1);
    assert!(outcome.said.contains("not all notes of the 2 other events"), "{outcome:?}");
    // A certificate that may not be seen explains nothing: the export claims less.
    let b = archive.archive(&mail("two"));
    archive.seal().unwrap();
    dispose(&archive, b, 4);
    archive.seal().unwrap();
    let hidden = |_: &str, _| false;
    let c = archive.archive(&mail("three"));
    archive.seal().unwrap();
    let outcome = archive.export_showing(&[a, c], "less", &hidden).unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.said.contains("does not claim to hold all mails"), "{outcome:?}");
    let outcome = archive.export(&[a, c], "more").unwrap();
    assert_eq!(outcome.json()["disposed"].as_array().unwrap().len(), 1, "{outcome:?}");
}
