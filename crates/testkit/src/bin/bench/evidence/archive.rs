//! An archive without a server: mail goes into vault and catalog as the pipeline puts it there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use catalog::{Batch, Catalog, NewPart, NewRecord, Outcome as Known, Tenant};
use evidence::TrustAnchors;
use ledger::{Asked, Authority as Ask, How, Ledger};
use model::{
    ContentId, Digest, HeaderRules, RecordFacts, RecordId, ReportFacts, Shape, Source, SourceId,
    TenantId, Timestamp,
};
use store::{
    Composed, MasterKey, Octets, Vault, VaultOptions, compose_delivery, compose_record,
    compose_report,
};
use testkit::authority::{Authority, has_authority};
use testkit::demo::Profile;

use super::ensure;
use crate::Outcome;
use crate::corpus::Corpus;
use crate::figures::{heading, line};

pub const TENANT: TenantId = TenantId::from_bytes([7; 16]);
/// Reports that are made durable together.
const BATCH: usize = 512;

pub struct Archive {
    pub folder: PathBuf,
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub authority: Authority,
    /// Distinct mails, in the order of their ids.
    pub records: Vec<RecordId>,
    /// Submissions, each an event of the ledger.
    pub deliveries: usize,
    /// Of all reports.
    pub octets: u64,
}

struct Openssl<'a>(&'a Authority);

impl Ask for Openssl<'_> {
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.0.reply(request, None))
    }
}

/// A report as it was examined.
struct Examined {
    octets: Vec<u8>,
    mail: Vec<u8>,
    facts: RecordFacts,
    json: Vec<u8>,
}

impl Archive {
    /// Archives journal reports of the demo company, anew each time.
    pub fn fill(folder: &Path, count: usize) -> Outcome<Self> {
        heading(&format!("evidence: an archive of {count} journal reports"));
        ensure(has_authority(), "openssl is missing")?;
        let corpus = Corpus::make(folder, Profile::ListMail, count)?;
        let folder = folder.join("evidence");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let key = MasterKey::open_or_create(&folder.join("master.key"), &folder.join("vault"))?;
        let vault = Vault::open(&folder.join("vault"), &key, VaultOptions::default())?;
        vault.create_tenant(TENANT, b"{}")?;
        let catalog = catalog::open(&format!("sqlite:{}", folder.join("catalog").display()))?;
        catalog.add_tenant(&Tenant::new(TENANT, "Bench", now()))?;
        let authority = Authority::make(&folder.join("authority"), "ec:P-256");
        let (vault, octets) = (Arc::new(vault), corpus.octets);
        let (records, deliveries) = (Vec::new(), count);
        let mut archive = Self { folder, vault, catalog, authority, records, deliveries, octets };
        let begun = Instant::now();
        let mut batch = Vec::with_capacity(BATCH);
        let mut went = Ok(());
        corpus.read(|mail| {
            batch.push(mail.octets);
            if batch.len() == BATCH {
                went = archive.add(std::mem::take(&mut batch));
            }
            went.is_ok()
        })?;
        went?;
        archive.add(batch)?;
        // A report that came twice, octet by octet, is no event.
        archive.deliveries = archive.catalog.max_seq(TENANT)? as usize;
        archive.records.sort_unstable();
        archive.records.dedup();
        let (mails, took) = (archive.records.len(), begun.elapsed().as_secs_f64());
        line(
            "archived",
            &format!("{mails} mails by {count} reports, {octets} octets, {took:.1} s"),
        );
        Ok(archive)
    }

