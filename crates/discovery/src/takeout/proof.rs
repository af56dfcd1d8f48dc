use std::path::PathBuf;

use ledger::{Ledger, Standing};
use model::{RecordId, Timestamp};
use policy::Scope;

use super::{Exporter, Takeout, zip_folder};
use crate::page::eml_name;
use crate::{Discovery, Download, Error, Result, disclosure};

/// How one submission of a mail is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenDelivery {
    pub seq: u64,
    pub received_at: Timestamp,
    /// `None`: it waits for the next batch.
    pub standing: Option<Standing>,
}

/// What proves a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailEvidence {
    /// In the order of the ledger, at least one; the first one brought the mail.
    pub deliveries: Vec<ProvenDelivery>,
    /// Whether the scope may have the proof itself: it names all recipients.
    pub disclosed: bool,
}

impl Discovery {
    /// How a mail is proven; `None`: it does not exist for the scope. Of other submissions than the
    /// first only those who see everything know.
    ///
    /// # Errors
    /// Of catalog and vault.
    pub fn evidence(
        &self,
        ledger: &Ledger,
        scope: &Scope,
        id: RecordId,
    ) -> Result<Option<MailEvidence>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let stored = &detail.stored;
        let disclosed = disclosure::envelope(scope, stored);
        let shown = if disclosed { stored.deliveries.len() } else { 1 };
        let mut deliveries = Vec::with_capacity(shown);
        for delivery in stored.deliveries.iter().take(shown) {
            let standing = ledger.standing(scope.tenant(), delivery.seq)?;
            let (seq, received_at) = (delivery.seq, delivery.received_at);
            deliveries.push(ProvenDelivery { seq, received_at, standing });
        }
        Ok(Some(MailEvidence { deliveries, disclosed }))
    }
}

impl Takeout {
    /// An export of this one mail as a zip file: what `chancery-verify` and `openssl ts` check.
    /// `None`: it does not exist for the scope, the scope may not know all recipients, or it is not
    /// sealed yet.
    ///
    /// # Errors
    /// Of catalog and vault; files that cannot be written.
    pub fn proof(
        &self,
        discovery: &Discovery,
        scope: &Scope,
        id: RecordId,
        (now, product): (Timestamp, &str),
    ) -> Result<Option<Download>> {
        let Some(detail) = self.catalog.record(scope, id)? else { return Ok(None) };
        let scratch = Scratch(self.folder.join(format!("proof-{}", hex((self.draw)()))));
        let (ledger, go_on) = (&*self.ledger, &|_| true);
        let readings = false;
        let exporter = Exporter { discovery, ledger, scope, now, product, readings, go_on };
        let folder = scratch.0.join("proof");
        let out = exporter.proven(&[id], &folder)?;
        if out.mails == 0 && out.damaged.is_empty() {
            return Ok(None);
        }
        let zip = scratch.0.join("proof.zip");
        zip_folder(&folder, &zip, &|| true).map_err(Error::Files)?;
        let octets = std::fs::read(&zip).map_err(Error::Files)?;
        let subject = eml_name(&detail.stored.list.subject);
        let name = format!("{}.zip", subject.trim_end_matches(".eml"));
        Ok(Some(Download { name, octets }))
    }
}

/// A folder that goes with whoever made it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed an hour later (`remove_strangers`).
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hex(bytes: Option<[u8; 16]>) -> String {
    bytes.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}
