//! What every engine of the vault must do; each engine's tests call [`suite`] with a way to open it.

use std::path::Path;

use model::{ContentId, Location, TenantId};

use crate::*;

pub(crate) const A: TenantId = TenantId::from_bytes([0xa; 16]);
/// A few entries seal a pack.
pub(crate) const SMALL: VaultOptions = VaultOptions { read_only: false, pack_bytes: 2_000 };

/// Opens the engine on a folder, which is empty at first.
pub(crate) type Open = fn(&Path, &MasterKey, VaultOptions) -> Result<Vault>;
/// A promise of the port.
type Promise = fn(Open);

const PROMISES: &[(&str, Promise)] = &[
    (
        "what was appended is read back also after a restart",
        what_was_appended_is_read_back_also_after_a_restart,
    ),
    ("a full pack is sealed and a new one is begun", a_full_pack_is_sealed_and_a_new_one_is_begun),
    ("an erased entry can be read by nobody", an_erased_entry_can_be_read_by_nobody),
    (
        "a second process on the same vault is refused but may read",
        a_second_process_on_the_same_vault_is_refused_but_may_read,
    ),
    (
        "an idle tenant is closed and goes on where it was",
        an_idle_tenant_is_closed_and_goes_on_where_it_was,
    ),
    (
        "a compacted pack gives space back and every place stays what it was",
        a_compacted_pack_gives_space_back_and_every_place_stays_what_it_was,
    ),
    (
        "the pack that is written to is sealed and a new one takes over",
        the_pack_that_is_written_to_is_sealed_and_a_new_one_takes_over,
    ),
    (
        "while somebody copies the vault no file is replaced",
        while_somebody_copies_the_vault_no_file_is_replaced,
    ),
    ("whoever reads goes on", whoever_reads_goes_on),
];

/// Checks every promise, each on folders of its own.
pub(crate) fn suite(open: Open) {
    for (name, promise) in PROMISES {
        eprintln!("store keeps: {name}");
        promise(open);
    }
}

/// A folder with a master key and a vault with the tenant [`A`].
pub(crate) struct Folder {
    pub dir: tempfile::TempDir,
    open: Open,
}

impl Folder {
    /// With packs in files.
    pub fn new() -> Self {
        Self::of(Vault::open)
    }

    pub fn of(open: Open) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), open }
    }

    pub fn master(&self) -> MasterKey {
        MasterKey::open_or_create(&self.dir.path().join("master.key"), &self.vault()).unwrap()
    }

    pub fn vault(&self) -> std::path::PathBuf {
        self.dir.path().join("vault")
    }

    pub fn open(&self) -> Vault {
        self.open_with(VaultOptions::default())
    }

    pub fn open_with(&self, options: VaultOptions) -> Vault {
        let vault = self.try_open(options).unwrap();
        if !options.read_only {
            vault.create_tenant(A, b"{}").unwrap();
        }
        vault
    }

    pub fn try_open(&self, options: VaultOptions) -> Result<Vault> {
        (self.open)(&self.vault(), &self.master(), options)
    }

    /// Makes no tenant.
    pub fn open_again(&self) -> Vault {
        self.try_open(VaultOptions::default()).unwrap()
    }

    pub fn tenant(&self) -> std::path::PathBuf {
        self.vault().join(A.to_string())
    }
}

