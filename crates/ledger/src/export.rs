use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evidence::EvidenceRecord;
use evidence::export::{
    ANCHORS, ExportedDelivery, ExportedMail, FORMAT, MANIFEST, Manifest, README, SUMS, batch_path,
    delivery_path, last_token, mail_path, readme, sums_line,
};
use model::{Digest, RecordId, TenantId, Timestamp};

use crate::{Ledger, LedgerError, Proofs, Result, Seal, SealedBatch};

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
}

/// A folder that is being filled.
struct Target<'a> {
    folder: &'a Path,
    sums: BTreeMap<String, Digest>,
    /// Batches that mails were proven with, by number: the last ones.
    proofs: BTreeMap<u64, Proofs>,
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
    /// ledger can be followed. Not durable before the caller syncs it.
    ///
    /// # Errors
    /// [`LedgerError::NotSealed`], [`LedgerError::UnknownRecord`]; damage in the vault; a folder that
    /// cannot be written to.
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
        let mut target = Target { folder, sums: BTreeMap::new(), proofs: BTreeMap::new() };
        let mut mails = Vec::new();
        let mut concerned = BTreeSet::new();
        let unique: BTreeSet<RecordId> = export.records.iter().copied().collect();
        for record in unique {
            if !go_on(mails.len() as u64) {
                return Ok(None);
            }
            mails.push(self.export_mail(export.tenant, record, &mut concerned, &mut target)?);
        }
        let first = concerned.first().copied().unwrap_or(1);
        let last = concerned.last().copied().unwrap_or(1);
        let manifest = Manifest {
            format: FORMAT,
            tenant: export.tenant,
            exported_at: export.now,
            product: export.product.to_owned(),
            first_batch: first,
            last_batch: last,
            complete: false,
            mails,
        };
        let batches = self.export_batches(export.tenant, first, last, &mut target)?;
        let stamps: Vec<(&evidence::ledger::Batch, &EvidenceRecord)> = batches
            .iter()
            .filter_map(|sealed| match &sealed.seal {
                Seal::Stamped(record) => Some((&sealed.batch, record)),
                Seal::Local(_) => None,
            })
            .collect();
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
            let octets = self.octets(tenant, seq, delivery.location)?;
            let objects = octets.objects()?;
            concerned.insert(batch);
            let proofs = target.proofs.get(&batch).ok_or(LedgerError::NotSealed(seq))?;
            if let Some(evidence) = proofs.evidence(seq, &objects)? {
                let path = delivery_path(record, "evidence", place, "ers");
                target.write(path, &evidence.to_der())?;
            }
            target.write(mail_path(record, "mail.eml"), &octets.mail)?;
            if let Some(decrypted) = &octets.decrypted {
                target.write(delivery_path(record, "decrypted", place, "eml"), decrypted)?;
            }
            target.write(delivery_path(record, "facts", place, "json"), &octets.json)?;
            if let Some(report) = &octets.report {
                target.write(delivery_path(record, "report", place, "eml"), report)?;
            }
            let (decrypted, report) = (octets.decrypted.is_some(), octets.report.is_some());
            mail.deliveries.push(ExportedDelivery { seq, batch, decrypted, report });
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
        tenant: TenantId,
        first: u64,
        last: u64,
        target: &mut Target<'_>,
    ) -> Result<Vec<SealedBatch>> {
        let mut batches = Vec::new();
        let count = u32::try_from(last - first + 1).unwrap_or(u32::MAX);
        for row in self.catalog.sealed_batches(tenant, first - 1, count)? {
            let sealed = self.read_note(tenant, &row)?;
            let path = |ending: &str| batch_path(row.number, ending);
            target.write(path("der"), &sealed.file)?;
            target.write(path("json"), &json(&sealed.batch.summary_of(&sealed.file)))?;
            match &sealed.seal {
                Seal::Local(seal) => target.write(path("seal"), &seal.to_der())?,
                Seal::Stamped(record) => {
                    target.write(path("ers"), &record.to_der())?;
                    target.write(path("tst"), last_token(record))?;
                }
            }
            batches.push(sealed);
        }
        Ok(batches)
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    // These structures hold nothing that JSON cannot express.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
