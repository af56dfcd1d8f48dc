//! `chancery directory`: LDAP and Active Directory.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use api::dto;
use catalog::{
    AuditEvent, AuditOutcome, Catalog, Directory, DirectoryConfig, DirectoryKind, RunOutcome,
    RunTrigger, SecretBox, Tenant,
};
use clap::{Args, Subcommand};
use identity::SystemRandom;
use identity::directory::{By, DirectoryDesk, Preview, Step, StepState, check, preset};
use model::Clock as _;
use serde_json::{Value, json};
use store::MasterKey;

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// Who did it, for the audit log.
const BY: &str = "command line";

/// Longer configurations and passwords are cut; no real one is.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

/// Runs that are listed.
const RUNS_SHOWN: u32 = 50;

/// Which directory.
#[derive(Args)]
pub struct Named {
    /// The tenant's name
    #[arg(long)]
    tenant: String,
    /// The directory's name
    #[arg(long)]
    name: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Connect a directory
    Add {
        #[command(flatten)]
        named: Named,
        /// A file with its configuration in JSON ("-": standard input); see `preset`
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        /// A file whose first line is the bind password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change configuration or password of a directory
    Change {
        #[command(flatten)]
        named: Named,
        /// A file with its whole new configuration in JSON ("-": standard input)
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// A file whose first line is the new bind password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List the directories of a tenant
    List {
        #[arg(long)]
        tenant: String,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a configuration to begin with
    Preset {
        /// active-directory, open-ldap or generic
        #[arg(long)]
        kind: String,
        /// Answer in JSON (it always is)
        #[arg(long)]
        json: bool,
    },
    /// Show what a run would do now
    Preview {
        #[command(flatten)]
        named: Named,
    },
    /// Disconnect a directory; its accounts and groups stay, local and without a password
    Remove {
        #[command(flatten)]
        named: Named,
    },
    /// List the last runs of a directory
    Runs {
        #[command(flatten)]
        named: Named,
    },
    /// Show a directory's configuration
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Read a directory now and apply what it says
    Sync {
        #[command(flatten)]
        named: Named,
        /// Read the details of changed entries only, as the schedule does
        #[arg(long)]
        changed: bool,
        /// Apply it although many accounts vanish
        #[arg(long)]
        confirm: bool,
    },
    /// Try everything that a run needs, step by step
    Test {
        #[command(flatten)]
        named: Named,
    },
}

/// What reads directories; `key` opens their passwords.
///
/// # Errors
/// Never with a key of this length.
pub fn desk(catalog: &Arc<dyn Catalog>, key: &MasterKey) -> anyhow::Result<DirectoryDesk> {
    let secrets = Arc::new(SecretBox::new(&key.settings_secret())?);
    let (random, clock) = (Arc::new(SystemRandom), Arc::new(SystemClock));
    Ok(DirectoryDesk::new(Arc::clone(catalog), secrets, random, clock))
}

/// The data folder, opened for work on directories.
struct Office {
    house: House,
    desk: DirectoryDesk,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Preset { kind, .. } = &command {
        let kind: DirectoryKind = serde_json::from_value(json!(kind))
            .context("expected active-directory, open-ldap or generic")?;
        print(&serde_json::to_string_pretty(&preset(kind))?);
        return Ok(ExitCode::SUCCESS);
    }
    let house = House::open(config)?;
    let desk = desk(&house.catalog, &house.master_key()?)?;
    Office { house, desk }.run(command)
}

impl Office {
    fn run(&self, command: Command) -> anyhow::Result<ExitCode> {
        match command {
            Command::Add { named, settings, password_file } => {
                self.add(&named, &settings, password_file.as_deref())?;
            }
            Command::Change { named, settings, password_file } => {
                self.change(&named, settings.as_deref(), password_file.as_deref())?;
            }
            Command::List { tenant, json } => self.list(&tenant, json)?,
            Command::Preset { .. } => {}
            Command::Preview { named } => {
                let preview = self.desk.preview(&self.find(&named)?.1)?;
                show_preview(preview, named.json)?;
            }
            Command::Remove { named } => self.remove(&named)?,
            Command::Runs { named } => self.runs(&named)?,
            Command::Show { named } => {
                print(&serde_json::to_string_pretty(&shown(&self.find(&named)?.1))?);
            }
            Command::Sync { named, changed, confirm } => {
                return self.sync(&named, !changed, confirm);
            }
            Command::Test { named } => {
                let steps = self.desk.test_saved(&self.find(&named)?.1)?;
                return show_steps(steps, named.json);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn find(&self, named: &Named) -> anyhow::Result<(Tenant, Directory)> {
        let tenant = self.house.tenant_named(&named.tenant)?;
        let all = self.house.catalog.directories(Some(tenant.id))?;
        let wanted = named.name.trim().to_lowercase();
        let found = all.into_iter().find(|one| one.name.to_lowercase() == wanted);
        let found = found.with_context(|| format!("there is no directory {:?}", named.name))?;
        Ok((tenant, found))
    }

    fn add(&self, named: &Named, settings: &Path, password: Option<&Path>) -> anyhow::Result<()> {
        let tenant = self.house.tenant_named(&named.tenant)?;
        let id = self.desk.new_id();
        let password = password.map(read_password).transpose()?;
        let directory = Directory {
            id,
            tenant: tenant.id,
            name: named.name.trim().to_owned(),
            config: read_settings(settings)?,
            password: password.map(|password| self.desk.seal(id, &password)).transpose()?,
            state: catalog::DirectoryState::default(),
            created_at: SystemClock.now(),
        };
        self.house.catalog.add_directory(&directory)?;
        self.note(&directory, "directory.add", json!({ "after": shown(&directory) }))?;
        answer(named.json, &shown(&directory), &format!("directory {} {id}", directory.name))
    }

    fn change(
        &self,
        named: &Named,
        settings: Option<&Path>,
        password: Option<&Path>,
    ) -> anyhow::Result<()> {
        let (_, before) = self.find(named)?;
        let mut after = before.clone();
        if let Some(settings) = settings {
            after.config = read_settings(settings)?;
        }
        if let Some(password) = password {
            after.password = Some(self.desk.seal(after.id, &read_password(password)?)?);
        }
        self.house.catalog.update_directory(&after)?;
        let detail = json!({
            "before": shown(&before),
            "after": shown(&after),
            "passwordChanged": password.is_some(),
        });
        self.note(&after, "directory.change", detail)?;
        answer(named.json, &shown(&after), &format!("directory {} changed", after.name))
    }

    fn list(&self, tenant: &str, json: bool) -> anyhow::Result<()> {
        let tenant = self.house.tenant_named(tenant)?;
        let all = self.house.catalog.directories(Some(tenant.id))?;
        if json {
            let all: Vec<Value> = all.iter().map(shown).collect();
            print(&serde_json::to_string_pretty(&all)?);
            return Ok(());
        }
        for one in all {
            print(&format!("{}  {}", one.name, one.config.hosts.join(" ")));
        }
        Ok(())
    }

    fn remove(&self, named: &Named) -> anyhow::Result<()> {
        let (tenant, directory) = self.find(named)?;
        let event = event(&directory, "directory.remove", json!({ "before": shown(&directory) }));
        self.house.catalog.remove_directory(tenant.id, directory.id, &[event])?;
        answer(named.json, &json!({}), &format!("directory {} disconnected", directory.name))
    }

    fn runs(&self, named: &Named) -> anyhow::Result<()> {
        let (_, directory) = self.find(named)?;
        let runs = self.house.catalog.directory_runs(directory.id, None, RUNS_SHOWN)?;
        if named.json {
            let runs: Vec<dto::DirectoryRun> = runs.into_iter().map(Into::into).collect();
            print(&serde_json::to_string_pretty(&runs)?);
            return Ok(());
        }
        runs.iter().for_each(|run| print(&summary(run)));
        Ok(())
    }

    fn sync(&self, named: &Named, full: bool, confirm: bool) -> anyhow::Result<ExitCode> {
        let (_, directory) = self.find(named)?;
        let trigger = RunTrigger::Person;
        let by = By { account: None, who: BY.to_owned(), ip: None, trigger, full };
        let run = self.desk.sync(&directory, &by, confirm)?;
        let applied = run.outcome == RunOutcome::Applied;
        let text = summary(&run);
        if named.json {
            print(&serde_json::to_string_pretty(&dto::DirectoryRun::from(run))?);
        } else {
            print(&text);
            for problem in &run.problems {
                print(&format!("  {}  {}  {}", problem.entry, problem.code, problem.detail));
            }
        }
        Ok(if applied { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn note(&self, directory: &Directory, action: &str, detail: Value) -> anyhow::Result<()> {
        Ok(self.house.catalog.audit(&[event(directory, action, detail)])?)
    }
}

fn event(directory: &Directory, action: &str, detail: Value) -> AuditEvent {
    AuditEvent {
        at: SystemClock.now(),
        tenant: Some(directory.tenant),
        account: None,
        who: BY.to_owned(),
        action: action.to_owned(),
        object: directory.id.to_string(),
        detail,
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    }
}

/// Without the password.
fn shown(directory: &Directory) -> Value {
    json!({
        "id": directory.id.to_string(),
        "name": directory.name,
        "config": directory.config,
        "hasPassword": directory.password.is_some(),
    })
}

fn answer(json: bool, value: &Value, text: &str) -> anyhow::Result<()> {
    match json {
        true => print(&serde_json::to_string_pretty(value)?),
        false => print(text),
    }
    Ok(())
}

fn read_settings(path: &Path) -> anyhow::Result<DirectoryConfig> {
    let config: DirectoryConfig =
        serde_json::from_str(&read(path)?).context("the configuration is not as expected")?;
    check(&config)?;
    Ok(config)
}

fn read_password(path: &Path) -> anyhow::Result<String> {
    let text = read(path)?;
    let password = text.lines().next().unwrap_or_default();
    anyhow::ensure!(!password.is_empty(), "{} begins with an empty line", path.display());
    Ok(password.to_owned())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut read = |source: &mut dyn std::io::Read| {
        std::io::Read::take(source, INPUT_BYTES_MAX).read_to_string(&mut text)
    };
    match path.to_str() {
        Some("-") => read(&mut std::io::stdin())?,
        _ => {
            let context = || format!("cannot read {}", path.display());
            read(&mut std::fs::File::open(path).with_context(context)?).with_context(context)?
        }
    };
    Ok(text)
}

fn show_steps(steps: Vec<Step>, json: bool) -> anyhow::Result<ExitCode> {
    let lines: Vec<String> = steps
        .iter()
        .map(|step| {
            let state = match step.state {
                StepState::Done => "ok     ",
                StepState::Failed => "FAILED ",
                StepState::Warning => "warning",
            };
            let shown = step.certificate.as_ref().map(|it| {
                format!(
                    "\n         certificate {} by {}, SHA-256 {}",
                    it.subject, it.issuer, it.sha256
                )
            });
            format!("{state} {}: {}{}", step.name, step.detail, shown.unwrap_or_default())
        })
        .collect();
    let tried = dto::DirectoryTestAnswer::from(steps);
    let ok = tried.ok;
    match json {
        true => print(&serde_json::to_string_pretty(&tried)?),
        false => lines.iter().for_each(|line| print(line)),
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_preview(preview: Preview, json: bool) -> anyhow::Result<()> {
    if json {
        print(&serde_json::to_string_pretty(&dto::DirectoryPreview::from(preview))?);
        return Ok(());
    }
    print(&summary(&preview.run));
    for planned in &preview.planned {
        print(&format!("  {:?}  {}  {}", planned.kind, planned.user_name, planned.detail));
    }
    for problem in &preview.run.problems {
        print(&format!("  {}  {}  {}", problem.entry, problem.code, problem.detail));
    }
    Ok(())
}

fn summary(run: &catalog::DirectoryRun) -> String {
    let outcome = match run.outcome {
        RunOutcome::Applied => "applied",
        RunOutcome::Failed => "failed",
        RunOutcome::HeldBack => "held back (--confirm applies it)",
    };
    let counts = &run.counts;
    format!(
        "{} {outcome}: {} entries, {} created, {} adopted, {} changed, {} enabled, {} disabled, \
         {} addresses given, {} ended, {} skipped, {} conflicts {}",
        run.begun_at,
        counts.entries,
        counts.created,
        counts.adopted,
        counts.changed,
        counts.enabled,
        counts.disabled,
        counts.addresses_given,
        counts.addresses_ended,
        counts.skipped,
        counts.conflicts,
        run.detail
    )
}
