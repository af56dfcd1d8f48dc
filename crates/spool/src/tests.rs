use std::path::Path;

use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::conformance::{self, accept, claim, draft, files, limits, octets_of};
use crate::*;

mod damage;

fn key(byte: u8) -> SpoolKey {
    SpoolKey::new([byte; 8], Zeroizing::new([byte; 32]))
}

fn open(dir: &Path) -> Spool {
    Spool::open(dir, &key(1), limits()).unwrap()
}

#[test]
fn segments_on_disk_keep_the_promises_of_the_port() {
    conformance::suite(&|dir, limits| Spool::open(dir, &key(1), limits));
}

#[test]
fn another_key_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    accept(&open(dir.path()), b"mail");
    let error = Spool::open(dir.path(), &key(9), limits()).unwrap_err().to_string();
    assert!(error.contains("0101010101010101") && error.contains("0909090909090909"), "{error}");
}

#[test]
fn an_id_survives_its_text() {
    let id = SpoolId { segment: 0x1f, index: 3 };
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!("1f".parse::<SpoolId>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_octets_make_the_parsers_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz::segment(&octets);
        fuzz::settle_log(&octets);
        fuzz::entry_body(&octets);
    }
}

#[test]
fn drafts_that_outgrow_their_memory_go_to_files_and_give_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let octets = vec![7; 700_000];
    let count = (crate::limits::DRAFTS_BYTES_MAX as usize / octets.len()) + 3;
    let drafts: Vec<Draft> = (0..count).map(|_| draft(&spool, &octets)).collect();
    assert!(spool.drafts_bytes() <= crate::limits::DRAFTS_BYTES_MAX);
    let files = || std::fs::read_dir(dir.path().join("large")).unwrap().count();
    assert!(files() >= 2, "{}", files());
    drop(drafts);
    assert_eq!((spool.drafts_bytes(), files()), (0, 0));
    accept(&spool, &octets);
    assert_eq!(spool.drafts_bytes(), 0);
}

#[test]
fn large_drafts_count_while_they_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let small = SpoolLimits { bytes_max: 6 << 20, ..limits() };
    let spool = Spool::open(dir.path(), &key(1), small).unwrap();
    let mut first = draft(&spool, &[1; 3 << 20]);
    assert!(matches!(spool.admit(4 << 20), Err(SpoolError::Full(_))));
    let mut second = draft(&spool, &[1; 2 << 20]);
    assert!(matches!(second.write(&[1; 2 << 20]), Err(SpoolError::Full(_))));
    drop(second);
    first.write(&[1; 2 << 20]).unwrap();
    assert!(spool.accept_wait(first).is_ok());
    // Counted once: the queue has it now.
    assert!(spool.admit(512 << 10).is_ok());
    assert!(spool.admit(1 << 20).is_err());
}
