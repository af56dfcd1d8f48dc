use std::collections::HashMap;

use model::EmailAddress;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;

/// Address rows kept in memory; when there are more, all are forgotten and learnt anew.
const KNOWN_MAX: usize = 200_000;

/// The rows of addresses, so that a mail to known people needs no look-up.
#[derive(Default)]
pub(super) struct Interned {
    tenants: HashMap<i64, HashMap<String, Known>>,
    count: usize,
}

#[derive(Clone)]
struct Known {
    row: i64,
    text: Box<str>,
}

/// An address's row, and its spelling where it is not the one that stands there.
pub(super) struct Spelled<'a> {
    pub row: i64,
    pub text: Option<&'a str>,
}

impl Interned {
    /// The row of `address`; adds one for an address that the tenant's mail has not named yet.
    pub(super) fn intern<'a>(
        &mut self,
        db: &Connection,
        tenant: i64,
        address: &'a EmailAddress,
    ) -> Result<Spelled<'a>, Fault> {
        let key = address.key();
        if let Some(known) = self.tenants.get(&tenant).and_then(|known| known.get(&key)) {
            return Ok(spelled(known, address));
        }
        let known = match find(db, tenant, &key)? {
            Some(known) => known,
            None => {
                db.prepare_cached("INSERT INTO address (tenant, key, text) VALUES (?1, ?2, ?3)")?
                    .execute((tenant, &key, address.as_str()))?;
                Known { row: db.last_insert_rowid(), text: address.as_str().into() }
            }
        };
        if self.count >= KNOWN_MAX {
            *self = Self::default();
        }
        self.count += 1;
        let answer = spelled(&known, address);
        self.tenants.entry(tenant).or_default().insert(key, known);
        Ok(answer)
    }
}

fn spelled<'a>(known: &Known, address: &'a EmailAddress) -> Spelled<'a> {
    let text = address.as_str();
    Spelled { row: known.row, text: (*known.text != *text).then_some(text) }
}

fn find(db: &Connection, tenant: i64, key: &str) -> Result<Option<Known>, Fault> {
    db.prepare_cached("SELECT row, text FROM address WHERE tenant = ?1 AND key = ?2")?
        .query_row((tenant, key), |row| Ok(Known { row: row.get(0)?, text: row.get(1)? }))
        .optional()
}

/// The row of an address if the tenant's mail names it.
pub(super) fn find_row(db: &Connection, tenant: i64, key: &str) -> Result<Option<i64>, Fault> {
    Ok(find(db, tenant, key)?.map(|known| known.row))
}
