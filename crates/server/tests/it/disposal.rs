//! Mail leaves the archive when the law demands it: nothing of it can be read afterwards, whatever
//! else is there stays proven, and an interrupted disposal is completed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::RecordId;
use serde_json::Value;
use store::{MasterKey, Scanned, Vault, VaultOptions};

use crate::house::{House, Server, answer, search_all};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

const TENANT: &str = "Musterbau";

/// Words that stand in one mail alone: in its subject, text, addresses and attachments.
const WORDS: [&str; 5] =
    ["Plesiosaurier", "quetzalcoatlus", "pterodactylus@", "archaeopteryx", "mosasaurusmosasaurus"];

fn base64(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (place, chunk) in octets.chunks_exact(3).enumerate() {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(DIGITS[(bits >> shift & 63) as usize]));
        }
        if place % 19 == 18 {
            let _ = write!(text, "\r\n");
        }
    }
    text
}

/// A mail with an attachment of its own and one that another mail has, too.
fn secret() -> Vec<u8> {
    let own = base64("mosasaurus".repeat(300).as_bytes());
    let shared = base64("brachiosaurus".repeat(300).as_bytes());
    let name = "archaeopteryx.txt";
    format!(
        "From: pterodactylus@musterbau.example\r\nTo: bert@musterbau.example\r\n\
         Subject: Plesiosaurier\r\nMessage-ID: <secret@musterbau.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nthe quetzalcoatlus flies\r\n\
         --b\r\nContent-Type: text/plain; name={name}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename={name}\r\n\r\n{own}\r\n\
         --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=shared.bin\r\n\r\n{shared}\r\n--b--\r\n"
    )
    .into_bytes()
}

fn other() -> Vec<u8> {
    let shared = base64("brachiosaurus".repeat(300).as_bytes());
    format!(
        "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: other\r\n\
         Message-ID: <other@musterbau.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=c\r\n\r\n\
         --c\r\nContent-Type: text/plain\r\n\r\nsomething else\r\n\
         --c\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=shared.bin\r\n\r\n{shared}\r\n--c--\r\n"
    )
    .into_bytes()
}

fn plain(number: usize) -> Vec<u8> {
    format!(
        "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: number {number}\r\n\
         Message-ID: <n{number}@musterbau.example>\r\n\r\nHello number {number}.\r\n"
    )
    .into_bytes()
}

fn house() -> House {
    let house = House::new(&[]);
    for officer in ["one", "two", "three"] {
        house.account(officer, "officer", &[]);
    }
    house
}

fn send(house: &House, server: &mut Server, mails: &[&[u8]]) {
    assert!(server.send(&house.journal, mails).iter().all(|accepted| *accepted));
    assert!(server.settle());
}

/// Proposes that the mail be erased and approves it twice; returns the run.
fn erase(house: &House, record: RecordId) -> String {
    let id = record.to_string();
    let run = answer(&house.run(&[
        "disposal",
        "erase",
        "--tenant",
        TENANT,
        &id,
        "--ground",
        "right-to-erasure",
        "--reference",
        "letter of 1 May",
        "--reason",
        "Art. 17",
        "--as",
        "one",
    ]));
    for officer in ["two", "three"] {
        answer(&house.run(&[
            "disposal", "approve", "--tenant", TENANT, &run, "--as", officer, "--reason", "seen",
        ]));
    }
    run
}

fn run_of(house: &House, run: &str) -> Value {
    let text = answer(&house.run(&["disposal", "show", "--tenant", TENANT, run, "--json"]));
    serde_json::from_str(&text).expect("JSON")
}

