use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use model::{ContentId, Location, TenantId};

use crate::conformance::{self, A, Folder, append, folder_reopened, octets, scan};
use crate::*;

mod compact;
mod compose;
mod damage;

#[test]
fn packs_in_files_keep_the_promises_of_the_port() {
    conformance::suite(Vault::open);
}

const B: TenantId = TenantId::from_bytes([0xb; 16]);

#[test]
fn a_location_that_is_wrong_erases_nothing() {
    let folder = Folder::new();
    let vault = folder.open();
    let locations = append(&vault, &[b"one", b"two"]);
    let wrong = Location { slot: 1, ..locations[0] };
    assert!(vault.erase(A, &[wrong]).is_err());
    assert!(vault.read(A, wrong).is_err());
    assert_eq!(octets(&scan(&vault)).len(), 2);
}

#[test]
fn tenants_have_their_own_keys_and_infos() {
    let folder = Folder::new();
    let vault = folder.open();
    vault.create_tenant(B, b"b").unwrap();
    vault.set_tenant_info(A, b"a").unwrap();
    let location = append(&vault, &[b"secret of A"])[0];
    assert!(matches!(vault.read(B, location), Err(StoreError::Io { .. })));
    for name in ["00000001.pack", "00000001.keys"] {
        std::fs::copy(folder.tenant().join(name), folder.vault().join(B.to_string()).join(name))
            .unwrap();
    }
    assert!(matches!(vault.read(B, location), Err(StoreError::Damaged { .. })));
    drop(vault);
    let vault = folder_reopened(&folder);
    assert_eq!(vault.tenants(), [A, B]);
    assert_eq!(vault.tenant_info(A).unwrap().unwrap(), b"a");
    assert_eq!(vault.tenant_info(B).unwrap().unwrap(), b"b");
    let unknown = TenantId::from_bytes([1; 16]);
    assert!(matches!(vault.tenant_info(unknown), Err(StoreError::UnknownTenant(_))));
}

#[test]
fn nothing_is_readable_on_disk_without_keys() {
    let folder = Folder::new();
    let vault = folder.open();
    vault.set_tenant_info(A, b"Marker GmbH").unwrap();
    append(&vault, &[b"the Marker stands here"]);
    for item in std::fs::read_dir(folder.tenant()).unwrap() {
        let octets = std::fs::read(item.unwrap().path()).unwrap();
        assert!(!octets.windows(6).any(|window| window == b"Marker"));
    }
}

