use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::{Fault, fault};
use crate::CatalogError;

/// The steps from an empty file to today's schema; a database at version n lacks those from n on.
/// A step that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("0002_people.sql"),
    include_str!("0003_tenants.sql"),
    include_str!("0004_directories.sql"),
    include_str!("0005_sign_in.sql"),
    include_str!("0006_operation.sql"),
    include_str!("0007_ledger.sql"),
    include_str!("0008_fetch.sql"),
    include_str!("0009_retention.sql"),
    include_str!("0010_holds.sql"),
    include_str!("0011_ledger_events.sql"),
    include_str!("0012_recount.sql"),
    include_str!("0013_fetch_left.sql"),
];

pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the schema up to date, each step in its own transaction: a crash leaves a whole version.
/// Steps may replace tables that others refer to: keys are checked at each step's end instead
/// (<https://www.sqlite.org/lang_altertable.html#otheralter>).
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), CatalogError> {
    let error = fault(path);
    connection.pragma_update(None, "foreign_keys", false).map_err(&error)?;
    let migrated = steps(connection, path);
    connection.pragma_update(None, "foreign_keys", true).map_err(&error)?;
    migrated
}

fn steps(connection: &mut Connection, path: &Path) -> Result<(), CatalogError> {
    let error = fault(path);
    loop {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&error)?;
        let found: u32 = transaction
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(&error)?;
        if found > VERSION {
            return Err(CatalogError::NewerSchema { path: path.to_owned(), found, known: VERSION });
        }
        let Some(step) = MIGRATIONS.get(found as usize) else { return Ok(()) };
        if found == 0 && !is_empty(&transaction).map_err(&error)? {
            let detail = "the file is another program's database".to_owned();
            return Err(CatalogError::Corrupt { path: path.to_owned(), detail });
        }
        transaction.execute_batch(step).map_err(&error)?;
        if found > 0 && breaks_keys(&transaction).map_err(&error)? {
            let detail = format!("rows refer to missing rows after schema step {}", found + 1);
            return Err(CatalogError::Corrupt { path: path.to_owned(), detail });
        }
        transaction.pragma_update(None, "user_version", found + 1).map_err(&error)?;
        transaction.commit().map_err(&error)?;
    }
}

fn is_empty(connection: &Connection) -> Result<bool, Fault> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn breaks_keys(connection: &Connection) -> Result<bool, Fault> {
    connection.prepare("PRAGMA foreign_key_check")?.exists([])
}
