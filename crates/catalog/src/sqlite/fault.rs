use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::CatalogError;

pub(super) type Fault = rusqlite::Error;

/// Why a transaction was given up.
pub(super) enum Abort {
    Fault(Fault),
    Refused(CatalogError),
}

impl From<Fault> for Abort {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<CatalogError> for Abort {
    fn from(error: CatalogError) -> Self {
        Self::Refused(error)
    }
}

impl Abort {
    pub(super) fn at(self, path: &Path) -> CatalogError {
        match self {
            Self::Fault(error) => fault(path)(error),
            Self::Refused(error) => error,
        }
    }
}

/// Says what an error of the database means for the caller.
pub(super) fn fault(path: &Path) -> impl Fn(Fault) -> CatalogError + '_ {
    move |error| {
        let path = path.to_owned();
        match &error {
            Fault::SqliteFailure(code, detail) => match code.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => CatalogError::Busy,
                ErrorCode::DiskFull => CatalogError::Full { path },
                _ if code.extended_code == SQLITE_IOERR_SHMSIZE => CatalogError::Full { path },
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    let detail = detail.clone().unwrap_or_else(|| code.to_string());
                    CatalogError::Corrupt { path, detail }
                }
                ErrorCode::ReadOnly => CatalogError::ReadOnly { path },
                ErrorCode::CannotOpen => CatalogError::Open { path, source: Box::new(error) },
                _ => CatalogError::Storage { path, source: Box::new(error) },
            },
            // A value that the schema does not allow: the row was not written by this program.
            Fault::FromSqlConversionFailure(..)
            | Fault::IntegralValueOutOfRange(..)
            | Fault::InvalidColumnType(..) => {
                CatalogError::Corrupt { path, detail: error.to_string() }
            }
            _ => CatalogError::Storage { path, source: Box::new(error) },
        }
    }
}

/// Whether a statement failed because it would have broken a unique index.
pub(super) fn is_unique_violation(error: &Fault, column: &str) -> bool {
    match error {
        Fault::SqliteFailure(code, Some(text)) => {
            code.code == ErrorCode::ConstraintViolation && text.contains(column)
        }
        _ => false,
    }
}
