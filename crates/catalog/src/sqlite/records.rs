use std::collections::HashSet;

use model::{ContentId, Location, QuarantineId, RecordFacts, RecordId, TenantId, Timestamp};
use policy::Scope;
use rusqlite::{OptionalExtension, Row};

use super::codes::{int, uint};
use super::fault::Fault;
use super::quarantine::{self, Decision, location};
use super::{Sqlite, commit, foresee, reads, tenant_row};
use crate::{
    Batch, CatalogError, Changes, Committed, Figures, ListRow, NewPart, Outcome, QuarantineFilter,
    QuarantineList, QuarantineRow, QuarantineState, RecordDetail, Records, StoredRecord,
};

impl Records for Sqlite {
    fn existing(
        &self,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<HashSet<RecordId>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let mut existing = HashSet::new();
            for id in records {
                if commit::find_record(db, tenant, *id)?.is_some() {
                    existing.insert(*id);
                }
            }
            Ok(existing)
        })
    }

    fn foresee(
        &self,
        tenant: TenantId,
        records: &[&RecordFacts],
    ) -> Result<Vec<Outcome>, CatalogError> {
        self.read(|db| Ok(foresee::foresee(db, tenant_row(db, tenant)?, records)?))
    }

    fn commit(&self, tenant: TenantId, batch: &Batch) -> Result<Committed, CatalogError> {
        commit::commit(self, tenant, batch)
    }

    fn locate(
        &self,
        tenant: TenantId,
        parts: &[ContentId],
    ) -> Result<Vec<Option<Location>>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let mut find = db.prepare_cached(
                "SELECT pack, slot, offset, length FROM part WHERE tenant = ?1 AND content = ?2",
            )?;
            let mut locations = Vec::with_capacity(parts.len());
            for part in parts {
                locations.push(find.query_row((tenant, part.as_bytes()), location).optional()?);
            }
            Ok(locations)
        })
    }

    fn record(&self, scope: &Scope, id: RecordId) -> Result<Option<RecordDetail>, CatalogError> {
        self.read(|db| Ok(reads::detail(db, tenant_row(db, scope.tenant())?, scope, id)?))
    }

    fn rows(&self, scope: &Scope, ids: &[RecordId]) -> Result<Vec<ListRow>, CatalogError> {
        self.read(|db| Ok(reads::rows(db, tenant_row(db, scope.tenant())?, scope, ids)?))
    }

    fn suggest_addresses(
        &self,
        scope: &Scope,
        prefix: &str,
        limit: u32,
    ) -> Result<Vec<String>, CatalogError> {
        self.read(|db| {
            Ok(reads::suggest(db, tenant_row(db, scope.tenant())?, scope, prefix, limit)?)
        })
    }

    fn stored(
        &self,
        tenant: TenantId,
        ids: &[RecordId],
    ) -> Result<Vec<StoredRecord>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let mut records = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(row) = commit::find_record(db, tenant, *id)? {
                    records.push(reads::stored(db, row)?);
                }
            }
            Ok(records)
        })
    }

    fn changes(
        &self,
        tenant: TenantId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Changes, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let events: Vec<(i64, Option<i64>)> = db
                .prepare_cached(
                    "SELECT seq, record FROM ledger_event WHERE tenant = ?1 AND seq > ?2
                     ORDER BY seq LIMIT ?3",
                )?
                .query_map((tenant, int(after_seq), limit), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let through_seq = events.last().map_or(after_seq, |(seq, _)| uint(*seq));
            let mut seen = HashSet::new();
            let mut records = Vec::with_capacity(events.len());
            for row in events.into_iter().filter_map(|(_, record)| record) {
                if seen.insert(row) {
                    // Disposed meanwhile.
                    records.extend(reads::stored(db, row).optional()?);
                }
            }
            Ok(Changes { records, through_seq })
        })
    }

    fn all_records(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let rows: Vec<i64> = db
                .prepare_cached(
                    "SELECT row FROM record INDEXED BY record_tenant
                     WHERE tenant = ?1 AND row > ?2 ORDER BY row LIMIT ?3",
                )?
                .query_map((tenant, int(after_row), limit), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(rows.into_iter().map(|row| reads::stored(db, row)).collect::<Result<_, _>>()?)
        })
    }

    fn all_parts(
        &self,
        tenant: TenantId,
        after: Option<ContentId>,
        limit: u32,
    ) -> Result<Vec<NewPart>, CatalogError> {
        let part = |row: &Row<'_>| {
            let content = ContentId(model::Digest::from_bytes(row.get("content")?));
            Ok::<_, Fault>(NewPart { content, location: location(row)? })
        };
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            let after = after.as_ref().map_or(&[][..], |content| content.as_bytes());
            let parts = db
                .prepare_cached(
                    "SELECT content, pack, slot, offset, length FROM part
                     WHERE tenant = ?1 AND content > ?2 ORDER BY content LIMIT ?3",
                )?
                .query_map((tenant, after, limit), part)?
                .collect::<Result<_, _>>()?;
            Ok(parts)
        })
    }

    fn max_seq(&self, tenant: TenantId) -> Result<u64, CatalogError> {
        self.read(|db| Ok(reads::max_seq(db, tenant_row(db, tenant)?)?))
    }

    fn records_after(&self, tenant: TenantId, after_seq: u64) -> Result<u64, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            if reads::max_seq(db, tenant)? <= after_seq {
                return Ok(0);
            }
            let count: i64 = db
                .prepare_cached(
                    "SELECT count(DISTINCT record) FROM ledger_event
                     WHERE tenant = ?1 AND seq > ?2",
                )?
                .query_row((tenant, int(after_seq)), |row| row.get(0))?;
            Ok(uint(count))
        })
    }

    fn visible_after(&self, scope: &Scope, after_seq: u64) -> Result<u64, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, scope.tenant())?;
            if reads::max_seq(db, tenant)? <= after_seq {
                return Ok(0);
            }
            Ok(reads::visible_after(db, tenant, scope, after_seq)?)
        })
    }

    fn figures(&self, tenant: TenantId) -> Result<Figures, CatalogError> {
        self.read(|db| Ok(reads::figures(db, tenant_row(db, tenant)?)?))
    }

    fn recount(&self, tenant: TenantId) -> Result<Figures, CatalogError> {
        self.read(|db| Ok(reads::recount(db, tenant_row(db, tenant)?)?))
    }

    fn quarantine(
        &self,
        tenant: TenantId,
        filter: &QuarantineFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<QuarantineList, CatalogError> {
        quarantine::list(self, tenant, filter, before, limit)
    }

    fn quarantined(
        &self,
        tenant: TenantId,
        id: QuarantineId,
    ) -> Result<Option<QuarantineRow>, CatalogError> {
        quarantine::one(self, tenant, id)
    }

    fn all_quarantined(
        &self,
        tenant: TenantId,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, CatalogError> {
        quarantine::all(self, tenant, after_row, limit)
    }

    fn decided_since(
        &self,
        tenant: TenantId,
        since: Timestamp,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, CatalogError> {
        quarantine::decided_since(self, tenant, since, after_row, limit)
    }

    fn decide_quarantine(
        &self,
        tenant: TenantId,
        id: QuarantineId,
        state: QuarantineState,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError> {
        quarantine::decide(self, tenant, id, &Decision { state, by, reason, at })
    }
}
