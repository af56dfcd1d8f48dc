//! Bad folders, bad keys, bad bits: a clear message, and nothing lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use model::{RecordId, Timestamp};
use serde_json::Value;
use testkit::demo::{Company, Profile, Settings};

use crate::house::{House, Server, answer};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

fn filled() -> House {
    let house = House::new(&[]);
    let mut server = house.start();
    let end = Timestamp::from_seconds(1_760_000_000);
    let company = Company::new(Settings { seed: 3, end, profile: Profile::Demo });
    let reports: Vec<_> = company.reports(12).collect();
    let octets: Vec<&[u8]> = reports.iter().map(|report| report.octets.as_slice()).collect();
    assert!(server.send(&house.journal, &octets).iter().all(|it| *it));
    assert!(server.settle());
    server.stop();
    house
}

fn vault_file(house: &House, name: &str) -> PathBuf {
    house.data().join("vault").join(house.tenant.to_string()).join(name)
}

#[test]
fn verification_finds_a_flipped_bit_wherever_it_is() {
    let house = filled();
    answer(&house.run(&["verify"]));
    for name in ["00000001.pack", "00000001.keys"] {
        let path = vault_file(&house, name);
        let sound = fs::read(&path).expect("the file");
        // Every place would take hours with a process each; the store's own tests do that.
        for at in [0, 9, 70, 150, sound.len() / 2, sound.len() - 1] {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).expect("written");
            let output = house.run(&["verify"]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!output.status.success(), "{name} byte {at} is not found:\n{text}");
        }
        fs::write(&path, &sound).expect("written");
    }
    answer(&house.run(&["verify"]));
}

#[test]
fn verification_names_what_the_catalog_or_the_index_lost() {
    let house = filled();
    fs::remove_dir_all(house.data().join("index")).expect("the index goes");
    let output = house.run(&["verify"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success());
    assert!(text.contains("index"), "{text}");
    // The next start makes the index whole by itself.
    let mut server = house.start();
    assert!(server.settle());
    server.stop();
    answer(&house.run(&["verify"]));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let house = filled();
    let server = house.start();
    assert!(house.start_with(&[]).is_none(), "the second server ends");
    server.stop();
}

#[test]
fn a_wrong_master_key_is_refused_by_name() {
    let house = filled();
    let other = House::new(&[]);
    other.start().stop();
    let (ours, theirs) = (house.data().join("master.key"), other.data().join("master.key"));
    let kept = fs::read(&ours).expect("the key");
    fs::write(&ours, fs::read(theirs).expect("another key")).expect("written");
    let output = house.run(&[
        "serve",
        "--http-clear",
        "--smtp-listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
    ]);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("master key"), "{text}");
    fs::remove_file(&ours).expect("the key goes");
    assert!(!house.run(&["verify"]).status.success(), "no fresh key is made over an old vault");
    fs::write(&ours, kept).expect("written");
    answer(&house.run(&["verify"]));
}

#[test]
fn a_torn_spool_tail_costs_nothing_that_was_acknowledged() {
    let house = filled();
    // The line stands still before the vault: what is acknowledged now lies in the spool alone.
    let server = house.start_with(&[("CHANCERY_HANG_AT", "store.pack.write.before")]);
    let server = server.expect("the server starts");
    let mail = b"From: a@musterbau.example\r\nTo: b@musterbau.example\r\nSubject: torn\r\n\r\nTornmail\r\n";
    assert_eq!(server.send(&house.journal, &[mail]), [true]);
    server.kill();
    let segment = fs::read_dir(house.data().join("spool"))
        .expect("the spool")
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "seg"))
        .max()
        .expect("a segment");
    let mut octets = fs::read(&segment).expect("the segment");
    octets.extend_from_slice(b"CSEN\x01\0\0\0half an entry");
    fs::write(&segment, octets).expect("written");
    let mut server = house.start();
    assert!(server.settle());
    let found = server.client("auditor").get_json("/api/v1/search?q=Tornmail").expect("an answer");
    assert_eq!(found["total"], 1, "{found}");
}

