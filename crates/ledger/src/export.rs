mod events;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evidence::export::{
    ANCHORS, DamagedEvent, ExportedDelivery, ExportedMail, FORMAT, MANIFEST, Manifest, README,
    SECOND, SUMS, TORN, batch_path, delivery_path, last_token, mail_path, readme, sums_line,
};
use evidence::{EvidenceRecord, Strand};
use model::{Digest, RecordId, TenantId, Timestamp};

use crate::{DeliveryOctets, Ledger, LedgerError, Proofs, Result, Salvaged, Seal};
use events::Range;

/// Batches that are kept in memory while mails are exported.
const PROOFS_MAX: usize = 32;

/// What an export is to hold.
pub struct Export<'a> {
    pub tenant: TenantId,
    /// In any order; each must be archived and sealed.
    pub records: &'a [RecordId],
    pub now: Timestamp,
    /// Name and version of the program.
    pub product: &'a str,
    /// Certificates of the authorities, to be found more easily; PEM.
    pub anchors: &'a [(&'a str, &'a [u8])],
    /// Which other events the exporter may see, by kind and time: their notes come with the batches.
    pub shows: &'a dyn Fn(&str, Timestamp) -> bool,
}

/// A folder that is being filled.
struct Target<'a> {
    folder: &'a Path,
    sums: BTreeMap<String, Digest>,
    /// Batches that mails were proven with, by number: the last ones.
    proofs: BTreeMap<u64, Proofs>,
    /// Of all batches so far the notes of other events are there.
    all_events: bool,
}

impl Target<'_> {
    fn write(&mut self, path: String, octets: &[u8]) -> Result<()> {
        let full = self.folder.join(&path);
        let failed = |source| LedgerError::Export { path: full.clone(), source };
        if let Some(parent) = full.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&full, octets).map_err(failed)?;
        self.sums.insert(path, Digest::of(octets));
        Ok(())
    }
}

impl Ledger {
    /// Writes an export with its evidence into `folder` (`docs/evidence.md`), which should be empty:
    /// the mails, and all batches between the first and the last that concern them, so that the
    /// ledger can be followed, with the notes of other events. What is damaged of a mail or of a note is
    /// named in the manifest, and does not end the export. Not durable before the caller syncs it.
    ///
    /// If all mails of these batches are here but those that were disposed of, the manifest says so, and
    /// the batches go on to the last deletion certificate that explains why one is not.
    ///
    /// # Errors
    /// [`LedgerError::NotSealed`], [`LedgerError::UnknownRecord`]; a batch that is damaged; a folder
    /// that cannot be written to.
    pub fn export(&self, export: &Export<'_>, folder: &Path) -> Result<Manifest> {
        let written = self.export_while(export, folder, &mut |_| true)?;
        // Nobody ended it.
        written.ok_or(LedgerError::Export {
            path: folder.to_owned(),
            source: std::io::ErrorKind::Interrupted.into(),
        })
    }

