//! `chancery export` and `chancery send-back`: mail that leaves the archive. The running server does
//! it; the command waits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use catalog::{FetchSource, MailJobRow, MailJobState};
use discovery::{
    DamagedMail, ExportFormat, ExportRequest, ImapSecurity, RestoreRequest, RestoreTarget, Which,
};
use model::{JobId, MatterId, RecordId};
use serde_json::{Value, json};

use super::order::{COMMAND_LINE, note, order, show};
use crate::config::Config;
use crate::control::{Answer, Frame, TakeoutOrder};
use crate::house::House;

/// How often a job that the running server works on is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Which mails: a query, a matter or single ones.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Mails {
    /// What a search finds
    #[arg(long)]
    query: Option<String>,
    /// What the holds of a matter froze
    #[arg(long, value_name = "ID")]
    matter: Option<MatterId>,
    /// One mail, by its id; may be given several times
    #[arg(long = "record", value_name = "ID")]
    records: Vec<RecordId>,
}

#[derive(clap::Args)]
pub struct Export {
    #[arg(long)]
    tenant: String,
    #[command(flatten)]
    mails: Mails,
    /// With journal reports, facts and evidence records, for chancery-verify
    #[arg(long)]
    evidence: bool,
    /// One mailbox file (mboxrd) instead of a file for each mail
    #[arg(long, conflicts_with = "evidence")]
    mbox: bool,
    /// Stands in the audit log
    #[arg(long)]
    reason: String,
    /// A new folder, or a new file whose name ends with .zip
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct SendBack {
    #[arg(long)]
    tenant: String,
    #[command(flatten)]
    mails: Mails,
    /// To this address, through the smarthost
    #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["host", "source"])]
    to: Option<String>,
    /// Into a mailbox that is fetched: the name of its source, whose server and secrets are used
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "host"])]
    source: Option<String>,
    /// Which of the source's mailboxes, where it has many
    #[arg(long, value_name = "USER", requires = "source")]
    mailbox: Option<String>,
    /// Into a mailbox on this IMAP server
    #[arg(long, conflicts_with = "to", requires_all = ["user", "password_file"])]
    host: Option<String>,
    #[arg(long, default_value_t = 993)]
    port: u16,
    /// tls, starttls or none
    #[arg(long, default_value = "tls", value_parser = security)]
    security: ImapSecurity,
    #[arg(long)]
    user: Option<String>,
    /// A file that holds nothing but the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Instead of the folder where the mail lay, or INBOX
    #[arg(long)]
    folder: Option<String>,
    /// SHA-256 of the server's certificate: this one and no other
    #[arg(long, value_name = "DIGITS")]
    pinned: Option<String>,
    /// Stands in the audit log
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

