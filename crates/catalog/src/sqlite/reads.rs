use std::collections::BTreeSet;

use model::{ContentId, Digest, EmailAddress, Mailbox, Participant, RecordId, Timestamp};
use policy::{OwnedAddress, Scope, Span};
use rusqlite::{Connection, Row};

use super::codes::{Code, Coded, Json, int, json, uint};
use super::fault::Fault;
use super::intern::find_row;
use super::quarantine::location;
use crate::{
    Delivery, Figures, ListRow, ParticipantRow, RecordDetail, ReportRow, StoredRecord,
    VERSIONS_MAX, Version,
};

/// Mails with one Message-ID that are looked at for versions.
const VERSION_CANDIDATES_MAX: u32 = 1_000;

/// What suggestions for a user look at: own addresses, newest mails of all these together,
/// participants of each address's mails.
const SUGGEST_ADDRESSES_MAX: usize = 20;
const SUGGEST_MAILS_MAX: u32 = 500;
const SUGGEST_PARTICIPANTS_MAX: u32 = 20_000;

/// What suggestions within a span of time look at: addresses, and newest mails of each.
const SUGGEST_SPAN_ADDRESSES_MAX: u32 = 200;

const LIST_COLUMNS: &str = "r.row AS row, r.id AS id, r.subject AS subject,
    r.from_name AS from_name, r.from_address AS from_address, r.to_display AS to_display,
    r.date AS date, r.received_at AS received_at, r.size_bytes AS size_bytes,
    r.attachments AS attachments, r.kind AS kind, r.shape AS shape, r.marks AS marks";

/// A scope (`?2`, of the tenant `?1`) as tables: its addresses with their spans, and the spans in
/// which everything is visible.
const MINE: &str = "mine (address, since, until) AS MATERIALIZED (
    SELECT a.row, coalesce(own.value ->> 1, -9223372036854775808),
        coalesce(own.value ->> 2, 9223372036854775807)
    FROM json_each(?2, '$.own') own CROSS JOIN address a
        ON a.tenant = ?1 AND a.key = own.value ->> 0),
    everything (since, until) AS MATERIALIZED (
    SELECT coalesce(value ->> 0, -9223372036854775808),
        coalesce(value ->> 1, 9223372036854775807)
    FROM json_each(?2, '$.everything'))";

/// A scope with more addresses is looked up from the record's participants, not from its own.
const FEW_ADDRESSES_MAX: usize = 16;

/// Whether the scope sees the record `alias`: the condition that every read for a person carries.
fn visible(scope: &Scope, alias: &str) -> String {
    let tables = match scope.view().addresses.len() > FEW_ADDRESSES_MAX {
        true => "participant p CROSS JOIN mine ON mine.address = p.address",
        false => "mine CROSS JOIN participant p ON p.address = mine.address",
    };
    format!(
        "(EXISTS (SELECT 1 FROM everything span
            WHERE {alias}.received_at >= span.since AND {alias}.received_at < span.until)
         OR EXISTS (SELECT 1 FROM {tables}
            WHERE p.record = {alias}.row
                AND {alias}.received_at >= mine.since AND {alias}.received_at < mine.until))"
    )
}

/// The scope for [`MINE`].
fn mine(scope: &Scope) -> String {
    let micros = |moment: Option<Timestamp>| moment.map(Timestamp::as_micros);
    let view = scope.view();
    let own: Vec<_> =
        view.addresses.iter().map(|own| (&own.key, micros(own.from), micros(own.until))).collect();
    let everything: Vec<_> =
        view.everything.iter().map(|span| (micros(span.from), micros(span.until))).collect();
    json(&serde_json::json!({ "own": own, "everything": everything }))
}

pub(super) fn rows(
    db: &Connection,
    tenant: i64,
    scope: &Scope,
    ids: &[RecordId],
) -> Result<Vec<ListRow>, Fault> {
    let sql = format!(
        "WITH {MINE} SELECT {LIST_COLUMNS}, (SELECT count(*) FROM (
             SELECT 1 FROM (
                 SELECT same.row AS row, same.received_at AS received_at FROM record same
                 WHERE same.tenant = r.tenant AND same.message_hash = r.message_hash
                     AND same.message_id = r.message_id AND same.row <> r.row
                 ORDER BY same.row LIMIT {VERSION_CANDIDATES_MAX}) v
             WHERE {} LIMIT {VERSIONS_MAX})) AS versions
         FROM json_each(?3) wanted CROSS JOIN record r
             ON r.tenant = ?1 AND r.id = unhex(wanted.value)
         WHERE {} ORDER BY wanted.key",
        visible(scope, "v"),
        visible(scope, "r")
    );
    db.prepare_cached(&sql)?.query_map((tenant, mine(scope), json(&ids)), list)?.collect()
}

