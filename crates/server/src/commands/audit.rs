//! `chancery audit`: who did what, when, from where, why, to what. Reading it is recorded.

use std::process::ExitCode;

use catalog::{AuditQuery, AuditRow};
use clap::Args;
use model::{TenantId, Timestamp};
use serde_json::{Value, json};

use super::grant::moment;
use super::order::note;
use super::print;
use crate::config::Config;
use crate::house::House;

/// Events that are read at a time.
const PAGE_ROWS: u32 = 1_000;

#[derive(Args)]
pub struct Arguments {
    /// Whose log; without it, the server's own. A removed tenant is named by its id (`tenant list`)
    #[arg(long)]
    tenant: Option<String>,
    /// Occurs in user name, object, reason or detail
    #[arg(long)]
    text: Option<String>,
    /// The user name of who did it
    #[arg(long)]
    who: Option<String>,
    /// An action, or its beginning up to a dot, such as mail
    #[arg(long)]
    action: Option<String>,
    /// The id of what it was done to
    #[arg(long)]
    object: Option<String>,
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Events that are shown at most
    #[arg(long, default_value_t = 100)]
    limit: u64,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = arguments.tenant.as_deref().map(|name| log_of(&house, name)).transpose()?;
    let mut query = AuditQuery {
        who: arguments.who.clone(),
        action: arguments.action.clone(),
        object: arguments.object.clone(),
        text: arguments.text.clone(),
        since: arguments.since,
        until: arguments.until,
        ..AuditQuery::default()
    };
    let conditions = json!({
        "text": query.text, "who": query.who, "action": query.action, "object": query.object,
        "since": query.since, "until": query.until, "limit": arguments.limit,
    });
    note(&house, tenant, "audit.read", String::new(), conditions, None)?;
    let mut left = arguments.limit;
    while left > 0 {
        let rows = u32::try_from(left).unwrap_or(PAGE_ROWS).min(PAGE_ROWS);
        let page = house.catalog.audit_page(tenant, &query, rows)?;
        for row in &page.rows {
            left -= 1;
            print(&line(row, arguments.json));
        }
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn log_of(house: &House, name: &str) -> anyhow::Result<TenantId> {
    if let Ok(id) = name.parse()
        && house.catalog.is_removed(id)?
    {
        return Ok(id);
    }
    Ok(house.tenant_named(name)?.id)
}

fn line(row: &AuditRow, as_json: bool) -> String {
    let event = &row.event;
    if as_json {
        return json!({
            "row": row.row,
            "at": event.at,
            "account": event.account,
            "who": event.who,
            "action": event.action,
            "object": event.object,
            "detail": event.detail,
            "reason": event.reason,
            "outcome": event.outcome,
            "ip": event.ip,
        })
        .to_string();
    }
    let reason = event.reason.as_deref().unwrap_or_default();
    let detail = match &event.detail {
        Value::Null => String::new(),
        detail => detail.to_string(),
    };
    format!("{}  {}  {}  {}  {reason}  {detail}", event.at, event.who, event.action, event.object)
        .trim_end()
        .to_owned()
}
