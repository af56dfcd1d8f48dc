//! `sign-in`: how many people a second, against what their passwords' hashes cost alone.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::http::{Client, Error};

use crate::figures::{Latencies, heading, line};
use crate::house::{House, PASSWORD};
use crate::{Arguments, Outcome};

const SECONDS: u64 = 10;
const VISITORS: [usize; 3] = [1, 16, 200];

/// Password checks that the server makes at a time.
const CHECKS: usize = 2;

/// Of the bare hashes' rate.
const GOAL: f64 = 0.8;

/// What a visitor who is told that the server is busy waits.
const BUSY_PAUSE: Duration = Duration::from_millis(200);

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let house = House::open(&arguments.chancery, &arguments.folder, "sign-in")?;
    heading("sign-in");
    let floor = bare_hashes()?;
    line(&format!("Argon2id alone, {CHECKS} threads"), &format!("{floor:.1} hashes/s"));
    let mut best = 0.0_f64;
    for visitors in VISITORS {
        let (rate, mut latencies, busy) = visit(&house, visitors)?;
        line(
            &format!("sign-ins, {visitors} at a time"),
            &format!(
                "{rate:>6.1}/s  {:.2} of the hashes  ms: p50 {:.0}  p99 {:.0}  told to wait: {busy}",
                rate / floor,
                latencies.percentile(50),
                latencies.percentile(99)
            ),
        );
        best = best.max(rate / floor);
    }
    line("goal", &format!("≥ {GOAL:.2} of the hashes: {best:.2}"));
    house.close()?;
    if best < GOAL { Err("signing in is slower than its goal".into()) } else { Ok(()) }
}

/// Hashes a second, by as many threads as the server has for them.
fn bare_hashes() -> Outcome<f64> {
    const HASHES: u32 = 60;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..CHECKS).map(|_| scope.spawn(|| identity::hash_passwords(HASHES))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(hashed) => Ok(hashed?),
            Err(_) => Outcome::Err("a thread panicked".into()),
        })
    })?;
    Ok(f64::from(HASHES) * CHECKS as f64 / begun.elapsed().as_secs_f64())
}

/// People who sign in, leave, and sign in again.
fn visit(house: &House, visitors: usize) -> Outcome<(f64, Latencies, u64)> {
    let all = Mutex::new(Latencies::default());
    let busy = AtomicU64::new(0);
    let begun = Instant::now();
    let until = begun + Duration::from_secs(SECONDS);
    let visitor = || -> Result<(), Error> {
        let mut client = Client::new(house.http);
        let mut own = Latencies::default();
        while Instant::now() < until {
            let asked = Instant::now();
            match client.sign_in("auditor", PASSWORD) {
                Ok(_) => own.add(asked.elapsed()),
                Err(Error::Status { status: 503, .. }) => {
                    busy.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(BUSY_PAUSE);
                    continue;
                }
                Err(error) => return Err(error),
            }
            client.request("DELETE", "/api/v1/session", &[])?;
        }
        if let Ok(mut all) = all.lock() {
            all.append(own);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..visitors).map(|_| scope.spawn(visitor)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(visited) => Ok(visited?),
            Err(_) => Outcome::Err("a visitor panicked".into()),
        })
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let all = all.into_inner().map_err(|_| "a visitor panicked")?;
    Ok((all.count() as f64 / seconds, all, busy.into_inner()))
}