/// How many records that the scope sees have events after this one.
pub(super) fn visible_after(
    db: &Connection,
    tenant: i64,
    scope: &Scope,
    after_seq: u64,
) -> Result<u64, Fault> {
    let sql = format!(
        "WITH {MINE} SELECT count(*) FROM (
             SELECT DISTINCT record FROM ledger_event WHERE tenant = ?1 AND seq > ?3) later
         CROSS JOIN record r ON r.row = later.record
         WHERE {}",
        visible(scope, "r")
    );
    let count = db
        .prepare_cached(&sql)?
        .query_row((tenant, mine(scope), int(after_seq)), |row| row.get(0))?;
    Ok(uint(count))
}

pub(super) fn detail(
    db: &Connection,
    tenant: i64,
    scope: &Scope,
    id: RecordId,
) -> Result<Option<RecordDetail>, Fault> {
    let Some(list) = rows(db, tenant, scope, &[id])?.into_iter().next() else { return Ok(None) };
    let versions = match list.versions {
        0 => Vec::new(),
        _ => versions(db, tenant, scope, list.row)?,
    };
    let stored = StoredRecord { list: list.clone(), ..stored(db, int(list.row))? };
    Ok(Some(RecordDetail { stored, versions }))
}

fn versions(db: &Connection, tenant: i64, scope: &Scope, row: u64) -> Result<Vec<Version>, Fault> {
    let sql = format!(
        "WITH {MINE} SELECT v.id, v.received_at, v.size_bytes
         FROM (SELECT same.* FROM record r CROSS JOIN record same
                   ON same.tenant = r.tenant AND same.message_hash = r.message_hash
                   AND same.message_id = r.message_id AND same.row <> r.row
               WHERE r.row = ?3 ORDER BY same.row LIMIT {VERSION_CANDIDATES_MAX}) v
         WHERE {} ORDER BY v.row LIMIT {VERSIONS_MAX}",
        visible(scope, "v")
    );
    let version = |row: &Row<'_>| {
        Ok(Version {
            record: RecordId::from_bytes(row.get(0)?),
            received_at: Timestamp::from_micros(row.get(1)?),
            size_bytes: uint(row.get(2)?),
        })
    };
    db.prepare_cached(&sql)?.query_map((tenant, mine(scope), int(row)), version)?.collect()
}

/// Everything about the record in `row`.
pub(super) fn stored(db: &Connection, row: i64) -> Result<StoredRecord, Fault> {
    let sql = format!(
        "SELECT {LIST_COLUMNS}, 0 AS versions, content, decrypted, message_id, sent_at, pack, slot,
             offset, length
         FROM record r WHERE r.row = ?1"
    );
    let mut record = db.prepare_cached(&sql)?.query_row([row], |row| {
        Ok(StoredRecord {
            list: list(row)?,
            content: content(row.get("content")?),
            decrypted: row.get::<_, Option<_>>("decrypted")?.map(content),
            message_id: row.get("message_id")?,
            sent_at: row.get::<_, Option<_>>("sent_at")?.map(Timestamp::from_micros),
            location: location(row)?,
            participants: Vec::new(),
            deliveries: Vec::new(),
        })
    })?;
    record.participants = db
        .prepare_cached(
            "SELECT coalesce(p.text, a.text) AS text, p.role AS role, p.provenance AS provenance,
                 e.text AS expanded, f.text AS forwarded, p.delivery AS delivery
             FROM participant p JOIN address a ON a.row = p.address
             LEFT JOIN address e ON e.row = p.expanded
             LEFT JOIN address f ON f.row = p.forwarded
             WHERE p.record = ?1 ORDER BY p.delivery, p.position",
        )?
        .query_map([row], participant)?
        .collect::<Result<_, _>>()?;
    record.deliveries = db
        .prepare_cached(
            "SELECT d.*, l.digest AS digest
             FROM delivery d JOIN record r ON r.row = d.record
             JOIN ledger_event l ON l.tenant = r.tenant AND l.seq = d.seq
             WHERE d.record = ?1 ORDER BY d.row",
        )?
        .query_map([row], delivery)?
        .collect::<Result<_, _>>()?;
    Ok(record)
}

