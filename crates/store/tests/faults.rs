//! Each durable step fails once, and the process ends once at each crash point.

use std::path::Path;
use std::process::Command;

use model::{ContentId, Location, TenantId};
use store::{
    COMPACTION_CRASH_POINTS, CRASH_POINTS, Compaction, EntryKind, MasterKey, NewEntry, Scanned,
    StoreError, Vault, VaultOptions,
};

const FOLDER: &str = "STORE_CRASH_FOLDER";
const POINT: &str = "STORE_CRASH_POINT";
const TENANT: TenantId = TenantId::from_bytes([7; 16]);

fn open(dir: &Path) -> Vault {
    let master = MasterKey::open_or_create(&dir.join("master.key"), &dir.join("vault")).unwrap();
    let options = VaultOptions { pack_bytes: 40_000, ..VaultOptions::default() };
    let vault = Vault::open(&dir.join("vault"), &master, options).unwrap();
    vault.create_tenant(TENANT, b"{}").unwrap();
    vault
}

fn append(vault: &Vault, note: &[u8]) -> Result<Location, StoreError> {
    let new = NewEntry { kind: EntryKind::Note, content: ContentId::of(note), octets: note };
    Ok(vault.append(TENANT, &[vault.seal(TENANT, &new)?])?[0])
}

