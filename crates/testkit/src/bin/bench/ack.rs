//! `ack`: from the last octet of a small mail to its `250`, and how many there are in a second;
//! against a bare write and fsync shared by as many waiters.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use testkit::smtp::{Client, Content, Security};

use crate::figures::{Latencies, heading, line};
use crate::house::House;
use crate::{Arguments, Outcome};

const SENDERS: [usize; 3] = [1, 16, 256];
const SECONDS: u64 = 8;
const MAIL_BYTES: usize = 2_000;
/// The file of the floor; written over from its start when full.
const FLOOR_BYTES: usize = 256 << 20;

pub fn run(arguments: &Arguments) -> Outcome<()> {
    heading("ack: small mails, senders that wait for 250");
    let house = House::open(&arguments.chancery, &arguments.folder, "ack")?;
    for senders in SENDERS {
        let (count, mut floor) = group_commit(&arguments.folder, senders)?;
        report(&format!("{senders} waiters, write + fsync"), count, &mut floor);
        let (count, mut measured) = deliver(&house, senders)?;
        report(&format!("{senders} senders, STARTTLS"), count, &mut measured);
        house.settle(Duration::from_secs(600))?;
    }
    house.close()
}

fn report(name: &str, per_second: f64, latencies: &mut Latencies) {
    line(
        name,
        &format!(
            "{per_second:>8.0}/s   ms: p50 {:>7.2}  p95 {:>7.2}  p99 {:>7.2}",
            latencies.percentile(50),
            latencies.percentile(95),
            latencies.percentile(99)
        ),
    );
}

fn mail(sender: usize, number: usize) -> Vec<u8> {
    let mut octets = format!(
        "From: a@musterbau.example\r\nTo: b@musterbau.example\r\nSubject: {sender}-{number}\r\n\
         Message-ID: <{sender}.{number}@bench.example>\r\n\r\n"
    )
    .into_bytes();
    while octets.len() < MAIL_BYTES {
        octets.extend_from_slice(b"The quick brown fox jumps over the lazy dog. ");
    }
    octets.extend_from_slice(b"\r\n");
    octets
}

fn deliver(house: &House, senders: usize) -> Outcome<(f64, Latencies)> {
    let security = Security::any_certificate();
    let clients: Vec<Client> =
        (0..senders).map(|_| Client::connect(house.smtp, &security)).collect::<Result<_, _>>()?;
    let started = Instant::now();
    let deadline = started + Duration::from_secs(SECONDS);
    let journal = house.journal.as_str();
    let work = |sender: usize, mut client: Client| -> Result<Latencies, testkit::smtp::Error> {
        let mut latencies = Latencies::default();
        while Instant::now() < deadline {
            let octets = mail(sender, latencies.count());
            let begun = Instant::now();
            client.send("a@musterbau.example", &[journal], &octets, &Content::Bdat(Vec::new()))?;
            latencies.add(begun.elapsed());
        }
        client.quit();
        Ok(latencies)
    };
    let mut all = Latencies::default();
    std::thread::scope(|scope| -> Outcome<()> {
        let work = &work;
        let threads: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(sender, client)| scope.spawn(move || work(sender, client)))
            .collect();
        for thread in threads {
            all.append(thread.join().map_err(|_| "a sender panicked")??);
        }
        Ok(())
    })?;
    Ok((all.count() as f64 / started.elapsed().as_secs_f64(), all))
}

/// The least that durability costs: waiters hand in their octets, one of them writes and syncs
/// for all that have come meanwhile.
struct Group {
    state: Mutex<GroupState>,
    done: Condvar,
}

struct GroupState {
    waiting: Vec<u8>,
    /// Batches begun and batches durable.
    begun: u64,
    durable: u64,
    writing: bool,
}

fn group_commit(folder: &Path, waiters: usize) -> Outcome<(f64, Latencies)> {
    let path = folder.join("group.probe");
    // Room beforehand, as the spool makes it: then a sync has no growth of the file to record.
    let file = std::fs::File::create(&path)?;
    (&file).write_all(&vec![0; FLOOR_BYTES])?;
    file.sync_all()?;
    (&file).rewind()?;
    let state = GroupState { waiting: Vec::new(), begun: 0, durable: 0, writing: false };
    let group = Group { state: Mutex::new(state), done: Condvar::new() };
    let started = Instant::now();
    let deadline = started + Duration::from_secs(SECONDS / 2);
    let octets = mail(0, 0);
    let work = || -> std::io::Result<Latencies> {
        let mut latencies = Latencies::default();
        while Instant::now() < deadline {
            let begun = Instant::now();
            group.append(&file, &octets)?;
            latencies.add(begun.elapsed());
        }
        Ok(latencies)
    };
    let mut all = Latencies::default();
    std::thread::scope(|scope| -> Outcome<()> {
        let threads: Vec<_> = (0..waiters).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            all.append(thread.join().map_err(|_| "a waiter panicked")??);
        }
        Ok(())
    })?;
    std::fs::remove_file(path)?;
    Ok((all.count() as f64 / started.elapsed().as_secs_f64(), all))
}

fn write_over(mut file: &std::fs::File, batch: &[u8]) -> std::io::Result<()> {
    if file.stream_position()? + batch.len() as u64 > FLOOR_BYTES as u64 {
        file.seek(SeekFrom::Start(0))?;
    }
    file.write_all(batch)?;
    file.sync_data()
}

impl Group {
    fn append(&self, file: &std::fs::File, octets: &[u8]) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.extend_from_slice(octets);
        let mine = state.begun + 1;
        while state.durable < mine {
            if state.writing {
                state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.writing = true;
            state.begun += 1;
            let batch = std::mem::take(&mut state.waiting);
            drop(state);
            let result = write_over(file, &batch);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.writing = false;
            state.durable = state.begun;
            self.done.notify_all();
            result?;
        }
        Ok(())
    }
}
