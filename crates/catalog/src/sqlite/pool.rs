use std::fs::{File, OpenOptions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::fault;
use crate::CatalogError;

/// How long a call waits for another process that writes.
const BUSY_SECONDS_MAX: u64 = 30;

/// Connections that read at the same time; further readers wait.
const READERS_MAX: usize = 8;

/// Prepared statements that each connection keeps.
const STATEMENTS_MAX: usize = 128;

/// Pages that the writer and a reader keep, in KiB (negative for SQLite's `cache_size`).
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// How far the log grows before it is written into the database, in pages of 4 KiB: each batch
/// changes pages all over the indexes, mostly the same ones, and they are copied once per span.
const LOG_PAGES: i64 = 16 * 1024;

/// The log is cut back to this size after a long reader let it grow.
const LOG_BYTES_MAX: i64 = 128 * 1024 * 1024;

/// Makes an empty file that only its owner may read: subjects and password hashes go into it.
/// SQLite gives its log the same permissions.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn open_writer(path: &Path) -> Result<Connection, CatalogError> {
    let error = fault(path);
    match create(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            return Err(CatalogError::Open { path: path.to_owned(), source: Box::new(source) });
        }
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&error)?;
    prepare(&connection, WRITER_CACHE_KIB).map_err(&error)?;
    // FULL: a committed transaction survives a power cut, also in WAL mode. What is deleted is
    // overwritten: nothing of a mail that was disposed of stays in free pages.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
        )
        .map_err(&error)?;
    connection
        .pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))
        .map_err(&error)?;
    connection
        .pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_MAX, |_| Ok(()))
        .map_err(&error)?;
    Ok(connection)
}

fn open_reader(path: &Path) -> Result<Connection, CatalogError> {
    let error = fault(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&error)?;
    prepare(&connection, READER_CACHE_KIB).map_err(&error)?;
    connection.pragma_update(None, "query_only", true).map_err(&error)?;
    // A kept statement keeps its plan: without this it is compiled again whenever a value that a
    // partial index might be compared with changes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(&error)?;
    Ok(connection)
}

fn prepare(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)
}

/// Readers, opened when needed and kept.
pub(super) struct Readers {
    path: PathBuf,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes a reader; waits while all [`READERS_MAX`] are in use.
    pub(super) fn take(&self) -> Result<Reader<'_>, CatalogError> {
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(Reader { readers: self, connection: Some(connection) });
            }
            if state.open < READERS_MAX {
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.open += 1;
        drop(state);
        match open_reader(&self.path) {
            Ok(connection) => Ok(Reader { readers: self, connection: Some(connection) }),
            Err(error) => {
                self.lock().open -= 1;
                self.returned.notify_one();
                Err(error)
            }
        }
    }

    // The state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan; goes back when dropped.
pub(super) struct Reader<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // Proof: only `drop` takes the connection out.
        self.connection.as_ref().expect("present until dropped")
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        // Proof: only `drop` takes the connection out.
        self.connection.as_mut().expect("present until dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.lock().idle.push(connection);
            self.readers.returned.notify_one();
        }
    }
}