fn clean_notes(vault: &Vault) -> Vec<Vec<u8>> {
    let entry = |scanned| match scanned {
        Scanned::Entry { entry, .. } => (entry.kind == EntryKind::Note).then_some(entry.octets),
        Scanned::Erased { .. } => None,
        Scanned::Damaged(damage) => panic!("{damage}"),
    };
    vault.scan(TENANT, 1..=u32::MAX).unwrap().filter_map(entry).collect()
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged_and_a_new_pack_takes_over() {
    let scenario = fail::FailScenario::setup();
    for point in [
        "store.keys.write.after",
        "store.pack.write.after",
        "store.fsync.before",
        "store.fsync.after",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let vault = open(dir.path());
        let first = append(&vault, b"before").unwrap();
        fail::cfg(point, "return").unwrap();
        assert!(matches!(append(&vault, b"failed"), Err(StoreError::Io { .. })), "{point}");
        fail::cfg(point, "return(full)").unwrap();
        assert!(matches!(append(&vault, b"full"), Err(StoreError::Full { .. })), "{point}");
        fail::remove(point);
        let last = append(&vault, b"after").unwrap();
        assert!(first.pack < last.pack, "{point}");
        assert_eq!(clean_notes(&vault), [b"before".to_vec(), b"after".to_vec()], "{point}");
        drop(vault);
        let vault = open(dir.path());
        assert_eq!(vault.read(TENANT, first).unwrap().octets, b"before");
        assert_eq!(clean_notes(&vault), [b"before".to_vec(), b"after".to_vec()], "{point}");
    }
    scenario.teardown();
}

/// Appends until a dictionary is trained and packs are sealed, erases one entry, and writes down
/// what it was told.
fn work(dir: &Path) {
    let vault = open(dir);
    for number in 0..30u32 {
        let records: Vec<_> = (0..30u32)
            .map(|record| {
                let shared = |line: u64| {
                    format!(
                        "X-{line}: {:x}\r\n",
                        (u64::from(record) * 99 + line).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    )
                };
                let mail = format!(
                    "Subject: {number} {record}\r\n{}\r\ntext",
                    (0..20).map(shared).collect::<String>()
                );
                let content = ContentId::of(mail.as_bytes());
                let octets = store::Octets { octets: mail.as_bytes(), content, encoded_parts: &[] };
                vault
                    .seal(TENANT, &store::compose_record(b"{}", octets, None, None).entry())
                    .unwrap()
            })
            .collect();
        vault.append(TENANT, &records).unwrap();
        let note = format!("note {number}");
        let location = append(&vault, note.as_bytes()).unwrap();
        if number == 5 {
            vault.erase(TENANT, &[location]).unwrap();
        } else {
            std::fs::write(dir.join(format!("told-{number}")), "").unwrap();
        }
    }
}

#[test]
fn the_child_that_crashes() {
    let (Ok(dir), Ok(point)) = (std::env::var(FOLDER), std::env::var(POINT)) else { return };
    let _scenario = fail::FailScenario::setup();
    fail::cfg_callback(point.as_str(), || std::process::abort()).unwrap();
    if point.starts_with("store.compact.") {
        compact_all(&open(Path::new(&dir)));
    } else {
        work(Path::new(&dir));
    }
}

fn numbered(number: u32) -> Vec<u8> {
    (0..400u32)
        .flat_map(|at| (number * 401 + at).wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

/// Notes in several packs, every third of them erased: (place, what is there).
fn erased_in_part(dir: &Path) -> Vec<(Location, Option<Vec<u8>>)> {
    let vault = open(dir);
    let mut all = Vec::new();
    for number in 0..100 {
        let note = numbered(number);
        let location = append(&vault, &note).unwrap();
        let erased = number % 3 == 1;
        if erased {
            vault.erase(TENANT, &[location]).unwrap();
        }
        all.push((location, (!erased).then_some(note)));
    }
    all
}

/// Returns the packs that were written anew.
fn compact_all(vault: &Vault) -> usize {
    let packs = vault.packs(TENANT).unwrap();
    let done = |pack: &u32| match vault.compact(TENANT, *pack, &mut |_| {}).unwrap() {
        Compaction::Done(_) => true,
        Compaction::Clean => false,
        other => panic!("{other:?}"),
    };
    packs.iter().filter(|pack| done(pack)).count()
}

fn holds_exactly(vault: &Vault, all: &[(Location, Option<Vec<u8>>)], point: &str) {
    for (location, wanted) in all {
        match (vault.read(TENANT, *location), wanted) {
            (Ok(entry), Some(wanted)) => assert!(entry.octets == *wanted, "{point}"),
            (Err(StoreError::Erased(_)), None) => {}
            (read, _) => panic!("{point}: {read:?}"),
        }
    }
    let wanted: Vec<Vec<u8>> = all.iter().filter_map(|(_, note)| note.clone()).collect();
    assert!(clean_notes(vault) == wanted, "{point}");
}

fn drafts(dir: &Path) -> usize {
    let items = std::fs::read_dir(dir.join("vault").join(TENANT.to_string())).unwrap();
    items.filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|e| e == "new")).count()
}

#[test]
fn a_compaction_that_ends_at_any_crash_point_leaves_the_old_pack_or_the_new_one() {
    let scenario = fail::FailScenario::setup();
    for point in COMPACTION_CRASH_POINTS {
        let dir = tempfile::tempdir().unwrap();
        let all = erased_in_part(dir.path());
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_child_that_crashes", "--nocapture"]);
        let ended = child.env(FOLDER, dir.path()).env(POINT, point).output().unwrap();
        assert!(!ended.status.success(), "{point} was never reached");
        let vault = open(dir.path());
        holds_exactly(&vault, &all, point);
        assert_eq!(drafts(dir.path()), 0, "{point}");
        assert!(compact_all(&vault) > 0, "{point}");
        assert_eq!(compact_all(&vault), 0, "{point}");
        holds_exactly(&vault, &all, point);
        append(&vault, b"new").unwrap();
        assert_eq!(clean_notes(&vault).last().unwrap(), b"new", "{point}");
    }
    scenario.teardown();
}

#[test]
fn a_compaction_that_cannot_write_or_sync_leaves_the_old_pack() {
    let scenario = fail::FailScenario::setup();
    let dir = tempfile::tempdir().unwrap();
    let all = erased_in_part(dir.path());
    let vault = open(dir.path());
    for point in COMPACTION_CRASH_POINTS {
        for (fault, full) in [("return", false), ("return(full)", true)] {
            fail::cfg(*point, fault).unwrap();
            let failed = vault.compact(TENANT, 1, &mut |_| {});
            fail::remove(*point);
            match failed {
                Err(StoreError::Full { .. }) if full => {}
                Err(StoreError::Io { .. }) if !full => {}
                // An earlier attempt came past the moment at which the new pack counts.
                Ok(Compaction::Clean) => {}
                other => panic!("{point}: {other:?}"),
            }
            assert_eq!(drafts(dir.path()), 0, "{point}");
            holds_exactly(&vault, &all, point);
        }
    }
    scenario.teardown();
}

#[test]
fn a_process_that_ends_at_any_crash_point_loses_no_acknowledged_entry() {
    let scenario = fail::FailScenario::setup();
    for point in CRASH_POINTS {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_child_that_crashes", "--nocapture"]);
        let ended = child.env(FOLDER, dir.path()).env(POINT, point).output().unwrap();
        assert!(!ended.status.success(), "{point} was never reached");
        let vault = open(dir.path());
        let notes = clean_notes(&vault);
        for number in (0..30u32).filter(|number| dir.path().join(format!("told-{number}")).exists())
        {
            let note = format!("note {number}").into_bytes();
            assert!(notes.contains(&note), "{point}: note {number} is lost");
        }
        append(&vault, b"new").unwrap();
        clean_notes(&vault);
    }
    scenario.teardown();
}
