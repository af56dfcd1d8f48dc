//! `ingest`: reports over SMTP with STARTTLS until all are archived and searchable.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use testkit::http::{self, query_value};
use testkit::smtp::{Client, Content, Security};

use crate::Outcome;
use crate::corpus::{Corpus, Mail};
use crate::figures::{Latencies, OwnMemory, heading, line, usage};
use crate::house::House;

const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// Every so many mails one is searched for until it is found.
const PROBE_EVERY: usize = 7;
/// Mails sent steadily after the others, and their rate as a share of the highest.
const STEADY_MAX: usize = 5_000;
const STEADY_SHARE: f64 = 0.5;
const PROBE_PAUSE: Duration = Duration::from_millis(10);

pub fn run(name: &str, corpus: &Corpus, house: &mut House, connections: usize) -> Outcome<()> {
    let steady = (corpus.count / 10).min(STEADY_MAX);
    let burst = corpus.count - steady;
    heading(&format!("ingest, {name}: {burst} reports at once, {connections} connections"));
    let (_, cpu_before) = usage(house.pid());
    let memory = OwnMemory::watch(house.pid());
    let started = Instant::now();
    let mut octets = 0;
    deliver(corpus, 0..burst, house, connections, |mail| octets += mail.octets.len())?;
    let sent = started.elapsed().as_secs_f64();
    house.settle(LIMIT)?;
    let seconds = started.elapsed().as_secs_f64();
    let (peak, cpu) = usage(house.pid());
    let rate = burst as f64 / seconds;
    line("accepted", &format!("{:>8.0}/s", burst as f64 / sent));
    let megabytes = octets as f64 / 1e6 / seconds;
    line("archived and searchable", &format!("{rate:>8.0}/s  {megabytes:>7.1} MB/s"));
    let each = (cpu - cpu_before) * 1e3 / burst as f64;
    let own = memory.peak();
    line(
        "server",
        &format!(
            "peak {peak:.0} MB resident, {own:.0} MB without mapped files; {each:.2} CPU-ms a mail"
        ),
    );

    let pause = Duration::from_secs_f64(1.0 / (rate * STEADY_SHARE));
    let begun = Instant::now();
    let mut number = 0;
    let mut visible = deliver(corpus, burst..corpus.count, house, connections, |_| {
        number += 1;
        std::thread::sleep((begun + pause * number).saturating_duration_since(Instant::now()));
    })?;
    let status = house.settle(LIMIT)?;
    line(
        &format!("250 to found, {:.0}/s steadily", rate * STEADY_SHARE),
        &format!(
            "ms: p50 {:.0}  p95 {:.0}  max {:.0}  ({} of {steady} mails)",
            visible.percentile(50),
            visible.percentile(95),
            visible.percentile(100),
            visible.count()
        ),
    );
    line("archive", &status["archive"].to_string());
    Ok(())
}

/// Sends the mails of `range` over so many connections; `before` is called before each is handed
/// to a connection. Gives how long a mail took from its `250` until it was found, for the mails
/// that were asked for.
fn deliver(
    corpus: &Corpus,
    range: Range<usize>,
    house: &House,
    connections: usize,
    mut before: impl FnMut(&Mail),
) -> Outcome<Latencies> {
    let (queue, mails) = sync_channel::<Mail>(connections * 2);
    let mails = &Mutex::new(mails);
    let (probes, probe) = sync_channel::<(String, Instant)>(1);
    let mut searcher = house.client("auditor")?;
    let security = &Security::any_certificate();
    let (journal, smtp) = (house.journal.as_str(), house.smtp);
    std::thread::scope(|scope| -> Outcome<Latencies> {
        let probing = scope.spawn(move || watch(&mut searcher, &probe));
        let senders: Vec<_> = (0..connections)
            .map(|_| {
                let probes = probes.clone();
                scope.spawn(move || {
                    let result = send(mails, smtp, security, journal, &probes);
                    // After an error the others, or at last this one, empty the queue.
                    while result.is_err() && mails.lock().is_ok_and(|mails| mails.recv().is_ok()) {}
                    result
                })
            })
            .collect();
        drop(probes);
        corpus.read_range(range, |mail| {
            before(&mail);
            queue.send(mail).is_ok()
        })?;
        drop(queue);
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        probing.join().map_err(|_| "the searcher panicked")?
    })
}

fn send(
    mails: &Mutex<Receiver<Mail>>,
    smtp: SocketAddr,
    security: &Security,
    journal: &str,
    probes: &SyncSender<(String, Instant)>,
) -> Outcome<()> {
    let mut client = Client::connect(smtp, security)?;
    let mut count = 0;
    loop {
        let Ok(mail) = mails.lock().map_err(|_| "a sender panicked")?.recv() else {
            client.quit();
            return Ok(());
        };
        let sender = "journal.ndr@musterbau.onmicrosoft.example";
        client.send(sender, &[journal], &mail.octets, &Content::Bdat(Vec::new()))?;
        count += 1;
        if count % PROBE_EVERY == 0 {
            // When the last probe is still under way, this one is left out.
            let _ = probes.try_send((mail.token, Instant::now()));
        }
    }
}

/// Searches for each token until it is found.
fn watch(client: &mut http::Client, probes: &Receiver<(String, Instant)>) -> Outcome<Latencies> {
    let mut latencies = Latencies::default();
    for (token, since) in probes {
        let path = format!("/api/v1/search?limit=1&q={}", query_value(&token));
        while client.get_json(&path)?["total"].as_u64() == Some(0) {
            std::thread::sleep(PROBE_PAUSE);
        }
        latencies.add(since.elapsed());
    }
    Ok(latencies)
}
