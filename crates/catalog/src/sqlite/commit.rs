use std::collections::{HashMap, HashSet};

use fail::fail_point;
use model::{
    ContentId, Digest, Location, Participant, RecordFacts, RecordId, Source, SourceId, TenantId,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::codes::{Code, Json, int, json, uint};
use super::fault::{Abort, Fault};
use super::intern::Interned;
use super::quarantine::Added;
use super::tally::Tallies;
use super::{Sqlite, dispose, quarantine, tenant_row};
use crate::{
    Batch, CatalogError, Committed, Inserted, NewRecord, Numbers, Outcome, PartHolder, PartUse,
    PartUser,
};

/// `To` mailboxes that a list row shows.
const TO_DISPLAY_MAX: usize = 10;

pub(super) fn commit(
    engine: &Sqlite,
    tenant: TenantId,
    batch: &Batch,
) -> Result<Committed, CatalogError> {
    let committed = engine.write(|db, interned| {
        let tenant = tenant_row(db, tenant)?;
        refuse_removed(db, tenant)?;
        let mut writer = BatchWriter::begin(db, interned, tenant, batch)?;
        writer.add_parts(batch)?;
        let mut records = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            records.push(writer.add(record)?);
        }
        for entry in &batch.quarantined {
            if quarantine::add(db, tenant, entry)? == Added::New {
                writer.tallies.quarantined(entry);
            }
        }
        writer.use_parts(batch)?;
        for one in &batch.not_selected {
            writer.figures.not_selected += 1;
            writer.tallies.not_selected(one);
        }
        let max_seq = uint(writer.finish()?);
        // Nothing of the batch is there before the commit, all of it after; the spool still
        // holds the submissions and brings them again.
        fail_point!("catalog.commit.before");
        Ok(Committed { records, max_seq })
    })?;
    fail_point!("catalog.commit.after");
    Ok(committed)
}

/// Nothing is added to a tenant that is being removed.
fn refuse_removed(db: &Connection, tenant: i64) -> Result<(), Abort> {
    let removed = db
        .prepare_cached("SELECT 1 FROM tenant WHERE row = ?1 AND state IN ('removed', 'removing')")?
        .exists([tenant])?;
    if removed { Err(CatalogError::NotFound("the tenant").into()) } else { Ok(()) }
}

/// What a batch adds to the tenant's counters; the quarantine counts its own.
#[derive(Default)]
struct Counted {
    records: i64,
    deliveries: i64,
    reports: i64,
    merged: i64,
    raw_bytes: i64,
    mail_bytes: i64,
    parts: i64,
    not_selected: i64,
}

/// Writes one batch; decides in order, so that a record may occur several times in it.
struct BatchWriter<'a> {
    db: &'a Transaction<'a>,
    interned: &'a mut Interned,
    tenant: i64,
    at: Timestamp,
    seq: i64,
    /// In a rebuild: numbers that recovered events have already.
    taken: bool,
    numbers: &'a Numbers,
    figures: Counted,
    tallies: Tallies,
    /// By address row: mails and octets that name it for the first time.
    named: HashMap<i64, (i64, i64)>,
}

/// A participant with the rows of its addresses.
struct Row<'a> {
    address: i64,
    role: i64,
    provenance: i64,
    expanded: i64,
    forwarded: i64,
    position: i64,
    text: Option<&'a str>,
}

impl<'a> BatchWriter<'a> {
    fn begin(
        db: &'a Transaction<'a>,
        interned: &'a mut Interned,
        tenant: i64,
        batch: &'a Batch,
    ) -> Result<Self, Abort> {
        let seq = db
            .prepare_cached("SELECT seq FROM figures WHERE tenant = ?1")?
            .query_row([tenant], |row| row.get(0))?;
        let taken = is_taken(db, tenant, seq, ">")?;
        let figures = Counted::default();
        let tallies = Tallies::new(batch);
        let named = HashMap::new();
        let (at, numbers) = (batch.at, &batch.numbers);
        Ok(Self { db, interned, tenant, at, seq, taken, numbers, figures, tallies, named })
    }

    fn add_parts(&mut self, batch: &Batch) -> Result<(), Fault> {
        let mut insert = self.db.prepare_cached(
            "INSERT INTO part (tenant, content, pack, slot, offset, length)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        for part in &batch.parts {
            let Location { pack, slot, offset, length_bytes } = part.location;
            let content = part.content.as_bytes();
            let row = (self.tenant, content, pack, slot, int(offset), int(length_bytes));
            self.figures.parts += insert.execute(row)? as i64;
        }
        Ok(())
    }