pub(crate) fn append(vault: &Vault, notes: &[&[u8]]) -> Vec<Location> {
    let seal = |octets: &&[u8]| {
        let new = NewEntry { kind: EntryKind::Note, content: ContentId::of(octets), octets };
        vault.seal(A, &new).unwrap()
    };
    vault.append(A, &notes.iter().map(seal).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn scan(vault: &Vault) -> Vec<Scanned> {
    vault.scan(A, 1..=u32::MAX).unwrap().collect()
}

pub(crate) fn octets(scanned: &[Scanned]) -> Vec<Vec<u8>> {
    scanned
        .iter()
        .filter_map(|scanned| match scanned {
            Scanned::Entry { entry, .. } => Some(entry.octets.clone()),
            _ => None,
        })
        .collect()
}

pub(crate) fn folder_reopened(folder: &Folder) -> Vault {
    folder.open_with(VaultOptions { read_only: true, ..VaultOptions::default() })
}

pub(crate) fn note(number: u32) -> Vec<u8> {
    (0..200u32)
        .flat_map(|at| (number * 977 + at).wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

pub(crate) fn compact(vault: &Vault, pack: u32) -> Compaction {
    vault.compact(A, pack, &mut |_| {}).unwrap()
}

pub(crate) fn filled(vault: &Vault, count: u32) -> Vec<Location> {
    (0..count).map(|number| append(vault, &[&note(number)])[0]).collect()
}

pub(crate) fn pack_bytes(folder: &Folder, pack: u32) -> u64 {
    folder.tenant().join(format!("{pack:08}.pack")).metadata().unwrap().len()
}

pub(crate) fn damages(scanned: Vec<Scanned>) -> Vec<Damage> {
    let damage = |scanned| match scanned {
        Scanned::Damaged(damage) => Some(damage),
        _ => None,
    };
    scanned.into_iter().filter_map(damage).collect()
}

fn what_was_appended_is_read_back_also_after_a_restart(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open();
    let large: Vec<u8> =
        (0..3_000_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let text = b"again and again ".repeat(5000);
    let notes: [&[u8]; 4] = [b"one", b"", &large, &text];
    let locations = append(&vault, &notes);
    for _ in 0..2 {
        for (note, location) in notes.iter().zip(&locations) {
            assert!(vault.read(A, *location).unwrap().octets == *note);
        }
    }
    drop(vault);
    let vault = folder.open();
    let more = append(&vault, &[b"two"]);
    assert_eq!((more[0].pack, more[0].slot), (1, 4));
    assert!(octets(&scan(&vault)) == [notes[0], notes[1], notes[2], notes[3], b"two"]);
    let space = vault.space(None).unwrap();
    assert_eq!((space.packs, space.keys_bytes), (1, 64 * 6));
    assert!(space.packs_bytes < (large.len() + text.len() / 10) as u64);
}

fn a_full_pack_is_sealed_and_a_new_one_is_begun(open: Open) {
    let folder = Folder::of(open);
    let options = VaultOptions { pack_bytes: 200, ..VaultOptions::default() };
    let vault = folder.open_with(options);
    let notes: Vec<Vec<u8>> = (0..7u8).map(|n| vec![n; 40]).collect();
    let locations: Vec<Location> = notes.iter().map(|note| append(&vault, &[note])[0]).collect();
    assert!(locations.last().unwrap().pack >= 3);
    drop(vault);
    let vault = folder.open_with(options);
    assert_eq!(octets(&scan(&vault)), notes);
    assert_eq!(scan(&vault).len(), notes.len());
    assert_eq!(vault.packs(A).unwrap().len() as u32, locations.last().unwrap().pack);
    let second = locations.iter().filter(|location| location.pack == 2).count();
    assert!(second > 0 && vault.scan(A, 2..=2).unwrap().count() == second);
}

fn an_erased_entry_can_be_read_by_nobody(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open();
    let locations = append(&vault, &[b"keep", b"forget", b"keep too"]);
    let keys_before = std::fs::read(folder.tenant().join("00000001.keys")).unwrap();
    vault.erase(A, &[locations[1]]).unwrap();
    vault.erase(A, &[locations[1]]).unwrap();
    for vault in [vault, folder_reopened(&folder)] {
        assert!(matches!(vault.read(A, locations[1]), Err(StoreError::Erased(_))));
        assert_eq!(vault.read(A, locations[0]).unwrap().octets, b"keep");
        let scanned = scan(&vault);
        assert!(
            matches!(&scanned[1], Scanned::Erased { content, .. } if *content == ContentId::of(b"forget"))
        );
        assert_eq!(octets(&scanned), [b"keep".to_vec(), b"keep too".to_vec()]);
        drop(vault);
    }
    let keys_after = std::fs::read(folder.tenant().join("00000001.keys")).unwrap();
    let wrapped = &keys_before[64 + 64 + 8..64 + 64 + 48];
    assert!(!keys_after.windows(40).any(|window| window == wrapped), "the wrapped key is gone");
}

fn a_second_process_on_the_same_vault_is_refused_but_may_read(open: Open) {
    let folder = Folder::of(open);
    let first = folder.open();
    let location = append(&first, &[b"note"])[0];
    let second = folder.try_open(VaultOptions::default());
    assert!(matches!(second, Err(StoreError::Locked { .. })));
    let reader = folder_reopened(&folder);
    assert_eq!(reader.read(A, location).unwrap().octets, b"note");
    assert!(matches!(reader.erase(A, &[location]), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.append(A, &[]), Err(StoreError::ReadOnly)));
}

fn an_idle_tenant_is_closed_and_goes_on_where_it_was(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open();
    let first = append(&vault, &[b"one"])[0];
    assert_eq!(vault.release_idle(), 1, "used just now");
    let second = append(&vault, &[b"two"])[0];
    assert_eq!(vault.release_idle(), 1);
    assert_eq!(vault.release_idle(), 0, "not used since");
    let third = append(&vault, &[b"three"])[0];
    assert_eq!((first.pack, second.pack, third.pack), (1, 1, 1));
    assert_eq!((first.slot, second.slot, third.slot), (0, 1, 2));
    for (location, octets) in [(first, &b"one"[..]), (second, b"two"), (third, b"three")] {
        assert_eq!(vault.read(A, location).unwrap().octets, octets);
    }
}

fn a_compacted_pack_gives_space_back_and_every_place_stays_what_it_was(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 12);
    let first: Vec<usize> = (0..12).filter(|at| places[*at].pack == 1).collect();
    assert!(first.len() >= 3, "{places:?}");
    assert_eq!(compact(&vault, 1), Compaction::Clean);
    let gone = first[1];
    vault.erase(A, &[places[gone]]).unwrap();
    let space = vault.pack_space(A, 1).unwrap();
    assert_eq!((space.dead_entries, space.dead_bytes), (1, places[gone].length_bytes));
    assert_eq!((space.bytes, space.reclaimed_bytes), (pack_bytes(&folder, 1), 0));
    let Compaction::Done(done) = compact(&vault, 1) else { panic!("not done") };
    assert_eq!((done.entries, done.dropped), (first.len() as u64 - 1, 1));
    assert_eq!(done.bytes_after, pack_bytes(&folder, 1));
    assert_eq!(done.bytes_before - done.bytes_after, places[gone].length_bytes - 16);
    assert_eq!(compact(&vault, 1), Compaction::Clean);
    let space = vault.pack_space(A, 1).unwrap();
    assert_eq!((space.dead_bytes, space.reclaimed_bytes), (0, places[gone].length_bytes));
    for vault in [vault, folder_reopened(&folder)] {
        for (number, place) in places.iter().enumerate() {
            match vault.read(A, *place) {
                Ok(entry) => assert_eq!(entry.octets, note(number as u32)),
                Err(error) => assert!(matches!(error, StoreError::Erased(_)) && number == gone),
            }
        }
        let found = scan(&vault);
        assert!(damages(found.clone()).is_empty(), "{found:?}");
        let at = |it: &Scanned| match it {
            Scanned::Entry { location, .. } => *location,
            other => panic!("{other:?}"),
        };
        let kept: Vec<Location> = found.iter().map(at).collect();
        let wanted: Vec<Location> =
            places.iter().copied().filter(|place| *place != places[gone]).collect();
        assert_eq!(kept, wanted, "places and their order");
        drop(vault);
    }
}

fn the_pack_that_is_written_to_is_sealed_and_a_new_one_takes_over(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open();
    let places = append(&vault, &[b"keep", b"forget"]);
    vault.erase(A, &[places[1]]).unwrap();
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
    assert_eq!(append(&vault, &[b"new"])[0].pack, 2);
    drop(vault);
    let vault = folder.open();
    assert_eq!(octets(&scan(&vault)), [b"keep".to_vec(), b"new".to_vec()]);
    // A compacted pack that is the last one is not written to either.
    let last = vault.packs(A).unwrap().last().copied().unwrap();
    vault.erase(A, &append(&vault, &[b"x"])).unwrap();
    assert!(matches!(compact(&vault, last), Compaction::Done(_)));
    drop(vault);
    let vault = folder.open();
    assert_eq!(append(&vault, &[b"newer"])[0].pack, last + 1);
    assert!(damages(scan(&vault)).is_empty());
}

fn while_somebody_copies_the_vault_no_file_is_replaced(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open();
    let places = append(&vault, &[b"keep", b"forget"]);
    vault.erase(A, &[places[1]]).unwrap();
    let (hold, other) = (vault.hold(), vault.hold());
    assert_eq!(compact(&vault, 1), Compaction::Held);
    drop(hold);
    // Who begins to copy while a pack is being written.
    drop(other);
    let mut late = None;
    let held = vault.compact(A, 1, &mut |_| late = Some(vault.hold())).unwrap();
    assert_eq!(held, Compaction::Held);
    drop(late);
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
}

fn whoever_reads_goes_on(open: Open) {
    let folder = Folder::of(open);
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 8);
    let mut reading = vault.scan(A, 1..=u32::MAX).unwrap();
    assert!(matches!(reading.next(), Some(Scanned::Entry { .. })));
    vault.erase(A, &[places[1]]).unwrap();
    let other = folder_reopened(&folder);
    assert_eq!(other.read(A, places[0]).unwrap().octets, note(0));
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
    // The scan that began before has the old pack, with the keys of then.
    let rest: Vec<Scanned> = reading.collect();
    assert_eq!(octets(&rest).len(), 7);
    for at in [0, 2, 7] {
        assert_eq!(other.read(A, places[at]).unwrap().octets, note(at as u32));
        assert_eq!(vault.read(A, places[at]).unwrap().octets, note(at as u32));
    }
}
