//! `chancery retention`: how long mail is kept.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use catalog::{By, LabelChange, SurveyRow};
use clap::Subcommand;
use model::{Clock as _, RecordId, SurveyId, TenantId};
use policy::retain::{
    Exclusion, Exclusions, PolicySet, ReadyLanguage, SetDraft, Zone, in_force, ready_sets,
};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, note, show};
use crate::clock::{SystemClock, random};
use crate::config::Config;
use crate::house::House;

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
        /// In which language they and their policies are named
        #[arg(long, default_value = "en", value_parser = ["de", "en"])]
        language: String,
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
        Command::Ready { language, json } => {
            let sets = ready_sets(ReadyLanguage::of(&language));
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

fn by(reason: &str) -> By<'_> {
    By { who: COMMAND_LINE, at: SystemClock.now(), reason }
}

pub(super) fn told(
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