    /// What is used here is kept until the last one that uses it is gone.
    fn use_parts(&self, batch: &Batch) -> Result<(), Abort> {
        let mut exists =
            self.db.prepare_cached("SELECT 1 FROM part WHERE tenant = ?1 AND content = ?2")?;
        for PartUse { by, parts } in &batch.uses {
            let holder = match by {
                PartUser::Quarantine(id) => {
                    quarantine::find(self.db, self.tenant, *id)?.map(PartHolder::Quarantine)
                }
                PartUser::Record(id) => {
                    find_record(self.db, self.tenant, *id)?.map(PartHolder::Record)
                }
            };
            let Some(holder) = holder else { continue };
            for part in parts {
                if !exists.exists((self.tenant, part.as_bytes()))? {
                    return Err(CatalogError::MissingPart(*part).into());
                }
            }
            dispose::use_parts(self.db, holder, parts)?;
        }
        Ok(())
    }

    fn add(&mut self, new: &NewRecord) -> Result<Inserted, Abort> {
        let participants = self.participants(&new.facts.participants)?;
        let found = find_record(self.db, self.tenant, new.facts.record)?;
        let inserted =
            |outcome, row, seq| Inserted { outcome, record: new.facts.record, row: uint(row), seq };
        let (record, outcome) = match found {
            Some(record) if self.is_known(record, new, &participants)? => {
                return Ok(inserted(Outcome::Known, record, None));
            }
            Some(record) => (record, Outcome::Merged),
            None if !new.whole => return Err(CatalogError::MissingRecord(new.facts.record).into()),
            None => (self.insert_record(new)?, Outcome::New),
        };
        let seq = self.append_event(outcome, record, new.facts_digest)?;
        let delivery = self.insert_delivery(record, seq, new)?;
        self.name_addresses(record, outcome, new, &participants)?;
        self.insert_participants(record, delivery, &participants)?;
        self.count(outcome, &new.facts);
        Ok(inserted(outcome, record, Some(uint(seq))))
    }

