//! What a crash or a bad disk leaves.

use super::*;

fn only_segment(dir: &Path) -> std::path::PathBuf {
    let names = files(dir);
    assert_eq!(names.len(), 1, "{names:?}");
    dir.join(&names[0])
}

/// A segment with three entries, and where each of them ends.
fn three(dir: &Path) -> (Vec<u8>, Vec<usize>) {
    let mut ends = vec![crate::frames::SEGMENT_HEADER_BYTES];
    let spool = open(dir);
    for number in 0..3u8 {
        accept(&spool, &[number; 20]);
        ends.push(std::fs::metadata(only_segment(dir)).unwrap().len() as usize);
    }
    drop(spool);
    (std::fs::read(only_segment(dir)).unwrap(), ends)
}

#[test]
fn a_segment_torn_at_any_byte_gives_all_whole_entries_and_takes_new_ones() {
    let origin = tempfile::tempdir().unwrap();
    let (segment, ends) = three(origin.path());
    let name = only_segment(origin.path()).file_name().unwrap().to_owned();
    for length in (0..segment.len()).step_by(7).chain(ends.iter().copied()) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(&name), &segment[..length]).unwrap();
        let spool = open(dir.path());
        let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
        assert_eq!(claim(&spool).len(), whole, "torn at {length}");
        assert_eq!(spool.state().damaged, 0, "torn at {length}");
        accept(&spool, b"new");
        assert_eq!(octets_of(&claim(&spool)), [b"new"]);
    }
}

#[test]
fn a_tail_of_zero_bytes_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let (mut segment, ends) = three(dir.path());
    segment[ends[2]..].fill(0);
    segment.resize(segment.len() + 5000, 0);
    std::fs::write(only_segment(dir.path()), segment).unwrap();
    let spool = open(dir.path());
    assert_eq!((claim(&spool).len(), spool.state().damaged), (2, 0));
}

#[test]
fn a_flipped_bit_anywhere_costs_at_most_its_entry_and_never_the_start() {
    let origin = tempfile::tempdir().unwrap();
    let (segment, ends) = three(origin.path());
    let name = only_segment(origin.path()).file_name().unwrap().to_owned();
    for place in 0..segment.len() {
        let dir = tempfile::tempdir().unwrap();
        let mut flipped = segment.clone();
        flipped[place] ^= 1 << (place % 8);
        std::fs::write(dir.path().join(&name), &flipped).unwrap();
        let spool = open(dir.path());
        let claimed = claim(&spool);
        let wanted = if place < ends[0] { 0 } else { 2 };
        assert_eq!(claimed.len(), wanted, "bit flipped in byte {place}");
        assert_eq!(spool.state().damaged, 1, "bit flipped in byte {place}");
        let ids: Vec<SpoolId> = claimed.iter().map(|claimed| claimed.id).collect();
        spool.settle(&ids, Outcome::Archived);
        assert!(dir.path().join(&name).exists(), "a damaged segment is kept");
        if place % 32 == 0 {
            accept(&spool, b"new");
        }
    }
}

#[test]
fn a_large_file_that_no_entry_names_is_removed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    std::mem::forget(draft(&spool, &vec![1; 2 << 20]));
    drop(spool);
    let large = dir.path().join("large");
    // The forgotten draft still holds the lock: another folder stands for the restart.
    let restarted = tempfile::tempdir().unwrap();
    std::fs::create_dir(restarted.path().join("large")).unwrap();
    let orphan = std::fs::read_dir(large).unwrap().next().unwrap().unwrap();
    std::fs::copy(orphan.path(), restarted.path().join("large").join(orphan.file_name())).unwrap();
    open(restarted.path());
    assert_eq!(std::fs::read_dir(restarted.path().join("large")).unwrap().count(), 0);
}

#[test]
fn a_lost_or_damaged_settle_log_means_that_submissions_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    (0..3u8).for_each(|n| _ = accept(&spool, &[n; 10]));
    let claimed = claim(&spool);
    spool.settle(&[claimed[0].id, claimed[1].id], Outcome::Archived);
    drop(spool);
    let log = dir
        .path()
        .join(files(dir.path()).into_iter().find(|name| name.ends_with(".done")).unwrap());
    let mut octets = std::fs::read(&log).unwrap();
    octets[3] ^= 4;
    std::fs::write(&log, octets).unwrap();
    let spool = open(dir.path());
    assert_eq!(octets_of(&claim(&spool)), [vec![0; 10], vec![2; 10]]);
}

#[test]
fn an_erased_segment_whose_files_were_not_removed_is_removed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut segment, ends) = three(dir.path());
    segment[..ends[0]].fill(0);
    std::fs::write(only_segment(dir.path()), segment).unwrap();
    let spool = open(dir.path());
    assert_eq!(spool.depth(), 0);
    assert_eq!(files(dir.path()), [""; 0]);
}

#[test]
fn a_version_from_the_future_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (mut segment, _) = three(dir.path());
    segment[8] = 2;
    let crc = crc32c::crc32c(&segment[..124]);
    segment[124..128].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(only_segment(dir.path()), segment).unwrap();
    let error = Spool::open(dir.path(), &key(1), limits()).unwrap_err();
    assert!(matches!(error, SpoolError::UnknownVersion { version: 2, .. }));
}
