//! What every engine of the spool must do; each engine's tests call [`suite`] with a way to open it.

use std::path::Path;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use model::{EmailAddress, Envelope, Source, SourceId, TenantId, Timestamp};

use crate::*;

pub(crate) const NOW: Duration = Duration::ZERO;
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Opens the engine on a folder, which is empty at first.
type Open<'a> = &'a dyn Fn(&Path, SpoolLimits) -> Result<Spool>;
/// A promise of the port.
type Promise = fn(&Engine<'_>);

const PROMISES: &[(&str, Promise)] = &[
    (
        "what was accepted comes again after a restart in its order with its envelope",
        what_was_accepted_comes_again_after_a_restart_in_its_order_with_its_envelope,
    ),
    (
        "settled submissions do not come again and their segment is erased",
        settled_submissions_do_not_come_again_and_their_segment_is_erased,
    ),
    (
        "a large mail goes through an encrypted file that disappears with its segment",
        a_large_mail_goes_through_an_encrypted_file_that_disappears_with_its_segment,
    ),
    (
        "a claim keeps to its limits but hands out at least one",
        a_claim_keeps_to_its_limits_but_hands_out_at_least_one,
    ),
    (
        "a waiting claim wakes up when mail comes and when the spool is closed",
        a_waiting_claim_wakes_up_when_mail_comes_and_when_the_spool_is_closed,
    ),
    ("what is to be tried again comes again", what_is_to_be_tried_again_comes_again),
    (
        "a full spool refuses before and after the octets and takes mail again when it is emptied",
        a_full_spool_refuses_before_and_after_the_octets_and_takes_mail_again_when_it_is_emptied,
    ),
    ("a disk with less than the reserve is full", a_disk_with_less_than_the_reserve_is_full),
    ("a mail above the limit is refused", a_mail_above_the_limit_is_refused),
    (
        "a second server on the same folder is refused",
        a_second_server_on_the_same_folder_is_refused,
    ),
    (
        "many senders at once are all told and all handed out",
        many_senders_at_once_are_all_told_and_all_handed_out,
    ),
    ("held segments stay until the last hold ends", held_segments_stay_until_the_last_hold_ends),
    ("limits follow a change", limits_follow_a_change),
    (
        "what left the archive leaves the segment that is written to",
        what_left_the_archive_leaves_the_segment_that_is_written_to,
    ),
];

/// The engine in question.
struct Engine<'a>(Open<'a>);

impl Engine<'_> {
    fn open(&self, dir: &Path) -> Spool {
        self.open_with(dir, limits()).unwrap()
    }

    fn open_with(&self, dir: &Path, limits: SpoolLimits) -> Result<Spool> {
        (self.0)(dir, limits)
    }
}

/// Checks every promise, each on folders of its own.
pub(crate) fn suite(open: Open<'_>) {
    for (name, promise) in PROMISES {
        eprintln!("spool keeps: {name}");
        promise(&Engine(open));
    }
}

pub(crate) fn limits() -> SpoolLimits {
    SpoolLimits { reserve_free_bytes: 0, ..SpoolLimits::default() }
}

pub(crate) fn draft(spool: &Spool, octets: &[u8]) -> Draft {
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

pub(crate) fn accept(spool: &Spool, octets: &[u8]) -> SpoolId {
    spool.accept_wait(draft(spool, octets)).unwrap()
}

pub(crate) fn claim(spool: &Spool) -> Vec<Claimed> {
    spool.claim(1000, u64::MAX, NOW)
}

pub(crate) fn octets_of(claimed: &[Claimed]) -> Vec<Vec<u8>> {
    claimed.iter().map(|claimed| claimed.submission.octets.to_vec()).collect()
}

pub(crate) fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|item| item.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != "spool.lock" && name != "large");
    names.sort();
    names
}

fn what_was_accepted_comes_again_after_a_restart_in_its_order_with_its_envelope(
    engine: &Engine<'_>,
) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    let ids: Vec<SpoolId> = (0..5u8).map(|n| accept(&spool, &[n; 10])).collect();
    assert!(ids.is_sorted());
    drop(spool);
    let spool = engine.open(dir.path());
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

fn settled_submissions_do_not_come_again_and_their_segment_is_erased(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    (0..3u8).for_each(|n| _ = accept(&spool, &[n; 10]));
    let claimed = claim(&spool);
    spool.settle(&[claimed[0].id, claimed[2].id], Outcome::Archived);
    spool.settle(&[claimed[0].id], Outcome::Archived);
    drop((spool, claimed));
    let spool = engine.open(dir.path());
    let claimed = claim(&spool);
    assert_eq!(octets_of(&claimed), [vec![1; 10]]);
    spool.settle(&[claimed[0].id], Outcome::Quarantined);
    assert_eq!((spool.depth(), spool.bytes()), (0, 0));
    assert_eq!(files(dir.path()), [""; 0]);
}

fn a_large_mail_goes_through_an_encrypted_file_that_disappears_with_its_segment(
    engine: &Engine<'_>,
) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    let mail: Vec<u8> = b"words to be found ".iter().copied().cycle().take(3_500_000).collect();
    for length in [1 << 20, (1 << 20) + 1, 2 << 20, mail.len()] {
        accept(&spool, &mail[..length]);
    }
    let abandoned = draft(&spool, &mail);
    assert_eq!(std::fs::read_dir(dir.path().join("large")).unwrap().count(), 4);
    drop(abandoned);
    drop(spool);
    let spool = engine.open(dir.path());
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

