//! What a crash or a bad disk leaves.

use super::*;
use crate::conformance::damages;

pub(super) fn copy_of(folder: &Folder) -> Folder {
    let copy = Folder::new();
    std::fs::create_dir_all(copy.tenant()).unwrap();
    std::fs::copy(folder.dir.path().join("master.key"), copy.dir.path().join("master.key"))
        .unwrap();
    for item in std::fs::read_dir(folder.tenant()).unwrap() {
        let path = item.unwrap().path();
        std::fs::copy(&path, copy.tenant().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_named() {
    let folder = Folder::new();
    let options = VaultOptions { pack_bytes: 200, ..VaultOptions::default() };
    let vault = folder.open_with(options);
    for note in [[1; 40], [2; 40], [3; 40]] {
        append(&vault, &[&note]);
    }
    drop(vault);
    let mut flips = 0;
    for name in ["00000001.pack", "00000001.keys", "00000002.pack", "00000002.keys"] {
        let path = folder.tenant().join(name);
        let origin = std::fs::read(&path).unwrap();
        for place in 0..origin.len() {
            let mut flipped = origin.clone();
            flipped[place] ^= 1 << (place % 8);
            std::fs::write(&path, &flipped).unwrap();
            let vault = folder_reopened(&folder);
            let found = damages(scan(&vault));
            let number = name.split_once('.').unwrap().0;
            assert!(
                found.iter().any(|damage| damage.file.starts_with(number)),
                "bit flipped in byte {place} of {name}: {found:?}"
            );
            flips += 1;
        }
        std::fs::write(&path, origin).unwrap();
    }
    assert!(flips > 700);
    assert!(damages(scan(&folder_reopened(&folder))).is_empty());
}

#[test]
fn a_flipped_bit_in_the_files_of_a_tenant_is_found() {
    let folder = Folder::new();
    drop(folder.open());
    for name in ["tenant.key", "tenant.info"] {
        let path = folder.tenant().join(name);
        let origin = std::fs::read(&path).unwrap();
        for place in 0..origin.len() {
            let mut flipped = origin.clone();
            flipped[place] ^= 1 << (place % 8);
            std::fs::write(&path, &flipped).unwrap();
            let options = VaultOptions { read_only: true, ..VaultOptions::default() };
            let opened = Vault::open(&folder.vault(), &folder.master(), options);
            let error = opened.and_then(|vault| vault.tenant_info(A)).unwrap_err();
            assert!(error.to_string().contains(name), "byte {place}: {error}");
        }
        std::fs::write(&path, origin).unwrap();
    }
}

#[test]
fn a_pack_torn_at_any_byte_keeps_its_whole_entries_and_takes_new_ones() {
    let folder = Folder::new();
    let vault = folder.open();
    let notes: [&[u8]; 3] = [&[1; 40], &[2; 40], &[3; 40]];
    let locations = append(&vault, &notes);
    drop(vault);
    let pack = std::fs::read(folder.tenant().join("00000001.pack")).unwrap();
    for length in (0..=pack.len()).step_by(5).chain([64, pack.len()]) {
        for zeros in [0, 700] {
            let copy = copy_of(&folder);
            let mut torn = pack[..length].to_vec();
            let whole =
                locations.iter().filter(|l| l.offset + l.length_bytes <= length as u64).count();
            if zeros > 0 {
                let end =
                    locations[..whole].last().map_or(64, |l| l.offset + l.length_bytes) as usize;
                if length < 64 {
                    continue;
                }
                torn.truncate(end);
                torn.resize(end + zeros, 0);
            }
            std::fs::write(copy.tenant().join("00000001.pack"), torn).unwrap();
            if length < 64 {
                // Slots without a pack that was ever whole: damage, but the vault works.
                let vault = copy.open();
                append(&vault, &[b"new"]);
                continue;
            }
            let vault = copy.open();
            append(&vault, &[b"new"]);
            let scanned = scan(&vault);
            let mut wanted: Vec<Vec<u8>> =
                notes[..whole].iter().map(|note| note.to_vec()).collect();
            wanted.push(b"new".to_vec());
            assert_eq!(octets(&scanned), wanted, "torn at {length}");
            assert!(damages(scanned).is_empty(), "torn at {length}");
        }
    }
}

#[test]
fn entries_of_the_last_batch_without_a_slot_are_cut() {
    let folder = Folder::new();
    let vault = folder.open();
    append(&vault, &[b"first"]);
    append(&vault, &[b"second", b"third"]);
    drop(vault);
    for (slots, whole) in [(3, 3), (2, 2), (1, 1)] {
        let copy = copy_of(&folder);
        let keys = copy.tenant().join("00000001.keys");
        let octets_left = std::fs::read(&keys).unwrap()[..64 + 64 * slots].to_vec();
        std::fs::write(&keys, octets_left).unwrap();
        let vault = copy.open();
        append(&vault, &[b"new"]);
        let scanned = scan(&vault);
        assert_eq!(octets(&scanned).len(), whole + 1);
        assert!(damages(scanned).is_empty());
    }
    let copy = copy_of(&folder);
    std::fs::write(
        copy.tenant().join("00000001.keys"),
        &std::fs::read(folder.tenant().join("00000001.keys")).unwrap()[..64],
    )
    .unwrap();
    let vault = copy.open();
    assert_eq!(damages(scan(&vault)).len(), 3, "a lost key table cuts nothing");
}

#[test]
fn a_lost_pack_or_key_table_is_named() {
    let folder = Folder::new();
    let options = VaultOptions { pack_bytes: 100, ..VaultOptions::default() };
    let vault = folder.open_with(options);
    (0..3u8).for_each(|n| _ = append(&vault, &[&[n; 40]]));
    drop(vault);
    for name in ["00000002.pack", "00000002.keys"] {
        let copy = copy_of(&folder);
        std::fs::remove_file(copy.tenant().join(name)).unwrap();
        let scanned = scan(&copy.open_with(options));
        assert_eq!(octets(&scanned), [vec![0; 40], vec![2; 40]]);
        assert_eq!(damages(scanned)[0].file, name);
    }
    let copy = copy_of(&folder);
    let pack = copy.tenant().join("00000002.pack");
    let octets_of_pack = std::fs::read(&pack).unwrap();
    std::fs::write(&pack, &octets_of_pack[..octets_of_pack.len() - 80]).unwrap();
    let found = damages(scan(&copy.open_with(options)));
    assert!(found[0].why.contains("without its seal"), "{found:?}");
}

#[test]
fn entries_that_changed_places_are_found() {
    let folder = Folder::new();
    let vault = folder.open();
    let locations = append(&vault, &[&[1; 40], &[2; 40]]);
    drop(vault);
    let path = folder.tenant().join("00000001.keys");
    let mut keys = std::fs::read(&path).unwrap();
    let first: Vec<u8> = keys[64..128].to_vec();
    keys.copy_within(128..192, 64);
    keys[128..192].copy_from_slice(&first);
    std::fs::write(&path, keys).unwrap();
    let vault = folder_reopened(&folder);
    assert_eq!(damages(scan(&vault)).len(), 2);
    assert!(vault.read(A, locations[0]).is_err());
}
