//! Accepted mails per second and time until "durable", against a bare write and `fdatasync` with as
//! many waiters. Arguments: folder (default: a temporary one), mails per run.
#![allow(clippy::print_stdout)]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use model::{Source, SourceId, TenantId, Timestamp};
use spool::{Outcome, Spool, SpoolKey, SpoolLimits};
use zeroize::Zeroizing;

const MAIL_BYTES: usize = 5000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kept = tempfile::tempdir()?;
    let dir = arguments.next().map_or(kept.path().to_owned(), PathBuf::from);
    let count: usize = arguments.next().map_or(Ok(8000), |text| text.parse())?;
    println!(
        "{:>7} | {:>10} {:>8} {:>8} {:>8} | {:>10} {:>8} {:>8} {:>8}",
        "waiters", "spool/s", "p50 ms", "p99 ms", "max ms", "bare/s", "p50 ms", "p99 ms", "max ms"
    );
    for waiters in [1, 16, 256] {
        let count = if waiters == 1 { count / 20 } else { count };
        let spool = run(waiters, count, &with_spool(&dir.join(format!("spool-{waiters}")))?);
        let bare = run(waiters, count, &with_bare_file(&dir.join(format!("bare-{waiters}")))?);
        println!("{waiters:>7} | {spool} | {bare}");
    }
    Ok(())
}

type Accept = Box<dyn Fn() + Sync>;

fn run(waiters: usize, count: usize, accept: &Accept) -> String {
    let begun = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let waiter = || {
            let one = |_| {
                let begun = Instant::now();
                accept();
                begun.elapsed()
            };
            (0..count / waiters).map(one).collect::<Vec<Duration>>()
        };
        let waiters: Vec<_> = (0..waiters).map(|_| scope.spawn(waiter)).collect();
        waiters.into_iter().flat_map(|waiter| waiter.join().unwrap_or_default()).collect()
    });
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("{rate:>10.0} {:>8.2} {:>8.2} {:>8.2}", at(0.5), at(0.99), at(1.0))
}

fn with_spool(dir: &Path) -> Result<Accept, Box<dyn std::error::Error>> {
    let key = SpoolKey::new([1; 8], Zeroizing::new([1; 32]));
    let spool =
        Spool::open(dir, &key, SpoolLimits { reserve_free_bytes: 0, ..SpoolLimits::default() })?;
    let settler = spool.clone();
    std::thread::spawn(move || {
        loop {
            let claimed = settler.claim(1000, 64 << 20, Duration::from_secs(1));
            if claimed.is_empty() {
                return;
            }
            settler.settle(
                &claimed.iter().map(|claimed| claimed.id).collect::<Vec<_>>(),
                Outcome::Archived,
            );
        }
    });
    Ok(Box::new(move || {
        let source = Source::Smtp { id: SourceId::from_bytes([3; 16]) };
        let mut draft =
            spool.draft(TenantId::from_bytes([2; 16]), source, None, Timestamp::default());
        let accepted = draft.write(&[7; MAIL_BYTES]).and_then(|()| spool.accept_wait(draft));
        assert!(accepted.is_ok(), "{accepted:?}");
    }))
}

/// The least that is durable: waiters append under a lock and share the sync that follows.
fn with_bare_file(path: &Path) -> Result<Accept, Box<dyn std::error::Error>> {
    struct State {
        written: u64,
        durable: u64,
        syncing: bool,
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let syncer = file.try_clone()?;
    let octets = vec![7; MAIL_BYTES];
    file.write_all(&octets)?;
    let state = Mutex::new((State { written: 0, durable: 0, syncing: false }, file));
    let changed = Condvar::new();
    Ok(Box::new(move || {
        let mut state_now = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        assert!(state_now.1.write_all(&octets).is_ok());
        state_now.0.written += 1;
        let mine = state_now.0.written;
        while state_now.0.durable < mine {
            if state_now.0.syncing {
                state_now =
                    changed.wait(state_now).unwrap_or_else(std::sync::PoisonError::into_inner);
                continue;
            }
            state_now.0.syncing = true;
            let through = state_now.0.written;
            drop(state_now);
            assert!(syncer.sync_data().is_ok());
            state_now = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state_now.0.syncing = false;
            state_now.0.durable = through;
            changed.notify_all();
        }
    }))
}
