use model::{AccountId, Digest, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::accounts::{account, account_row};
use super::codes::{Name as _, Named, Parsed};
use super::fault::{Abort, Fault};
use crate::{Account, Attempt, CatalogError, Session, ThrottleRule};

/// A counter rests when its pause has been over for so long.
pub const THROTTLE_FORGET_SECONDS: i64 = 24 * 60 * 60;

/// A place is forgotten when nobody signed in from there for so long.
const PLACE_FORGET_SECONDS: i64 = 90 * 24 * 60 * 60;

/// What a browser says about itself is cut there.
const AGENT_CHARS_MAX: usize = 300;

pub(super) fn add(engine: &Sqlite, session: &Session) -> Result<(), CatalogError> {
    let agent: String = session.agent.chars().take(AGENT_CHARS_MAX).collect();
    engine.write(|db, _| {
        let account = account_row(db, session.account)?;
        db.prepare_cached(
            "INSERT INTO session (token_hash, account, csrf, created_at, last_seen_at, expires_at,
                 ip, agent, method, must_enrol, provider_session)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            session.token_hash.as_bytes(),
            account,
            session.csrf,
            session.created_at.as_micros(),
            session.last_seen_at.as_micros(),
            session.expires_at.as_micros(),
            session.ip.map(|ip| ip.to_string()),
            agent,
            session.method.name(),
            session.must_enrol,
            session.provider_session,
        ])?;
        Ok(())
    })
}

pub(super) fn one(
    engine: &Sqlite,
    token_hash: Digest,
) -> Result<Option<(Session, Account)>, CatalogError> {
    engine.read(|db| {
        let found = db
            .prepare_cached("SELECT * FROM session WHERE token_hash = ?1")?
            .query_row([token_hash.as_bytes()], |row| {
                let owner = db
                    .prepare_cached("SELECT * FROM account WHERE row = ?1")?
                    .query_row([row.get::<_, i64>("account")?], |row| account(db, row))?;
                Ok((session(owner.id, row)?, owner))
            })
            .optional()?;
        Ok(found)
    })
}

pub(super) fn touch(
    engine: &Sqlite,
    token_hash: Digest,
    at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        db.prepare_cached(
            "UPDATE session SET last_seen_at = max(last_seen_at, ?2) WHERE token_hash = ?1",
        )?
        .execute((token_hash.as_bytes(), at.as_micros()))?;
        Ok(())
    })
}

pub(super) fn end(engine: &Sqlite, token_hash: Digest) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let ended = db
            .prepare_cached("DELETE FROM session WHERE token_hash = ?1")?
            .execute([token_hash.as_bytes()])?;
        Ok(ended > 0)
    })
}

pub(super) fn end_all(db: &Connection, account: i64, keep: Option<Digest>) -> Result<usize, Fault> {
    db.prepare_cached("DELETE FROM session WHERE account = ?1 AND token_hash IS NOT ?2")?
        .execute((account, keep.as_ref().map(Digest::as_bytes)))
}

pub(super) fn attempt(
    engine: &Sqlite,
    rules: &[ThrottleRule],
    now: Timestamp,
) -> Result<Attempt, CatalogError> {
    engine.write(|db, _| {
        let mut counters = Vec::with_capacity(rules.len());
        for rule in rules {
            counters.push(counter(db, &rule.key, now)?);
        }
        // Who waited for their turn comes with an older moment than who overtook them: that is no
        // pause.
        let pauses = rules.iter().zip(&counters);
        let pauses = pauses.filter(|(rule, (attempts, _))| rule.pause_seconds(*attempts) > 0);
        let latest = pauses.map(|(_, (_, next))| *next).max();
        if let Some(next) = latest.filter(|next| *next > now) {
            return Ok(Attempt::Wait(next));
        }
        for (rule, (attempts, _)) in rules.iter().zip(counters) {
            let attempts = attempts.saturating_add(1);
            let next = now.saturating_add_seconds(rule.pause_seconds(attempts));
            db.prepare_cached(
                "INSERT INTO throttle (key, attempts, next_allowed_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET attempts = excluded.attempts,
                     next_allowed_at = excluded.next_allowed_at",
            )?
            .execute((&rule.key, attempts, next.as_micros()))?;
        }
        Ok::<_, Abort>(Attempt::Allowed)
    })
}