fn a_claim_keeps_to_its_limits_but_hands_out_at_least_one(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    (0..6).for_each(|_| _ = accept(&spool, &[0; 100]));
    assert_eq!(spool.claim(2, u64::MAX, NOW).len(), 2);
    assert_eq!(spool.claim(9, 250, NOW).len(), 2);
    assert_eq!(spool.claim(9, 1, NOW).len(), 1);
    let state = spool.state();
    assert_eq!((state.waiting, state.claimed, spool.depth()), (1, 5, 6));
}

fn a_waiting_claim_wakes_up_when_mail_comes_and_when_the_spool_is_closed(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
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

fn what_is_to_be_tried_again_comes_again(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    accept(&spool, b"mail");
    let first = claim(&spool);
    spool.settle(&[first[0].id], Outcome::RetryAfter(Duration::from_millis(1)));
    assert_eq!(octets_of(&spool.claim(1, u64::MAX, LONG)), [b"mail"]);
    spool.settle(&[first[0].id], Outcome::RetryAfter(LONG * 60));
    assert!(claim(&spool).is_empty());
    assert_eq!((spool.state().delayed, spool.depth()), (1, 1));
    assert_eq!(spool.oldest(), Some(Timestamp::from_seconds(7)));
}

fn a_full_spool_refuses_before_and_after_the_octets_and_takes_mail_again_when_it_is_emptied(
    engine: &Engine<'_>,
) {
    let dir = tempfile::tempdir().unwrap();
    let small = SpoolLimits { bytes_max: 20_000, segment_bytes: 1, ..limits() };
    let spool = engine.open_with(dir.path(), small).unwrap();
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

fn a_disk_with_less_than_the_reserve_is_full(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let greedy = SpoolLimits { reserve_free_bytes: u64::MAX / 2, ..limits() };
    let spool = engine.open_with(dir.path(), greedy).unwrap();
    assert!(matches!(spool.admit(1), Err(SpoolError::Full(Fullness::Disk { .. }))));
    assert!(matches!(spool.state().full, Some(Fullness::Disk { .. })));
    assert!(matches!(spool.accept_wait(draft(&spool, b"mail")), Err(SpoolError::Full(_))));
}

fn a_mail_above_the_limit_is_refused(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool =
        engine.open_with(dir.path(), SpoolLimits { mail_bytes_max: 10, ..limits() }).unwrap();
    let mut draft = draft(&spool, b"0123456789");
    assert!(matches!(draft.write(b"0"), Err(SpoolError::TooLarge { limit_bytes: 10 })));
    assert!(matches!(spool.admit(11), Err(SpoolError::TooLarge { .. })));
}

fn a_second_server_on_the_same_folder_is_refused(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let first = engine.open(dir.path());
    let second = engine.open_with(dir.path(), limits());
    assert!(matches!(second, Err(SpoolError::Locked { .. })));
    drop(first);
    engine.open(dir.path());
}

fn many_senders_at_once_are_all_told_and_all_handed_out(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool =
        engine.open_with(dir.path(), SpoolLimits { segment_bytes: 5000, ..limits() }).unwrap();
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

fn held_segments_stay_until_the_last_hold_ends(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let tiny = SpoolLimits { segment_bytes: 1, ..limits() };
    let spool = engine.open_with(dir.path(), tiny).unwrap();
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

fn limits_follow_a_change(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    spool.set_limits(SpoolLimits { mail_bytes_max: 10, ..limits() });
    assert!(matches!(spool.admit(11), Err(SpoolError::TooLarge { limit_bytes: 10 })));
    spool.set_limits(limits());
    assert!(spool.admit(11).is_ok());
}

fn what_left_the_archive_leaves_the_segment_that_is_written_to(engine: &Engine<'_>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = engine.open(dir.path());
    accept(&spool, b"settled before");
    let ids: Vec<SpoolId> = claim(&spool).iter().map(|claimed| claimed.id).collect();
    spool.settle(&ids, Outcome::Archived);
    assert!(spool.rotate(LONG));
    assert_eq!(files(dir.path()), [""; 0]);
    // What waits for the archive stays until it is there, and goes at once.
    let first = accept(&spool, b"settled after");
    assert!(spool.rotate(LONG));
    let second = accept(&spool, b"in a segment of its own");
    assert!(first.segment < second.segment);
    let claimed = claim(&spool);
    assert_eq!(octets_of(&claimed), [&b"settled after"[..], b"in a segment of its own"]);
    spool.settle(&[first], Outcome::Archived);
    assert!(
        files(dir.path()).iter().all(|name| !name.starts_with(&format!("{:016x}", first.segment)))
    );
    // Not while somebody copies the folder.
    let hold = spool.hold();
    spool.settle(&[second], Outcome::Archived);
    assert!(spool.rotate(LONG));
    assert!(!files(dir.path()).is_empty());
    drop(hold);
    assert_eq!(files(dir.path()), [""; 0]);
    spool.close();
    assert!(spool.rotate(LONG), "nothing is written to any more");
}
