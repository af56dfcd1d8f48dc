use std::path::Path;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use model::{EmailAddress, Envelope, Source, SourceId, TenantId, Timestamp};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::*;

mod damage;

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);

fn key(byte: u8) -> SpoolKey {
    SpoolKey::new([byte; 8], Zeroizing::new([byte; 32]))
}

fn limits() -> SpoolLimits {
    SpoolLimits { reserve_free_bytes: 0, ..SpoolLimits::default() }
}

fn open(dir: &Path) -> Spool {
    Spool::open(dir, &key(1), limits()).unwrap()
}

fn draft(spool: &Spool, octets: &[u8]) -> Draft {
    let envelope = Envelope {
        reverse_path: None,
        forward_paths: vec![EmailAddress::new("journal-x@archive.example")],
        peer: None,
        helo: "mx".to_owned(),
        tls: None,
    };
    let source = Source::Smtp { id: SourceId::from_bytes([3; 16]) };
    let tenant = TenantId::from_bytes([2; 16]);
    let mut draft = spool.draft(tenant, source, Some(envelope), Timestamp::from_seconds(7));
    octets.chunks(100_000).for_each(|piece| draft.write(piece).unwrap());
    draft
}

fn accept(spool: &Spool, octets: &[u8]) -> SpoolId {
    spool.accept_wait(draft(spool, octets)).unwrap()
}

fn claim(spool: &Spool) -> Vec<Claimed> {
    spool.claim(1000, u64::MAX, NOW)
}

fn octets_of(claimed: &[Claimed]) -> Vec<Vec<u8>> {
    claimed.iter().map(|claimed| claimed.submission.octets.to_vec()).collect()
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|item| item.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != "spool.lock" && name != "large");
    names.sort();
    names
}

#[test]
fn what_was_accepted_comes_again_after_a_restart_in_its_order_with_its_envelope() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let ids: Vec<SpoolId> = (0..5u8).map(|n| accept(&spool, &[n; 10])).collect();
    assert!(ids.is_sorted());
    drop(spool);
    let spool = open(dir.path());
    assert_eq!(spool.depth(), 5);
    assert_eq!(spool.oldest(), Some(Timestamp::from_seconds(7)));
    let claimed = claim(&spool);
    assert_eq!(claimed.iter().map(|c| c.id).collect::<Vec<_>>(), ids);
    assert_eq!(octets_of(&claimed), (0..5u8).map(|n| vec![n; 10]).collect::<Vec<_>>());
    let first = &claimed[0];
    assert_eq!(first.content, model::ContentId::of(&[0; 10]));
    assert_eq!(first.submission.envelope.as_ref().unwrap().helo, "mx");
    assert!(claim(&spool).is_empty(), "nothing is handed out twice");
}

#[test]
fn settled_submissions_do_not_come_again_and_their_segment_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    (0..3u8).for_each(|n| _ = accept(&spool, &[n; 10]));
    let claimed = claim(&spool);
    spool.settle(&[claimed[0].id, claimed[2].id], Outcome::Archived);
    spool.settle(&[claimed[0].id], Outcome::Archived);
    drop((spool, claimed));
    let spool = open(dir.path());
    let claimed = claim(&spool);
    assert_eq!(octets_of(&claimed), [vec![1; 10]]);
    spool.settle(&[claimed[0].id], Outcome::Quarantined);
    assert_eq!((spool.depth(), spool.bytes()), (0, 0));
    assert_eq!(files(dir.path()), [""; 0]);
}

#[test]
fn a_large_mail_goes_through_an_encrypted_file_that_disappears_with_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let mail: Vec<u8> = b"words to be found ".iter().copied().cycle().take(3_500_000).collect();
    for length in [1 << 20, (1 << 20) + 1, 2 << 20, mail.len()] {
        accept(&spool, &mail[..length]);
    }
    let abandoned = draft(&spool, &mail);
    assert_eq!(std::fs::read_dir(dir.path().join("large")).unwrap().count(), 4);
    drop(abandoned);
    drop(spool);
    let spool = open(dir.path());
    assert!(spool.bytes() > 3_500_000);
    for item in std::fs::read_dir(dir.path().join("large")).unwrap() {
        let octets = std::fs::read(item.unwrap().path()).unwrap();
        assert!(!octets.windows(5).any(|window| window == b"words"));
    }
    let claimed = claim(&spool);
    let wanted: Vec<Vec<u8>> =
        [1 << 20, (1 << 20) + 1, 2 << 20, mail.len()].map(|n| mail[..n].to_vec()).into();
    assert!(octets_of(&claimed) == wanted);
    spool.settle(&claimed.iter().map(|c| c.id).collect::<Vec<_>>(), Outcome::Archived);
    assert_eq!(std::fs::read_dir(dir.path().join("large")).unwrap().count(), 0);
}

#[test]
fn a_claim_keeps_to_its_limits_but_hands_out_at_least_one() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    (0..6).for_each(|_| _ = accept(&spool, &[0; 100]));
    assert_eq!(spool.claim(2, u64::MAX, NOW).len(), 2);
    assert_eq!(spool.claim(9, 250, NOW).len(), 2);
    assert_eq!(spool.claim(9, 1, NOW).len(), 1);
    let state = spool.state();
    assert_eq!((state.waiting, state.claimed, spool.depth()), (1, 5, 6));
}

#[test]
fn a_waiting_claim_wakes_up_when_mail_comes_and_when_the_spool_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    std::thread::scope(|scope| {
        let claimer = scope.spawn(|| spool.claim(1, u64::MAX, LONG).len());
        accept(&spool, b"mail");
        assert_eq!(claimer.join().unwrap(), 1);
        let claimer = scope.spawn(|| spool.claim(1, u64::MAX, LONG).len());
        spool.close();
        assert_eq!(claimer.join().unwrap(), 0);
    });
    assert!(matches!(spool.accept_wait(draft(&spool, b"late")), Err(SpoolError::Closed)));
}

