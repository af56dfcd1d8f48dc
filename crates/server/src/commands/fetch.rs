//! `chancery fetch` and `chancery reconcile`: mailboxes that are read from other servers.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use api::dto;
use catalog::{
    FetchConfig, FetchSecrets, FetchSource, FetchState, Reconciliation, SecretBox, SourceKind,
    SourceRow, SourceState, Tenant,
};
use clap::{Args, Subcommand};
use model::{Clock as _, HeaderRules};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, note, show};
use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{FetchOrder, Frame};
use crate::fetching;
use crate::house::House;

/// Longer settings and secrets are cut; no real one is.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

/// Left mails that are listed.
const LEFT_SHOWN_MAX: u32 = 1_000;

/// How long a reconciliation may take until the command no longer waits for it.
const RECONCILIATION_MAX: Duration = Duration::from_secs(24 * 3600);

/// How often the command looks whether it is done.
const LOOK: Duration = Duration::from_millis(200);

/// Which source.
#[derive(Args)]
pub struct Named {
    /// The tenant's name
    #[arg(long)]
    tenant: String,
    /// The source's name or id
    source: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Files whose first line (a key: all of it) is secret.
#[derive(Args, Default)]
pub struct SecretFiles {
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file whose first line is the client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// A file with the private key of the client's certificate, PEM
    #[arg(long, value_name = "FILE")]
    client_key_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Add a source that is fetched
    Add {
        #[command(flatten)]
        named: Named,
        /// A file with its settings in JSON ("-": standard input); see `preset`
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        #[command(flatten)]
        secrets: SecretFiles,
    },
    /// Change settings or secrets of a source
    Change {
        #[command(flatten)]
        named: Named,
        /// A file with its whole new settings in JSON ("-": standard input)
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        #[command(flatten)]
        secrets: SecretFiles,
    },
    /// List mails that stay on the server, with the reason
    Left {
        #[command(flatten)]
        named: Named,
    },
    /// List the sources of a tenant that are fetched
    List {
        #[arg(long)]
        tenant: String,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Leave a source alone until it is resumed
    Pause {
        #[command(flatten)]
        named: Named,
    },
    /// Read a source now
    Poll {
        #[command(flatten)]
        named: Named,
    },
    /// Print settings to begin with
    Preset {
        /// Answer in JSON (it always is)
        #[arg(long)]
        json: bool,
    },
    /// Remove a source; its mail stays in the archive
    Remove {
        #[command(flatten)]
        named: Named,
    },
    /// Forget how far a source is read: all is read again, and known by content
    Reset {
        #[command(flatten)]
        named: Named,
    },
    /// Read a source again
    Resume {
        #[command(flatten)]
        named: Named,
    },
    /// Try left mails again
    Retry {
        #[command(flatten)]
        named: Named,
    },
    /// List the last runs of a source
    Runs {
        #[command(flatten)]
        named: Named,
    },
    /// Show the settings of a source
    Show {
        #[command(flatten)]
        named: Named,
    },
    /// Try everything that a run needs, step by step
    Test {
        #[command(flatten)]
        named: Named,
    },
}

/// `chancery reconcile`.
#[derive(Args)]
pub struct Reconcile {
    #[command(flatten)]
    named: Named,
}

/// The data folder, opened for work on fetched sources.
struct Office {
    house: House,
    secrets: SecretBox,
}

impl Office {
    fn open(config: &Config) -> anyhow::Result<Self> {
        let house = House::open(config)?;
        let secrets = SecretBox::new(&house.master_key()?.settings_secret())?;
        Ok(Self { house, secrets })
    }
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Preset { .. } = command {
        print(&serde_json::to_string_pretty(&FetchConfig::default())?);
        return Ok(ExitCode::SUCCESS);
    }
    let office = Office::open(config)?;
    match command {
        Command::Add { named, settings, secrets } => office.add(&named, &settings, &secrets)?,
        Command::Change { named, settings, secrets } => {
            office.change(&named, settings.as_deref(), &secrets)?;
        }
        Command::Left { named } => office.left(&named)?,
        Command::List { tenant, json } => office.list(&tenant, json)?,
        Command::Pause { named } => office.order(&named, FetchOrder::Pause, "fetch.pause")?,
        Command::Poll { named } => office.order(&named, FetchOrder::Poll, "fetch.poll")?,
        Command::Preset { .. } => {}
        Command::Remove { named } => office.remove(&named)?,
        Command::Reset { named } => office.order(&named, FetchOrder::Reset, "fetch.reset")?,
        Command::Resume { named } => office.order(&named, FetchOrder::Resume, "fetch.resume")?,
        Command::Retry { named } => {
            let (_, source) = office.find(&named)?;
            office.house.catalog.retry_left(source.source.id, &[])?;
            office.order(&named, FetchOrder::Poll, "fetch.retry-left")?;
        }
        Command::Runs { named } => office.runs(&named)?,
        Command::Show { named } => {
            let (_, source) = office.find(&named)?;
            print(&serde_json::to_string_pretty(&described(&source))?);
        }
        Command::Test { named } => return office.test(&named),
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares, waits, and prints the report.
pub fn reconcile(config: &Config, arguments: &Reconcile) -> anyhow::Result<ExitCode> {
    let office = Office::open(config)?;
    let named = &arguments.named;
    let (tenant, source) = office.find(named)?;
    let id = source.source.id;
    let last = || anyhow::Ok(office.house.catalog.reconciliations(id, 1)?.into_iter().next());
    let before = last()?.map_or(0, |report| report.row);
    note(&office.house, Some(tenant.id), "fetch.reconcile", id.to_string(), json!({}), None)?;
    office.tell(&tenant, &source, FetchOrder::Reconcile { by: COMMAND_LINE.to_owned() })?;
    let end = Instant::now() + RECONCILIATION_MAX;
    let report = loop {
        match last()? {
            Some(report) if report.row > before => break report,
            _ if Instant::now() > end => anyhow::bail!("the reconciliation is not done yet"),
            _ => std::thread::sleep(LOOK),
        }
    };
    show_report(&report, named.json)?;
    let whole = report.detail.is_empty() && report.counts.left + report.counts.failed == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Office {
    fn find(&self, named: &Named) -> anyhow::Result<(Tenant, FetchSource)> {
        let tenant = self.house.tenant_named(&named.tenant)?;
        let all = self.house.catalog.fetch_sources(Some(tenant.id))?;
        let wanted = named.source.trim();
        let is_it = |one: &FetchSource| {
            one.source.id.to_string() == wanted
                || one.source.name.to_lowercase() == wanted.to_lowercase()
        };
        let mut found = all.into_iter().filter(is_it);
        let source = found.next().with_context(|| format!("there is no source {wanted:?}"))?;
        anyhow::ensure!(found.next().is_none(), "several sources have this name: give the id");
        Ok((tenant, source))
    }

    /// Lets the running server do it.
    fn tell(&self, tenant: &Tenant, source: &FetchSource, order: FetchOrder) -> anyhow::Result<()> {
        let frame = Frame::Fetch { tenant: tenant.id, source: source.source.id, order };
        super::order::tell_server(&self.house, &frame)
    }

    /// Lets the running server know, if there is one.
    fn changed(&self, tenant: &Tenant, source: &FetchSource) {
        if let Err(error) = self.tell(tenant, source, FetchOrder::Changed) {
            tracing::debug!(error = format!("{error:#}"), "the next start reads it");
        }
    }

    fn order(&self, named: &Named, order: FetchOrder, action: &str) -> anyhow::Result<()> {
        let (tenant, source) = self.find(named)?;
        let id = source.source.id.to_string();
        self.tell(&tenant, &source, order)?;
        note(&self.house, Some(tenant.id), action, id, json!({}), None)?;
        show(named.json, &json!({}), String::new);
        Ok(())
    }

    fn seal(
        &self,
        id: model::SourceId,
        before: &FetchSecrets,
        files: &SecretFiles,
    ) -> anyhow::Result<FetchSecrets> {
        let password = files.password_file.as_deref().map(first_line).transpose()?;
        let client_secret = files.client_secret_file.as_deref().map(first_line).transpose()?;
        let client_key = files.client_key_file.as_deref().map(read).transpose()?;
        let typed = [password.as_deref(), client_secret.as_deref(), client_key.as_deref()];
        fetching::seal(&self.secrets, id, before, typed)
    }

    fn add(&self, named: &Named, settings: &Path, files: &SecretFiles) -> anyhow::Result<()> {
        let tenant = self.house.tenant_named(&named.tenant)?;
        let id = fetching::new_id()?;
        let source = FetchSource {
            source: SourceRow {
                id,
                tenant: tenant.id,
                kind: SourceKind::Fetch,
                name: named.source.trim().to_owned(),
                address: None,
                rules: HeaderRules::default(),
                state: SourceState::Active,
                ends_at: None,
                successor: None,
                created_at: SystemClock.now(),
            },
            config: read_settings(settings)?,
            secrets: self.seal(id, &FetchSecrets::default(), files)?,
            state: FetchState::default(),
        };
        self.house.catalog.add_fetch_source(&source, &[])?;
        let detail = json!({ "after": described(&source) });
        note(&self.house, Some(tenant.id), "fetch.add", id.to_string(), detail, None)?;
        self.changed(&tenant, &source);
        show(named.json, &described(&source), || id.to_string());
        Ok(())
    }

    fn change(
        &self,
        named: &Named,
        settings: Option<&Path>,
        files: &SecretFiles,
    ) -> anyhow::Result<()> {
        let (tenant, before) = self.find(named)?;
        let mut after = before.clone();
        if let Some(settings) = settings {
            after.config = read_settings(settings)?;
        }
        let id = before.source.id;
        after.secrets = self.seal(id, &before.secrets, files)?;
        self.house.catalog.update_fetch_source(&after, &[])?;
        let detail = json!({
            "before": described(&before),
            "after": described(&after),
            "secretsChanged": before.secrets != after.secrets,
        });
        note(&self.house, Some(tenant.id), "fetch.change", id.to_string(), detail, None)?;
        self.changed(&tenant, &after);
        show(named.json, &described(&after), String::new);
        Ok(())
    }

    fn remove(&self, named: &Named) -> anyhow::Result<()> {
        let (tenant, source) = self.find(named)?;
        let id = source.source.id;
        self.house.catalog.remove_fetch_source(tenant.id, id, &[])?;
        let detail = json!({ "before": described(&source) });
        note(&self.house, Some(tenant.id), "fetch.remove", id.to_string(), detail, None)?;
        self.changed(&tenant, &source);
        show(named.json, &json!({}), String::new);
        Ok(())
    }

    fn list(&self, tenant: &str, as_json: bool) -> anyhow::Result<()> {
        let tenant = self.house.tenant_named(tenant)?;
        let all = self.house.catalog.fetch_sources(Some(tenant.id))?;
        let rows: Vec<Value> = all.iter().map(described).collect();
        let line = |one: &FetchSource| {
            let FetchSource { source, config, state, .. } = one;
            let trouble = state.error.as_deref().unwrap_or("");
            let how = match (config.enabled, state.paused) {
                (false, _) => "off",
                (true, true) => "paused",
                (true, false) => "on",
            };
            format!("{}  {}  {}  {how}  {trouble}\n", source.id, source.name, config.server)
        };
        show(as_json, &json!(rows), || all.iter().map(line).collect());
        Ok(())
    }

    fn runs(&self, named: &Named) -> anyhow::Result<()> {
        let (_, source) = self.find(named)?;
        let kept = catalog::FETCH_RUNS_KEPT;
        let runs = self.house.catalog.fetch_runs(source.source.id, None, kept)?;
        let shown: Vec<dto::FetchRun> = runs.into_iter().map(Into::into).collect();
        let line = |run: &dto::FetchRun| {
            let dto::FetchCounts { seen, archived, known, merged, quarantined, left, failed } =
                run.counts;
            format!(
                "{}  {:<7}  seen {seen}, archived {archived}, known {known}, merged {merged}, \
                 quarantined {quarantined}, left {left}, failed {failed}  {}\n",
                run.begun_at, run.outcome, run.detail
            )
        };
        show(named.json, &serde_json::to_value(&shown)?, || shown.iter().map(line).collect());
        Ok(())
    }

    fn left(&self, named: &Named) -> anyhow::Result<()> {
        let (_, source) = self.find(named)?;
        let mails = self.house.catalog.left_mails(source.source.id, None, 0, LEFT_SHOWN_MAX)?;
        let shown: Vec<dto::LeftMail> = mails.into_iter().map(Into::into).collect();
        let line = |mail: &dto::LeftMail| {
            let dto::LeftMail { mailbox, folder, key, reason, size_bytes, detail, .. } = mail;
            format!("{mailbox}  {folder}  {key}  {size_bytes}  {reason}  {detail}\n")
        };
        show(named.json, &serde_json::to_value(&shown)?, || shown.iter().map(line).collect());
        Ok(())
    }

    fn test(&self, named: &Named) -> anyhow::Result<ExitCode> {
        let (_, source) = self.find(named)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let tokens = fetching::tokens(runtime.handle());
        let secrets = intake::fetch::run::open(&self.secrets, source.source.id, &source.secrets)?;
        let tried = fetching::test(&source.config, &secrets, &tokens);
        let line = |step: &dto::FetchTestStep| {
            let state = match (step.ok, step.warning) {
                (false, _) => "FAIL",
                (true, true) => "WARN",
                (true, false) => "ok",
            };
            format!("{state:<5} {:<10} {} ms  {}\n", step.step, step.millis, step.detail)
        };
        show(named.json, &serde_json::to_value(&tried)?, || tried.steps.iter().map(line).collect());
        Ok(if tried.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn show_report(report: &Reconciliation, as_json: bool) -> anyhow::Result<()> {
    let shown = dto::Reconciliation::from(report.clone());
    show(as_json, &serde_json::to_value(&shown)?, || {
        let mut text = format!(
            "listed   {:>9}\npresent  {:>9}\nmissing  {:>9}\n",
            shown.listed, shown.present, shown.missing
        );
        for mail in &shown.named {
            let id = mail.message_id.as_deref().unwrap_or("");
            text += &format!(
                "  {}  {}  {}  {} bytes  {id}  {}\n",
                mail.mailbox, mail.folder, mail.key, mail.size_bytes, mail.outcome
            );
        }
        if !shown.detail.is_empty() {
            text += &format!("not complete: {}\n", shown.detail);
        }
        text
    });
    Ok(())
}

/// Without secrets.
fn described(source: &FetchSource) -> Value {
    json!({
        "id": source.source.id,
        "name": source.source.name,
        "config": source.config,
        "hasPassword": source.secrets.password.is_some(),
        "hasClientSecret": source.secrets.client_secret.is_some(),
        "hasClientKey": source.secrets.client_key.is_some(),
        "state": source.state,
    })
}

fn read_settings(path: &Path) -> anyhow::Result<FetchConfig> {
    serde_json::from_str(&read(path)?).context("these are no settings of a source")
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    Ok(read(path)?.lines().next().unwrap_or_default().to_owned())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let limited: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => {
            let opened = std::fs::File::open(path);
            Box::new(opened.with_context(|| format!("cannot read {}", path.display()))?)
        }
    };
    limited.take(INPUT_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
