use model::{AccountId, ApiTokenId, Digest, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::accounts::{account, account_row};
use super::codes::{Json, json};
use super::fault::{Abort, Fault, is_unique_violation};
use super::sessions;
use crate::{API_TOKENS_MAX, Account, ApiToken, CatalogError, Conflict, Session};

pub(super) fn add(engine: &Sqlite, token: &ApiToken) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, token.account)?;
        let count: u32 = db
            .prepare_cached("SELECT count(*) FROM api_token WHERE account = ?1")?
            .query_row([account], |row| row.get(0))?;
        if count >= API_TOKENS_MAX {
            return Err(CatalogError::Invalid("the number of tokens").into());
        }
        db.prepare_cached(
            "INSERT INTO api_token (id, token_hash, account, name, prefix, scopes, read_only,
                 created_at, expires_at, last_used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            token.id.as_bytes(),
            token.token_hash.as_bytes(),
            account,
            token.name,
            token.prefix,
            json(&token.scopes),
            token.read_only,
            token.created_at.as_micros(),
            token.expires_at.as_micros(),
            token.last_used_at.map(Timestamp::as_micros),
        ])
        .map_err(|error| match is_unique_violation(&error, "api_token.") {
            true => CatalogError::Conflict(Conflict::Id).into(),
            false => Abort::from(error),
        })?;
        Ok(())
    })
}

pub(super) fn one(
    engine: &Sqlite,
    token_hash: Digest,
) -> Result<Option<(ApiToken, Account)>, CatalogError> {
    engine.read(|db| {
        let found = db
            .prepare_cached("SELECT * FROM api_token WHERE token_hash = ?1")?
            .query_row([token_hash.as_bytes()], |row| {
                let owner = db
                    .prepare_cached("SELECT * FROM account WHERE row = ?1")?
                    .query_row([row.get::<_, i64>("account")?], |row| account(db, row))?;
                Ok((token(owner.id, row)?, owner))
            })
            .optional()?;
        Ok(found)
    })
}

pub(super) fn all(engine: &Sqlite, account: AccountId) -> Result<Vec<ApiToken>, CatalogError> {
    engine.read(|db| {
        let row = account_row(db, account)?;
        let all = db
            .prepare_cached("SELECT * FROM api_token WHERE account = ?1 ORDER BY created_at, id")?
            .query_map([row], |row| token(account, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn touch(engine: &Sqlite, id: ApiTokenId, at: Timestamp) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        db.prepare_cached(
            "UPDATE api_token SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1",
        )?
        .execute((id.as_bytes(), at.as_micros()))?;
        Ok(())
    })
}

pub(super) fn remove(
    engine: &Sqlite,
    account: AccountId,
    id: ApiTokenId,
) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let account = account_row(db, account)?;
        let removed = db
            .prepare_cached("DELETE FROM api_token WHERE id = ?1 AND account = ?2")?
            .execute((id.as_bytes(), account))?;
        Ok(removed > 0)
    })
}

pub(super) fn remove_all(db: &Connection, account: i64) -> Result<usize, Fault> {
    db.prepare_cached("DELETE FROM api_token WHERE account = ?1")?.execute([account])
}

pub(super) fn sessions(engine: &Sqlite, account: AccountId) -> Result<Vec<Session>, CatalogError> {
    engine.read(|db| {
        let row = account_row(db, account)?;
        let all = db
            .prepare_cached(
                "SELECT * FROM session WHERE account = ?1 ORDER BY last_seen_at DESC, token_hash",
            )?
            .query_map([row], |row| sessions::session(account, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn end_other_sessions(
    engine: &Sqlite,
    account: AccountId,
    keep: Option<Digest>,
) -> Result<u64, CatalogError> {
    engine.write(|db, _| Ok(sessions::end_all(db, account_row(db, account)?, keep)? as u64))
}

fn token(account: AccountId, row: &Row<'_>) -> Result<ApiToken, Fault> {
    let last_used_at: Option<i64> = row.get("last_used_at")?;
    Ok(ApiToken {
        id: ApiTokenId::from_bytes(row.get("id")?),
        token_hash: Digest::from_bytes(row.get("token_hash")?),
        account,
        name: row.get("name")?,
        prefix: row.get("prefix")?,
        scopes: row.get::<_, Json<_>>("scopes")?.0,
        read_only: row.get("read_only")?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
        expires_at: Timestamp::from_micros(row.get("expires_at")?),
        last_used_at: last_used_at.map(Timestamp::from_micros),
    })
}