/// Attempts so far and when the next one is allowed; nothing when it was long ago.
fn counter(db: &Connection, key: &str, now: Timestamp) -> Result<(u32, Timestamp), Fault> {
    let found: Option<(u32, i64)> = db
        .prepare_cached("SELECT attempts, next_allowed_at FROM throttle WHERE key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let fresh = (0, Timestamp::from_micros(i64::MIN));
    Ok(match found {
        None => fresh,
        Some((attempts, next)) => {
            let next = Timestamp::from_micros(next);
            let forgotten = next.saturating_add_seconds(THROTTLE_FORGET_SECONDS) < now;
            if forgotten { fresh } else { (attempts, next) }
        }
    })
}

pub(super) fn forgive(
    engine: &Sqlite,
    clear: &[String],
    undo: &[String],
    now: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        for key in clear {
            db.prepare_cached("DELETE FROM throttle WHERE key = ?1")?.execute([key])?;
        }
        for key in undo {
            // The attempt was allowed, so no pause was running before it and none runs now.
            db.prepare_cached(
                "UPDATE throttle SET attempts = max(attempts - 1, 0), next_allowed_at = ?2
                 WHERE key = ?1",
            )?
            .execute((key, now.as_micros()))?;
        }
        Ok(())
    })
}

pub(super) fn remember_place(
    engine: &Sqlite,
    account: AccountId,
    place: &str,
    at: Timestamp,
) -> Result<(), CatalogError> {
    engine.write(|db, _| {
        db.prepare_cached(
            "INSERT INTO place (account, place, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, place) DO UPDATE SET at = excluded.at",
        )?
        .execute((account_row(db, account)?, place, at.as_micros()))?;
        Ok(())
    })
}

pub(super) fn knows_place(
    engine: &Sqlite,
    account: AccountId,
    place: &str,
    since: Timestamp,
) -> Result<bool, CatalogError> {
    engine.read(|db| {
        let known = db
            .prepare_cached("SELECT 1 FROM place WHERE account = ?1 AND place = ?2 AND at >= ?3")?
            .exists((account_row(db, account)?, place, since.as_micros()))?;
        Ok(known)
    })
}

pub(super) fn sweep(engine: &Sqlite, now: Timestamp) -> Result<u64, CatalogError> {
    let before = |seconds: i64| now.saturating_add_seconds(-seconds).as_micros();
    engine.write(|db, _| {
        let mut removed = db
            .prepare_cached("DELETE FROM session WHERE expires_at <= ?1")?
            .execute([now.as_micros()])?;
        removed += db
            .prepare_cached("DELETE FROM throttle WHERE next_allowed_at < ?1")?
            .execute([before(THROTTLE_FORGET_SECONDS)])?;
        removed += db
            .prepare_cached("DELETE FROM place WHERE at < ?1")?
            .execute([before(PLACE_FORGET_SECONDS)])?;
        removed +=
            db.prepare_cached("DELETE FROM spent WHERE until <= ?1")?.execute([now.as_micros()])?;
        removed += db
            .prepare_cached("DELETE FROM api_token WHERE expires_at <= ?1")?
            .execute([now.as_micros()])?;
        Ok(removed as u64)
    })
}

pub(super) fn session(account: AccountId, row: &Row<'_>) -> Result<Session, Fault> {
    Ok(Session {
        token_hash: Digest::from_bytes(row.get("token_hash")?),
        account,
        csrf: row.get("csrf")?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
        last_seen_at: Timestamp::from_micros(row.get("last_seen_at")?),
        expires_at: Timestamp::from_micros(row.get("expires_at")?),
        ip: row.get::<_, Option<Parsed<_>>>("ip")?.map(|ip| ip.0),
        agent: row.get("agent")?,
        method: row.get::<_, Named<_>>("method")?.0,
        must_enrol: row.get("must_enrol")?,
        provider_session: row.get("provider_session")?,
    })
}
