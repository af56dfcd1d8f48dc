use std::collections::BTreeSet;
use std::path::Path;

use super::{TENANT, filled};
use crate::conformance::{auditor, document, record, rows};

/// All terms that stand in the files of the index, of whatever field.
fn terms(folder: &Path) -> BTreeSet<String> {
    let index = tantivy::Index::open_in_dir(folder.join(TENANT.to_string())).expect("an index");
    let reader = index.reader().expect("a reader");
    let mut all = BTreeSet::new();
    for segment in reader.searcher().segment_readers() {
        for (field, entry) in index.schema().fields() {
            if !entry.is_indexed() || !entry.field_type().is_str() {
                continue;
            }
            let terms = segment.inverted_index(field).expect("an inverted index");
            let mut stream = terms.terms().stream().expect("terms");
            while stream.advance() {
                all.insert(String::from_utf8_lossy(stream.key()).into_owned());
            }
        }
    }
    all
}

#[test]
fn after_a_purge_no_word_of_a_removed_mail_is_in_the_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut secret = document(1, "quetzalcoatlus");
    secret.body = "mosasaurus".into();
    let index = filled(folder.path(), vec![secret, document(2, "rechnung")]);
    index.remove(TENANT, &[record(1)]).expect("removed");
    index.commit(TENANT).expect("committed");
    // Deleted is not gone.
    assert!(terms(folder.path()).contains("mosasaurus"));
    index.purge(TENANT).expect("purged");
    let left = terms(folder.path());
    assert!(!left.iter().any(|term| term.contains("quetzal") || term.contains("mosasaur")));
    assert!(left.contains("rechnung"));
    assert_eq!(rows(&*index, &auditor(TENANT), "rechnung"), [2]);
    for file in std::fs::read_dir(folder.path().join(TENANT.to_string())).expect("a folder") {
        let octets = std::fs::read(file.expect("a file").path()).expect("octets");
        assert!(!octets.windows(10).any(|window| window == b"mosasaurus"));
    }
    // Nothing to do, and nothing there.
    index.purge(TENANT).expect("purged");
    index.purge(model::TenantId::from_bytes([9; 16])).expect("nothing");
    index.close().expect("closed");
}