fn list(row: &Row<'_>) -> Result<ListRow, Fault> {
    let from_address: Option<String> = row.get("from_address")?;
    let from_name: Option<String> = row.get("from_name")?;
    let from = from_address.map(|address| Mailbox {
        name: from_name.unwrap_or_default(),
        address: EmailAddress::new(&address),
    });
    Ok(ListRow {
        row: uint(row.get("row")?),
        record: RecordId::from_bytes(row.get("id")?),
        subject: row.get("subject")?,
        from,
        to: row.get::<_, Json<_>>("to_display")?.0,
        date: Timestamp::from_micros(row.get("date")?),
        received_at: Timestamp::from_micros(row.get("received_at")?),
        size_bytes: uint(row.get("size_bytes")?),
        attachments: row.get("attachments")?,
        kind: row.get::<_, Coded<_>>("kind")?.0,
        marks: row.get::<_, Json<_>>("marks")?.0,
        shape: row.get::<_, Coded<_>>("shape")?.0,
        versions: row.get("versions")?,
    })
}

fn participant(row: &Row<'_>) -> Result<ParticipantRow, Fault> {
    let address = |text: String| EmailAddress::new(&text);
    let participant = Participant {
        address: address(row.get("text")?),
        role: row.get::<_, Coded<_>>("role")?.0,
        provenance: row.get::<_, Coded<_>>("provenance")?.0,
        expanded_from: row.get::<_, Option<_>>("expanded")?.map(address),
        forwarded_from: row.get::<_, Option<_>>("forwarded")?.map(address),
    };
    Ok(ParticipantRow { participant, delivery: uint(row.get("delivery")?) })
}

fn content(bytes: [u8; 32]) -> ContentId {
    ContentId(Digest::from_bytes(bytes))
}

fn delivery(row: &Row<'_>) -> Result<Delivery, Fault> {
    let report = match row.get::<_, Option<_>>("report")?.map(content) {
        None => None,
        Some(content) => Some(ReportRow {
            content,
            size_bytes: uint(row.get("report_size_bytes")?),
            variant: row.get::<_, Option<Coded<_>>>("variant")?.map(|code| code.0),
            originator_org: row.get("originator_org")?,
        }),
    };
    Ok(Delivery {
        row: uint(row.get("row")?),
        seq: uint(row.get("seq")?),
        received_at: Timestamp::from_micros(row.get("received_at")?),
        shape: row.get::<_, Coded<_>>("shape")?.0,
        report,
        source: row.get::<_, Json<_>>("source")?.0,
        envelope: row.get::<_, Option<Json<_>>>("envelope")?.map(|json| json.0),
        location: location(row)?,
        facts_digest: Digest::from_bytes(row.get("digest")?),
    })
}

pub(super) fn max_seq(db: &Connection, tenant: i64) -> Result<u64, Fault> {
    db.prepare_cached("SELECT seq FROM figures WHERE tenant = ?1")?
        .query_row([tenant], |row| row.get(0))
        .map(uint)
}

pub(super) fn figures(db: &Connection, tenant: i64) -> Result<Figures, Fault> {
    db.prepare_cached("SELECT * FROM figures WHERE tenant = ?1")?.query_row([tenant], figures_of)
}

/// What the figures must be.
pub(super) fn recount(db: &Connection, tenant: i64) -> Result<Figures, Fault> {
    let count = |sql: &str| -> Result<u64, Fault> {
        Ok(uint(db.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?))
    };
    let records = count("SELECT count(*) FROM record WHERE tenant = ?1")?;
    let (deliveries, reports, raw_bytes) = db
        .prepare_cached(
            "SELECT count(*), count(d.report_size_bytes),
                 coalesce(sum(coalesce(d.report_size_bytes, r.size_bytes)), 0)
             FROM record r JOIN delivery d ON d.record = r.row WHERE r.tenant = ?1",
        )?
        .query_row([tenant], |row| Ok((uint(row.get(0)?), uint(row.get(1)?), uint(row.get(2)?))))?;
    let known = figures(db, tenant)?;
    Ok(Figures {
        records,
        deliveries,
        reports,
        merged: deliveries.saturating_sub(records),
        quarantined: count(
            "SELECT count(*) FROM quarantine WHERE tenant = ?1 AND state = 'waiting'",
        )?,
        raw_bytes,
        mail_bytes: count("SELECT coalesce(sum(size_bytes), 0) FROM record WHERE tenant = ?1")?,
        parts: count("SELECT count(*) FROM part WHERE tenant = ?1")?,
        not_selected: known.not_selected,
    })
}

