//! `chancery retention` and `chancery disposal`: how long mail is kept, and its end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use catalog::{
    Account, AuditEvent, AuditOutcome, By, DisposalRun, DisposalState, LabelChange, NamedApproval,
    SurveyRow,
};
use clap::Subcommand;
use lifecycle::retain::{self, NewErasure, NewRun};
use model::{Clock as _, DisposalRunId, RecordId, SurveyId, TenantId};
use policy::retain::{
    DisposalApproval, Exclusion, Exclusions, Ground, PolicySet, SetDraft, Zone, in_force,
    ready_sets,
};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, note, show};
use crate::clock::{SystemClock, random};
use crate::config::Config;
use crate::house::House;

/// Runs that a list shows.
const RUNS_MAX: u32 = 1_000;

/// How often it is looked whether the server has done what was asked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Subcommand)]
pub enum Command {
    /// What ends when, by the policies in force; the running server looks at all mail
    Calendar(Survey),
    /// Show or replace the rules of what is not archived
    Exclude {
        #[arg(long)]
        tenant: String,
        /// A JSON list of rules; without it, the present ones are shown
        #[arg(long, value_name = "FILE", requires = "accept_warning", requires = "reason")]
        file: Option<PathBuf>,
        /// That you have read what leaving mail out of the archive means
        #[arg(long)]
        accept_warning: bool,
        #[arg(long)]
        reason: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Give mails a class or a tag, or take it
    Label {
        #[arg(long)]
        tenant: String,
        /// Ids of mails
        #[arg(required = true)]
        records: Vec<RecordId>,
        /// The class; an empty one: what the policies say
        #[arg(long, required_unless_present_any = ["tag", "remove_tag"])]
        class: Option<String>,
        #[arg(long)]
        tag: Option<String>,
        #[arg(long)]
        remove_tag: Option<String>,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// What a draft would change: how many mails, which dates, conflicts with holds
    Preview {
        #[command(flatten)]
        survey: Survey,
        /// The draft in JSON
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List sets to begin with
    Ready {
        #[arg(long)]
        json: bool,
    },
    /// End the suspension of a class
    Resume(Class),
    /// Make the next version from a draft in JSON
    Set {
        #[arg(long)]
        tenant: String,
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Show the versions and suspended classes
    Show {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Suspend the disposal of a whole class ("tax hold")
    Suspend(Class),
}

#[derive(clap::Args)]
pub struct Survey {
    #[arg(long)]
    tenant: String,
    /// How long the server may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Class {
    #[arg(long)]
    tenant: String,
    class: String,
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum Disposal {
    /// Approve a proposal in the name of an officer; the running server carries it out
    Approve(Decide),
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
        Command::Calendar(survey) => surveyed(&house, &survey, None)?,
        Command::Exclude { tenant, file, reason, json, .. } => {
            let tenant = house.tenant_named(&tenant)?.id;
            if let (Some(file), Some(reason)) = (file, reason) {
                exclude(&house, tenant, &file, &reason)?;
            }
            let rules = house.catalog.exclusions(tenant)?.rules;
            show(json, &json!(rules), || {
                let line =
                    |rule: &Exclusion| format!("{}  {}\n", rule.name, rule.addresses.join(", "));
                rules.iter().map(line).collect()
            });
        }
        Command::Label { tenant, records, class, tag, remove_tag, reason, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let class = class
                .map(|class| LabelChange::Class(Some(class).filter(|class| !class.is_empty())));
            let changes = class
                .into_iter()
                .chain(tag.map(LabelChange::AddTag))
                .chain(remove_tag.map(LabelChange::RemoveTag));
            let mut changed = 0;
            for change in changes {
                let detail = json!({ "records": records, "change": change });
                changed = house.catalog.label(tenant, &records, &change, by(&reason))?;
                told(&house, tenant, "retention.label", String::new(), detail, &reason)?;
            }
            show(json, &json!({ "changed": changed }), || format!("{changed} mails"));
        }
        Command::Preview { survey, file } => surveyed(&house, &survey, Some(draft(&file)?))?,
        Command::Ready { json } => {
            let sets = ready_sets();
            let facts = |set: &policy::retain::ReadySet| json!({ "id": set.id, "title": set.title, "note": set.note, "policies": set.policies });
            let all: Vec<Value> = sets.iter().map(facts).collect();
            show(json, &json!(all), || {
                sets.iter().map(|set| format!("{:<14} {}\n", set.id, set.title)).collect()
            });
        }
        Command::Resume(class) => suspend(&house, &class, false)?,
        Command::Set { tenant, file, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let draft = draft(&file)?;
            let set = house.catalog.add_retention_set(tenant, &draft, by(&draft.reason))?;
            let (version, detail) = (set.version(), json!({ "after": set }));
            let object = version.to_string();
            told(&house, tenant, "retention.version", object, detail, &draft.reason)?;
            show(json, &json!(set), || format!("version {version}"));
        }
        Command::Show { tenant, json } => shown(&house, &tenant, json)?,
        Command::Suspend(class) => suspend(&house, &class, true)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub fn disposal(config: &Config, command: Disposal) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    match command {
        Disposal::Approve(decide) => decided(&house, &decide, true)?,
        Disposal::Reject(decide) => decided(&house, &decide, false)?,
        Disposal::Erase { tenant, records, ground, reference, reason, r#as, json } => {
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
        Disposal::List { tenant, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let runs = house.catalog.disposal_runs(tenant, RUNS_MAX)?;
            let all: Vec<Value> = runs.iter().map(facts).collect();
            show(json, &json!(all), || runs.iter().map(line).collect());
        }
        Disposal::Propose { tenant, classes, reason, r#as, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let who = officer(&house, tenant, &r#as)?;
            let id = DisposalRunId::from_bytes(random()?);
            let new =
                NewRun { id, classes, reason: reason.clone(), by: who.id, name: who.user_name };
            let run = retain::begin_run(&*house.catalog, tenant, &new, SystemClock.now())?;
            told(&house, tenant, "disposal.propose", id.to_string(), facts(&run), &reason)?;
            show(json, &facts(&run), || id.to_string());
        }
        Disposal::Show { tenant, run, json } => {
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

fn by(reason: &str) -> By<'_> {
    By { who: COMMAND_LINE, at: SystemClock.now(), reason }
}

fn told(
    house: &House,
    tenant: TenantId,
    action: &str,
    object: String,
    detail: Value,
    reason: &str,
) -> anyhow::Result<()> {
    note(house, Some(tenant), action, object, detail, Some(reason.to_owned()))
}

fn draft(file: &std::path::Path) -> anyhow::Result<SetDraft> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).context("not a draft of retention policies")
}

fn exclude(
    house: &House,
    tenant: TenantId,
    file: &std::path::Path,
    reason: &str,
) -> anyhow::Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rules: Vec<Exclusion> = serde_json::from_str(&text).context("not a list of rules")?;
    let rules = Exclusions::new(rules, Zone::default())?;
    let before = house.catalog.exclusions(tenant)?.rules;
    house.catalog.set_exclusions(tenant, rules.rules(), by(reason))?;
    let detail = json!({ "before": before, "after": rules.rules(), "warningAccepted": true });
    told(house, tenant, "retention.exclusions", String::new(), detail, reason)
}

fn suspend(house: &House, class: &Class, begin: bool) -> anyhow::Result<()> {
    let tenant = house.tenant_named(&class.tenant)?.id;
    let (changed, action) = match begin {
        true => (
            house.catalog.suspend_class(tenant, &class.class, by(&class.reason))?,
            "retention.suspend",
        ),
        false => (
            house.catalog.resume_class(tenant, &class.class, by(&class.reason))?,
            "retention.resume",
        ),
    };
    if changed {
        told(house, tenant, action, class.class.clone(), json!({}), &class.reason)?;
    }
    show(class.json, &json!({ "changed": changed }), || {
        if changed { "done".to_owned() } else { "nothing to do".to_owned() }
    });
    Ok(())
}

fn shown(house: &House, tenant: &str, as_json: bool) -> anyhow::Result<()> {
    let tenant = house.tenant_named(tenant)?.id;
    let rows = house.catalog.retention_sets(tenant)?;
    let sets: Vec<PolicySet> = rows.iter().map(|row| row.set.clone()).collect();
    let current = in_force(&sets, SystemClock.now()).map(PolicySet::version);
    let suspensions = house.catalog.suspensions(tenant)?;
    let all = json!({ "inForce": current, "versions": sets, "suspensions": suspensions });
    show(as_json, &all, || {
        let mut text = String::new();
        for row in &rows {
            let set = &row.set;
            let mark = if current == Some(set.version()) { "*" } else { " " };
            text.push_str(&format!(
                "{mark} {:>3}  valid from {}  {}  {}\n",
                set.version(),
                set.valid_from(),
                row.made_by,
                set.reason()
            ));
        }
        for one in suspensions.iter().filter(|one| one.ended.is_none()) {
            text.push_str(&format!("suspended: {}  {}\n", one.class, one.reason));
        }
        text
    });
    Ok(())
}

/// Asks the running server and waits for its answer.
fn surveyed(house: &House, asked: &Survey, draft: Option<SetDraft>) -> anyhow::Result<()> {
    let tenant = house.tenant_named(&asked.tenant)?.id;
    if let Some(draft) = &draft {
        PolicySet::new(0, draft.clone())?;
    }
    let row = SurveyRow {
        id: SurveyId::from_bytes(random()?),
        draft,
        asked_by: COMMAND_LINE.to_owned(),
        asked_at: SystemClock.now(),
        ended_at: None,
        result: None,
        error: None,
    };
    house.catalog.ask_survey(tenant, &row)?;
    let begun = Instant::now();
    loop {
        let row = house.catalog.survey(tenant, row.id)?.context("it was forgotten")?;
        if let Some(error) = row.error {
            anyhow::bail!("{error}");
        }
        if let Some(result) = row.result {
            show(asked.json, &result, || serde_json::to_string_pretty(&result).unwrap_or_default());
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < Duration::from_secs(asked.wait),
            "the server has not answered yet (does it run?)"
        );
        std::thread::sleep(LOOK_EVERY);
    }
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
