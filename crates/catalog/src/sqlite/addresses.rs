use model::{AccountId, EmailAddress, Timestamp};
use policy::OwnedAddress;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use super::accounts::account_row;
use super::codes::json;
use super::fault::{Abort, Fault};
use crate::{CatalogError, Conflict, Handover};

/// Longer addresses are refused as somebody's own (RFC 5321 §4.5.3.1.3 allows 256 octets in all).
const ADDRESS_CHARS_MAX: usize = 320;

/// Who owns an address now, or owned it last.
struct Owner {
    account: i64,
    span: OwnedAddress,
}

pub(super) fn give(
    engine: &Sqlite,
    account: AccountId,
    address: &EmailAddress,
    handover: Handover,
    at: Timestamp,
) -> Result<OwnedAddress, CatalogError> {
    engine.write(|db, _| give_in(db, account, address, handover, at))
}

/// Gives the address in the transaction that runs.
pub(super) fn give_in(
    db: &Connection,
    account: AccountId,
    address: &EmailAddress,
    handover: Handover,
    at: Timestamp,
) -> Result<OwnedAddress, Abort> {
    if address.domain().is_none() || address.as_str().chars().count() > ADDRESS_CHARS_MAX {
        return Err(CatalogError::Invalid("the address").into());
    }
    let key = address.key();
    let account = account_row(db, account)?;
    let tenant = tenant_of(db, account)?.ok_or(CatalogError::Invalid("the account's tenant"))?;
    let from = match last_owner(db, tenant, &key)? {
        Some(owner) if owner.span.until.is_none() && owner.account == account => {
            return Ok(owner.span);
        }
        Some(owner) if owner.span.until.is_none() => {
            return Err(CatalogError::Conflict(Conflict::AddressOwned).into());
        }
        // A hand-over in the past would open mail of the predecessor's time.
        Some(owner) if handover == Handover::Rule => owner.span.until.max(Some(at)),
        _ => None,
    };
    db.prepare_cached(
        "INSERT INTO account_address (account, tenant, key, valid_from) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((account, tenant, &key, from.map(Timestamp::as_micros)))?;
    Ok(OwnedAddress { key, from, until: None })
}

pub(super) fn end(
    engine: &Sqlite,
    account: AccountId,
    address: &EmailAddress,
    at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| end_in(db, account, address, at))
}

/// Ends the ownership in the transaction that runs.
pub(super) fn end_in(
    db: &Connection,
    account: AccountId,
    address: &EmailAddress,
    at: Timestamp,
) -> Result<(), Abort> {
    let account = account_row(db, account)?;
    db.prepare_cached(
        "UPDATE account_address SET valid_until = max(?3, coalesce(valid_from, ?3))
         WHERE account = ?1 AND key = ?2 AND valid_until IS NULL",
    )?
    .execute((account, address.key(), at.as_micros()))?;
    Ok(())
}

pub(super) fn all(engine: &Sqlite, account: AccountId) -> Result<Vec<OwnedAddress>, CatalogError> {
    engine.read(|db| {
        let account = account_row(db, account)?;
        let spans = db
            .prepare_cached(
                "SELECT key, valid_from, valid_until FROM account_address WHERE account = ?1
                 ORDER BY key, valid_from",
            )?
            .query_map([account], span)?
            .collect::<Result<_, _>>()?;
        Ok(spans)
    })
}

/// All spans of all these accounts, with the id of who owns each.
pub(super) fn of(
    db: &Connection,
    accounts: &[AccountId],
) -> Result<Vec<(AccountId, OwnedAddress)>, Fault> {
    db.prepare_cached(
        "SELECT account.id AS id, a.key AS key, a.valid_from AS valid_from,
             a.valid_until AS valid_until
         FROM json_each(?1) wanted CROSS JOIN account ON account.id = unhex(wanted.value)
         CROSS JOIN account_address a ON a.account = account.row
         ORDER BY account.row, a.key, a.valid_from",
    )?
    .query_map([json(&accounts)], |row| Ok((AccountId::from_bytes(row.get("id")?), span(row)?)))?
    .collect()
}

/// Who owns `key` now, or owned it last.
pub(super) fn owner(
    db: &Connection,
    tenant: i64,
    key: &str,
) -> Result<Option<(AccountId, OwnedAddress)>, Fault> {
    let Some(owner) = last_owner(db, tenant, key)? else { return Ok(None) };
    let id = db
        .prepare_cached("SELECT id FROM account WHERE row = ?1")?
        .query_row([owner.account], |row| row.get(0).map(AccountId::from_bytes))?;
    Ok(Some((id, owner.span)))
}

fn tenant_of(db: &Connection, account: i64) -> Result<Option<i64>, Fault> {
    db.prepare_cached("SELECT tenant FROM account WHERE row = ?1")?
        .query_row([account], |row| row.get(0))
}

fn last_owner(db: &Connection, tenant: i64, key: &str) -> Result<Option<Owner>, Fault> {
    db.prepare_cached(
        "SELECT account, key, valid_from, valid_until FROM account_address
         WHERE tenant = ?1 AND key = ?2
         ORDER BY valid_until IS NULL DESC, valid_until DESC LIMIT 1",
    )?
    .query_row((tenant, key), |row| Ok(Owner { account: row.get("account")?, span: span(row)? }))
    .optional()
}

fn span(row: &Row<'_>) -> Result<OwnedAddress, Fault> {
    Ok(OwnedAddress {
        key: row.get("key")?,
        from: row.get::<_, Option<_>>("valid_from")?.map(Timestamp::from_micros),
        until: row.get::<_, Option<_>>("valid_until")?.map(Timestamp::from_micros),
    })
}
