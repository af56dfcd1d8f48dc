//! Each durable step fails once, and the process ends once at each crash point.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use model::{Source, SourceId, TenantId, Timestamp};
use spool::{CRASH_POINTS, Outcome, Spool, SpoolError, SpoolId, SpoolKey, SpoolLimits};
use zeroize::Zeroizing;

const FOLDER: &str = "SPOOL_CRASH_FOLDER";
const POINT: &str = "SPOOL_CRASH_POINT";

fn open(dir: &Path) -> Spool {
    let key = SpoolKey::new([1; 8], Zeroizing::new([1; 32]));
    let limits =
        SpoolLimits { reserve_free_bytes: 0, segment_bytes: 1 << 20, ..SpoolLimits::default() };
    Spool::open(dir, &key, limits).unwrap()
}

fn accept(spool: &Spool, octets: &[u8]) -> Result<SpoolId, SpoolError> {
    let source = Source::Smtp { id: SourceId::from_bytes([3; 16]) };
    let tenant = TenantId::from_bytes([2; 16]);
    let mut draft = spool.draft(tenant, source, None, Timestamp::from_seconds(7));
    draft.write(octets)?;
    spool.accept_wait(draft)
}

fn waiting(spool: &Spool) -> Vec<Vec<u8>> {
    let claimed = spool.claim(1000, u64::MAX, Duration::ZERO);
    claimed.iter().map(|claimed| claimed.submission.octets.to_vec()).collect()
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged_and_a_new_segment_takes_over() {
    let scenario = fail::FailScenario::setup();
    for point in
        ["spool.create.before", "spool.write.after", "spool.fsync.before", "spool.fsync.after"]
    {
        let dir = tempfile::tempdir().unwrap();
        let spool = open(dir.path());
        let first = (point != "spool.create.before").then(|| accept(&spool, b"before").unwrap());
        fail::cfg(point, "return").unwrap();
        assert!(matches!(accept(&spool, b"failed"), Err(SpoolError::Io { .. })), "{point}");
        fail::cfg(point, "return(full)").unwrap();
        let full = if first.is_some() { accept(&spool, b"full") } else { Err(SpoolError::Closed) };
        assert!(full.is_err());
        fail::remove(point);
        let last = accept(&spool, b"after").unwrap();
        assert!(first.is_none_or(|first| first.segment < last.segment), "{point}");
        drop(spool);
        let spool = open(dir.path());
        let wanted: Vec<&[u8]> =
            if first.is_some() { vec![b"before", b"after"] } else { vec![b"after"] };
        assert_eq!(waiting(&spool), wanted, "{point}");
        assert_eq!(spool.state().damaged, 0, "{point}");
    }
    scenario.teardown();
}

#[test]
fn senders_that_wait_share_one_sync() {
    let scenario = fail::FailScenario::setup();
    let dir = tempfile::tempdir().unwrap();
    let spool = open(dir.path());
    let (reached, at_sync) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (reached, may_go_on) = (std::sync::Mutex::new(reached), std::sync::Mutex::new(may_go_on));
    fail::cfg_callback("spool.fsync.before", move || {
        reached.lock().unwrap().send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
    })
    .unwrap();
    let (told, heard) = mpsc::channel();
    let send = |number: u8| {
        let source = Source::Smtp { id: SourceId::from_bytes([3; 16]) };
        let mut draft =
            spool.draft(TenantId::from_bytes([2; 16]), source, None, Timestamp::from_seconds(7));
        draft.write(&[number]).unwrap();
        let told = told.clone();
        spool.accept(draft, move |id| told.send(id.is_ok()).unwrap());
    };
    send(0);
    at_sync.recv().unwrap();
    // While the first one syncs, the others gather.
    (1..100).for_each(send);
    go_on.send(()).unwrap();
    at_sync.recv().unwrap();
    go_on.send(()).unwrap();
    assert_eq!(heard.iter().take(100).filter(|ok| *ok).count(), 100);
    assert!(at_sync.try_recv().is_err(), "two syncs were enough");
    fail::remove("spool.fsync.before");
    scenario.teardown();
}

/// Accepts mails, archives half of them, and writes down what it was told.
fn work(dir: &Path) {
    let spool = open(&dir.join("spool"));
    let mut settled = Vec::new();
    for number in 0..6u8 {
        let length = if number % 2 == 0 { 300 } else { (1 << 20) + 300 };
        if accept(&spool, &vec![number; length]).is_ok() {
            std::fs::write(dir.join(format!("accepted-{number}")), "").unwrap();
        }
        if number >= 2 {
            for claimed in spool.claim(2, u64::MAX, Duration::ZERO) {
                let number = claimed.submission.octets[0];
                std::fs::write(dir.join(format!("archived-{number}")), "").unwrap();
                settled.push(claimed.id);
            }
            spool.settle(&settled, Outcome::Archived);
        }
    }
}

#[test]
fn the_child_that_crashes() {
    let (Ok(dir), Ok(point)) = (std::env::var(FOLDER), std::env::var(POINT)) else { return };
    let _scenario = fail::FailScenario::setup();
    fail::cfg_callback(point.as_str(), || std::process::abort()).unwrap();
    work(Path::new(&dir));
}

#[test]
fn a_process_that_ends_at_any_crash_point_loses_no_accepted_mail() {
    let scenario = fail::FailScenario::setup();
    for point in CRASH_POINTS {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_child_that_crashes", "--nocapture"]);
        let ended = child.env(FOLDER, dir.path()).env(POINT, point).output().unwrap();
        assert!(!ended.status.success(), "{point} was never reached");
        let spool = open(&dir.path().join("spool"));
        let waiting = waiting(&spool);
        assert_eq!(spool.state().damaged, 0, "{point}");
        for number in 0..6u8 {
            let was = |what: &str| dir.path().join(format!("{what}-{number}")).exists();
            let waits = waiting.iter().any(|octets| octets[0] == number);
            assert!(!was("accepted") || was("archived") || waits, "{point}: mail {number} is lost");
            if let Some(octets) = waiting.iter().find(|octets| octets[0] == number) {
                let length = if number % 2 == 0 { 300 } else { (1 << 20) + 300 };
                assert!(*octets == vec![number; length], "{point}: mail {number} differs");
            }
        }
        accept(&spool, b"new").unwrap();
    }
    scenario.teardown();
}
