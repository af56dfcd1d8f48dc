//! Every release reads what every earlier release wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::archive::contents;
use crate::house::{House, answer};

#[test]
fn this_release_reads_the_first_format() {
    read("v1");
}

#[test]
fn this_release_reads_compacted_packs() {
    read("v2");
}

fn read(version: &str) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/formats");
    let fixture = fixture.join(version);
    let house = House::from_folder(|data| {
        fs::create_dir_all(data).expect("a folder");
        copy(&fixture.join("vault"), &data.join("vault"));
        if fixture.join("spool").exists() {
            copy(&fixture.join("spool"), &data.join("spool"));
        }
        fs::copy(fixture.join("master.key"), data.join("master.key")).expect("the key");
    });
    answer(&house.run(&["rebuild"]));
    house.account("auditor", "auditor", &[]);
    house.account("admin", "administrator", &[]);
    let mut server = house.start();
    assert!(server.settle(), "what waited in the spool is archived");
    let found: BTreeSet<String> = contents(&mut server.client("auditor"))
        .into_keys()
        .map(|content| content.trim_matches('"').to_owned())
        .collect();
    server.stop();
    answer(&house.run(&["verify"]));
    let wanted = fs::read(fixture.join("contents.json")).expect("the list");
    let wanted: BTreeSet<String> = serde_json::from_slice(&wanted).expect("a list");
    assert_eq!(found, wanted);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}
