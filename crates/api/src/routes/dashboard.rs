//! Figures on one page.

use axum::Json;
use axum::extract::State;
use catalog::{Catalog, HistoryPoint, IMPORTS, Period, Quota, Tally};
use model::{TenantId, Timestamp};
use policy::Permission;

use crate::body::Query;
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::routes::sources::{self, IMPORTS_ID};
use crate::routes::tenants::storage;
use crate::state::AppState;

const MAILBOXES_MAX: u32 = 10;
const TOP_TENANTS_MAX: usize = 10;
const RECENT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// An administrator's tenant, or everything for the operator.
#[utoipa::path(
    get,
    path = "/api/v1/dashboard",
    operation_id = "dashboard",
    params(dto::DashboardParams),
    responses(
        (status = 200, description = "the figures", body = dto::Dashboard),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn dashboard(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::DashboardParams>,
) -> Result<Json<dto::Dashboard>, Problem> {
    caller.may(Permission::ReadStatus)?;
    let tenant = caller.current.actor.tenant;
    let blocking = state.blocking.clone();
    let work = move || page(&state, tenant, params.unit, caller.now).map(Json);
    blocking.read(work).await
}

fn page(
    state: &AppState,
    tenant: Option<TenantId>,
    unit: dto::HistoryUnit,
    now: Timestamp,
) -> Result<dto::Dashboard, Problem> {
    let catalog = &*state.catalog;
    let status = state.status.status(tenant)?;
    let (figures, quota, named, tenants) = match tenant {
        Some(id) => {
            let row = catalog.tenant(id)?.ok_or_else(Problem::not_found)?;
            let named = dto::NamedTenant { id: id.to_string(), name: row.name };
            (catalog.figures(id)?, row.settings.quota, Some(named), None)
        }
        None => {
            let totals = catalog.totals()?;
            let top = top_tenants(catalog, now)?;
            let (total, suspended) = (totals.tenants, totals.suspended);
            let summary = dto::TenantsSummary { total, suspended, top };
            (totals.figures, Quota::default(), None, Some(summary))
        }
    };
    let packs = status.archive.stored_bytes.packs;
    let reduction = (packs > 0).then(|| figures.raw_bytes as f64 / packs as f64);
    let waiting = catalog.waiting(tenant)?.into_iter();
    Ok(dto::Dashboard {
        tenant: named,
        figures: figures.into(),
        storage: storage(Some(status.archive.stored_bytes), quota),
        reduction,
        history: history(catalog, tenant, unit, now)?,
        sources: own_sources(catalog, tenant, now)?,
        spool: status.spool,
        waiting: waiting.map(|(code, count)| dto::ReasonCount { code, count }).collect(),
        index: status.index,
        failures: state.tenants.failures(tenant),
        mailboxes: mailboxes(catalog, tenant)?,
        tenants,
        certificates: status.certificates,
    })
}

fn top_tenants(catalog: &dyn Catalog, now: Timestamp) -> Result<Vec<dto::TopTenant>, Problem> {
    let since = now.saturating_add_seconds(-RECENT_SECONDS);
    let mut top = Vec::new();
    for one in catalog.tenant_figures(since)?.into_iter().take(TOP_TENANTS_MAX) {
        let Some(tenant) = catalog.tenant(one.tenant)? else { continue };
        top.push(dto::TopTenant {
            id: one.tenant.to_string(),
            name: tenant.name,
            records: one.figures.records,
            raw_bytes: one.figures.raw_bytes,
            quarantined: one.figures.quarantined,
            recent_mails: one.recent.mails,
            recent_bytes: one.recent.bytes,
        });
    }
    Ok(top)
}

fn own_sources(
    catalog: &dyn Catalog,
    tenant: Option<TenantId>,
    now: Timestamp,
) -> Result<Vec<dto::DashboardSource>, Problem> {
    let Some(tenant) = tenant else { return Ok(Vec::new()) };
    let sources = sources::all(catalog, tenant, now)?.into_iter();
    let shown = |source: dto::Source| dto::DashboardSource {
        id: source.id,
        name: source.name,
        figures: source.figures,
    };
    Ok(sources.map(shown).collect())
}

fn mailboxes(
    catalog: &dyn Catalog,
    tenant: Option<TenantId>,
) -> Result<Vec<dto::LargeMailbox>, Problem> {
    let Some(tenant) = tenant else { return Ok(Vec::new()) };
    let largest = catalog.largest_mailboxes(tenant, MAILBOXES_MAX)?.into_iter();
    let shown = |one: catalog::MailboxFigures| dto::LargeMailbox {
        account: one.account.to_string(),
        user_name: one.user_name,
        display_name: one.display_name,
        mails: one.mails,
        bytes: one.bytes,
    };
    Ok(largest.map(shown).collect())
}

fn history(
    catalog: &dyn Catalog,
    tenant: Option<TenantId>,
    unit: dto::HistoryUnit,
    now: Timestamp,
) -> Result<dto::History, Problem> {
    let (period, back) = match unit {
        dto::HistoryUnit::Hour => (Period::Hour, 47 * Period::Hour.seconds()),
        dto::HistoryUnit::Day => (Period::Day, 30 * Period::Day.seconds()),
        dto::HistoryUnit::Month => (Period::Day, 0),
    };
    let begin = |at: Timestamp| Timestamp::from_seconds(period.of(at) * period.seconds());
    let from = match unit {
        dto::HistoryUnit::Month => month_before(now, 12),
        _ => begin(now.saturating_add_seconds(-back)),
    };
    let until = begin(now).saturating_add_seconds(period.seconds());
    let found = catalog.history(tenant, period, from, until)?;
    let found = if unit == dto::HistoryUnit::Month { by_month(found) } else { found };
    let points = found.into_iter().map(point).collect();
    Ok(dto::History { unit, from: written(from), until: written(until), points })
}

fn point(point: HistoryPoint) -> dto::HistoryPoint {
    let source = point.source.map(|id| match id {
        IMPORTS => IMPORTS_ID.to_owned(),
        id => id.to_string(),
    });
    let Tally { mails, bytes, quarantined, not_selected } = point.tally;
    dto::HistoryPoint { at: written(point.at), source, mails, bytes, quarantined, not_selected }
}

/// Days put together into months of the calendar (UTC), in their order.
fn by_month(days: Vec<HistoryPoint>) -> Vec<HistoryPoint> {
    let mut months = std::collections::BTreeMap::<_, Tally>::new();
    for day in days {
        *months.entry((month_before(day.at, 0), day.source)).or_default() += day.tally;
    }
    let month = |((at, source), tally)| HistoryPoint { at, source, tally };
    months.into_iter().map(month).collect()
}

/// The first moment of the month that lies `back` months before that of `at` (UTC).
fn month_before(at: Timestamp, back: i64) -> Timestamp {
    let (year, month) = year_and_month(at.as_seconds().div_euclid(Period::Day.seconds()));
    let months = year * 12 + (month - 1) - back;
    let day = days_before(months.div_euclid(12), months.rem_euclid(12) + 1);
    Timestamp::from_seconds(day * Period::Day.seconds())
}

/// The Gregorian year and month (from 1) of a day since 1970
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn year_and_month(day: i64) -> (i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month)
}

/// The day since 1970 on which a month of the Gregorian calendar begins.
fn days_before(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_the_calendar_says() {
        for (at, back, expected) in [
            ("2026-11-22T09:00:00Z", 0, "2026-11-01T00:00:00Z"),
            ("2026-11-22T09:00:00Z", 12, "2025-11-01T00:00:00Z"),
            ("2024-02-29T23:59:59Z", 0, "2024-02-01T00:00:00Z"),
            ("2024-03-01T00:00:00Z", 1, "2024-02-01T00:00:00Z"),
            ("2026-01-01T00:00:00Z", 1, "2025-12-01T00:00:00Z"),
            ("1970-01-01T00:00:00Z", 2, "1969-11-01T00:00:00Z"),
        ] {
            let at: Timestamp = at.parse().expect("a time");
            assert_eq!(month_before(at, back), expected.parse().expect("a time"), "{at} {back}");
        }
    }
}
