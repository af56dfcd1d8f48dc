//! What `chancery evidence` lists: batches, ends, reports, the scrub.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use catalog::Tenant;
use evidence::LocalKey;
use evidence::trusted_list::TrustedList;
use model::{Clock as _, Digest, Timestamp};
use serde_json::{Value, json};

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;
use crate::sealing::Schedule;

/// Batches that one call lists.
const BATCHES_MAX: u32 = 1000;

fn show(as_json: bool, value: &Value, lines: &[String]) -> anyhow::Result<ExitCode> {
    match as_json {
        true => print(&serde_json::to_string_pretty(value)?),
        false => lines.iter().for_each(|line| print(line)),
    }
    Ok(ExitCode::SUCCESS)
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or("-".to_owned(), |at| at.to_string())
}

pub fn batches(
    house: &House,
    tenant: &Tenant,
    after: u64,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let rows = house.catalog.sealed_batches(tenant.id, after, BATCHES_MAX)?;
    let values: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "number": row.number, "firstSeq": row.first_seq, "lastSeq": row.last_seq,
                "sealedAt": row.sealed_at, "stampedAt": row.stamped_at,
                "renewedAt": row.renewed_at, "validUntil": row.valid_until, "digest": row.digest,
            })
        })
        .collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let kind = if row.stamped_at.is_some() { "stamped" } else { "local seal" };
            let (number, first, last) = (row.number, row.first_seq, row.last_seq);
            let (at, until) = (row.sealed_at, time(row.valid_until));
            format!("{number:>8} {first:>12}-{last:<12} {at} {kind:<10} {} {until}", row.digest)
        })
        .collect();
    show(as_json, &Value::Array(values), &lines)
}

pub fn forecast(
    config: &Config,
    house: &House,
    tenants: &[Tenant],
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let schedule = Schedule::of(&config.evidence)?;
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for tenant in tenants {
        for row in house.catalog.forecast(tenant.id)? {
            let renewal = schedule.renewal_of(row.valid_until);
            values.push(json!({
                "tenant": tenant.id, "name": tenant.name, "validUntil": row.valid_until,
                "renewalFrom": renewal, "digest": row.digest, "batches": row.batches,
                "events": row.events,
            }));
            let (name, batches, events) = (&tenant.name, row.batches, row.events);
            let (until, digest) = (row.valid_until, &row.digest);
            lines.push(format!(
                "{name}: {batches} batches ({events} events, {digest}) hold until {until}, renewed from {renewal}"
            ));
        }
    }
    for (digest, at) in &schedule.ends {
        lines.push(format!("{digest} is given up on {at}; hash trees are renewed before"));
    }
    show(as_json, &Value::Array(values), &lines)
}

/// What `chancery-verify --local-key` is told.
pub fn key(house: &House, as_json: bool) -> anyhow::Result<ExitCode> {
    let key = LocalKey::from_seed(&house.master_key()?.sealing_secret()[..])?;
    let hex: String = key.public_key().iter().map(|octet| format!("{octet:02x}")).collect();
    show(as_json, &json!({ "algorithm": "ed25519", "publicKey": hex }), std::slice::from_ref(&hex))
}

/// What a trusted list says, for whoever is to pin it.
pub fn trusted_list(file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let octets = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let digest = Digest::of(&octets);
    let list = TrustedList::parse(&octets, digest)?;
    let mut lines = vec![
        format!(
            "{}, issued {}, replaced {}",
            list.territory,
            list.issued_at,
            time(list.next_update)
        ),
        format!("sha256 {}", digest.to_hex()),
    ];
    let mut services = Vec::new();
    for service in &list.services {
        lines.push(format!("{}: {}", service.provider, service.name));
        for state in &service.states {
            let kind = if state.qualified { "qualified" } else { "other service" };
            lines.push(format!("  since {}: {kind}, {}", state.since, state.status));
        }
        let states = service.states.iter().map(|state| {
            json!({ "since": state.since, "qualified": state.qualified, "status": state.status })
        });
        let states: Vec<Value> = states.collect();
        services.push(json!({
            "provider": service.provider, "name": service.name, "states": states,
        }));
    }
    let value = json!({
        "territory": list.territory, "issuedAt": list.issued_at, "nextUpdate": list.next_update,
        "sha256": digest.to_hex(), "services": services,
    });
    show(as_json, &value, &lines)
}