    /// [`Ledger::export`], as long as `go_on` says so: it is asked before each mail with the number
    /// of those that are written. `None`: it was ended, and what lies there is no export.
    ///
    /// # Errors
    /// As [`Ledger::export`].
    pub fn export_while(
        &self,
        export: &Export<'_>,
        folder: &Path,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<Manifest>> {
        let (sums, proofs) = (BTreeMap::new(), BTreeMap::new());
        let mut target = Target { folder, sums, proofs, all_events: true };
        let mut mails = Vec::new();
        let mut concerned = BTreeSet::new();
        let unique: BTreeSet<RecordId> = export.records.iter().copied().collect();
        for record in unique {
            if !go_on(mails.len() as u64) {
                return Ok(None);
            }
            mails.push(self.export_mail(export.tenant, record, &mut concerned, &mut target)?);
        }
        let (first, last) = (concerned.first().copied(), concerned.last().copied());
        let range = Range { first: first.unwrap_or(1), last: last.unwrap_or(1) };
        let claims = self.claims(export, range, &mails)?;
        let last_batch = claims.last_batch;
        let Batches { stamps, damaged_events } =
            self.export_batches(export, first, last_batch, &mut target)?;
        let manifest = Manifest {
            format: FORMAT,
            tenant: export.tenant,
            exported_at: export.now,
            product: export.product.to_owned(),
            first_batch: range.first,
            last_batch,
            complete: claims.complete,
            complete_until: claims.complete_until,
            all_events: target.all_events,
            damaged_events,
            mails,
        };
        let text = readme(&manifest, &stamps, &self.limits)?;
        target.write(README.to_owned(), text.as_bytes())?;
        for (name, pem) in export.anchors {
            target.write(format!("{ANCHORS}{name}.pem"), pem)?;
        }
        target.write(MANIFEST.to_owned(), &json(&manifest))?;
        let sums: String =
            target.sums.iter().map(|(path, digest)| sums_line(*digest, path)).collect();
        target.write(SUMS.to_owned(), sums.as_bytes())?;
        Ok(Some(manifest))
    }

    fn export_mail(
        &self,
        tenant: TenantId,
        record: RecordId,
        concerned: &mut BTreeSet<u64>,
        target: &mut Target<'_>,
    ) -> Result<ExportedMail> {
        let stored = self.catalog.stored(tenant, &[record])?;
        let stored = stored.first().ok_or(LedgerError::UnknownRecord(record))?;
        let mut mail = ExportedMail { record, deliveries: Vec::new() };
        for (place, delivery) in stored.deliveries.iter().enumerate() {
            let seq = delivery.seq;
            let batch = self.proofs(tenant, seq, target)?;
            concerned.insert(batch);
            let proofs = target.proofs.get(&batch).ok_or(LedgerError::NotSealed(seq))?;
            let read = self.octets(tenant, seq, delivery.location).and_then(|octets| {
                let evidence = proofs.evidence(seq, &octets.objects()?)?;
                Ok((octets, evidence))
            });
            let (files, damaged) = match read {
                Ok((octets, evidence)) => (Files::of(octets, &evidence), None),
                Err(error) if error.is_damage() => {
                    let left = self.salvage(tenant, record, delivery.location);
                    (Files::left(left), Some(error.to_string()))
                }
                Err(error) => return Err(error),
            };
            let (decrypted, report) = (files.decrypted.is_some(), files.report.is_some());
            files.write(record, place, target)?;
            mail.deliveries.push(ExportedDelivery { seq, batch, decrypted, report, damaged });
        }
        Ok(mail)
    }

    /// The number of the batch that holds `seq`; its proofs are at hand afterwards.
    fn proofs(&self, tenant: TenantId, seq: u64, target: &mut Target<'_>) -> Result<u64> {
        let held = |proofs: &Proofs| proofs.sealed().batch.leaf(seq).is_some();
        if let Some((number, _)) = target.proofs.iter().find(|(_, proofs)| held(proofs)) {
            return Ok(*number);
        }
        let proofs = self.proofs_of(tenant, seq)?.ok_or(LedgerError::NotSealed(seq))?;
        let number = proofs.sealed().batch.number;
        if target.proofs.len() >= PROOFS_MAX {
            target.proofs.pop_first();
        }
        target.proofs.insert(number, proofs);
        Ok(number)
    }

    fn export_batches(
        &self,
        export: &Export<'_>,
        first: Option<u64>,
        last: u64,
        target: &mut Target<'_>,
    ) -> Result<Batches> {
        let mut written = Batches::default();
        let Some(first) = first else { return Ok(written) };
        for number in first..=last {
            let row = self.catalog.sealed_batches(export.tenant, number - 1, 1)?;
            let row = row.into_iter().find(|row| row.number == number);
            let sealed =
                self.read_note(export.tenant, &row.ok_or(LedgerError::NotTheBatch(number))?)?;
            let path = |ending: &str| batch_path(number, ending);
            target.write(path("der"), &sealed.file)?;
            target.write(path("json"), &json(&sealed.batch.summary_of(&sealed.file)))?;
            self.export_events(export, &sealed.batch, &mut written.damaged_events, target)?;
            match sealed.seal {
                Seal::Local(seal) => target.write(path("seal"), &seal.to_der())?,
                Seal::Stamped(strands) => {
                    for (place, Strand { record, .. }) in strands.into_iter().enumerate() {
                        let before = if place == 0 { "" } else { SECOND };
                        target.write(path(&format!("{before}ers")), &record.to_der())?;
                        target.write(path(&format!("{before}tst")), last_token(&record))?;
                        written.stamps.push((path(&format!("{before}tst")), record));
                    }
                }
            }
        }
        Ok(written)
    }
}

/// What was written of the batches.
#[derive(Default)]
struct Batches {
    /// Where the last tokens are, and their evidence records.
    stamps: Vec<(String, EvidenceRecord)>,
    /// Events whose notes are not readable.
    damaged_events: Vec<DamagedEvent>,
}

/// The files of one delivery.
struct Files {
    mail: Option<Vec<u8>>,
    torn: Option<Vec<u8>>,
    decrypted: Option<Vec<u8>>,
    facts: Option<Vec<u8>>,
    report: Option<Vec<u8>>,
    /// One for each authority.
    evidence: Vec<Vec<u8>>,
}

impl Files {
    fn of(octets: DeliveryOctets, evidence: &[EvidenceRecord]) -> Self {
        Self {
            mail: Some(octets.mail),
            torn: None,
            decrypted: octets.decrypted,
            facts: Some(octets.json),
            report: octets.report,
            evidence: evidence.iter().map(EvidenceRecord::to_der).collect(),
        }
    }

    fn left(left: Salvaged) -> Self {
        let Salvaged { json, mail, decrypted, report, torn } = left;
        Self { mail, torn, decrypted, facts: json, report, evidence: Vec::new() }
    }

    fn write(self, record: RecordId, place: usize, target: &mut Target<'_>) -> Result<()> {
        let of_delivery = |name, ending: &str| delivery_path(record, name, place, ending);
        let mut evidence = self.evidence.into_iter();
        let files = [
            (mail_path(record, "mail.eml"), self.mail),
            (mail_path(record, TORN), self.torn),
            (of_delivery("decrypted", "eml"), self.decrypted),
            (of_delivery("facts", "json"), self.facts),
            (of_delivery("report", "eml"), self.report),
            (of_delivery("evidence", "ers"), evidence.next()),
            (of_delivery("evidence", &format!("{SECOND}ers")), evidence.next()),
        ];
        for (path, octets) in files {
            if let Some(octets) = octets {
                target.write(path, &octets)?;
            }
        }
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    // These structures hold nothing that JSON cannot express.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
