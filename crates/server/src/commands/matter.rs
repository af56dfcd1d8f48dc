//! `chancery matter` and `chancery hold`: what is kept for a dispute or an investigation.

use std::process::ExitCode;

use anyhow::Context as _;
use catalog::{HoldRow, Matter};
use clap::Subcommand;
use discovery::MatterDraft;
use model::{HoldId, MatterId, TenantId, Timestamp};
use serde_json::{Value, json};

use super::grant::moment;
use super::order::{COMMAND_LINE, note, order, show};
use crate::config::Config;
use crate::control::{Answer, Frame, MatterOrder};
use crate::house::House;

#[derive(Subcommand)]
pub enum Command {
    /// Close a matter whose holds are all released
    Close {
        #[arg(long)]
        tenant: String,
        id: MatterId,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// List matters with their holds, newest first
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Open a matter; it holds nothing yet
    Open(Open),
}

#[derive(clap::Args)]
pub struct Open {
    #[arg(long)]
    tenant: String,
    name: String,
    /// An address, or the user name of an account with addresses; may be given several times;
    /// without one, everybody
    #[arg(long = "custodian", value_name = "ADDRESS")]
    custodians: Vec<String>,
    /// As in a search; without one, every mail
    #[arg(long, default_value = "")]
    query: String,
    /// Only mail sent or received from this moment on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only mail sent or received before this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Leave mail out that cannot be searched (encrypted, or with attachments): else holds freeze
    /// it for the custodians and the span of time
    #[arg(long)]
    only_searchable: bool,
    #[arg(long, default_value = "")]
    notes: String,
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum Hold {
    /// List holds, newest first
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Freeze what a matter is about, now and what arrives later
    Place {
        #[arg(long)]
        tenant: String,
        matter: MatterId,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// Release one hold; others go on holding
    Release {
        #[arg(long)]
        tenant: String,
        id: HoldId,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Close { tenant, id, reason, json } => {
            let order = MatterOrder::Close { matter: id, reason: reason.clone() };
            decide(config, &tenant, ("matter.close", id.to_string(), reason), order, json)
        }
        Command::List { tenant, json } => list(&House::open(config)?, &tenant, json),
        Command::Open(open) => {
            let draft = MatterDraft {
                name: open.name,
                custodians: open.custodians,
                query: open.query,
                from: open.from,
                until: open.until,
                unsearchable: Some(!open.only_searchable),
                notes: open.notes,
                reason: open.reason.clone(),
            };
            let about = ("matter.open", draft.name.clone(), open.reason);
            decide(config, &open.tenant, about, MatterOrder::Open { draft }, open.json)
        }
    }
}

pub fn hold(config: &Config, command: Hold) -> anyhow::Result<ExitCode> {
    match command {
        Hold::List { tenant, json } => {
            let house = House::open(config)?;
            let tenant = house.tenant_named(&tenant)?.id;
            let holds = house.catalog.holds(tenant, None)?;
            let value: Vec<Value> = holds.iter().map(hold_facts).collect();
            show(json, &json!(value), || holds.iter().map(hold_line).collect());
            Ok(ExitCode::SUCCESS)
        }
        Hold::Place { tenant, matter, reason, json } => {
            let order = MatterOrder::Place { matter, reason: reason.clone() };
            decide(config, &tenant, ("hold.place", matter.to_string(), reason), order, json)
        }
        Hold::Release { tenant, id, reason, json } => {
            let order = MatterOrder::Release { hold: id, reason: reason.clone() };
            decide(config, &tenant, ("hold.release", id.to_string(), reason), order, json)
        }
    }
}

/// By the running server, or without one by this process.
fn decide(
    config: &Config,
    tenant: &str,
    (action, object, reason): (&str, String, String),
    decision: MatterOrder,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = house.tenant_named(tenant)?.id;
    anyhow::ensure!(!reason.trim().is_empty(), "give a reason");
    let detail = serde_json::to_value(&decision)?;
    let by = COMMAND_LINE.to_owned();
    let frame = Frame::Matter { tenant, by, order: decision };
    let again = House::open(config)?;
    let Answer::Told { value } = order(config, house, &frame)? else {
        anyhow::bail!("the server gave another answer");
    };
    note(&again, Some(tenant), action, object, detail, Some(reason.trim().to_owned()))?;
    let id = value.as_object().and_then(|value| value.values().next());
    let id = id.and_then(Value::as_str).context("the server gave another answer")?;
    show(as_json, &value, || id.to_owned());
    Ok(ExitCode::SUCCESS)
}

fn list(house: &House, tenant: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let tenant = house.tenant_named(tenant)?.id;
    let (mut values, mut text) = (Vec::new(), String::new());
    for matter in house.catalog.matters(tenant)? {
        let holds = house.catalog.holds(tenant, Some(matter.id))?;
        values.push(facts(house, tenant, &matter, &holds)?);
        let Matter { id, name, scope, .. } = matter;
        let closed = if matter.closed.is_some() { "  closed" } else { "" };
        let who = if scope.addresses.is_empty() { "everybody" } else { &scope.addresses.join(" ") };
        text.push_str(&format!("{id}  {name}{closed}\n    {who}  {:?}\n", scope.query));
        text.extend(holds.iter().map(hold_line));
    }
    show(as_json, &json!(values), || text);
    Ok(ExitCode::SUCCESS)
}

fn facts(
    house: &House,
    tenant: TenantId,
    matter: &Matter,
    holds: &[HoldRow],
) -> anyhow::Result<Value> {
    Ok(json!({
        "id": matter.id, "name": matter.name, "custodians": matter.custodians,
        "addresses": matter.scope.addresses, "query": matter.scope.query,
        "from": matter.scope.from.map(|at| at.to_string()),
        "until": matter.scope.until.map(|at| at.to_string()),
        "unsearchable": matter.scope.unsearchable,
        "notes": matter.notes, "state": matter.state, "openedBy": matter.opened_by,
        "openedAt": matter.opened_at.to_string(), "reason": matter.reason,
        "heldMails": house.catalog.held_count(tenant, matter.id)?,
        "holds": holds.iter().map(hold_facts).collect::<Vec<_>>(),
    }))
}

fn hold_facts(hold: &HoldRow) -> Value {
    let released = hold.facts.released.as_ref();
    json!({
        "id": hold.facts.id, "matter": hold.facts.matter, "placedBy": hold.facts.placed_by,
        "placedAt": hold.facts.placed_at.to_string(), "reason": hold.facts.reason,
        "unsearchable": hold.facts.scope.unsearchable,
        "mails": hold.found, "throughSeq": hold.through_seq,
        "releasedAt": released.map(|release| release.at.to_string()),
    })
}

fn hold_line(hold: &HoldRow) -> String {
    let released = hold.facts.released.as_ref();
    let released = released.map_or(String::new(), |it| format!("  released {}", it.at));
    let (id, at) = (hold.facts.id, hold.facts.placed_at);
    format!("    {id}  {at}  {:>9} mails  {}{released}\n", hold.found, hold.facts.reason)
}
