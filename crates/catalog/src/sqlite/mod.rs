//! The engine for one machine: one SQLite database in WAL mode, one writer, several readers.

mod access;
mod accounts;
mod addresses;
mod audit;
mod carry;
mod changes;
mod codes;
mod commit;
mod directories;
mod directory_changes;
mod disposal;
mod dispose;
mod domains;
mod evidence;
mod factors;
mod fault;
mod fetches;
mod foresee;
mod grants;
mod groups;
mod history;
mod intern;
mod jobs;
mod ledger;
mod mail_jobs;
mod matters;
mod operation;
mod people;
mod pool;
mod quarantine;
mod reads;
mod records;
mod removal;
mod retained;
mod retention;
mod schema;
mod sessions;
mod sign_in;
mod sources;
mod tally;
mod tenants;
mod tokens;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::TenantId;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::{Catalog, CatalogError};
use fault::{Abort, Fault, fault};
use intern::Interned;
use pool::{Readers, open_writer};
pub use schema::VERSION as SCHEMA_VERSION;

/// Findings that [`Catalog::integrity_check`] lists at most.
const FINDINGS_MAX: usize = 1_000;

pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Readers,
    audited: operation::Audited,
}

/// The one connection that writes, with the address rows that it knows by heart.
struct Writer {
    connection: Connection,
    interned: Interned,
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let mut connection = open_writer(path)?;
        schema::migrate(&mut connection, path)?;
        let writer = Mutex::new(Writer { connection, interned: Interned::default() });
        Ok(Self {
            path: path.to_owned(),
            writer,
            readers: Readers::new(path.to_owned()),
            audited: operation::Audited::default(),
        })
    }

    /// Runs `work` in one write transaction; an error undoes all of it.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &mut Interned) -> Result<T, Abort>,
    ) -> Result<T, CatalogError> {
        let error = fault(&self.path);
        let mut guard = self.lock();
        let Writer { connection, interned } = &mut *guard;
        // A panic in the middle must not leave rows in memory that were rolled back on disk.
        let mut known = std::mem::take(interned);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&error)?;
        let value = work(&transaction, &mut known).map_err(|abort| abort.at(&self.path))?;
        transaction.commit().map_err(&error)?;
        *interned = known;
        Ok(value)
    }

    /// Runs `work` on one consistent state of the database.
    fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Abort>,
    ) -> Result<T, CatalogError> {
        let error = fault(&self.path);
        let mut reader = self.readers.take()?;
        let transaction = reader.transaction().map_err(&error)?;
        work(&transaction).map_err(|abort| abort.at(&self.path))
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tenant's row; foreign keys use it.
fn find_tenant(db: &Connection, id: TenantId) -> Result<Option<i64>, Fault> {
    db.prepare_cached("SELECT row FROM tenant WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()
}

fn tenant_row(db: &Connection, id: TenantId) -> Result<i64, Abort> {
    Ok(find_tenant(db, id)?.ok_or(CatalogError::NotFound("the tenant"))?)
}

/// What it means that `target` cannot be written.
fn refused(target: &Path) -> impl Fn(io::Error) -> CatalogError + '_ {
    |source| match source.kind() {
        io::ErrorKind::AlreadyExists => CatalogError::Exists { path: target.to_owned() },
        _ => CatalogError::Open { path: target.to_owned(), source: Box::new(source) },
    }
}

impl Catalog for Sqlite {
    fn integrity_check(&self) -> Result<Vec<String>, CatalogError> {
        self.read(|db| {
            let mut findings: Vec<String> = db
                .prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            findings.retain(|line| line != "ok");
            let mut statement = db.prepare("PRAGMA foreign_key_check")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                findings.push(format!("a row of {table} refers to a missing row of {parent}"));
                if findings.len() >= FINDINGS_MAX {
                    break;
                }
            }
            Ok(findings)
        })
    }

    fn backup(&self, target: &Path) -> Result<(), CatalogError> {
        let text = target.to_str().ok_or(CatalogError::Invalid("the path of the backup"))?;
        let refused = refused(target);
        let file = pool::create(target).map_err(&refused)?;
        // A connection of its own: readers may not write, not even into another file.
        let connection = open_writer(&self.path)?;
        connection.execute("VACUUM INTO ?1", [text]).map_err(fault(target))?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::File::open(folder.unwrap_or(Path::new(".")));
        file.sync_all().and_then(|()| folder?.sync_all()).map_err(refused)
    }

    fn carry_over(&self, from: &Path) -> Result<(), CatalogError> {
        self.take_over(from)
    }

    fn stored_bytes(&self) -> Result<u64, CatalogError> {
        let size = |suffix: &str| {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            fs::metadata(path).map_or(0, |metadata| metadata.len())
        };
        Ok(size("") + size("-wal") + size("-shm"))
    }
}

#[cfg(test)]
mod tests;
