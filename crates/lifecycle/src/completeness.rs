//! What came in within a month and what became of it: the counts must add up.

use std::collections::BTreeMap;

use catalog::{Catalog, CompletenessRow, LedgerKind, NewLedgerEvent, Period, Tenant};
use model::{Digest, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A month's report (UTC), as it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompletenessReport {
    pub format: u32,
    pub tenant: TenantId,
    pub name: String,
    /// Such as `2026-11`.
    pub month: String,
    pub from: Timestamp,
    pub until: Timestamp,
    pub made_at: Timestamp,
    /// Archived, merged, quarantined and not selected together.
    pub received: u64,
    /// Journal reports among what was archived; each was unwrapped.
    pub reports: u64,
    pub unwrapped: u64,
    pub archived: u64,
    pub merged: u64,
    pub quarantined: Quarantined,
    /// Left out because none of their accounts is selected; by the history, which counts by hours.
    pub not_selected: u64,
    pub disposed: u64,
    /// Further events of the ledger by kind.
    pub other_events: BTreeMap<String, u64>,
    /// Two independent counts since the beginning.
    pub since_beginning: SinceBeginning,
    pub adds_up: bool,
}

/// Submissions that came into quarantine within the month, and where they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    pub total: u64,
    /// Let into the archive, or sent through the rules again.
    pub released: u64,
    pub discarded: u64,
    pub waiting: u64,
}

/// Deliveries counted when they came, by source, and those that the ledger names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinceBeginning {
    pub counted: u64,
    pub in_ledger: u64,
    /// Numbers of the ledger that are missing.
    pub gaps: u64,
}

/// The first moments of a month such as `2026-11` and of the next; `None` for another text.
pub fn month_span(month: &str) -> Option<(Timestamp, Timestamp)> {
    let (year, number) = month.split_once('-')?;
    let (year, number): (i64, u32) = (year.parse().ok()?, number.parse().ok()?);
    if month.len() != 7 || !(1970..=9998).contains(&year) || !(1..=12).contains(&number) {
        return None;
    }
    let (next_year, next) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    let first = |year: i64, month: u32| format!("{year:04}-{month:02}-01T00:00:00Z").parse().ok();
    Some((first(year, number)?, first(next_year, next)?))
}

/// The whole month before `now`.
pub fn month_before(now: Timestamp) -> Option<String> {
    let this = now.to_string();
    let (first, _) = month_span(this.get(..7)?)?;
    first.saturating_add_seconds(-1).to_string().get(..7).map(str::to_owned)
}

/// Counts a month of a tenant.
///
/// # Errors
/// Of the catalog.
pub fn completeness(
    catalog: &dyn Catalog,
    tenant: &Tenant,
    month: &str,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<CompletenessReport> {
    let counts = catalog.completeness(tenant.id, from, until)?;
    let mut events = counts.events;
    let mut take = |kind: &str| events.remove(kind).unwrap_or(0);
    let (archived, merged) = (take("archived"), take("merged"));
    let disposed = take(LedgerKind::Disposed.name());
    let history = catalog.history(Some(tenant.id), Period::Day, from, until)?;
    let not_selected = history.iter().map(|point| point.tally.not_selected).sum::<u64>();
    let quarantined = Quarantined {
        total: counts.quarantined,
        released: counts.released,
        discarded: counts.discarded,
        waiting: counts.waiting,
    };
    let since_beginning = since_beginning(catalog, tenant.id)?;
    let q = &quarantined;
    let adds_up = since_beginning.counted == since_beginning.in_ledger
        && since_beginning.gaps == 0
        && q.total == q.released + q.discarded + q.waiting
        && counts.reports <= archived + merged;
    Ok(CompletenessReport {
        format: 1,
        tenant: tenant.id,
        name: tenant.name.clone(),
        month: month.to_owned(),
        from,
        until,
        made_at: now,
        received: archived + merged + quarantined.total + not_selected,
        reports: counts.reports,
        unwrapped: counts.reports,
        archived,
        merged,
        quarantined,
        not_selected,
        disposed,
        other_events: events,
        since_beginning,
        adds_up,
    })
}

fn since_beginning(catalog: &dyn Catalog, tenant: TenantId) -> Result<SinceBeginning> {
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    // Before the sources: what comes between is in both or in the sources alone, and then in the
    // next report.
    let max_seq = catalog.max_seq(tenant)?;
    let counted = catalog.source_figures(tenant)?.iter().map(|one| one.tally.mails).sum();
    let events = catalog.completeness(tenant, first, last)?.events;
    let of = |kind: &str| events.get(kind).copied().unwrap_or(0);
    let all: u64 = events.values().sum();
    Ok(SinceBeginning {
        counted,
        in_ledger: of("archived") + of("merged"),
        gaps: max_seq.saturating_sub(all),
    })
}

/// Makes the report of a month that is over, signs it and writes it into the ledger, if there is none.
/// `sign` gives the seal of octets in DER. Returns whether it was made.
///
/// # Errors
/// Of the catalog.
pub fn make_report(
    catalog: &dyn Catalog,
    tenant: &Tenant,
    month: &str,
    now: Timestamp,
    sign: &dyn Fn(&[u8], Timestamp) -> Vec<u8>,
) -> Result<bool> {
    let span = month_span(month).filter(|(_, until)| *until <= now);
    let Some(span) = span else { return Ok(false) };
    if tenant.created_at >= span.1
        || catalog.reports(tenant.id)?.iter().any(|report| report.month == month)
    {
        return Ok(false);
    }
    let report = completeness(catalog, tenant, month, span, now)?;
    // Strings and numbers: it always has a JSON form.
    let text = serde_json::to_string(&report).unwrap_or_default();
    let seal = sign(text.as_bytes(), now);
    let facts = serde_json::json!({
        "report": "completeness",
        "month": month,
        "digest": Digest::of(text.as_bytes()),
        "addsUp": report.adds_up,
    });
    let event = NewLedgerEvent::new(LedgerKind::Report, now, facts);
    let month = month.to_owned();
    let row = CompletenessRow { month, made_at: now, seq: 0, report: text, seal };
    Ok(catalog.save_report(tenant.id, &row, &event)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_and_end_where_the_calendar_says() {
        let span = |month: &str| month_span(month).map(|(a, b)| (a.to_string(), b.to_string()));
        let (first, next) = span("2026-12").unwrap();
        assert!(first.starts_with("2026-12-01T00:00:00") && next.starts_with("2027-01-01T00:00"));
        assert!(span("2028-02").unwrap().1.starts_with("2028-03-01"));
        for wrong in ["2026-13", "2026-1", "26-01", "2026-00", "x", "2026-12-01"] {
            assert_eq!(month_span(wrong), None, "{wrong}");
        }
        let now: Timestamp = "2027-01-15T10:00:00Z".parse().unwrap();
        assert_eq!(month_before(now).as_deref(), Some("2026-12"));
    }
}
