use model::{AccountId, Digest, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::accounts::account_row;
use super::codes::{int, uint};
use super::fault::{Abort, Fault, is_unique_violation};
use crate::{CatalogError, Conflict, PASSKEYS_MAX, PasskeyRow, SecondFactors, TotpRow};

pub(super) fn all(engine: &Sqlite, account: AccountId) -> Result<SecondFactors, CatalogError> {
    engine.read(|db| {
        let account = account_row(db, account)?;
        let totp = db
            .prepare_cached("SELECT * FROM totp WHERE account = ?1")?
            .query_row([account], |row| {
                Ok(TotpRow {
                    secret: row.get("secret")?,
                    last_step: uint(row.get("last_step")?),
                    created_at: Timestamp::from_micros(row.get("created_at")?),
                })
            })
            .optional()?;
        let passkeys = db
            .prepare_cached("SELECT * FROM passkey WHERE account = ?1 ORDER BY created_at, id")?
            .query_map([account], passkey)?
            .collect::<Result<_, _>>()?;
        let recovery_codes = db
            .prepare_cached("SELECT count(*) FROM recovery_code WHERE account = ?1")?
            .query_row([account], |row| row.get(0))?;
        Ok(SecondFactors { totp, passkeys, recovery_codes })
    })
}

pub(super) fn set_totp(
    engine: &Sqlite,
    account: AccountId,
    totp: Option<&TotpRow>,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        db.prepare_cached("DELETE FROM totp WHERE account = ?1")?.execute([account])?;
        if let Some(totp) = totp {
            db.prepare_cached(
                "INSERT INTO totp (account, secret, last_step, created_at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                account,
                totp.secret,
                int(totp.last_step),
                totp.created_at.as_micros()
            ])?;
        }
        end_recovery(db, account)?;
        Ok(())
    })
}

/// Recovery codes stand in for a factor: without any they end.
fn end_recovery(db: &Connection, account: i64) -> Result<(), Fault> {
    db.prepare_cached(
        "DELETE FROM recovery_code WHERE account = ?1
             AND NOT EXISTS (SELECT 1 FROM totp WHERE totp.account = ?1)
             AND NOT EXISTS (SELECT 1 FROM passkey WHERE passkey.account = ?1)",
    )?
    .execute([account])?;
    Ok(())
}

pub(super) fn use_totp_step(
    engine: &Sqlite,
    account: AccountId,
    step: u64,
) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let used = db
            .prepare_cached("UPDATE totp SET last_step = ?2 WHERE account = ?1 AND last_step < ?2")?
            .execute((account, int(step)))?;
        Ok(used > 0)
    })
}

pub(super) fn set_recovery_codes(
    engine: &Sqlite,
    account: AccountId,
    hashes: &[Digest],
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        db.prepare_cached("DELETE FROM recovery_code WHERE account = ?1")?.execute([account])?;
        for hash in hashes {
            db.prepare_cached("INSERT INTO recovery_code (account, hash) VALUES (?1, ?2)")?
                .execute((account, hash.as_bytes()))?;
        }
        Ok(())
    })
}

pub(super) fn use_recovery_code(
    engine: &Sqlite,
    account: AccountId,
    hash: Digest,
) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let used = db
            .prepare_cached("DELETE FROM recovery_code WHERE account = ?1 AND hash = ?2")?
            .execute((account, hash.as_bytes()))?;
        Ok(used > 0)
    })
}

pub(super) fn add_passkey(
    engine: &Sqlite,
    account: AccountId,
    passkey: &PasskeyRow,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let count: u32 = db
            .prepare_cached("SELECT count(*) FROM passkey WHERE account = ?1")?
            .query_row([account], |row| row.get(0))?;
        if count >= PASSKEYS_MAX {
            return Err(CatalogError::Invalid("the number of passkeys").into());
        }
        db.prepare_cached(
            "INSERT INTO passkey (id, account, name, credential, created_at, last_used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            passkey.id,
            account,
            passkey.name,
            passkey.credential,
            passkey.created_at.as_micros(),
            passkey.last_used_at.map(Timestamp::as_micros),
        ])
        .map_err(|error| match is_unique_violation(&error, "passkey.id") {
            true => CatalogError::Conflict(Conflict::Id).into(),
            false => Abort::from(error),
        })?;
        Ok(())
    })
}

pub(super) fn use_passkey(
    engine: &Sqlite,
    account: AccountId,
    id: &[u8],
    credential: &str,
    at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        db.prepare_cached(
            "UPDATE passkey SET credential = ?3, last_used_at = ?4
             WHERE id = ?1 AND account = ?2",
        )?
        .execute((id, account, credential, at.as_micros()))?;
        Ok(())
    })
}

pub(super) fn remove_passkey(
    engine: &Sqlite,
    account: AccountId,
    id: &[u8],
) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let removed = db
            .prepare_cached("DELETE FROM passkey WHERE id = ?1 AND account = ?2")?
            .execute((id, account))?;
        end_recovery(db, account)?;
        Ok(removed > 0)
    })
}

pub(super) fn reset(engine: &Sqlite, account: AccountId) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let mut removed = 0;
        for table in ["totp", "passkey", "recovery_code"] {
            removed += db
                .prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1"))?
                .execute([account])?;
        }
        Ok(removed > 0)
    })
}

fn passkey(row: &Row<'_>) -> Result<PasskeyRow, Fault> {
    let last_used_at: Option<i64> = row.get("last_used_at")?;
    Ok(PasskeyRow {
        id: row.get("id")?,
        name: row.get("name")?,
        credential: row.get("credential")?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
        last_used_at: last_used_at.map(Timestamp::from_micros),
    })
}
