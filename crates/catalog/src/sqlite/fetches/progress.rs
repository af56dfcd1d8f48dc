use std::collections::HashMap;

use model::{Fetched, Source, SourceId, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sqlite::codes::{Json, Name, Named, Parsed, int, uint};
use crate::sqlite::commit::message_hash;
use crate::sqlite::fault::Fault;
use crate::{Claimed, FetchProgress, FolderState, LeftMail, MailKey};

pub(super) fn folders(db: &Connection, row: i64, mailbox: &str) -> Result<Vec<FolderState>, Fault> {
    db.prepare_cached(
        "SELECT * FROM fetch_folder WHERE fetch = ?1 AND mailbox = ?2 ORDER BY folder",
    )?
    .query_map((row, mailbox), |row| {
        Ok(FolderState {
            folder: row.get("folder")?,
            uid_validity: row.get("uid_validity")?,
            done: row.get::<_, Parsed<_>>("done")?.0,
            modseq: row.get::<_, Option<i64>>("modseq")?.map(uint),
            uid_next: row.get("uid_next")?,
        })
    })?
    .collect()
}

pub(super) fn uidls(
    db: &Connection,
    row: i64,
    mailbox: &str,
) -> Result<HashMap<String, u64>, Fault> {
    db.prepare_cached("SELECT uidl, size_bytes FROM fetch_uidl WHERE fetch = ?1 AND mailbox = ?2")?
        .query_map((row, mailbox), |row| Ok((row.get(0)?, uint(row.get(1)?))))?
        .collect()
}

pub(super) fn put(
    db: &Connection,
    row: i64,
    mailbox: &str,
    progress: &FetchProgress,
) -> Result<(), Fault> {
    if let Some(folder) = &progress.folder {
        db.prepare_cached(
            "INSERT OR REPLACE INTO fetch_folder (fetch, mailbox, folder, uid_validity, uid_next,
                 modseq, done)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            row,
            mailbox,
            folder.folder,
            folder.uid_validity,
            folder.uid_next,
            folder.modseq.map(int),
            folder.done.to_string(),
        ])?;
    }
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO fetch_uidl (fetch, mailbox, uidl, size_bytes)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (uidl, size_bytes) in &progress.uidls {
        insert.execute((row, mailbox, uidl, int(*size_bytes)))?;
    }
    let mut gone = db
        .prepare_cached("DELETE FROM fetch_uidl WHERE fetch = ?1 AND mailbox = ?2 AND uidl = ?3")?;
    for uidl in &progress.uidls_gone {
        gone.execute((row, mailbox, uidl))?;
    }
    let mut over = db.prepare_cached("DELETE FROM fetch_left WHERE fetch = ?1 AND row = ?2")?;
    for left in &progress.left_over {
        over.execute((row, int(*left)))?;
    }
    for left in &progress.left {
        put_left(db, row, left)?;
    }
    Ok(())
}

fn put_left(db: &Connection, row: i64, left: &LeftMail) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO fetch_left (fetch, mailbox, folder, uid_validity, key, size_bytes, reason,
             detail, tries, first_at, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (fetch, mailbox, folder, uid_validity, key) DO UPDATE SET
             size_bytes = excluded.size_bytes, reason = excluded.reason,
             detail = excluded.detail, tries = excluded.tries, next_at = excluded.next_at",
    )?
    .execute(params![
        row,
        left.mailbox,
        left.folder,
        left.uid_validity,
        left.key.to_string(),
        int(left.size_bytes),
        left.reason.name(),
        left.detail,
        left.tries,
        left.first_at.as_micros(),
        left.next_at.map(Timestamp::as_micros),
    ])?;
    Ok(())
}

pub(super) fn left(
    db: &Connection,
    row: i64,
    mailbox: Option<&str>,
    after_row: i64,
    limit: u32,
) -> Result<Vec<LeftMail>, Fault> {
    db.prepare_cached(
        "SELECT * FROM fetch_left WHERE fetch = ?1 AND (?2 IS NULL OR mailbox = ?2) AND row > ?3
         ORDER BY row LIMIT ?4",
    )?
    .query_map((row, mailbox, after_row, limit), left_mail)?
    .collect()
}

fn left_mail(row: &Row<'_>) -> Result<LeftMail, Fault> {
    Ok(LeftMail {
        row: uint(row.get("row")?),
        mailbox: row.get("mailbox")?,
        folder: row.get("folder")?,
        uid_validity: row.get("uid_validity")?,
        key: row.get::<_, Parsed<_>>("key")?.0,
        size_bytes: uint(row.get("size_bytes")?),
        reason: row.get::<_, Named<_>>("reason")?.0,
        detail: row.get("detail")?,
        tries: row.get("tries")?,
        first_at: Timestamp::from_micros(row.get("first_at")?),
        next_at: row.get::<_, Option<_>>("next_at")?.map(Timestamp::from_micros),
    })
}

/// Whether the archive has what a server's list names.
pub(super) fn has(
    db: &Connection,
    tenant: i64,
    id: SourceId,
    claimed: &Claimed,
) -> Result<bool, Fault> {
    let uid = match claimed.key {
        MailKey::Uid(uid) => uid,
        MailKey::Uidl(_) => 0,
    };
    let uidl = match &claimed.key {
        MailKey::Uid(_) => None,
        MailKey::Uidl(uidl) => Some(uidl),
    };
    let mut statement = db.prepare_cached(
        "SELECT source FROM delivery INDEXED BY delivery_fetched
         WHERE json_extract(source, '$.kind') = 'fetched' AND json_extract(source, '$.id') = ?1
             AND json_extract(source, '$.uid') = ?2
             AND (?3 IS NULL OR json_extract(source, '$.uidl') = ?3)",
    )?;
    let mut rows = statement.query((id.to_string(), uid, uidl))?;
    while let Some(row) = rows.next()? {
        if let Json(Source::Fetched(fetched)) = row.get::<_, Json<Source>>(0)?
            && is_same(&fetched, claimed)
        {
            return Ok(true);
        }
    }
    let Some(message_id) = claimed.message_id.as_deref().filter(|id| !id.is_empty()) else {
        return Ok(false);
    };
    db.prepare_cached(
        "SELECT 1 FROM record WHERE tenant = ?1 AND message_hash = ?2 AND message_id = ?3
             AND size_bytes = ?4",
    )?
    .exists((tenant, message_hash(message_id), message_id, int(claimed.size_bytes)))
}

fn is_same(fetched: &Fetched, claimed: &Claimed) -> bool {
    let key = |address: &Option<model::EmailAddress>| address.as_ref().map(|it| it.key());
    fetched.uid_validity == claimed.uid_validity
        && fetched.folder == claimed.folder
        && key(&fetched.mailbox) == key(&claimed.mailbox)
}
