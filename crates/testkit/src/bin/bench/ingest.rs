//! `ingest`: reports over SMTP with STARTTLS until all are archived and searchable.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use testkit::http::{self, query_value};
use testkit::smtp::{Client, Content, Security};

use crate::Outcome;
use crate::corpus::{Corpus, Mail};
use crate::figures::{Latencies, heading, line, usage};
use crate::house::House;

const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// Every so many mails one is searched for until it is found.
const PROBE_EVERY: usize = 97;
const PROBE_PAUSE: Duration = Duration::from_millis(10);

pub fn run(name: &str, corpus: &Corpus, house: &mut House, connections: usize) -> Outcome<()> {
    heading(&format!("ingest, {name}: {} reports, {connections} connections", corpus.count));
    let (_, cpu_before) = usage(house.pid());
    let (queue, mails) = sync_channel::<Mail>(connections * 2);
    let mails = Mutex::new(mails);
    let (probes, probe) = sync_channel::<(String, Instant)>(1);
    let mut searcher = house.client("auditor")?;
    let security = Security::any_certificate();
    let journal = house.journal.as_str();
    let smtp = house.smtp;
    let started = Instant::now();
    let (sent, mut visible) = std::thread::scope(|scope| -> Outcome<(Duration, Latencies)> {
        let probing = scope.spawn(move || watch(&mut searcher, &probe));
        let (mails, security) = (&mails, &security);
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
        corpus.read(|mail| queue.send(mail).is_ok())?;
        drop(queue);
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        let sent = started.elapsed();
        drop(probes);
        let visible = probing.join().map_err(|_| "the searcher panicked")??;
        Ok((sent, visible))
    })?;
    let status = house.settle(LIMIT)?;
    let seconds = started.elapsed().as_secs_f64();
    let (peak, cpu) = usage(house.pid());
    let megabytes = corpus.octets as f64 / 1e6;
    line("accepted", &format!("{:>8.0}/s", corpus.count as f64 / sent.as_secs_f64()));
    line(
        "archived and searchable",
        &format!("{:>8.0}/s  {:>7.1} MB/s", corpus.count as f64 / seconds, megabytes / seconds),
    );
    line(
        "250 to found, ms",
        &format!(
            "p50 {:.0}  p95 {:.0}  max {:.0}  ({} mails)",
            visible.percentile(50),
            visible.percentile(95),
            visible.percentile(100),
            visible.count()
        ),
    );
    line(
        "server",
        &format!(
            "peak {peak:.0} MB, {:.2} CPU-ms a mail",
            (cpu - cpu_before) * 1e3 / corpus.count as f64
        ),
    );
    line("archive", &status["archive"].to_string());
    Ok(())
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
