//! Alone in its process: fail points are global.
#![cfg(feature = "failpoints")]

use std::path::Path;

use index::conformance::{auditor, document, rows};
use index::{CRASH_POINTS, IndexChange, Options, SearchIndex, open};
use model::TenantId;

const TENANT: TenantId = TenantId::from_bytes([7; 16]);

fn engine(folder: &Path) -> Box<dyn SearchIndex> {
    open(&format!("tantivy:{}", folder.display()), Options::default()).expect("an engine")
}

fn apply(index: &dyn SearchIndex, row: u64) {
    let change = IndexChange { document: document(row, "mail"), new: false };
    index.apply(TENANT, vec![change], row).expect("applied");
}

#[test]
fn a_commit_that_fails_leaves_the_former_one_or_is_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = fail::FailScenario::setup();
    let index = engine(folder.path());
    apply(&*index, 1);
    index.commit(TENANT).expect("committed");
    for (point, through) in CRASH_POINTS.iter().zip([1, 2]) {
        apply(&*index, 2);
        fail::cfg(*point, "return").expect("set");
        assert!(index.commit(TENANT).is_err(), "{point}");
        fail::remove(*point);
        let again = engine(folder.path());
        assert_eq!(again.indexed_through(TENANT).expect("read"), through, "{point}");
        assert_eq!(rows(&*again, &auditor(TENANT), ""), (1..=through).collect::<Vec<_>>());
    }
    scenario.teardown();
}
