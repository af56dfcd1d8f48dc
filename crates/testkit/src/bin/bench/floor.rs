//! The floor of `ingest`: the same mails parsed, hashed, compressed, encrypted and indexed in a
//! plain parallel loop, without a listener, a spool, a catalog or a single fsync but the index's
//! last.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use index::IndexChange;
use model::{ContentId, HeaderRules, RecordId, Source, SourceId, TenantId, Timestamp};
use store::{Embedded, EmbeddedIn, MasterKey, Octets, Vault, VaultOptions};

use crate::Outcome;
use crate::corpus::{Corpus, Mail};
use crate::figures::{heading, line};

/// Mails that one thread takes at a time.
const BATCH: usize = 64;

pub fn run(name: &str, corpus: &Corpus, folder: &Path) -> Outcome<()> {
    heading(&format!("ingest, {name}: the floor"));
    let folder = folder.join("floor");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let vault_folder = folder.join("vault");
    let key = MasterKey::open_or_create(&folder.join("master.key"), &vault_folder)?;
    let vault = Vault::open(&vault_folder, &key, VaultOptions::default())?;
    let tenant = TenantId::from_bytes([1; 16]);
    vault.create_tenant(tenant, b"{}")?;
    let url = format!("tantivy:{}", folder.join("index").display());
    let index = index::open(&url, index::Options::default())?;

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<Mail>>(threads * 2);
    let receiver = &Mutex::new(receiver);
    let (row, stored) = (AtomicU64::new(1), AtomicU64::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| -> Outcome<()> {
        let work = || -> Outcome<()> {
            loop {
                let batch = match receiver.lock().map_err(|_| "a thread panicked")?.recv() {
                    Ok(batch) => batch,
                    Err(_) => return Ok(()),
                };
                let mut changes = Vec::with_capacity(batch.len());
                for mail in &batch {
                    changes.push(one(mail, &vault, tenant, &row, &stored)?);
                }
                index.apply(tenant, changes, row.load(Ordering::Relaxed))?;
            }
        };
        let work = move || {
            let result = work();
            // After an error the others, or at last this one, empty the queue.
            while result.is_err() && receiver.lock().is_ok_and(|batches| batches.recv().is_ok()) {}
            result
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut batch = Vec::with_capacity(BATCH);
        corpus.read(|mail| {
            batch.push(mail);
            batch.len() < BATCH || sender.send(std::mem::take(&mut batch)).is_ok()
        })?;
        // The last batch; a closed channel means that a worker has failed, which `join` tells.
        let _ = sender.send(batch);
        drop(sender);
        for worker in workers {
            worker.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })?;
    index.commit(tenant)?;
    let seconds = started.elapsed().as_secs_f64();
    line(
        &format!("{} mails, {threads} threads", corpus.count),
        &format!(
            "{:>8.0}/s  {:>7.1} MB/s  sealed to {:.3} of raw",
            corpus.count as f64 / seconds,
            corpus.octets as f64 / 1e6 / seconds,
            stored.into_inner() as f64 / corpus.octets as f64
        ),
    );
    index.close()?;
    Ok(())
}

fn one(
    mail: &Mail,
    vault: &Vault,
    tenant: TenantId,
    row: &AtomicU64,
    stored: &AtomicU64,
) -> Outcome<IndexChange> {
    let examined = mail::examine(&mail.octets, &HeaderRules::default(), None);
    let inner = examined.mail(&mail.octets);
    let view = pipeline::view(inner, None);
    let content = ContentId::of(inner);
    let parts = mail::encoded_parts(inner);
    let embedded = match &examined.mail {
        mail::MailOctets::Range(range) => {
            vec![Embedded { what: EmbeddedIn::Mail, range: range.clone() }]
        }
        mail::MailOctets::Decoded(_) => Vec::new(),
    };
    let report =
        Octets { octets: &mail.octets, content: ContentId::of(&mail.octets), encoded_parts: &[] };
    let composed = store::compose_record(
        b"{}",
        Octets { octets: inner, content, encoded_parts: &parts },
        None,
        Some((report, &embedded)),
    );
    let mut bytes = 0;
    for part in &composed.parts {
        bytes += vault.seal(tenant, &part.entry())?.stored_bytes();
    }
    bytes += vault.seal(tenant, &composed.entry())?.stored_bytes();
    stored.fetch_add(bytes, Ordering::Relaxed);
    let row = row.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&row.to_be_bytes());
    let known = pipeline::Known {
        record: RecordId::from_bytes(id),
        row,
        received_at: Timestamp::from_seconds(1_790_000_000),
        sources: &[Source::Smtp { id: SourceId::from_bytes([2; 16]) }],
        participants: &examined.participants,
    };
    Ok(IndexChange { document: pipeline::document(&view, &known), new: true })
}