    fn participants<'p>(&mut self, participants: &'p [Participant]) -> Result<Vec<Row<'p>>, Fault> {
        let mut rows = Vec::with_capacity(participants.len());
        for participant in participants.iter().filter(|one| !one.address.is_empty()) {
            let spelled = self.interned.intern(self.db, self.tenant, &participant.address)?;
            let mut other = |address: &Option<model::EmailAddress>| match address {
                Some(address) if !address.is_empty() => {
                    self.interned.intern(self.db, self.tenant, address).map(|found| found.row)
                }
                _ => Ok(0),
            };
            rows.push(Row {
                expanded: other(&participant.expanded_from)?,
                forwarded: other(&participant.forwarded_from)?,
                address: spelled.row,
                role: participant.role.code(),
                provenance: participant.provenance.code(),
                position: rows.len() as i64,
                text: spelled.text,
            });
        }
        Ok(rows)
    }

    fn is_known(
        &self,
        record: i64,
        new: &NewRecord,
        participants: &[Row<'_>],
    ) -> Result<bool, Fault> {
        if let Some(report) = &new.facts.report
            && !has_report(self.db, record, report.content)?
        {
            return Ok(false);
        }
        for row in participants {
            if !has_participant(self.db, record, row.identity())? {
                return Ok(false);
            }
        }
        match Place::of(&new.facts) {
            Some(place) => place.is_known(self.db, record),
            None => Ok(true),
        }
    }

    fn insert_record(&self, new: &NewRecord) -> Result<i64, Fault> {
        let NewRecord { facts, summary, date, location, .. } = new;
        let from = summary.from.as_ref();
        let to = &summary.to[..summary.to.len().min(TO_DISPLAY_MAX)];
        let message_id = summary.message_id.as_deref().filter(|id| !id.is_empty());
        self.db
            .prepare_cached(
                "INSERT INTO record (row, tenant, id, content, decrypted, message_id, message_hash,
                     subject, from_name, from_address, to_display, sent_at, date, received_at,
                     size_bytes, attachments, kind, shape, marks, pack, slot, offset, length)
                 VALUES (max(coalesce((SELECT max(row) FROM record), 0),
                         coalesce((SELECT row FROM record_floor), 0)) + 1,
                     ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                     ?18, ?19, ?20, ?21, ?22)",
            )?
            .execute(params![
                self.tenant,
                facts.record.as_bytes(),
                facts.content.as_bytes(),
                facts.decrypted.as_ref().map(ContentId::as_bytes),
                message_id,
                message_id.map(message_hash),
                summary.subject,
                from.map(|from| &from.name),
                from.map(|from| from.address.as_str()),
                json(&to),
                summary.sent_at.map(Timestamp::as_micros),
                date.as_micros(),
                facts.received_at.as_micros(),
                int(facts.size_bytes),
                summary.attachments,
                summary.kind.code(),
                facts.shape.code(),
                json(&facts.marks),
                location.pack,
                location.slot,
                int(location.offset),
                int(location.length_bytes),
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    fn append_event(
        &mut self,
        outcome: Outcome,
        record: i64,
        digest: Digest,
    ) -> Result<i64, Fault> {
        let kind = if outcome == Outcome::New { "archived" } else { "merged" };
        let seq = self.next_number(digest)?;
        self.db
            .prepare_cached(
                "INSERT INTO ledger_event (tenant, seq, kind, record, digest, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((self.tenant, seq, kind, record, digest.as_bytes(), self.at.as_micros()))?;
        Ok(seq)
    }

    /// The number of an event about mail: in a rebuild the one under which it was sealed, else the
    /// next that neither an event nor a seal has.
    fn next_number(&mut self, facts: Digest) -> Result<i64, Fault> {
        if let Some(sealed) = self.numbers.by_facts.get(&facts).map(|seq| int(*seq))
            && !is_taken(self.db, self.tenant, sealed, "=")?
        {
            return Ok(sealed);
        }
        loop {
            self.seq += 1;
            if let Some(sealed) = self.numbers.sealed(uint(self.seq)) {
                self.seq = int(*sealed.end());
                continue;
            }
            if !self.taken || !is_taken(self.db, self.tenant, self.seq, "=")? {
                return Ok(self.seq);
            }
        }
    }

    fn insert_delivery(&self, record: i64, seq: i64, new: &NewRecord) -> Result<i64, Fault> {
        let NewRecord { facts, location, .. } = new;
        // A report that another delivery brought already is named once.
        let fresh = match &facts.report {
            Some(report) if !has_report(self.db, record, report.content)? => Some(report),
            _ => None,
        };
        let read = fresh.and_then(|report| report.report.as_ref());
        self.db
            .prepare_cached(
                "INSERT INTO delivery (record, seq, received_at, shape, report, report_size_bytes,
                     variant, originator_org, source, envelope, pack, slot, offset, length)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                record,
                seq,
                facts.received_at.as_micros(),
                facts.shape.code(),
                fresh.map(|report| report.content.as_bytes()),
                // Also of one that is named elsewhere: the figures count what came in.
                facts.report.as_ref().map(|report| int(report.size_bytes)),
                read.map(|report| report.variant.code()),
                read.and_then(|report| report.originator_org.as_deref()),
                json(&facts.source),
                facts.envelope.as_ref().map(json),
                location.pack,
                location.slot,
                int(location.offset),
                int(location.length_bytes),
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Counts the mail for each address that it did not name before.
    fn name_addresses(
        &mut self,
        record: i64,
        outcome: Outcome,
        new: &NewRecord,
        participants: &[Row<'_>],
    ) -> Result<(), Fault> {
        let mut seen = HashSet::with_capacity(participants.len());
        for row in participants {
            let fresh = seen.insert(row.address)
                && (outcome == Outcome::New || !names(self.db, record, row.address)?);
            if fresh {
                let named = self.named.entry(row.address).or_default();
                named.0 += 1;
                named.1 += int(new.facts.size_bytes);
            }
        }
        Ok(())
    }

    fn insert_participants(
        &self,
        record: i64,
        delivery: i64,
        participants: &[Row<'_>],
    ) -> Result<(), Fault> {
        let mut insert = self.db.prepare_cached(
            "INSERT INTO participant (record, address, role, provenance, expanded, forwarded,
                 delivery, position, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?;
        for row in participants {
            insert.execute((
                record,
                row.address,
                row.role,
                row.provenance,
                row.expanded,
                row.forwarded,
                delivery,
                row.position,
                row.text,
            ))?;
        }
        Ok(())
    }

    fn count(&mut self, outcome: Outcome, facts: &RecordFacts) {
        let figures = &mut self.figures;
        figures.deliveries += 1;
        figures.reports += i64::from(facts.report.is_some());
        figures.raw_bytes +=
            int(facts.report.as_ref().map_or(facts.size_bytes, |report| report.size_bytes));
        self.tallies.archived(facts);
        if outcome == Outcome::New {
            figures.records += 1;
            figures.mail_bytes += int(facts.size_bytes);
        } else {
            figures.merged += 1;
        }
    }

    /// Writes the counters and returns the last event's number.
    fn finish(self) -> Result<i64, Fault> {
        self.tallies.write(self.db, self.tenant)?;
        let mut name = self.db.prepare_cached(
            "UPDATE address SET mails = mails + ?2, bytes = bytes + ?3 WHERE row = ?1",
        )?;
        for (row, (mails, bytes)) in &self.named {
            name.execute((row, mails, bytes))?;
        }
        let Counted {
            records,
            deliveries,
            reports,
            merged,
            raw_bytes,
            mail_bytes,
            parts,
            not_selected,
        } = self.figures;
        self.db
            .prepare_cached(
                "UPDATE figures SET seq = ?2, records = records + ?3, deliveries = deliveries + ?4,
                     reports = reports + ?5, merged = merged + ?6, raw_bytes = raw_bytes + ?7,
                     mail_bytes = mail_bytes + ?8, parts = parts + ?9,
                     not_selected = not_selected + ?10
                 WHERE tenant = ?1",
            )?
            .execute((
                self.tenant,
                self.seq,
                records,
                deliveries,
                reports,
                merged,
                raw_bytes,
                mail_bytes,
                parts,
                not_selected,
            ))?;
        Ok(self.seq)
    }
}

/// Where a mail lay in a person's mailbox: a further folder is a further delivery.
///
/// Each folder counts once, so that reading all of it again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    source: SourceId,
    mailbox: String,
    folder: String,
}

impl Place {
    /// `None`: it lay in no person's mailbox.
    pub(super) fn of(facts: &RecordFacts) -> Option<Self> {
        Self::of_source(&facts.source)
    }

    fn of_source(source: &Source) -> Option<Self> {
        let Source::Fetched(fetched) = source else { return None };
        let mailbox = fetched.mailbox.as_ref()?.key();
        Some(Self { source: fetched.id, mailbox, folder: fetched.folder.clone() })
    }

    /// Whether a delivery of the record came from here.
    pub(super) fn is_known(&self, db: &Connection, record: i64) -> Result<bool, Fault> {
        let mut statement = db.prepare_cached("SELECT source FROM delivery WHERE record = ?1")?;
        let mut rows = statement.query([record])?;
        while let Some(row) = rows.next()? {
            let Json(source) = row.get::<_, Json<Source>>(0)?;
            if Self::of_source(&source).as_ref() == Some(self) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Row<'_> {
    fn identity(&self) -> [i64; 5] {
        [self.address, self.role, self.provenance, self.expanded, self.forwarded]
    }
}

pub(super) fn find_record(
    db: &Connection,
    tenant: i64,
    id: RecordId,
) -> Result<Option<i64>, Fault> {
    db.prepare_cached("SELECT row FROM record WHERE tenant = ?1 AND id = ?2")?
        .query_row((tenant, id.as_bytes()), |row| row.get(0))
        .optional()
}

pub(super) fn has_report(db: &Connection, record: i64, report: ContentId) -> Result<bool, Fault> {
    db.prepare_cached("SELECT 1 FROM delivery WHERE record = ?1 AND report = ?2")?
        .exists((record, report.as_bytes()))
}

pub(super) fn has_participant(
    db: &Connection,
    record: i64,
    identity: [i64; 5],
) -> Result<bool, Fault> {
    let [address, role, provenance, expanded, forwarded] = identity;
    db.prepare_cached(
        "SELECT 1 FROM participant WHERE record = ?1 AND address = ?2 AND role = ?3
             AND provenance = ?4 AND expanded = ?5 AND forwarded = ?6",
    )?
    .exists((record, address, role, provenance, expanded, forwarded))
}

/// Whether the ledger has an event at this number, or above it.
fn is_taken(db: &Connection, tenant: i64, seq: i64, compare: &str) -> Result<bool, Fault> {
    let sql = format!("SELECT 1 FROM ledger_event WHERE tenant = ?1 AND seq {compare} ?2 LIMIT 1");
    db.prepare_cached(&sql)?.exists((tenant, seq))
}

/// Whether the record names the address already, in whatever role.
fn names(db: &Connection, record: i64, address: i64) -> Result<bool, Fault> {
    db.prepare_cached("SELECT 1 FROM participant WHERE record = ?1 AND address = ?2")?
        .exists((record, address))
}

/// What versions are looked up by; the Message-ID itself is compared as well.
pub(super) fn message_hash(message_id: &str) -> i64 {
    let digest = Digest::of(message_id.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    i64::from_be_bytes(first)
}
