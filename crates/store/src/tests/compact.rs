//! Packs written anew without what was erased.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::damage::copy_of;
use super::*;
use crate::conformance::{SMALL, compact, damages, filled, note, pack_bytes};

#[test]
fn a_pack_is_compacted_again_and_to_nothing() {
    let folder = Folder::new();
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 8);
    let first: Vec<Location> = places.iter().copied().filter(|it| it.pack == 1).collect();
    for gone in &first {
        vault.erase(A, &[*gone]).unwrap();
        assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
        vault.erase(A, &[*gone]).unwrap();
        assert_eq!(compact(&vault, 1), Compaction::Clean);
    }
    assert!(pack_bytes(&folder, 1) < 200, "head, one gap and seal");
    assert!(damages(scan(&vault)).is_empty());
    assert!(first.iter().all(|at| matches!(vault.read(A, *at), Err(StoreError::Erased(_)))));
    let last = *places.last().unwrap();
    assert_eq!(vault.read(A, last).unwrap().octets, note(7));
}

#[test]
fn a_damaged_entry_is_named_and_its_pack_stays() {
    let folder = Folder::new();
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 8);
    vault.erase(A, &[places[0]]).unwrap();
    let path = folder.tenant().join("00000001.pack");
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[places[1].offset as usize + 100] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let Compaction::Damaged(damage) = compact(&vault, 1) else { panic!("not damaged") };
    assert_eq!(damage.location, Some(places[1]));
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
    assert!(!folder.tenant().join("00000001.pack.new").exists());
}

#[test]
fn a_flipped_bit_in_a_compacted_pack_is_found_and_costs_no_other_entry() {
    let folder = Folder::new();
    let vault = folder.open();
    let places = append(&vault, &[&[1; 40], &[2; 40], &[3; 40], &[4; 40]]);
    vault.erase(A, &[places[0], places[2]]).unwrap();
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
    drop(vault);
    let path = folder.tenant().join("00000001.pack");
    let origin = std::fs::read(&path).unwrap();
    for at in 0..origin.len() {
        let mut flipped = origin.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&path, &flipped).unwrap();
        let vault = folder_reopened(&folder);
        // A version that is not known is refused as a whole.
        let found = scan(&vault);
        assert!(!damages(found).is_empty(), "bit flipped in byte {at}");
        let read = [1, 3].map(|it| vault.read(A, places[it]).is_ok());
        assert!(read.contains(&true), "bit flipped in byte {at}");
    }
}

#[test]
fn a_pack_is_repaired_from_a_copy_of_before_and_of_after() {
    let folder = Folder::new();
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 8);
    let before = copy_of(&folder);
    vault.erase(A, &[places[0]]).unwrap();
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
    let after = copy_of(&folder);
    vault.erase(A, &[places[2]]).unwrap();
    let path = folder.tenant().join("00000001.pack");
    let origin = std::fs::read(&path).unwrap();
    for copy in [before, after] {
        for at in [9, 70, origin.len() / 2, origin.len() - 10] {
            let mut damaged = origin.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let repaired = vault.repair(A, 1, &copy.open_again()).unwrap();
            assert!(repaired.is_some_and(|it| it.blocks > 0), "byte {at}");
            assert!(damages(scan(&vault)).is_empty(), "byte {at}");
            assert_eq!(vault.read(A, places[1]).unwrap().octets, note(1));
            for gone in [places[0], places[2]] {
                assert!(matches!(vault.read(A, gone), Err(StoreError::Erased(_))), "{at}");
            }
        }
    }
}

#[test]
fn a_damaged_slot_of_what_is_gone_is_not_repaired_into_a_key() {
    let folder = Folder::new();
    let vault = folder.open_with(SMALL);
    let places = filled(&vault, 8);
    let before = copy_of(&folder);
    vault.erase(A, &[places[1]]).unwrap();
    assert!(matches!(compact(&vault, 1), Compaction::Done(_)));
    let path = folder.tenant().join("00000001.keys");
    let keys = std::fs::read(&path).unwrap();
    let mut damaged = keys.clone();
    damaged[64 + 64 + 20] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    assert!(matches!(vault.read(A, places[1]), Err(StoreError::Damaged { .. })));
    vault.repair(A, 1, &before.open_again()).unwrap().unwrap();
    assert!(std::fs::read(&path).unwrap() == keys, "as it was erased");
    assert!(damages(scan(&vault)).is_empty());
}