#[test]
fn what_is_to_be_tried_again_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    accept(&spool, b"mail");
    let first = claim(&spool);
    spool.settle(&[first[0].id], Outcome::RetryAfter(Duration::from_millis(1)));
    assert_eq!(octets_of(&spool.claim(1, u64::MAX, LONG)), [b"mail"]);
    spool.settle(&[first[0].id], Outcome::RetryAfter(LONG * 60));
    assert!(claim(&spool).is_empty());
    assert_eq!((spool.state().delayed, spool.depth()), (1, 1));
    assert_eq!(spool.oldest(), Some(Timestamp::from_seconds(7)));
}

#[test]
fn a_full_spool_refuses_before_and_after_the_octets_and_takes_mail_again_when_it_is_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let small = SpoolLimits { bytes_max: 20_000, segment_bytes: 1, ..limits() };
    let spool = Spool::open(dir.path(), &key(1), small).unwrap();
    let mut last = None;
    while spool.admit(3000).is_ok() {
        last = Some(accept(&spool, &[1; 3000]));
    }
    assert!(last.is_some() && spool.state().full.is_some() || spool.admit(3000).is_err());
    let refused = spool.accept_wait(draft(&spool, &[1; 3000]));
    assert!(matches!(refused, Err(SpoolError::Full(Fullness::Spool { limit_bytes: 20_000, .. }))));
    let ids: Vec<SpoolId> = claim(&spool).iter().map(|claimed| claimed.id).collect();
    spool.settle(&ids, Outcome::Archived);
    accept(&spool, &[1; 3000]);
}

#[test]
fn a_disk_with_less_than_the_reserve_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let greedy = SpoolLimits { reserve_free_bytes: u64::MAX / 2, ..limits() };
    let spool = Spool::open(dir.path(), &key(1), greedy).unwrap();
    assert!(matches!(spool.admit(1), Err(SpoolError::Full(Fullness::Disk { .. }))));
    assert!(matches!(spool.state().full, Some(Fullness::Disk { .. })));
    assert!(matches!(spool.accept_wait(draft(&spool, b"mail")), Err(SpoolError::Full(_))));
}

#[test]
fn a_mail_above_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let spool =
        Spool::open(dir.path(), &key(1), SpoolLimits { mail_bytes_max: 10, ..limits() }).unwrap();
    let mut draft = draft(&spool, b"0123456789");
    assert!(matches!(draft.write(b"0"), Err(SpoolError::TooLarge { limit_bytes: 10 })));
    assert!(matches!(spool.admit(11), Err(SpoolError::TooLarge { .. })));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = Spool::open(dir.path(), &key(1), limits());
    assert!(matches!(second, Err(SpoolError::Locked { .. })));
    drop(first);
    open(dir.path());
}

#[test]
fn another_key_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    accept(&open(dir.path()), b"mail");
    let error = Spool::open(dir.path(), &key(9), limits()).unwrap_err().to_string();
    assert!(error.contains("0101010101010101") && error.contains("0909090909090909"), "{error}");
}

#[test]
fn many_senders_at_once_are_all_told_and_all_handed_out() {
    let dir = tempfile::tempdir().unwrap();
    let spool =
        Spool::open(dir.path(), &key(1), SpoolLimits { segment_bytes: 5000, ..limits() }).unwrap();
    let barrier = Arc::new(Barrier::new(8));
    std::thread::scope(|scope| {
        for sender in 0..8u8 {
            let (spool, barrier) = (spool.clone(), Arc::clone(&barrier));
            scope.spawn(move || {
                barrier.wait();
                let (told, heard) = mpsc::channel();
                for number in 0..25u8 {
                    let told = told.clone();
                    spool
                        .accept(draft(&spool, &[sender, number]), move |id| told.send(id).unwrap());
                }
                drop(told);
                assert_eq!(heard.iter().filter(|id| id.is_ok()).count(), 25);
            });
        }
    });
    let mut octets = octets_of(&claim(&spool));
    octets.sort();
    assert_eq!(octets, (0..8).flat_map(|s| (0..25).map(move |n| vec![s, n])).collect::<Vec<_>>());
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

#[test]
fn held_segments_stay_until_the_last_hold_ends() {
    let dir = tempfile::tempdir().unwrap();
    let tiny = SpoolLimits { segment_bytes: 1, ..limits() };
    let spool = Spool::open(dir.path(), &key(1), tiny).unwrap();
    accept(&spool, b"one");
    accept(&spool, b"two");
    let segments = || {
        let items = std::fs::read_dir(dir.path()).unwrap();
        items
            .filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|e| e == "seg"))
            .count()
    };
    let (hold, other) = (spool.hold(), spool.hold());
    let ids: Vec<SpoolId> = claim(&spool).iter().map(|claimed| claimed.id).collect();
    spool.settle(&ids, Outcome::Archived);
    assert_eq!(segments(), 2);
    drop(hold);
    assert_eq!(segments(), 2);
    drop(other);
    // The one that is written to stays.
    assert_eq!(segments(), 1);
}

#[test]
fn limits_follow_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    spool.set_limits(SpoolLimits { mail_bytes_max: 10, ..limits() });
    assert!(matches!(spool.admit(11), Err(SpoolError::TooLarge { limit_bytes: 10 })));
    spool.set_limits(limits());
    assert!(spool.admit(11).is_ok());
}