/// The findings of the scrub after a whole pass that began after this call.
fn scrubbed(house: &House, _server: &Server) -> Value {
    answer(&house.run(&["evidence", "scrub", "--now"]));
    let begun = Instant::now();
    loop {
        let said = answer(&house.run(&["evidence", "scrub", "--json"]));
        let mut all: Value = serde_json::from_str(&said).expect("JSON");
        let one = all[0].take();
        let over = one["wanted"] == false && one["state"]["begunAt"].is_null();
        if over && one["state"]["completedAt"].is_string() {
            return one["state"]["findings"].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "no whole pass: {one}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn damage_is_repaired_from_a_sound_backup_and_only_said_with_a_damaged_one() {
    let house = filled();
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup");
    answer(&house.run(&["backup", backup.to_str().expect("text")]));
    let path = vault_file(&house, "00000001.pack");
    let sound = fs::read(&path).expect("the pack");
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 0x10;
    fs::write(&path, &damaged).expect("written");

    // Without a backup: named, with the mails concerned.
    let server = house.start();
    let findings = scrubbed(&house, &server);
    server.stop();
    let found = findings.as_array().expect("findings");
    assert!(!found.is_empty() && found.iter().all(|it| it["repaired"] == false), "{findings}");
    assert_eq!(fs::read(&path).expect("the pack")[..damaged.len()], damaged[..]);

    // With a backup whose pack is damaged in the same place: as before.
    let kept = fs::read_to_string(backup.join("manifest.json")).expect("a manifest");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    let files = kept["files"].as_array().expect("files");
    let pack = files.iter().filter_map(|it| it["stored"].as_str());
    let pack = backup.join(pack.into_iter().find(|it| it.ends_with(".pack")).expect("a pack"));
    let whole = fs::read(&pack).expect("the copy");
    let mut spoiled = whole.clone();
    spoiled[sound.len() / 2] ^= 0x20;
    fs::write(&pack, &spoiled).expect("written");
    let toml = format!("[evidence]\nrepair_from = '{}'\n", backup.display());
    let server = house.start_configured(&toml);
    let findings = scrubbed(&house, &server);
    server.stop();
    let found = findings.as_array().expect("findings");
    assert!(!found.is_empty() && found.iter().all(|it| it["repaired"] == false), "{findings}");

    // With a sound one: written anew, and said so.
    fs::write(&pack, &whole).expect("written");
    let server = house.start_configured(&toml);
    let findings = scrubbed(&house, &server);
    server.stop();
    let found = findings.as_array().expect("findings");
    assert!(!found.is_empty() && found.iter().all(|it| it["repaired"] == true), "{findings}");
    assert_eq!(fs::read(&path).expect("the pack")[..sound.len()], sound[..]);
    answer(&house.run(&["verify"]));
    let server = house.start_configured(&toml);
    let again = scrubbed(&house, &server);
    assert_eq!(again, serde_json::json!([]), "what is repaired does not come up again");
    server.stop();
}

/// The numbers of the ledger by the record that they are about.
fn numbers(house: &House) -> BTreeMap<RecordId, Vec<u64>> {
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    let stored = catalog.all_records(house.tenant, 0, 1000).expect("records");
    stored
        .into_iter()
        .map(|it| (it.list.record, it.deliveries.iter().map(|it| it.seq).collect()))
        .collect()
}

#[test]
fn mail_that_is_lost_takes_no_number_of_the_ledger_from_the_others() {
    let house = House::new(&[]);
    let mail = |number: usize| {
        format!(
            "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: number \
             {number}\r\nMessage-ID: <n{number}@musterbau.example>\r\n\r\nHello {number}.\r\n"
        )
        .into_bytes()
    };
    let mut server = house.start_configured("[evidence]\nevery_seconds = 1\n");
    for number in 0..6 {
        assert_eq!(server.send(&house.journal, &[&mail(number)]), [true]);
        assert!(server.settle());
    }
    let begun = Instant::now();
    loop {
        let status = answer(&house.run(&["evidence", "status", "--json"]));
        let status: Value = serde_json::from_str(&status).expect("JSON");
        if status[0]["sealedEvents"] == 6 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "not sealed: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.stop();
    let before = numbers(&house);
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    // One in the middle and the last one.
    let lost = [house.record(&mail(2)), house.record(&mail(5))];
    let path = vault_file(&house, "00000001.pack");
    let mut pack = fs::read(&path).expect("the pack");
    for stored in catalog.stored(house.tenant, &lost).expect("reads") {
        pack[stored.location.offset as usize + 100] ^= 1;
    }
    fs::write(&path, pack).expect("written");
    drop(catalog);
    let rebuilt = house.run(&["rebuild", "--json"]);
    let rebuilt: Value = serde_json::from_slice(&rebuilt.stdout).expect("JSON");
    assert_eq!(rebuilt["damaged"].as_array().map(Vec::len), Some(2), "{rebuilt}");
    let mut kept = before.clone();
    kept.retain(|record, _| !lost.contains(record));
    assert_eq!(numbers(&house), kept);
    // Nor does mail that comes later get the number of what was sealed and is lost.
    let mut server = house.start();
    assert_eq!(server.send(&house.journal, &[&mail(6)]), [true]);
    assert!(server.settle());
    server.stop();
    assert_eq!(numbers(&house)[&house.record(&mail(6))], [7]);
}