#[test]
fn a_pack_without_entries_needs_no_dictionary() {
    let folder = Folder::new();
    let options = VaultOptions { pack_bytes: 60_000, ..VaultOptions::default() };
    let vault = folder.open_with(options);
    let mut places = Vec::new();
    for batch in 0..20 {
        let sealed: Vec<Sealed> = (batch * 80..batch * 80 + 80)
            .map(|number| {
                let mail = mail(number);
                let content = ContentId::of(&mail);
                let octets = Octets { octets: &mail, content, encoded_parts: &[] };
                vault.seal(A, &compose_record(b"{\"a\":1}", octets, None, None).entry()).unwrap()
            })
            .collect();
        places.extend(vault.append(A, &sealed).unwrap());
    }
    let last = places.last().unwrap().pack;
    let dead: Vec<Location> = places.iter().copied().filter(|it| it.pack == last).collect();
    vault.erase(A, &dead).unwrap();
    assert!(matches!(compact(&vault, last), Compaction::Done(_)));
    assert!(pack_bytes(&folder, last) < 200);
    assert!(damages(scan(&vault)).is_empty());
    drop(vault);
    let vault = folder.open_with(options);
    assert!(vault.read(A, places[0]).is_ok());
    append(&vault, &[b"new"]);
    assert!(damages(scan(&vault)).is_empty());
}

#[derive(Clone, Debug)]
enum Act {
    Append(u8),
    Compact(u8),
    /// Of the entries that were ever there.
    Erase(u16),
    /// As after a crash: what was being written is left.
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..5u8).prop_map(Act::Append),
        3 => any::<u8>().prop_map(Act::Compact),
        4 => any::<u16>().prop_map(Act::Erase),
        1 => Just(Act::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_done_the_vault_holds_what_was_put_and_not_erased(
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let folder = Folder::new();
        let mut vault = folder.open_with(SMALL);
        let mut model: BTreeMap<Location, Option<Vec<u8>>> = BTreeMap::new();
        let mut number = 0;
        for act in acts {
            match act {
                Act::Append(count) => {
                    let notes: Vec<Vec<u8>> = (0..u32::from(count)).map(|at| note(number + at)).collect();
                    number += u32::from(count);
                    let octets: Vec<&[u8]> = notes.iter().map(Vec::as_slice).collect();
                    let places = append(&vault, &octets);
                    model.extend(places.into_iter().zip(notes.into_iter().map(Some)));
                }
                Act::Compact(which) => {
                    let packs = vault.packs(A).unwrap();
                    let Some(pack) = packs.get(usize::from(which) % packs.len().max(1)) else { continue };
                    let done = compact(&vault, *pack);
                    prop_assert!(!matches!(done, Compaction::Damaged(_) | Compaction::Held));
                    prop_assert_eq!(vault.pack_space(A, *pack).unwrap().dead_bytes, 0);
                }
                Act::Erase(which) => {
                    let Some(place) = model.keys().nth(usize::from(which) % model.len().max(1)).copied() else { continue };
                    vault.erase(A, &[place]).unwrap();
                    model.insert(place, None);
                }
                Act::Restart => {
                    drop(vault);
                    let draft = folder.tenant().join("00000001.pack.new");
                    std::fs::write(&draft, b"half").unwrap();
                    vault = folder.open_with(SMALL);
                    prop_assert!(vault.packs(A).is_ok() && !draft.exists());
                }
            }
        }
        for (place, wanted) in &model {
            match wanted {
                Some(wanted) => prop_assert_eq!(&vault.read(A, *place).unwrap().octets, wanted),
                None => prop_assert!(matches!(vault.read(A, *place), Err(StoreError::Erased(_)))),
            }
        }
        let found = scan(&vault);
        prop_assert!(damages(found.clone()).is_empty());
        let wanted: Vec<Vec<u8>> = model.into_values().flatten().collect();
        prop_assert_eq!(octets(&found), wanted);
    }
}