/// The report as it was signed, and the seal over its octets.
pub fn signed_report(
    house: &House,
    tenant: &Tenant,
    month: &str,
    folder: &Path,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let rows = house.catalog.reports(tenant.id)?;
    let row = rows.into_iter().find(|row| row.month == month);
    let row = row.with_context(|| format!("no report of {month} is signed"))?;
    let path = |ending: &str| folder.join(format!("completeness-{month}.{ending}"));
    let (report, seal) = (path("json"), path("seal"));
    for (path, octets) in [(&report, row.report.as_bytes()), (&seal, row.seal.as_slice())] {
        std::fs::write(path, octets).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let value = json!({ "report": report, "seal": seal, "seq": row.seq, "madeAt": row.made_at });
    show(as_json, &value, &[report.display().to_string(), seal.display().to_string()])
}

pub fn report(
    house: &House,
    tenant: &Tenant,
    month: Option<&str>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let Some(month) = month else {
        let rows = house.catalog.reports(tenant.id)?;
        let value = |row: &catalog::CompletenessRow| -> Value {
            let report: Value = serde_json::from_str(&row.report).unwrap_or_default();
            json!({ "month": row.month, "madeAt": row.made_at, "seq": row.seq, "report": report })
        };
        let line = |row: &catalog::CompletenessRow| {
            let (month, at, seq) = (&row.month, row.made_at, row.seq);
            format!("{month}  made at {at}, event {seq} of the ledger")
        };
        let values = rows.iter().map(value).collect();
        return show(as_json, &Value::Array(values), &rows.iter().map(line).collect::<Vec<_>>());
    };
    let span = lifecycle::month_span(month).context("--month is no month such as 2026-11")?;
    let now = SystemClock.now();
    let made = lifecycle::completeness(&*house.catalog, tenant, month, span, now)?;
    let q = &made.quarantined;
    let lines = [
        format!("{} {}", made.name, made.month),
        format!("  received        {:>12}", made.received),
        format!("  archived        {:>12}", made.archived),
        format!("  merged          {:>12}", made.merged),
        format!("  quarantined     {:>12}", q.total),
        format!("    released      {:>12}", q.released),
        format!("    discarded     {:>12}", q.discarded),
        format!("    waiting       {:>12}", q.waiting),
        format!("  not selected    {:>12}", made.not_selected),
        format!("  reports         {:>12}", made.reports),
        format!("  unwrapped       {:>12}", made.unwrapped),
        format!("  disposed        {:>12}", made.disposed),
        format!("  adds up         {:>12}", if made.adds_up { "yes" } else { "NO" }),
    ];
    show(as_json, &serde_json::to_value(&made)?, &lines)?;
    Ok(if made.adds_up { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn scrub(
    house: &House,
    tenants: &[Tenant],
    now: bool,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for tenant in tenants {
        if now {
            house.catalog.want_scrub(tenant.id, true)?;
        }
        let state = house.catalog.scrub_state(tenant.id)?;
        let wanted = house.catalog.scrub_wanted(tenant.id)?;
        lines.push(format!(
            "{}\n  last whole pass {}\n  running since   {}\n  findings        {:>12}",
            tenant.name,
            time(state.completed_at),
            time(state.begun_at),
            state.findings.len()
        ));
        for finding in &state.findings {
            let repaired = if finding.repaired { ", repaired" } else { "" };
            let (file, offset, why) = (&finding.file, finding.offset, &finding.why);
            lines.push(format!("    {file} at byte {offset}: {why}{repaired}"));
            lines.extend(finding.records.iter().map(|record| format!("      mail {record}")));
        }
        values.push(json!({
            "tenant": tenant.id, "name": tenant.name, "wanted": wanted, "state": state,
        }));
    }
    show(as_json, &Value::Array(values), &lines)
}
