//! What a rebuild takes over from the old database: everything that is not about mail.

use std::path::Path;

use super::Sqlite;
use super::fault::fault;
use crate::CatalogError;

/// Tables that do not come from the vault, parents first.
const CARRIED: &[&str] = &[
    "tenant",
    "domain",
    "source",
    "fetch_source",
    "fetch_folder",
    "fetch_uidl",
    "fetch_left",
    "fetch_run",
    "fetch_reconciliation",
    "setting",
    "account",
    "account_address",
    "account_group",
    "group_member",
    "access_grant",
    "access_request",
    "access_concerned",
    "directory",
    "directory_entry",
    "directory_run",
    "audit",
    "history_hour",
    "history_day",
    "total_hour",
    "total_day",
    "source_figures",
    "job",
    "sealed_batch",
    "retention_set",
    "retention_suspension",
    "record_label",
    "exclusion",
    "disposal_run",
    "disposal_item",
    "disposed",
    "disposal_erasure",
    "record_floor",
    "ledger_kept",
    "ledger_reading",
    "scrub",
    "completeness_report",
    "matter",
    "legal_hold",
    "held_record",
    "mail_job",
    "mail_job_record",
    "sign_in_policy",
    "provider",
    "provider_subject",
    "totp",
    "passkey",
    "recovery_code",
    "api_token",
];

impl Sqlite {
    /// Copies tenants, sources, settings, accounts and the audit log of the database at `from`
    /// into this one, which must have none. All or nothing.
    pub(super) fn take_over(&self, from: &Path) -> Result<(), CatalogError> {
        // Brings an older schema up to date, and refuses what is no catalog.
        drop(Self::open(from)?);
        let text = from.to_str().ok_or(CatalogError::Invalid("the path of the old catalog"))?;
        let error = fault(from);
        let mut guard = self.lock();
        let db = &mut guard.connection;
        db.execute("ATTACH DATABASE ?1 AS old", [text]).map_err(&error)?;
        let copied = (|| {
            let transaction = db.transaction()?;
            for table in CARRIED {
                transaction
                    .execute(&format!("INSERT INTO main.{table} SELECT * FROM old.{table}"), [])?;
            }
            // Events that the vault does not have yet.
            let waiting = "(tenant, seq) IN
                (SELECT tenant, seq FROM old.ledger_note WHERE note IS NOT NULL)";
            for table in ["ledger_event", "ledger_note"] {
                let rows = format!("SELECT * FROM old.{table} WHERE {waiting}");
                transaction.execute(&format!("INSERT INTO main.{table} {rows}"), [])?;
            }
            // Mail that was left out is in no vault: only the old counter knows of it.
            transaction.execute(
                "INSERT INTO main.figures (tenant, not_selected)
                 SELECT tenant, not_selected FROM old.figures",
                [],
            )?;
            // Events may be numbered otherwise: everything is looked at again, and held until then.
            transaction.execute("UPDATE main.legal_hold SET through_seq = 0", [])?;
            transaction.commit()
        })();
        let detached = db.execute("DETACH DATABASE old", []);
        copied.and(detached.map(|_| ())).map_err(&error)
    }
}