    fn add(&mut self, batch: Vec<Vec<u8>>) -> Outcome<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let examined = on_all_cores(&batch, |octets| Ok(Examined::of(octets.clone())))?;
        let facts: Vec<&RecordFacts> = examined.iter().map(|it| &it.facts).collect();
        let known = self.catalog.foresee(TENANT, &facts)?;
        let tasks: Vec<(&Examined, Known)> = examined.iter().zip(known).collect();
        let vault = &self.vault;
        let sealed = on_all_cores(&tasks, |(examined, known)| {
            let (composed, summary) = examined.compose(*known);
            let entries = composed.parts.iter().map(store::NewPart::entry);
            let entries = entries.chain([composed.entry()]);
            let sealed: Vec<store::Sealed> =
                entries.map(|it| vault.seal(TENANT, &it)).collect::<Result<_, _>>()?;
            Ok((composed.parts, sealed, summary))
        })?;
        let all: Vec<store::Sealed> =
            sealed.iter().flat_map(|(_, sealed, _)| sealed.iter().cloned()).collect();
        let mut places = self.vault.append(TENANT, &all)?.into_iter();
        let mut row = Batch { at: now(), ..Batch::default() };
        for ((examined, known), (parts, _, summary)) in tasks.iter().zip(sealed) {
            for part in parts {
                let location = places.next().ok_or("the vault forgot a part")?;
                row.parts.push(NewPart { content: part.content, location });
            }
            let location = places.next().ok_or("the vault forgot an entry")?;
            self.records.push(examined.facts.record);
            row.records.push(NewRecord {
                facts_digest: Digest::of(&examined.json),
                summary,
                date: now(),
                location,
                whole: *known == Known::New,
                facts: examined.facts.clone(),
            });
        }
        self.catalog.commit(TENANT, &row)?;
        Ok(())
    }

    /// Seals everything; says how long it took.
    pub fn seal(&self) -> Outcome<()> {
        let anchors = TrustAnchors::from_pem(&self.authority.read("root.pem"))?;
        let (openssl, ledger) = (Openssl(&self.authority), self.ledger());
        let asked = [Asked { name: "test", authority: &openssl, anchors: &anchors, policy: None }];
        let how = How::Stamp {
            authorities: &asked,
            nonce: &|| 7,
            require_revocation: false,
            double: false,
        };
        let begun = Instant::now();
        let mut last = 0;
        while let Some(sealed) = ledger.seal(TENANT, now(), &how)? {
            last = sealed.last_seq;
        }
        let took = begun.elapsed().as_secs_f64();
        ensure(last == self.deliveries as u64, "not every event was sealed")?;
        let rate = last as f64 / took;
        line("sealed, facts read from the vault", &format!("{took:>8.2} s  {rate:.0} events/s"));
        Ok(())
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(Arc::clone(&self.vault), Arc::clone(&self.catalog))
    }
}

impl Examined {
    fn of(octets: Vec<u8>) -> Self {
        let examined = mail::examine(&octets, &HeaderRules::default(), None);
        let mail = examined.mail(&octets).to_vec();
        let content = ContentId::of(&mail);
        let is_report = examined.shape == Shape::JournalReport;
        let facts = RecordFacts {
            format: 1,
            record: RecordId::of(TENANT, content),
            content,
            size_bytes: mail.len() as u64,
            decrypted: None,
            report: is_report.then(|| ReportFacts {
                content: ContentId::of(&octets),
                size_bytes: octets.len() as u64,
                report: examined.report.clone(),
            }),
            shape: examined.shape,
            received_at: now(),
            source: Source::Smtp { id: SourceId::from_bytes([1; 16]) },
            envelope: None,
            participants: examined.participants.clone(),
            marks: examined.marks.clone(),
        };
        // Strings and numbers: they always have a JSON form.
        let json = serde_json::to_vec(&facts).unwrap_or_default();
        Self { octets, mail, facts, json }
    }

    fn compose(&self, known: Known) -> (Composed, model::Summary) {
        let view = mail::describe(&self.mail);
        let content = self.facts.content;
        let mail = Octets { octets: &self.mail, content, encoded_parts: &view.encoded_parts };
        let report = self.facts.report.as_ref().map(|report| Octets {
            octets: &self.octets,
            content: report.content,
            encoded_parts: &[],
        });
        let composed = match (known, report) {
            (Known::New, report) => {
                compose_record(&self.json, mail, None, report.map(|it| (it, &[][..])))
            }
            (Known::Merged, Some(report)) => compose_report(&self.json, mail, None, (report, &[])),
            _ => compose_delivery(&self.json, content),
        };
        (composed, view.summary)
    }
}

/// Results in the order of the items.
fn on_all_cores<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Outcome<T> + Sync,
) -> Outcome<Vec<T>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Outcome<Vec<T>>>()))
            .collect();
        let mut all = Vec::with_capacity(items.len());
        for worker in workers {
            all.extend(worker.join().map_err(|_| "a thread panicked")??);
        }
        Ok(all)
    })
}

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_seconds(since.map_or(0, |since| since.as_secs() as i64))
}