/// The columns of the table `figures`.
pub(super) fn figures_of(row: &Row<'_>) -> Result<Figures, Fault> {
    Ok(Figures {
        records: uint(row.get("records")?),
        deliveries: uint(row.get("deliveries")?),
        reports: uint(row.get("reports")?),
        merged: uint(row.get("merged")?),
        quarantined: uint(row.get("quarantined")?),
        raw_bytes: uint(row.get("raw_bytes")?),
        mail_bytes: uint(row.get("mail_bytes")?),
        parts: uint(row.get("parts")?),
        not_selected: uint(row.get("not_selected")?),
    })
}

pub(super) fn suggest(
    db: &Connection,
    tenant: i64,
    scope: &Scope,
    prefix: &str,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    let low = prefix.to_lowercase();
    let high = format!("{low}\u{10FFFF}");
    let view = scope.view();
    if view.is_everything() {
        return db
            .prepare_cached(
                "SELECT text FROM address WHERE tenant = ?1 AND key >= ?2 AND key < ?3
                 ORDER BY key LIMIT ?4",
            )?
            .query_map((tenant, &low, &high, limit), |row| row.get(0))?
            .collect();
    }
    let owned = &view.addresses[..view.addresses.len().min(SUGGEST_ADDRESSES_MAX)];
    let mails = SUGGEST_MAILS_MAX / owned.len().max(1) as u32;
    let mut found = BTreeSet::new();
    for own in owned {
        found.extend(near(db, tenant, own, mails, (&low, &high), limit)?);
    }
    for span in view.everything {
        found.extend(within(db, tenant, span, (&low, &high), limit)?);
    }
    Ok(found.into_iter().take(limit as usize).map(|(_, text)| text).collect())
}

/// Keys and texts of addresses that occur in mail which was received within the span. Looks at
/// [`SUGGEST_SPAN_ADDRESSES_MAX`] addresses with the beginning, and at as many mails of each.
fn within(
    db: &Connection,
    tenant: i64,
    span: &Span,
    (low, high): (&str, &str),
    limit: u32,
) -> Result<Vec<(String, String)>, Fault> {
    let since = span.from.map_or(i64::MIN, Timestamp::as_micros);
    let until = span.until.map_or(i64::MAX, Timestamp::as_micros);
    let sql = format!(
        "SELECT a.key, a.text FROM (
             SELECT row, key, text FROM address WHERE tenant = ?1 AND key >= ?2 AND key < ?3
             ORDER BY key LIMIT {SUGGEST_SPAN_ADDRESSES_MAX}) a
         WHERE EXISTS (
             SELECT 1 FROM (SELECT p.record AS record FROM participant p
                 WHERE p.address = a.row ORDER BY p.record DESC
                 LIMIT {SUGGEST_SPAN_ADDRESSES_MAX}) newest
             CROSS JOIN record r ON r.row = newest.record
             WHERE r.received_at >= ?4 AND r.received_at < ?5)
         ORDER BY a.key LIMIT ?6"
    );
    db.prepare_cached(&sql)?
        .query_map((tenant, low, high, since, until, limit), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Keys and texts of those who take part in the newest mails of `own`. Blind copies are named to
/// their recipients and senders only, so they are not suggested.
fn near(
    db: &Connection,
    tenant: i64,
    own: &OwnedAddress,
    mails: u32,
    (low, high): (&str, &str),
    limit: u32,
) -> Result<Vec<(String, String)>, Fault> {
    let Some(address) = find_row(db, tenant, &own.key)? else { return Ok(Vec::new()) };
    let since = own.from.map_or(i64::MIN, Timestamp::as_micros);
    let until = own.until.map_or(i64::MAX, Timestamp::as_micros);
    let sql = format!(
        "SELECT DISTINCT a.key, a.text FROM (
             SELECT p.address AS address FROM (
                 SELECT DISTINCT mine.record AS record
                 FROM participant mine CROSS JOIN record r ON r.row = mine.record
                 WHERE mine.address = ?1 AND r.received_at >= ?2 AND r.received_at < ?3
                 ORDER BY mine.record DESC LIMIT ?8) newest
             CROSS JOIN participant p ON p.record = newest.record AND p.role <> ?4
             LIMIT {SUGGEST_PARTICIPANTS_MAX}) p
         CROSS JOIN address a ON a.row = p.address
         WHERE a.key >= ?5 AND a.key < ?6 ORDER BY a.key LIMIT ?7"
    );
    db.prepare_cached(&sql)?
        .query_map(
            (address, since, until, model::Role::Bcc.code(), low, high, limit, mails),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect()
}
