//! Backups of a running server.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use testkit::smtp::{Client as Smtp, Content, Security};

use crate::house::{House, answer, chancery, search_all};

fn mail(number: usize) -> Vec<u8> {
    let filling = "Lorem ipsum dolor sit amet. ".repeat(number % 40);
    format!(
        "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: load {number}\r\n\
         Message-ID: <load{number}@musterbau.example>\r\n\r\n{filling}\r\n"
    )
    .into_bytes()
}

#[test]
fn a_backup_under_load_holds_every_mail_that_was_acknowledged_before_it_began() {
    let house = House::new(&[]);
    let server = house.start();
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let target = tempfile::tempdir().expect("a folder");
    let backup = target.path().join("backup");
    let backup_path = backup.to_str().expect("text");
    let mut counts = Vec::new();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut client =
                Smtp::connect(server.smtp, &Security::any_certificate()).expect("connected");
            let mut number = 0;
            while !stop.load(Ordering::SeqCst) {
                let content = Content::Bdat(Vec::new());
                let journal = [house.journal.as_str()];
                client.send("a@musterbau.example", &journal, &mail(number), &content).expect("250");
                number += 1;
                acknowledged.store(number, Ordering::SeqCst);
            }
        });
        let wait_for = |count: usize| {
            while acknowledged.load(Ordering::SeqCst) < count {
                assert!(!sender.is_finished(), "mail is taken");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        };
        // A first one, and one that finds most of it there.
        for more in [200, 400] {
            wait_for(more);
            let before = acknowledged.load(Ordering::SeqCst);
            let said = answer(&house.run(&["backup", backup_path, "--json"]));
            let summary: serde_json::Value = serde_json::from_str(&said).expect("JSON");
            assert_eq!(summary["outcome"], "done");
            let number = |key: &str| summary[key].as_u64().expect("a number");
            counts.push((before, number("bytes"), number("bytesCopied")));
        }
        stop.store(true, Ordering::SeqCst);
    });
    server.stop();
    let (before, _, _) = counts[1];

    let key = house.data().join("master.key");
    let key = key.to_str().expect("text");
    let checked = answer(&house.run(&["backup", "--check", backup_path, "--json"]));
    let checked: serde_json::Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(checked["findings"], serde_json::json!([]));

    let restored = House::from_folder(|data| {
        let missing = chancery(data, &["restore", backup_path], "");
        assert!(!missing.status.success(), "without the master key");
        answer(&chancery(data, &["restore", backup_path, "--master-key", key], ""));
        let again = chancery(data, &["restore", backup_path, "--master-key", key], "");
        assert!(!again.status.success(), "a folder that is not empty");
    });
    let mut server = restored.start();
    assert!(server.settle());
    let found = search_all(&mut server.client("auditor"), "load");
    assert!(found.len() >= before, "{} of {before}", found.len());
    for number in 0..before {
        let record = restored.record(&mail(number)).to_string();
        assert!(found.contains(&record), "mail {number} is missing");
    }
    server.stop();
    answer(&restored.run(&["verify"]));
}

#[test]
fn a_backup_without_a_server_copies_only_what_changed_and_damage_is_found() {
    let house = House::new(&[]);
    let mut server = house.start();
    let mails: Vec<Vec<u8>> = (0..20).map(mail).collect();
    let mails: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    server.send(&house.journal, &mails);
    assert!(server.settle());
    server.stop();
    let target = tempfile::tempdir().expect("a folder");
    let path = target.path().to_str().expect("text");
    let run = |arguments: &[&str]| {
        let said = answer(&house.run(arguments));
        serde_json::from_str::<serde_json::Value>(&said).expect("JSON")
    };
    let first = run(&["backup", path, "--with-master-key", "--json"]);
    let second = run(&["backup", path, "--with-master-key", "--json"]);
    assert_eq!(first["bytesCopied"], first["bytes"]);
    assert!(second["bytesCopied"].as_u64() < first["bytesCopied"].as_u64(), "{first} {second}");
    let checked = run(&["backup", "--check", path, "--json"]);
    assert_eq!((&checked["records"], &checked["findings"]), (&20.into(), &serde_json::json!([])));

    let manifest = std::fs::read_to_string(target.path().join("manifest.json")).expect("read");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let files = manifest["files"].as_array().expect("files");
    let pack = files.iter().find_map(|it| it["stored"].as_str().filter(|it| it.ends_with(".pack")));
    let pack = target.path().join(pack.expect("a pack"));
    let mut octets = std::fs::read(&pack).expect("read");
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    std::fs::write(&pack, octets).expect("written");
    let damaged = house.run(&["backup", "--check", path]);
    assert!(!damaged.status.success());
    assert!(String::from_utf8_lossy(&damaged.stdout).contains("has other octets"));
    let into = tempfile::tempdir().expect("a folder");
    assert!(!chancery(&into.path().join("data"), &["restore", path], "").status.success());
}
