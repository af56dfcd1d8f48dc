//! What is left of a mail that was destroyed: its certificate of deletion, an event of the ledger.

use catalog::{Catalog, DisposedRow};
use ledger::{Ledger, Standing};
use model::{RecordId, TenantId};

use crate::Result;

/// The certificate of deletion of one mail.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub row: DisposedRow,
    /// The octets of its note in the vault, in JSON: the one data object of its leaf. `None` while
    /// the vault does not have it yet.
    pub note: Option<Vec<u8>>,
    /// `None`: it waits for the next batch.
    pub standing: Option<Standing>,
}

/// The certificate of a record that was disposed of; `None`: it was not.
///
/// # Errors
/// Of catalog and vault; a note that is damaged or tells of another event.
pub fn certificate(
    catalog: &dyn Catalog,
    ledger: &Ledger,
    tenant: TenantId,
    record: RecordId,
) -> Result<Option<Certificate>> {
    let Some(row) = catalog.disposed(tenant, &[record])?.pop() else { return Ok(None) };
    let events = catalog.ledger_events(tenant, row.seq.saturating_sub(1), 1)?;
    let event = events.into_iter().find(|event| event.seq == row.seq);
    let note = event.map(|event| ledger.note(tenant, &event)).transpose()?.flatten();
    let standing = ledger.standing(tenant, row.seq)?;
    Ok(Some(Certificate { row, note: note.map(|(_, octets)| octets), standing }))
}
