//! `chancery disposal`: the end of mail.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{Account, AuditEvent, AuditOutcome, DisposalRun, DisposalState, NamedApproval};
use clap::Subcommand;
use ledger::Ledger;
use lifecycle::retain::{self, NewErasure, NewRun};
use model::{Clock as _, DisposalRunId, RecordId, TenantId};
use policy::retain::{DisposalApproval, Ground};
use serde_json::{Value, json};
use store::{MasterKey, Vault, VaultOptions};

use super::order::show;
use super::retention::told;
use crate::clock::{SystemClock, random};
use crate::config::Config;
use crate::house::House;

/// Runs that a list shows.
const RUNS_MAX: u32 = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// Approve a proposal in the name of an officer; the running server carries it out
    Approve(Decide),
    /// Show the certificates of deletion of a run, or that of one mail
    Certificate {
        #[arg(long)]
        tenant: String,
        run: DisposalRunId,
        /// The id that the mail had
        #[arg(long)]
        record: Option<RecordId>,
        #[arg(long)]
        json: bool,
    },
    /// Propose that single mails be destroyed before their time; two others must approve
    Erase {
        #[arg(long)]
        tenant: String,
        #[arg(required = true)]
        records: Vec<RecordId>,
        /// court-order or right-to-erasure
        #[arg(long, value_parser = ["court-order", "right-to-erasure"])]
        ground: String,
        /// The court's or the person's letter
        #[arg(long)]
        reference: String,
        #[arg(long)]
        reason: String,
        /// The user name of who proposes
        #[arg(long, value_name = "USER")]
        r#as: String,
        #[arg(long)]
        json: bool,
    },
    /// List runs, newest first
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Propose everything whose period is over; the running server looks for it
    Propose {
        #[arg(long)]
        tenant: String,
        /// Only this class; may be given several times
        #[arg(long = "class")]
        classes: Vec<String>,
        #[arg(long)]
        reason: String,
        /// The user name of who proposes
        #[arg(long, value_name = "USER")]
        r#as: String,
        #[arg(long)]
        json: bool,
    },
    /// Reject a proposal in the name of an officer, or withdraw it
    Reject(Decide),
    /// Show a run and its mails
    Show {
        #[arg(long)]
        tenant: String,
        run: DisposalRunId,
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct Decide {
    #[arg(long)]
    tenant: String,
    run: DisposalRunId,
    /// The user name of who decides
    #[arg(long, value_name = "USER")]
    r#as: String,
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Command::Approve(decide) => decided(&house, &decide, true)?,
        Command::Reject(decide) => decided(&house, &decide, false)?,
        Command::Certificate { tenant, run, record, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            match record {
                None => certificates(&house, tenant, run, json)?,
                Some(record) => certificate(&house, tenant, record, json)?,
            }
        }
        Command::Erase { tenant, records, ground, reference, reason, r#as, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let who = officer(&house, tenant, &r#as)?;
            let ground = match ground.as_str() {
                "court-order" => Ground::CourtOrder { reference, reason: reason.clone() },
                _ => Ground::RightToErasure { reference, reason: reason.clone() },
            };
            let id = DisposalRunId::from_bytes(random()?);
            let new = NewErasure { id, records, ground, by: who.id, name: who.user_name };
            let run = retain::propose_erasure(&*house.catalog, tenant, &new, SystemClock.now())?;
            told(&house, tenant, "disposal.erase", id.to_string(), facts(&run), &reason)?;
            show(json, &facts(&run), || id.to_string());
        }
        Command::List { tenant, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let runs = house.catalog.disposal_runs(tenant, RUNS_MAX)?;
            let all: Vec<Value> = runs.iter().map(facts).collect();
            show(json, &json!(all), || runs.iter().map(line).collect());
        }
        Command::Propose { tenant, classes, reason, r#as, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let who = officer(&house, tenant, &r#as)?;
            let id = DisposalRunId::from_bytes(random()?);
            let new =
                NewRun { id, classes, reason: reason.clone(), by: who.id, name: who.user_name };
            let run = retain::begin_run(&*house.catalog, tenant, &new, SystemClock.now())?;
            told(&house, tenant, "disposal.propose", id.to_string(), facts(&run), &reason)?;
            show(json, &facts(&run), || id.to_string());
        }
        Command::Show { tenant, run, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let run = house.catalog.disposal_run(tenant, run)?.context("no such run")?;
            let items = house.catalog.disposal_items(tenant, run.id, None, None, RUNS_MAX)?;
            let mut all = facts(&run);
            let item = |item: &catalog::DisposalItem| {
                json!({
                    "record": item.record, "state": item.state, "verdict": item.verdict,
                    "receivedAt": item.received_at, "sizeBytes": item.size_bytes, "why": item.why,
                })
            };
            all["items"] = items.iter().map(item).collect();
            show(json, &all, || {
                let items = items.iter().map(|item| {
                    let why = item.why.as_deref().unwrap_or_default();
                    format!("  {}  {}  {why}\n", item.record, word(&json!(item.state)))
                });
                line(&run) + &items.collect::<String>()
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// By policy what a run was about, and which events of the ledger certify it.
fn certificates(
    house: &House,
    tenant: TenantId,
    run: DisposalRunId,
    as_json: bool,
) -> anyhow::Result<()> {
    let shares = house.catalog.disposal_shares(tenant, run)?;
    let found = house.catalog.certificates(tenant, run)?;
    let share = |share: &catalog::DisposalShare| {
        json!({
            "policy": share.policy, "class": share.class, "mails": share.mails,
            "bytes": share.bytes, "disposed": share.disposed, "kept": share.kept,
            "receivedFirst": share.received_first, "receivedLast": share.received_last,
        })
    };
    let certified = found.map(|found| {
        json!({
            "count": found.count, "firstSeq": found.first_seq, "lastSeq": found.last_seq,
        })
    });
    let all = json!({
        "shares": shares.iter().map(share).collect::<Vec<_>>(), "certificates": certified,
    });
    show(as_json, &all, || {
        let lines = shares.iter().map(|it| {
            let policy = it.policy.as_deref().unwrap_or("-");
            format!("{policy}  {} mails, {} disposed, {} kept\n", it.mails, it.disposed, it.kept)
        });
        let found = found.map_or_else(String::new, |it| {
            format!("{} certificates, events {} to {}\n", it.count, it.first_seq, it.last_seq)
        });
        lines.collect::<String>() + &found
    });
    Ok(())
}

/// What is left of one mail, as the vault holds it.
fn certificate(
    house: &House,
    tenant: TenantId,
    record: RecordId,
    as_json: bool,
) -> anyhow::Result<()> {
    let key = MasterKey::open(&house.folder.join("master.key"))?;
    let options = VaultOptions { read_only: true, ..VaultOptions::default() };
    let vault = Arc::new(Vault::open(&house.folder.join("vault"), &key, options)?);
    let ledger = Ledger::new(vault, Arc::clone(&house.catalog));
    let found = retain::certificate(&*house.catalog, &ledger, tenant, record)?;
    let found = found.context("no such mail was disposed of")?;
    let note = found.note.map(|octets| serde_json::from_slice::<Value>(&octets)).transpose()?;
    let seal = found.standing.map(|it| {
        json!({
            "batch": it.batch, "sealedAt": it.sealed_at,
            "stampedAt": it.stamp.as_ref().map(|stamp| stamp.at),
            "authority": it.stamp.as_ref().map(|stamp| &stamp.authority),
        })
    });
    let all = json!({
        "record": record, "run": found.row.run, "seq": found.row.seq, "at": found.row.at,
        "ground": found.row.ground, "note": note, "seal": seal,
    });
    show(as_json, &all, || serde_json::to_string_pretty(&all).unwrap_or_default());
    Ok(())
}

fn decided(house: &House, decide: &Decide, approve: bool) -> anyhow::Result<()> {
    let tenant = house.tenant_named(&decide.tenant)?.id;
    let who = officer(house, tenant, &decide.r#as)?;
    let now = SystemClock.now();
    let said = NamedApproval {
        approval: DisposalApproval { by: who.id, at: now, reason: decide.reason.clone() },
        name: who.user_name.clone(),
    };
    let run = retain::decide(&*house.catalog, tenant, decide.run, approve, said)?;
    let action = if approve { "disposal.approve" } else { "disposal.reject" };
    house.catalog.audit(&[AuditEvent {
        at: now,
        tenant: Some(tenant),
        account: Some(who.id),
        who: who.user_name,
        action: action.to_owned(),
        object: run.id.to_string(),
        detail: facts(&run),
        reason: Some(decide.reason.clone()),
        outcome: AuditOutcome::Done,
        ip: None,
    }])?;
    show(decide.json, &facts(&run), || line(&run));
    Ok(())
}

/// An account that may propose and approve disposal.
fn officer(house: &House, tenant: TenantId, user: &str) -> anyhow::Result<Account> {
    let found = house.catalog.account_named(user)?;
    let found = found.filter(|who| who.tenant == Some(tenant) && !who.disabled);
    let found = found.with_context(|| format!("the tenant has no account {user:?}"))?;
    let may = policy::permissions(found.role).contains(&policy::Permission::ApproveDisposal);
    anyhow::ensure!(may, "{user} may not decide about disposal");
    Ok(found)
}

fn facts(run: &DisposalRun) -> Value {
    json!({
        "id": run.id, "state": run.state, "detail": run.detail, "mails": run.items,
        "bytes": run.bytes, "disposed": run.disposed, "kept": run.kept,
    })
}

fn line(run: &DisposalRun) -> String {
    let waits = match run.state {
        DisposalState::Proposed => format!(
            ", {} of {} approvals",
            run.detail.approvals.len(),
            run.detail.ground.approvals()
        ),
        _ => String::new(),
    };
    format!(
        "{}  {}{waits}  {}  {} mails, {} disposed, {} kept  {}\n",
        run.id,
        word(&json!(run.state)),
        run.detail.ground.name(),
        run.items,
        run.disposed,
        run.kept,
        run.detail.reason
    )
}

fn word(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
