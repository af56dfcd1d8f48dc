//! `chancery quarantine`: what waits for a decision.

use std::process::ExitCode;

use catalog::{QuarantineFilter, QuarantineRow, QuarantineState};
use clap::Subcommand;
use model::QuarantineId;
use pipeline::{Bulk, BulkDone};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, note, order, show};
use crate::config::Config;
use crate::control::{Answer, Decide, Frame};
use crate::house::House;

/// Entries that a list shows.
const ROWS_MAX: u32 = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// Decide that submissions do not belong into the archive, and erase their octets
    Discard {
        #[command(flatten)]
        which: Which,
        /// Stands in the audit log
        #[arg(long)]
        reason: String,
    },
    /// List what waits, newest first
    List {
        #[arg(long)]
        tenant: String,
        /// Only entries with this reason, such as not-ours
        #[arg(long, value_name = "REASON")]
        for_reason: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Let submissions into the archive, whatever the rules say
    Release {
        #[command(flatten)]
        which: Which,
        /// Stands in the audit log
        #[arg(long)]
        reason: String,
    },
    /// Let those in that the present rules accept
    Retry {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(clap::Args)]
pub struct Which {
    #[arg(long)]
    tenant: String,
    /// One submission
    #[arg(required_unless_present_any = ["all", "for_reason"])]
    id: Option<QuarantineId>,
    /// All that wait
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// All that wait for this reason, such as not-ours
    #[arg(long, value_name = "REASON", conflicts_with = "id")]
    for_reason: Option<String>,
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Discard { which, reason } => decide(config, which, Bulk::Discard, reason),
        Command::List { tenant, for_reason, json } => {
            list(&House::open(config)?, &tenant, for_reason, json)
        }
        Command::Release { which, reason } => decide(config, which, Bulk::Release, reason),
        Command::Retry { which } => decide(config, which, Bulk::Retry, String::new()),
    }
}

fn decide(config: &Config, which: Which, bulk: Bulk, reason: String) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = house.tenant_named(&which.tenant)?.id;
    let reason = reason.trim().to_owned();
    anyhow::ensure!(bulk == Bulk::Retry || !reason.is_empty(), "give a reason");
    let (id, for_reason) = (which.id, which.for_reason);
    let object = id.map(|id| id.to_string()).unwrap_or_default();
    let detail = json!({ "action": bulk, "forReason": for_reason });
    let given = Some(reason.clone()).filter(|reason| !reason.is_empty());
    note(&house, Some(tenant), "quarantine.decide", object, detail, given)?;
    let by = COMMAND_LINE.to_owned();
    let frame = Frame::Decide(Decide { tenant, bulk, id, for_reason, by, reason });
    let done = match order(config, house, &frame)? {
        Answer::Decided(done) => done,
        _ => BulkDone::default(),
    };
    anyhow::ensure!(id.is_none() || done.decided == 1, "no such submission waits");
    show(which.json, &json!(done), || {
        format!(
            "seen      {:>9}\ndecided   {:>9}\nfailed    {:>9}",
            done.seen, done.decided, done.failed
        )
    });
    Ok(if done.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(
    house: &House,
    tenant: &str,
    reason: Option<String>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let tenant = house.tenant_named(tenant)?.id;
    let filter = QuarantineFilter { reason, state: Some(QuarantineState::Waiting) };
    let list = house.catalog.quarantine(tenant, &filter, None, ROWS_MAX)?;
    let row = |row: &QuarantineRow| {
        json!({
            "id": row.entry.id, "receivedAt": row.entry.received_at.to_string(),
            "sizeBytes": row.entry.size_bytes, "reason": row.entry.reason_code,
            "detail": row.entry.reason_detail, "originatorOrg": row.entry.originator_org,
        })
    };
    let rows: Vec<Value> = list.rows.iter().map(row).collect();
    show(as_json, &json!({ "total": list.total, "rows": rows }), || {
        let line = |row: &QuarantineRow| {
            let entry = &row.entry;
            let (code, detail) = (&entry.reason_code, &entry.reason_detail);
            format!(
                "{}  {}  {:>10}  {code} {detail}\n",
                entry.id, entry.received_at, entry.size_bytes
            )
        };
        let mut text: String = list.rows.iter().map(line).collect();
        text.push_str(&format!("{} wait\n", list.total));
        text
    });
    Ok(ExitCode::SUCCESS)
}
