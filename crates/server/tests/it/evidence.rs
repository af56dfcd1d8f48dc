//! The fifth promise: what the running server archives is sealed by an authority, survives a
//! rebuild, and is proven by `chancery-verify` from an export alone.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{LedgerKind, NewLedgerEvent};
use model::{RecordId, Timestamp};
use serde_json::Value;
use store::{MasterKey, Vault, VaultOptions};
use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool};

use crate::house::{House, answer};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn mail(number: usize) -> Vec<u8> {
    format!(
        "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: number {number}\r\n\
         Message-ID: <n{number}@musterbau.example>\r\n\r\nHello number {number}.\r\n"
    )
    .into_bytes()
}

pub fn configuration(authority: &Authority, path: &str, more: &str) -> String {
    format!(
        "[evidence]\nauthority = '{}{path}'\nanchors = '{}'\nevery_seconds = 1\n{more}\n",
        authority.address(),
        authority.file("root.pem").display()
    )
}

pub fn status(house: &House) -> Value {
    let text = answer(&house.run(&["evidence", "status", "--json"]));
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    all[0].take()
}

/// Waits until the ledger is sealed up to `events`, by an authority or not.
pub fn wait_until_sealed(house: &House, events: u64, local: u64) -> Value {
    let begun = Instant::now();
    loop {
        let status = status(house);
        if status["sealedEvents"] == events && status["localBatches"] == local {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "not sealed: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// An event that is not about mail, as a command writes it beside a server that stands still.
fn append_hold(house: &House) {
    let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    let facts = serde_json::json!({ "matter": "m" });
    let event = NewLedgerEvent::new(LedgerKind::HoldPlaced, Timestamp::from_seconds(7), facts);
    assert_eq!(catalog.append_ledger(house.tenant, &[event]).expect("appends"), [6]);
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_seconds(since.expect("after 1970").as_secs() as i64)
}

/// Exports all mails and lets `chancery-verify` judge; `None` when that program was not built.
pub fn judge(house: &House, authority: &Authority, target: &Path) -> Option<(bool, String)> {
    judge_with(house, authority, target, &[])
}

/// [`judge`] with further arguments of the program.
pub fn judge_with(
    house: &House,
    authority: &Authority,
    target: &Path,
    more: &[&str],
) -> Option<(bool, String)> {
    let data = house.data();
    let key = MasterKey::open(&data.join("master.key")).expect("the master key");
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    let vault = Vault::open(&data.join("vault"), &key, options).expect("the vault");
    let url = format!("sqlite:{}", data.join("catalog.sqlite").display());
    let catalog = catalog::open(&url).expect("the catalog");
    let stored = catalog.all_records(house.tenant, 0, 1000).expect("records");
    let records: Vec<RecordId> = stored.iter().map(|stored| stored.list.record).collect();
    let export = ledger::Export {
        tenant: house.tenant,
        records: &records,
        now: now(),
        product: "chancery test",
        anchors: &[],
        shows: &|_, _| true,
    };
    let ledger = ledger::Ledger::new(Arc::new(vault), catalog);
    let manifest = ledger.export(&export, target).expect("an export");
    assert_eq!(manifest.mails.len(), records.len());
    let program = Path::new(env!("CARGO_BIN_EXE_chancery")).with_file_name("chancery-verify");
    if !program.exists() {
        eprintln!("left out: chancery-verify was not built beside chancery");
        return None;
    }
    let mut command = Command::new(program);
    command.arg(target).arg("--anchor").arg(authority.file("root.pem")).args(more);
    let output = command.output().expect("its answer");
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn what_the_server_archives_is_stamped_and_proven_also_after_a_rebuild() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let mut authority = Authority::make(&folder.path().join("authority"), "ec:P-256");
    authority.serve();
    let house = House::new(&[]);
    let mut server = house.start_configured(&configuration(&authority, "/", ""));
    let mails: Vec<Vec<u8>> = (0..5).map(mail).collect();
    let mails: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    assert_eq!(server.send(&house.journal, &mails), [true; 5]);
    assert!(server.settle());
    wait_until_sealed(&house, 5, 0);
    server.stop();
    append_hold(&house);
    let mut server = house.start_configured(&configuration(&authority, "/", ""));
    wait_until_sealed(&house, 6, 0);
    assert_eq!(server.send(&house.journal, &[&mail(5)]), [true]);
    assert!(server.settle());
    let before = wait_until_sealed(&house, 7, 0);
    server.stop();
    assert_eq!(before["events"], 7);
    assert!(before["renewalDue"].is_string());
    if let Some((proven, said)) = judge(&house, &authority, &folder.path().join("export")) {
        assert!(proven, "{said}");
        assert!(said.contains("6 of 6 mails are proven"), "{said}");
    }
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = std::fs::remove_file(house.data().join(name));
    }
    answer(&house.run(&["rebuild"]));
    let mut after = status(&house);
    // A rebuilt tenant is named by what the vault knows; the seals are the same.
    for field in ["batches", "sealedEvents", "localBatches", "lastSealedAt"] {
        assert_eq!(after[field].take(), before[field], "{field}");
    }
    if let Some((proven, said)) = judge(&house, &authority, &folder.path().join("again")) {
        assert!(proven, "{said}");
    }
}

#[test]
fn an_authority_that_fails_is_replaced_by_the_archives_own_seal_until_it_answers() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let mut authority = Authority::make(&folder.path().join("authority"), "ec:P-256");
    authority.serve();
    let house = House::new(&[]);
    let failing = configuration(&authority, "/500", "local_seals = true");
    let mut server = house.start_configured(&failing);
    assert_eq!(server.send(&house.journal, &[&mail(1)]), [true]);
    assert!(server.settle());
    wait_until_sealed(&house, 1, 1);
    server.stop();
    if let Some((proven, said)) = judge(&house, &authority, &folder.path().join("export")) {
        assert!(!proven && said.contains("local-key"), "{said}");
    }
    let server = house.start_configured(&configuration(&authority, "/", ""));
    wait_until_sealed(&house, 1, 0);
    server.stop();
    if let Some((proven, said)) = judge(&house, &authority, &folder.path().join("again")) {
        assert!(proven, "{said}");
    }
}