pub fn export(config: &Config, arguments: Export) -> anyhow::Result<ExitCode> {
    let output = &arguments.output;
    anyhow::ensure!(!output.exists(), "{} exists already", output.display());
    let zip = output.extension().is_some_and(|it| it.eq_ignore_ascii_case("zip"));
    let request = ExportRequest {
        which: which(arguments.mails),
        evidence: arguments.evidence,
        format: if arguments.mbox { ExportFormat::Mbox } else { ExportFormat::Eml },
        zip,
        reason: arguments.reason.trim().to_owned(),
    };
    let reason = request.reason.clone();
    let about = (&*arguments.tenant, "export.begin", reason);
    let job = done(config, about, json!(request), TakeoutOrder::Export(request.clone()))?;
    let house = House::open(config)?;
    let name = if zip { format!("mail-{}.zip", job.id) } else { format!("mail-{}", job.id) };
    copy(&house.folder.join("exports").join(name), output)
        .with_context(|| format!("cannot write {}", output.display()))?;
    let remove = TakeoutOrder::Remove { job: job.id };
    ask(config, house, job.tenant, remove)?;
    let damaged: Vec<DamagedMail> =
        serde_json::from_value(job.result["damaged"].clone()).unwrap_or_default();
    show(arguments.json, &job.result, || {
        let of = |name: &str| job.result[name].as_u64().unwrap_or(0);
        let mut text = format!(
            "mails       {:>9}\nbytes       {:>9}\nwithheld    {:>9}\nnot sealed  {:>9}\ndamaged     {:>9}",
            of("mails"),
            of("bytes"),
            of("withheld"),
            of("notSealed"),
            damaged.len(),
        );
        for one in &damaged {
            text.push_str(&format!("\n  {}: {}", one.record, one.why));
        }
        text
    });
    Ok(if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn send_back(config: &Config, arguments: SendBack) -> anyhow::Result<ExitCode> {
    let (target, password) = match (arguments.to, arguments.host, arguments.source) {
        (Some(address), None, None) => (RestoreTarget::Address { address }, None),
        (None, None, Some(name)) => {
            let house = House::open(config)?;
            let tenant = house.tenant_named(&arguments.tenant)?.id;
            let all = house.catalog.fetch_sources(Some(tenant))?;
            let is_it =
                |it: &FetchSource| it.source.name == name || it.source.id.to_string() == name;
            let mut named = all.into_iter().filter(is_it);
            let source = named.next().with_context(|| format!("there is no source {name:?}"))?;
            anyhow::ensure!(named.next().is_none(), "several sources have this name: give the id");
            let source = source.source.id;
            let mailbox = arguments.mailbox.unwrap_or_default();
            (RestoreTarget::Source { source, mailbox, folder: arguments.folder }, None)
        }
        (None, Some(host), None) => {
            let file = arguments.password_file.context("name --password-file")?;
            let password = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let target = RestoreTarget::Imap {
                host,
                port: arguments.port,
                security: arguments.security,
                user: arguments.user.context("name --user")?,
                folder: arguments.folder,
                pinned: arguments.pinned,
            };
            (target, Some(password.trim_end().to_owned()))
        }
        _ => anyhow::bail!("name --to, --source or --host"),
    };
    let reason = arguments.reason.trim().to_owned();
    let request = RestoreRequest { which: which(arguments.mails), target, reason };
    let about = (&*arguments.tenant, "restore.begin", request.reason.clone());
    let detail = json!(request);
    let job = done(config, about, detail, TakeoutOrder::Restore { request, password })?;
    let failed = job.result["failed"].as_u64().unwrap_or(0);
    show(arguments.json, &job.result, || {
        let of = |name: &str| job.result[name].as_u64().unwrap_or(0);
        format!("sent        {:>9}\nfailed      {failed:>9}", of("mails"))
    });
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn which(mails: Mails) -> Which {
    match (mails.query, mails.matter) {
        (Some(query), _) => Which::Query(query),
        (None, Some(matter)) => Which::Matter(matter),
        (None, None) => Which::Records(mails.records),
    }
}

fn security(text: &str) -> Result<ImapSecurity, String> {
    match text {
        "none" => Ok(ImapSecurity::None),
        "starttls" => Ok(ImapSecurity::Starttls),
        "tls" => Ok(ImapSecurity::Tls),
        _ => Err("tls, starttls or none".to_owned()),
    }
}

/// Asks the running server for a job and waits for its end.
fn done(
    config: &Config,
    (tenant, action, reason): (&str, &str, String),
    detail: Value,
    order: TakeoutOrder,
) -> anyhow::Result<MailJobRow> {
    let house = House::open(config)?;
    let tenant = house.tenant_named(tenant)?.id;
    anyhow::ensure!(!reason.is_empty(), "give a reason");
    let value = ask(config, House::open(config)?, tenant, order)?;
    let id: JobId = serde_json::from_value(value["job"].clone())?;
    note(&house, Some(tenant), action, id.to_string(), detail, Some(reason))?;
    loop {
        let job = house.catalog.mail_job(id)?.context("the job is gone")?;
        match job.state {
            MailJobState::Done => return Ok(job),
            MailJobState::Running | MailJobState::Waiting => std::thread::sleep(LOOK_EVERY),
            MailJobState::Cancelled | MailJobState::Failed | MailJobState::Removed => {
                let why = job.result["error"].as_str().unwrap_or("it was cancelled");
                anyhow::bail!("{why}");
            }
        }
    }
}

fn ask(
    config: &Config,
    house: House,
    tenant: model::TenantId,
    wanted: TakeoutOrder,
) -> anyhow::Result<Value> {
    let server = std::os::unix::net::UnixStream::connect(house.control_socket());
    drop(server.context("no server runs on this data folder")?);
    let by = COMMAND_LINE.to_owned();
    let frame = Frame::Takeout { tenant, by, order: Box::new(wanted) };
    match order(config, house, &frame)? {
        Answer::Told { value } => Ok(value),
        _ => anyhow::bail!("the server gave another answer"),
    }
}

/// A file, or a folder with everything in it, readable by its owner alone.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
