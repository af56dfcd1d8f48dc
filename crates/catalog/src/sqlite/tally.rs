//! What a batch adds to the figures over time and by source.

use std::collections::BTreeMap;

use model::{RecordFacts, Source, SourceId, Timestamp};
use rusqlite::Connection;

use super::codes::int;
use super::fault::Fault;
use crate::{Batch, IMPORTS, NewQuarantine, NotSelected, Period, Tally};

/// Counts per source and hour; written at the end of the batch.
pub(super) struct Tallies {
    /// The moment of the batch.
    at: Timestamp,
    /// The history has counted it already.
    replay: bool,
    hours: BTreeMap<(SourceId, i64), Tally>,
    sources: BTreeMap<SourceId, Seen>,
}

#[derive(Default)]
struct Seen {
    reports: u64,
    last: Option<Timestamp>,
    last_report: Option<Timestamp>,
}

impl Tallies {
    pub(super) fn new(batch: &Batch) -> Self {
        let (hours, sources) = (BTreeMap::new(), BTreeMap::new());
        Self { at: batch.at, replay: batch.replay, hours, sources }
    }

    pub(super) fn archived(&mut self, facts: &RecordFacts) {
        let bytes = facts.report.as_ref().map_or(facts.size_bytes, |report| report.size_bytes);
        let is_report = facts.report.is_some();
        let tally = self.tally(&facts.source, facts.received_at, is_report);
        tally.mails += 1;
        tally.bytes += bytes;
    }

    pub(super) fn quarantined(&mut self, entry: &NewQuarantine) {
        self.tally(&entry.source, entry.received_at, false).quarantined += 1;
    }

    pub(super) fn not_selected(&mut self, one: &NotSelected) {
        self.tally(&one.source, one.received_at, false).not_selected += 1;
    }

    /// Imports count when they are made, not when their mails were sent.
    fn tally(&mut self, source: &Source, received_at: Timestamp, is_report: bool) -> &mut Tally {
        let (id, at) = match source {
            Source::Import { .. } => (IMPORTS, self.at),
            // Old mail counts when it is fetched, as imports do.
            Source::Fetched(fetched) => (fetched.id, self.at),
            Source::Smtp { id } => (*id, received_at),
        };
        let seen = self.sources.entry(id).or_default();
        seen.last = seen.last.max(Some(at));
        if is_report {
            seen.reports += 1;
            seen.last_report = seen.last_report.max(Some(at));
        }
        self.hours.entry((id, Period::Hour.of(at))).or_default()
    }

    pub(super) fn write(&self, db: &Connection, tenant: i64) -> Result<(), Fault> {
        if self.replay {
            return Ok(());
        }
        let mut days: BTreeMap<(SourceId, i64), Tally> = BTreeMap::new();
        let mut sources: BTreeMap<SourceId, Tally> = BTreeMap::new();
        for ((source, hour), tally) in &self.hours {
            *days.entry((*source, hour.div_euclid(24))).or_default() += *tally;
            *sources.entry(*source).or_default() += *tally;
            add(db, "history_hour", "total_hour", tenant, (*source, *hour), *tally)?;
        }
        for (key, tally) in days {
            add(db, "history_day", "total_day", tenant, key, tally)?;
        }
        for (source, tally) in sources {
            self.write_source(db, tenant, source, tally)?;
        }
        Ok(())
    }

    fn write_source(
        &self,
        db: &Connection,
        tenant: i64,
        source: SourceId,
        tally: Tally,
    ) -> Result<(), Fault> {
        let Some(seen) = self.sources.get(&source) else { return Ok(()) };
        db.prepare_cached(
            "INSERT INTO source_figures (tenant, source, mails, bytes, reports, quarantined,
                 not_selected, last_at, last_report_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (tenant, source) DO UPDATE SET mails = mails + excluded.mails,
                 bytes = bytes + excluded.bytes, reports = reports + excluded.reports,
                 quarantined = quarantined + excluded.quarantined,
                 not_selected = not_selected + excluded.not_selected,
                 last_at = max(coalesce(last_at, excluded.last_at), excluded.last_at),
                 last_report_at = max(coalesce(last_report_at, excluded.last_report_at),
                     coalesce(excluded.last_report_at, last_report_at))",
        )?
        .execute((
            tenant,
            source.as_bytes(),
            int(tally.mails),
            int(tally.bytes),
            int(seen.reports),
            int(tally.quarantined),
            int(tally.not_selected),
            seen.last.map(Timestamp::as_micros),
            seen.last_report.map(Timestamp::as_micros),
        ))?;
        Ok(())
    }
}

fn add(
    db: &Connection,
    table: &str,
    total: &str,
    tenant: i64,
    (source, at): (SourceId, i64),
    tally: Tally,
) -> Result<(), Fault> {
    const MORE: &str = "mails = mails + excluded.mails, bytes = bytes + excluded.bytes,
         quarantined = quarantined + excluded.quarantined,
         not_selected = not_selected + excluded.not_selected";
    let (mails, bytes) = (int(tally.mails), int(tally.bytes));
    let (quarantined, not_selected) = (int(tally.quarantined), int(tally.not_selected));
    db.prepare_cached(&format!(
        "INSERT INTO {table} (tenant, at, source, mails, bytes, quarantined, not_selected)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant, at, source) DO UPDATE SET {MORE}"
    ))?
    .execute((tenant, at, source.as_bytes(), mails, bytes, quarantined, not_selected))?;
    db.prepare_cached(&format!(
        "INSERT INTO {total} (at, mails, bytes, quarantined, not_selected)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (at) DO UPDATE SET {MORE}"
    ))?
    .execute((at, mails, bytes, quarantined, not_selected))?;
    Ok(())
}