#[test]
fn the_master_key_file_is_private_and_never_replaced() {
    let folder = Folder::new();
    let key = folder.master();
    let path = folder.dir.path().join("master.key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.master().id(), key.id());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(MasterKey::from_text(&text).unwrap().spool_secret(), key.spool_secret());
    for place in 0..text.len() - 1 {
        let mut flipped = text.clone().into_bytes();
        flipped[place] ^= 1;
        let refused =
            String::from_utf8(flipped).map_or(true, |text| MasterKey::from_text(&text).is_err());
        // The separators may be any white space; no single bit makes one of another.
        assert!(refused, "bit flipped in byte {place}");
    }
}

#[test]
fn a_wrong_or_missing_master_key_is_told_clearly() {
    let folder = Folder::new();
    drop(folder.open());
    let right = folder.master();
    let path = folder.dir.path().join("master.key");
    std::fs::rename(&path, folder.dir.path().join("elsewhere")).unwrap();
    let missing = MasterKey::open_or_create(&path, &folder.vault());
    assert!(matches!(missing, Err(StoreError::MasterKeyMissing { .. })));
    let other = Folder::new().master();
    let error =
        Vault::open(&folder.vault(), &other, VaultOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains(&right.id().to_string()) && error.contains(&other.id().to_string()),
        "{error}"
    );
}

/// A list mail with words of its own.
fn mail(number: usize) -> Vec<u8> {
    let mut mail =
        format!("Received: from mx{number}.example\r\nSubject: unique{number}\r\n").into_bytes();
    for line in 0..12 {
        let shared = ((number % 40) * 100 + line).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mail.extend_from_slice(format!("X-Common-Header-{line}: {shared:016x}\r\n").as_bytes());
    }
    mail.extend_from_slice(
        format!("\r\nsecret{number}word and private{number}matter\r\n").as_bytes(),
    );
    mail
}

#[test]
fn a_trained_dictionary_is_stored_before_its_use_and_holds_nothing_of_a_single_mail() {
    let folder = Folder::new();
    let options = VaultOptions { pack_bytes: 60_000, ..VaultOptions::default() };
    let vault = folder.open_with(options);
    let mut places = HashMap::new();
    let mut sizes = Vec::new();
    for batch in 0..20 {
        let sealed: Vec<Sealed> = (batch * 80..batch * 80 + 80)
            .map(|number| {
                let mail = mail(number);
                let content = ContentId::of(&mail);
                let octets = Octets { octets: &mail, content, encoded_parts: &[] };
                vault.seal(A, &compose_record(b"{\"a\":1}", octets, None, None).entry()).unwrap()
            })
            .collect();
        sizes.push(sealed.iter().map(Sealed::stored_bytes).sum::<u64>());
        for (sealed, location) in sealed.iter().zip(vault.append(A, &sealed).unwrap()) {
            places.insert(sealed.content(), location);
        }
    }
    assert!(sizes[19] < sizes[0], "{sizes:?}");
    drop(vault);
    let vault = folder.open_with(options);
    let scanned = scan(&vault);
    assert!(scanned.iter().all(|scanned| matches!(scanned, Scanned::Entry { .. })), "{scanned:?}");
    let is_dictionary = |scanned: &&Scanned| matches!(scanned, Scanned::Entry { entry, .. } if entry.kind == EntryKind::Dictionary);
    let dictionaries: Vec<&Scanned> = scanned.iter().filter(is_dictionary).collect();
    assert!(dictionaries.len() >= 2, "every pack that uses it has it");
    for scanned in dictionaries {
        let Scanned::Entry { location, entry } = scanned else { continue };
        assert_eq!(location.slot, 0);
        let text = String::from_utf8_lossy(&entry.octets);
        assert!(text.contains("X-Common-Header-"));
        for unique in ["unique", "secret", "private"] {
            let digits = text
                .match_indices(unique)
                .any(|(at, _)| text[at + unique.len()..].starts_with(|c: char| c.is_ascii_digit()));
            assert!(!digits, "{unique}");
        }
    }
    for number in [0, 799, 1599] {
        let location = places[&ContentId::of(&mail(number))];
        let entry = vault.read(A, location).unwrap();
        let bundle = Bundle::parse(&entry.octets).unwrap();
        let octets = bundle.reassemble(SectionKind::Mail, &compose::Parts::default()).unwrap();
        assert_eq!(octets.unwrap(), mail(number));
    }
}

#[test]
fn parts_that_are_known_or_equal_are_stored_once() {
    struct Map(ContentId);
    impl PartMap for Map {
        fn locate(&self, ids: &[ContentId]) -> Result<Vec<Option<Location>>, LookupError> {
            let location = Location { pack: 1, slot: 0, offset: 64, length_bytes: 100 };
            Ok(ids.iter().map(|id| (*id == self.0).then_some(location)).collect())
        }
        fn locate_record(&self, _: ContentId) -> Result<Option<Location>, LookupError> {
            Ok(None)
        }
    }
    let part = |octets: &[u8]| NewPart { content: ContentId::of(octets), octets: octets.to_vec() };
    let parts = [part(b"a"), part(b"known"), part(b"a"), part(b"b")];
    let unknown = unknown_parts(&parts, &Map(ContentId::of(b"known"))).unwrap();
    assert_eq!(unknown, [&parts[0], &parts[3]]);
}

#[test]
fn one_damaged_tenant_key_puts_only_that_tenant_out_of_service() {
    let folder = Folder::new();
    let vault = folder.open();
    vault.create_tenant(B, b"b").unwrap();
    let location = append(&vault, &[b"kept"])[0];
    drop(vault);
    let key = folder.vault().join(B.to_string()).join("tenant.key");
    let whole = std::fs::read(&key).unwrap();
    std::fs::write(&key, b"rubbish").unwrap();
    let vault = folder.open_again();
    assert_eq!(vault.tenants(), [A, B]);
    assert_eq!(vault.read(A, location).unwrap().octets, b"kept");
    assert!(vault.tenant_info(B).is_err() && vault.scan(B, 1..=9).is_err());
    let troubles = vault.troubles();
    assert!(troubles.len() == 1 && troubles[&B].contains("tenant.key"), "{troubles:?}");
    // The key file is put back from a copy: the tenant is in service at its next use.
    std::fs::write(&key, whole).unwrap();
    assert_eq!(vault.tenant_info(B).unwrap().as_deref(), Some(&b"b"[..]));
    assert!(vault.packs(B).unwrap().is_empty());
    assert!(vault.troubles().is_empty());
}

#[test]
fn a_removed_tenant_leaves_nothing_and_its_key_first() {
    let folder = Folder::new();
    let vault = folder.open();
    vault.create_tenant(B, b"b").unwrap();
    append(&vault, &[b"secret"]);
    vault.remove_tenant(A).unwrap();
    vault.remove_tenant(A).unwrap();
    assert!(!folder.tenant().exists());
    assert_eq!(vault.tenants(), [B]);
    assert!(matches!(vault.tenant_info(A), Err(StoreError::UnknownTenant(_))));
    // A crash after the key was destroyed leaves a folder that is no tenant's.
    std::fs::create_dir_all(folder.tenant()).unwrap();
    std::fs::write(folder.tenant().join("00000001.pack"), b"x").unwrap();
    drop(vault);
    let vault = folder.open_again();
    assert_eq!(vault.tenants(), [B]);
    vault.remove_tenant(A).unwrap();
    assert!(!folder.tenant().exists());
}
