//! Facts about many mails at once, for decisions on how long they are kept.

use std::collections::HashMap;

use model::{RecordId, Role, Source, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::codes::{Coded, Json, int, uint};
use super::fault::Fault;
use crate::{Labels, RetainedMail, RetainedNeeds};

const COLUMNS: &str = "r.row AS row, r.id AS id, r.subject AS subject, r.sent_at AS sent_at,
    r.received_at AS received_at, r.size_bytes AS size_bytes";

pub(super) fn after(
    db: &Connection,
    tenant: i64,
    after_row: u64,
    limit: u32,
    needs: RetainedNeeds,
) -> Result<Vec<RetainedMail>, Fault> {
    let mut mails: Vec<RetainedMail> = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM record r WHERE r.tenant = ?1 AND r.row > ?2
             ORDER BY r.row LIMIT ?3"
        ))?
        .query_map((tenant, int(after_row), limit), mail)?
        .collect::<Result<_, _>>()?;
    complete(db, tenant, &mut mails, needs)?;
    Ok(mails)
}

pub(super) fn of(
    db: &Connection,
    tenant: i64,
    records: &[RecordId],
) -> Result<Vec<RetainedMail>, Fault> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM record r WHERE r.tenant = ?1 AND r.id = ?2"
    ))?;
    let mut mails = Vec::with_capacity(records.len());
    for record in records {
        mails.extend(select.query_row((tenant, record.as_bytes()), mail).optional()?);
    }
    mails.sort_unstable_by_key(|mail: &RetainedMail| mail.row);
    mails.dedup_by_key(|mail| mail.row);
    complete(db, tenant, &mut mails, RetainedNeeds::ALL)?;
    Ok(mails)
}

fn mail(row: &Row<'_>) -> Result<RetainedMail, Fault> {
    Ok(RetainedMail {
        row: uint(row.get("row")?),
        record: RecordId::from_bytes(row.get("id")?),
        subject: row.get("subject")?,
        received_at: Timestamp::from_micros(row.get("received_at")?),
        sent_at: row.get::<_, Option<_>>("sent_at")?.map(Timestamp::from_micros),
        size_bytes: uint(row.get("size_bytes")?),
        participants: Vec::new(),
        sources: Vec::new(),
        labels: Labels::default(),
    })
}

/// One look-up by key for each mail: the rows of other tenants lie in between.
fn complete(
    db: &Connection,
    tenant: i64,
    mails: &mut [RetainedMail],
    needs: RetainedNeeds,
) -> Result<(), Fault> {
    let mut named: HashMap<i64, String> = HashMap::new();
    let mut participants =
        db.prepare_cached("SELECT address, role FROM participant WHERE record = ?1")?;
    let mut address = db.prepare_cached("SELECT key FROM address WHERE row = ?1")?;
    let mut deliveries =
        db.prepare_cached("SELECT received_at, source FROM delivery WHERE record = ?1")?;
    let mut labels = db.prepare_cached(
        "SELECT kind, value FROM record_label WHERE tenant = ?1 AND record = ?2
         ORDER BY kind, value",
    )?;
    for mail in mails {
        let row = int(mail.row);
        let mut found = if needs.participants { Some(participants.query([row])?) } else { None };
        while let Some(row) = found.as_mut().map(|rows| rows.next()).transpose()?.flatten() {
            let (who, Coded(role)): (i64, Coded<Role>) = (row.get(0)?, row.get(1)?);
            let key = match named.get(&who) {
                Some(key) => key.clone(),
                None => {
                    let key: String = address.query_row([who], |row| row.get(0))?;
                    named.insert(who, key.clone());
                    key
                }
            };
            mail.participants.push((key, role));
        }
        let mut found = if needs.deliveries { Some(deliveries.query([row])?) } else { None };
        while let Some(row) = found.as_mut().map(|rows| rows.next()).transpose()?.flatten() {
            mail.received_at = mail.received_at.max(Timestamp::from_micros(row.get(0)?));
            let Json(source): Json<Source> = row.get(1)?;
            if !mail.sources.contains(&source) {
                mail.sources.push(source);
            }
        }
        let mut found = match needs.labels {
            true => Some(labels.query((tenant, mail.record.as_bytes()))?),
            false => None,
        };
        while let Some(row) = found.as_mut().map(|rows| rows.next()).transpose()?.flatten() {
            let kind: String = row.get(0)?;
            add_label(&mut mail.labels, &kind, row.get(1)?);
        }
    }
    Ok(())
}

pub(super) fn add_label(labels: &mut Labels, kind: &str, value: String) {
    match kind {
        "class" => labels.class = Some(value),
        _ => labels.tags.push(value),
    }
}