fn wait_until(house: &House, run: &str, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let found = run_of(house, run);
        if found["state"] == state {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not {state}: {found}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

fn holds(octets: &[u8], word: &str) -> bool {
    let word = word.to_lowercase().into_bytes();
    octets.to_ascii_lowercase().windows(word.len()).any(|window| window == word)
}

/// Where a word is found: in files as they are, and in whatever of the vault can be decrypted.
pub fn places(house: &House, words: &[&str]) -> Vec<String> {
    let data = house.data();
    let mut found = Vec::new();
    for file in files(&data) {
        let octets = std::fs::read(&file).unwrap_or_default();
        let of = words.iter().filter(|word| holds(&octets, word));
        found.extend(of.map(|word| format!("{word} in {}", file.display())));
    }
    let key = MasterKey::open(&data.join("master.key")).expect("the master key");
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    let vault = Vault::open(&data.join("vault"), &key, options).expect("the vault");
    for scanned in vault.scan(house.tenant, 1..=u32::MAX).expect("a scan") {
        if let Scanned::Entry { location, entry } = scanned {
            let of = words.iter().filter(|word| holds(&entry.octets, word));
            found.extend(of.map(|word| format!("{word} in {:?} at {location:?}", entry.kind)));
        }
    }
    found
}

#[test]
fn nothing_of_an_erased_mail_can_be_read_and_the_others_stay_proven() {
    let house = house();
    let mut server = house.start();
    let (secret, other) = (secret(), other());
    send(&house, &mut server, &[&plain(1), &secret, &other]);
    server.stop();
    // What is looked for would be found.
    let before = places(&house, &WORDS);
    for word in WORDS {
        assert!(before.iter().any(|place| place.starts_with(word)), "{word}: {before:?}");
    }
    let mut server = house.start_configured(BY_HAND);
    let run = erase(&house, house.record(&secret));
    let done = wait_until(&house, &run, "done");
    assert_eq!((&done["disposed"], &done["kept"]), (&1.into(), &0.into()), "{done}");
    let mut auditor = server.client("auditor");
    // Not by its words: what is searched for stands in the audit log.
    assert_eq!(search_all(&mut auditor, "").len(), 2);
    let path = format!("/api/v1/records/{}", house.record(&secret));
    let gone = auditor.exchange("GET", &path, b"").expect("an answer");
    assert_eq!(gone.status, 404);
    // Nothing of it waits for the server's end: neither in the catalog's log nor in the spool, which
    // nobody can search because it is encrypted.
    assert_eq!(places(&house, &WORDS), Vec::<String>::new());
    let spooled = files(&house.data().join("spool"));
    assert!(spooled.iter().all(|file| file.ends_with("spool.lock")), "{spooled:?}");
    // Whoever sends it again does not bring it back.
    send(&house, &mut server, &[&secret]);
    assert_eq!(search_all(&mut auditor, "").len(), 2);
    server.stop();
    assert_eq!(places(&house, &WORDS), Vec::<String>::new());
    answer(&house.run(&["verify"]));
    // The space comes back, and with it the last octets.
    let before = pack_bytes(&house);
    let look = compaction(&house, &["--dry-run"]);
    let reclaimable = look["reclaimableBytes"].as_u64().expect("a figure");
    assert!(reclaimable > 0 && look["packsWithErased"] == 1, "{look}");
    let compacted = compaction(&house, &[]);
    assert_eq!((&compacted["reclaimableBytes"], &compacted["damaged"]), (&0.into(), &0.into()));
    assert_eq!(compacted["reclaimedBytes"], reclaimable);
    assert!(pack_bytes(&house) + reclaimable <= before + 500, "{before} {compacted}");
    assert_eq!(places(&house, &WORDS), Vec::<String>::new());
    answer(&house.run(&["verify"]));
    let backup = tempfile::tempdir().expect("a folder");
    let backup = backup.path().to_str().expect("a readable path");
    answer(&house.run(&["backup", "--with-master-key", backup]));
    answer(&house.run(&["backup", "--check", backup]));
    // A rebuild does not bring it back either, and the ledger keeps its numbers.
    let status = |house: &House| answer(&house.run(&["evidence", "status", "--json"]));
    let events = |text: &str| {
        let all: Value = serde_json::from_str(text).expect("JSON");
        all[0]["events"].clone()
    };
    let numbered = events(&status(&house));
    answer(&house.run(&["rebuild"]));
    assert_eq!(events(&status(&house)), numbered);
    answer(&house.run(&["verify"]));
    let server = house.start();
    let mut auditor = server.client("auditor");
    assert_eq!(search_all(&mut auditor, "").len(), 2);
    let path = format!("/api/v1/records/{}/eml", house.record(&other));
    let kept = auditor.exchange("GET", &path, b"").expect("an answer");
    assert!(kept.body == other, "the shared part is there: {}", kept.status);
    server.stop();
}

/// Nothing is compacted before somebody asks.
const BY_HAND: &str = "[storage]\ncompact_live_share = 0.0\ncompact_days = 0\n";

fn pack_bytes(house: &House) -> u64 {
    let all = files(&house.data().join("vault"));
    let packs = all.iter().filter(|file| file.extension().is_some_and(|it| it == "pack"));
    packs.map(|pack| pack.metadata().expect("a file").len()).sum()
}

/// What `chancery compact` says of the tenant.
fn compaction(house: &House, more: &[&str]) -> Value {
    let words = [&["compact", "--tenant", TENANT, "--json"], more].concat();
    let mut all: Value = serde_json::from_str(&answer(&house.run(&words))).expect("JSON");
    all[0]["state"].take()
}

#[test]
fn what_is_erased_gives_its_space_back_by_itself() {
    let house = house();
    let mut server = house.start_configured("[storage]\ncompact_live_share = 1.0\n");
    send(&house, &mut server, &[&plain(1), &plain(2)]);
    let run = erase(&house, house.record(&plain(1)));
    wait_until(&house, &run, "done");
    let begun = Instant::now();
    let state = loop {
        let state = compaction(&house, &["--dry-run"]);
        if state["lastRun"]["packs"] == 1 {
            break state;
        }
        assert!(begun.elapsed() < PATIENCE, "not compacted: {state}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(state["reclaimableBytes"], 0, "{state}");
    assert!(state["reclaimedBytes"].as_u64() > Some(0), "{state}");
    // Mail goes on into a new pack, and what was there is read.
    send(&house, &mut server, &[&plain(3)]);
    assert_eq!(search_all(&mut server.client("auditor"), "").len(), 2);
    server.stop();
    answer(&house.run(&["verify"]));
}

#[test]
fn a_compaction_that_is_interrupted_anywhere_is_completed() {
    let house = house();
    let points = store::COMPACTION_CRASH_POINTS;
    let mails: Vec<Vec<u8>> = (0..=points.len()).map(plain).collect();
    let mut server = house.start();
    let all: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    send(&house, &mut server, &all);
    server.stop();
    let mut crashes = 0;
    for (point, mail) in points.iter().zip(&mails) {
        let run = erase(&house, house.record(mail));
        let server = house.start();
        wait_until(&house, &run, "done");
        server.stop();
        let crashing = house.start_with(&[("CHANCERY_CRASH_AT", point)]);
        let mut crashing = crashing.expect("it crashes later");
        // The server has the vault: it is asked.
        compaction(&house, &[]);
        let begun = Instant::now();
        let there = |house: &House| compaction(house, &["--dry-run"])["reclaimableBytes"] != 0;
        while crashing.is_running() && (cfg!(feature = "failpoints") || there(&house)) {
            assert!(begun.elapsed() < PATIENCE, "neither crashed nor done at {point}");
            std::thread::sleep(Duration::from_millis(50));
        }
        crashes += u32::from(!crashing.is_running());
        crashing.kill();
        answer(&house.run(&["verify"]));
        // What was wished goes on with the next start, or by the command.
        let done = compaction(&house, &[]);
        assert_eq!(
            (&done["reclaimableBytes"], &done["waiting"]),
            (&0.into(), &0.into()),
            "{point}"
        );
        answer(&house.run(&["verify"]));
    }
    assert!(crashes as usize == points.len() || cfg!(not(feature = "failpoints")), "{crashes}");
    answer(&house.run(&["rebuild"]));
    answer(&house.run(&["verify"]));
    let server = house.start();
    let mut auditor = server.client("auditor");
    let left = search_all(&mut auditor, "");
    let last = mails.last().map(|mail| house.record(mail).to_string());
    assert_eq!(left, last.into_iter().collect::<Vec<_>>());
    server.stop();
}

#[test]
fn a_disposal_that_is_interrupted_anywhere_is_completed() {
    let house = house();
    let points: Vec<&str> = lifecycle::retain::DISPOSAL_CRASH_POINTS
        .iter()
        .copied()
        .chain(["catalog.dispose.before", "catalog.dispose.after"])
        .chain(["ledger.note.before", "ledger.note.after"])
        .chain(["store.erase.before", "store.erase.after"])
        .collect();
    let mails: Vec<Vec<u8>> = (0..=points.len()).map(plain).collect();
    let mut server = house.start();
    let all: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    send(&house, &mut server, &all);
    server.stop();
    let mut crashes = 0;
    for (point, mail) in points.iter().zip(&mails) {
        let run = erase(&house, house.record(mail));
        let crashing = house.start_with(&[("CHANCERY_CRASH_AT", point)]);
        if let Some(mut crashing) = crashing {
            let begun = Instant::now();
            while crashing.is_running() && run_of(&house, &run)["state"] != "done" {
                assert!(begun.elapsed() < PATIENCE, "neither crashed nor done at {point}");
                std::thread::sleep(Duration::from_millis(50));
            }
            crashes += usize::from(!crashing.is_running());
            crashing.kill();
        } else {
            crashes += 1;
        }
        let server = house.start();
        let done = wait_until(&house, &run, "done");
        assert_eq!((&done["disposed"], &done["kept"]), (&1.into(), &0.into()), "{point}");
        server.stop();
        answer(&house.run(&["verify"]));
    }
    if cfg!(feature = "failpoints") {
        assert_eq!(crashes, points.len(), "each point was reached before the run was done");
    }
    answer(&house.run(&["rebuild"]));
    answer(&house.run(&["verify"]));
    let server = house.start();
    let mut auditor = server.client("auditor");
    let left = search_all(&mut auditor, "");
    let last = mails.last().map(|mail| house.record(mail).to_string());
    assert_eq!(left, last.into_iter().collect::<Vec<_>>());
    server.stop();
}

#[test]
fn a_held_mail_is_disposed_of_by_no_path() {
    let house = house();
    let mut server = house.start();
    let (mail, record) = (plain(1), house.record(&plain(1)));
    send(&house, &mut server, &[&mail]);
    // Proposed and approved, then held: the hold counts at the last moment.
    let run = {
        server.stop();
        let run = erase(&house, record);
        let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
        let catalog = catalog::open(&url).expect("the catalog");
        hold(&*catalog, &house);
        run
    };
    let server = house.start();
    let done = wait_until(&house, &run, "done");
    assert_eq!((&done["disposed"], &done["kept"]), (&0.into(), &1.into()), "{done}");
    assert_eq!(done["items"][0]["why"], "a legal hold is on it");
    let mut auditor = server.client("auditor");
    assert_eq!(search_all(&mut auditor, "").len(), 1);
    // And nobody can propose it.
    let refused = house.run(&[
        "disposal",
        "erase",
        "--tenant",
        TENANT,
        &record.to_string(),
        "--ground",
        "court-order",
        "--reference",
        "3 O 1/26",
        "--reason",
        "judgement",
        "--as",
        "one",
    ]);
    assert!(!refused.status.success());
    server.stop();
}

/// A hold that has looked at nothing yet: everything counts as held.
fn hold(catalog: &dyn catalog::Catalog, house: &House) {
    use catalog::{HoldFacts, Matter, MatterScope, MatterState};
    use model::{HoldId, MatterId, Timestamp};

    let id = MatterId::from_bytes([7; 16]);
    let matter = Matter {
        id,
        name: "a suit".into(),
        custodians: Vec::new(),
        scope: MatterScope::default(),
        notes: String::new(),
        state: MatterState::Open,
        opened_by: "tests".into(),
        opened_at: Timestamp::from_seconds(7),
        reason: "a suit".into(),
        closed: None,
    };
    catalog.add_matter(house.tenant, &matter).expect("added");
    let facts = HoldFacts {
        id: HoldId::from_bytes([8; 16]),
        matter: id,
        scope: MatterScope::default(),
        placed_at: Timestamp::from_seconds(8),
        placed_by: "tests".into(),
        reason: "a suit".into(),
        released: None,
    };
    assert!(catalog.place_hold(house.tenant, &facts).expect("placed"));
}
