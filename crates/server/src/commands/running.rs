//! Questions to the running server: `chancery system`, `log`, `notifications`, `connect`.

use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use anyhow::Context as _;
use api::dto::{
    CheckState, ConnectMicrosoft365, LogEntry, NotificationsAnswer, Severity, SystemStatus,
};
use serde_json::Value;

use super::print;
use crate::config::Config;
use crate::control::{self, Answer, Frame, Question};
use crate::house::House;

#[derive(clap::Args)]
pub struct Asked {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct LogArguments {
    /// Only entries of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// This severity and worse: debug, info, warn or error
    #[arg(long, default_value = "info")]
    severity: String,
    /// Go on with what is logged from now on
    #[arg(long, short)]
    follow: bool,
    /// One JSON object to a line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct ConnectArguments {
    /// What to connect: microsoft365
    #[arg(value_parser = ["microsoft365"])]
    system: String,
    #[arg(long)]
    tenant: String,
    /// Run the checks anew
    #[arg(long)]
    check: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub fn system(config: &Config, arguments: &Asked) -> anyhow::Result<ExitCode> {
    let answer = ask_one(config, Question::System)?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&answer)?);
        return Ok(ExitCode::SUCCESS);
    }
    let status: SystemStatus = serde_json::from_value(answer)?;
    let mib = |bytes: u64| bytes >> 20;
    print(&format!("version    {} on {}", status.version, status.operating_system));
    print(&format!("running    {} seconds, process {}", status.uptime_seconds, status.process_id));
    for listener in &status.listeners {
        print(&format!("listens    {} {}", listener.protocol, listener.address));
    }
    let (free, total) = (mib(status.disk.free_bytes), mib(status.disk.total_bytes));
    print(&format!("data       {}, {free} of {total} MiB free", status.data_folder));
    let (files, files_max) = (status.open_files, status.open_files_max);
    let (memory, threads) = (mib(status.memory_bytes), status.threads);
    print(&format!("uses       {memory} MiB, {threads} threads, {files} of {files_max} files"));
    match status.last_backup {
        Some(backup) => print(&format!("backup     {} {}", backup.outcome, backup.at)),
        None => print("backup     none"),
    }
    for part in status.readiness.parts {
        let state = if part.ready { "ready" } else { part.reason.as_str() };
        print(&format!("{:<10} {state}", part.part));
    }
    Ok(ExitCode::SUCCESS)
}

pub fn notifications(config: &Config, arguments: &Asked) -> anyhow::Result<ExitCode> {
    let answer = ask_one(config, Question::Notifications)?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&answer)?);
        return Ok(ExitCode::SUCCESS);
    }
    let answer: NotificationsAnswer = serde_json::from_value(answer)?;
    for condition in answer.conditions {
        let facts: Vec<String> =
            condition.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tenant = condition.tenant.unwrap_or_default();
        let facts = facts.join(" ");
        print(&format!("{}  {}  {tenant} {facts}", condition.since, condition.code));
    }
    print(&format!("{} mails wait for the smarthost", answer.waiting));
    if let Some(error) = answer.last_error {
        print(&format!("it says: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub fn log(config: &Config, arguments: &LogArguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = arguments.tenant.as_deref().map(|name| house.tenant_named(name)).transpose()?;
    let severity: Severity = serde_json::from_value(Value::String(arguments.severity.clone()))
        .context("the severity is debug, info, warn or error")?;
    let question = Question::Log {
        tenant: tenant.map(|tenant| tenant.id.to_string()),
        severity,
        follow: arguments.follow,
    };
    ask(&house, question, |answer| {
        if arguments.json {
            print(&answer.to_string());
            return Ok(());
        }
        let entry: LogEntry = serde_json::from_value(answer)?;
        let mut fields: Vec<String> =
            entry.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.extend(entry.tenant.map(|tenant| format!("tenant={tenant}")));
        fields.extend(entry.source.map(|source| format!("source={source}")));
        let severity = format!("{:?}", entry.severity).to_uppercase();
        let (at, area, message) = (entry.at, entry.area, entry.message);
        print(&format!("{at} {severity:<5} {area}: {message} {}", fields.join(" ")));
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

pub fn connect(config: &Config, arguments: &ConnectArguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = house.tenant_named(&arguments.tenant)?.id;
    let answer = answer_of(&house, Question::Connect { tenant, check: arguments.check })?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&answer)?);
        return Ok(ExitCode::SUCCESS);
    }
    let page: ConnectMicrosoft365 = serde_json::from_value(answer)?;
    print(&format!("Deliver to {}:{}", page.host_name, page.port));
    for row in &page.journal_addresses {
        print(&format!("  {}  {}", row.name, row.address));
    }
    print("\nExchange Online PowerShell, in this order:");
    for step in &page.steps {
        print(&format!("  {}", step.powershell));
    }
    print("");
    for check in &page.checks {
        let state = match check.state {
            CheckState::Fail => "FAIL",
            CheckState::Ok => "ok",
            CheckState::Pending => "waits",
            CheckState::Warn => "WARN",
        };
        print(&format!("{state:<6} {:<20} {} {}", check.code, check.reason, check.detail));
    }
    let failed = page.checks.iter().any(|check| check.state == CheckState::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn ask_one(config: &Config, question: Question) -> anyhow::Result<Value> {
    answer_of(&House::open(config)?, question)
}

/// The one answer to a question.
///
/// # Errors
/// When no server runs, or it refuses.
pub fn answer_of(house: &House, question: Question) -> anyhow::Result<Value> {
    let mut last = None;
    ask(house, question, |answer| {
        last = Some(answer);
        Ok(())
    })?;
    last.context("the server does not answer")
}

/// Passes each answer on, until the server has no more.
fn ask(
    house: &House,
    question: Question,
    mut each: impl FnMut(Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut stream = UnixStream::connect(house.control_socket())
        .context("no server runs on this data folder")?;
    control::write_frame(&mut stream, &Frame::Ask { question })?;
    let mut input = BufReader::new(stream);
    while let Some(answer) = control::read_answer(&mut input)? {
        match answer {
            Answer::Told { value } => each(value)?,
            Answer::Done => return Ok(()),
            Answer::Refused { reason } => anyhow::bail!("{reason}"),
            _ => anyhow::bail!("the server gave another answer"),
        }
    }
    Ok(())
}
