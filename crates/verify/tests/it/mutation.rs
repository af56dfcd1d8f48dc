//! A thousand single bits flipped, one at a time: none goes unnoticed.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{LedgerKind, NewLedgerEvent};
use lifecycle::{OpenCopy, Scrub, VaultCopy, verify_archive};
use model::RecordId;
use store::{MasterKey, Vault, VaultOptions};
use testkit::Random;
use testkit::authority::has_authority;

use crate::archive::{Archive, TENANT};
use crate::support::now;

/// Of the vault: packs and key tables, the sealed ledger with its tokens in them.
const VAULT_FLIPS: usize = 700;
/// Of an export: mails, facts, ledger, evidence, tokens, lists.
const EXPORT_FLIPS: usize = 300;

/// An archive with mail, journal reports, other events, and two sealed batches.
fn filled() -> (Archive, Vec<RecordId>) {
    let archive = Archive::new();
    let report = crate::archive::report("01-exo-to-cc-bcc-expanded.eml");
    let mut records = vec![archive.archive(&report)];
    for number in 0..4 {
        let mail = format!("From: a@b.example\r\nSubject: {number}\r\n\r\nletter {number}\r\n");
        records.push(archive.archive(mail.as_bytes()));
    }
    archive.seal().expect("sealed");
    let event = NewLedgerEvent::new(LedgerKind::HoldPlaced, now(), serde_json::json!({"m": 1}));
    archive.catalog.append_ledger(TENANT, &[event]).expect("appended");
    records.push(archive.archive(&[b"X: y\r\n".as_slice(), &report].concat()));
    archive.seal().expect("sealed");
    (archive, records)
}

/// The files below `folder` whose names end so, with their lengths.
fn files(folder: &Path, endings: &[&str]) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if endings.iter().any(|it| path.to_string_lossy().ends_with(it)) {
            let length = path.metadata().expect("a file").len();
            found.push((path, length));
        }
    }
    found.sort();
    found
}

/// Flips a bit, lets `notices` look, and flips it back.
fn flipped(file: &(PathBuf, u64), random: &mut Random, notices: &dyn Fn() -> bool) {
    let (path, length) = file;
    let (at, bit) = (random.next() % length, random.next() % 8);
    let open = OpenOptions::new().read(true).write(true).open(path).expect("opens");
    let mut octet = [0];
    open.read_exact_at(&mut octet, at).expect("reads");
    open.write_all_at(&[octet[0] ^ (1 << bit)], at).expect("writes");
    let noticed = notices();
    open.write_all_at(&octet, at).expect("writes");
    assert!(noticed, "bit {bit} of byte {at} of {}", path.display());
}

fn reading(archive: &Archive) -> Arc<Vault> {
    let path = archive.folder.path();
    let key = MasterKey::open(&path.join("master.key")).expect("the key");
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    Arc::new(Vault::open(&path.join("vault"), &key, options).expect("the vault"))
}

#[test]
fn each_of_a_thousand_flipped_bits_is_found() {
    if !has_authority() {
        return;
    }
    let (archive, records) = filled();
    let seed = 20_261_122;
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let sound = verify_archive(&reading(&archive), &archive.catalog).expect("verifies");
    assert!(sound.findings.is_empty(), "{:?}", sound.findings);
    assert_eq!(sound.batches, 2);
    let vault = files(&archive.folder.path().join("vault"), &[".pack", ".keys"]);
    assert_eq!(vault.len(), 2);
    for number in 0..VAULT_FLIPS {
        // Every third one in the key table, which is much shorter.
        let file = &vault[usize::from(number % 3 == 0)];
        flipped(file, &mut random, &|| {
            let verified = verify_archive(&reading(&archive), &archive.catalog);
            verified.is_err() || verified.is_ok_and(|it| !it.findings.is_empty())
        });
    }
    archive.export(&records, "export").expect("exported");
    let export = archive.folder.path().join("export");
    assert_eq!(archive.verify(&export, &[]).code, 0);
    let kinds: [&[&str]; 4] =
        [&[".tst", ".ers"], &[".der"], &[".eml", "facts-1.json"], &["SUMS", "manifest.json"]];
    for number in 0..EXPORT_FLIPS {
        let files = files(&export, kinds[number % kinds.len()]);
        let file = &files[random.next() as usize % files.len()];
        flipped(file, &mut random, &|| archive.verify(&export, &[]).code != 0);
    }
    assert_eq!(archive.verify(&export, &[]).code, 0);
}

struct Copy(Vault);

impl VaultCopy for Copy {
    fn vault(&self) -> &Vault {
        &self.0
    }
}

fn copy_of(archive: &Archive) -> PathBuf {
    let target = archive.folder.path().join("backup");
    let source = archive.folder.path().join("vault");
    for (path, _) in files(&source, &[".pack", ".keys", "tenant.key", "tenant.info"]) {
        let to = target.join(path.strip_prefix(&source).expect("inside"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(&path, to).expect("copied");
    }
    target
}

#[test]
fn the_scrub_names_the_mails_that_damage_concerns_and_repairs_them_from_the_backup() {
    if !has_authority() {
        return;
    }
    let (archive, records) = filled();
    let stored = archive.catalog.stored(TENANT, &records[1..2]).expect("reads");
    let erased = archive.catalog.stored(TENANT, &records[2..3]).expect("reads");
    let backup = copy_of(&archive);
    archive.vault.erase(TENANT, &[erased[0].location]).expect("erased");
    let pack = files(&archive.folder.path().join("vault"), &[".pack"]).remove(0).0;
    let damage = |offset: u64| {
        let open = OpenOptions::new().read(true).write(true).open(&pack).expect("opens");
        let mut octet = [0];
        open.read_exact_at(&mut octet, offset).expect("reads");
        open.write_all_at(&[octet[0] ^ 1], offset).expect("writes");
    };
    let scrub = |copy| Scrub {
        vault: Arc::clone(&archive.vault),
        catalog: Arc::clone(&archive.catalog),
        copy,
    };
    let place = stored[0].location;
    damage(place.offset + place.length_bytes - 1);
    let before = archive.catalog.max_seq(TENANT).expect("reads");
    let read = scrub(None).pack(TENANT, place.pack, now(), &mut |_| {}).expect("reads");
    let [finding] = &read.findings[..] else { panic!("{:?}", read.findings) };
    assert_eq!((finding.records.as_slice(), finding.repaired), (&records[1..2], false));
    let events = archive.catalog.ledger_events(TENANT, before, 10).expect("reads");
    assert_eq!(events[0].kind, "scrub-finding");
    let key = MasterKey::open(&archive.folder.path().join("master.key")).expect("the key");
    let open: OpenCopy = Box::new(move || {
        let options = VaultOptions { read_only: true, ..VaultOptions::default() };
        let vault = Vault::open(&backup, &key, options).expect("the backup");
        Some(Box::new(Copy(vault)) as Box<dyn VaultCopy>)
    });
    let repairing = scrub(Some(open));
    let read = repairing.pack(TENANT, place.pack, now(), &mut |_| {}).expect("reads");
    assert!(read.findings.iter().all(|finding| finding.repaired) && read.findings.len() == 1);
    let read = repairing.pack(TENANT, place.pack, now(), &mut |_| {}).expect("reads");
    assert_eq!(read.findings, []);
    // What was erased stays erased, though the backup has its key.
    assert!(archive.vault.read(TENANT, erased[0].location).is_err());
}
