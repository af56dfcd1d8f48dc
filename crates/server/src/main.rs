//! `chancery`: the server and its chores.

mod backup;
mod census;
mod chores;
mod clock;
mod commands;
mod compacting;
mod config;
mod connect;
mod control;
mod doctor;
mod fetching;
mod figures;
mod holds;
mod house;
mod line;
mod logs;
mod machine;
mod memory;
mod metrics;
mod notify;
mod operation;
mod questions;
mod retention;
mod router;
mod scrubbing;
mod sealing;
mod serve;
mod settings;
mod status;
mod systemd;
mod takeout;
mod tenancy;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::backup as backup_command;
use crate::commands::evidence as evidence_command;
use crate::commands::retention as retention_command;
use crate::commands::settings as settings_command;
use crate::commands::takeout as takeout_command;
use crate::commands::{
    account, audit, compact, directory, domain, fetch, grant, group, import, maintain, matter,
    quarantine, running, sign_in, source, tenant, token,
};

/// An e-mail archive: every mail kept, unaltered, provable, findable.
#[derive(Parser)]
#[command(name = "chancery", version, about)]
struct Arguments {
    /// The configuration file [default: chancery.toml in the working folder, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder that holds everything [default: ./chancery-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Accounts: who can sign in
    #[command(subcommand)]
    Account(account::Command),
    /// Access: requests for foreign mail where four eyes are required
    #[command(subcommand)]
    Access(grant::Access),
    /// The audit log: who did what, when, from where, why, to what
    Audit(audit::Arguments),
    /// Copy everything into a folder, also while the server runs
    Backup(backup_command::BackupArguments),
    /// Write packs anew without what was erased: the disk gets its space back
    Compact(compact::Arguments),
    /// Domains: whose mail a tenant archives
    #[command(subcommand)]
    Domain(domain::Command),
    /// What to type in where, and how far it is
    Connect(running::ConnectArguments),
    /// Look at everything that the server needs, and say what to do
    Doctor(doctor::Arguments),
    /// Directories: LDAP and Active Directory
    #[command(subcommand)]
    Directory(directory::Command),
    /// Mailboxes that are read from other servers, by IMAP and POP3
    #[command(subcommand)]
    Fetch(fetch::Command),
    /// Grants: who may see the mail of whom
    #[command(subcommand)]
    Grant(grant::Command),
    /// Groups that mailboxes are opened to
    #[command(subcommand)]
    Group(group::Command),
    /// Disposal runs: what is proposed, approved, destroyed
    #[command(subcommand)]
    Disposal(commands::disposal::Command),
    /// Evidence: how far the ledgers are sealed
    #[command(subcommand)]
    Evidence(evidence_command::Command),
    /// Take mail out of the archive, with its evidence
    Export(takeout_command::Export),
    /// Legal holds: what must not be disposed of
    #[command(subcommand)]
    Hold(matter::Hold),
    /// Matters: what mail is kept for
    #[command(subcommand)]
    Matter(matter::Command),
    /// Send mail back to an address or into a mailbox
    SendBack(takeout_command::SendBack),
    /// Archive mail from files: eml, mbox, maildir, folders and zips of these
    Import(import::Arguments),
    /// What the running server logs
    Log(running::LogArguments),
    /// What is wrong now
    Notifications(running::Asked),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// The procedure documentation (Verfahrensdokumentation), filled from the configuration
    ProcedureDoc(commands::procedure::Arguments),
    /// Quarantine: what waits for a decision
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// Make catalog and index anew from packs and key tables
    Rebuild(maintain::Arguments),
    /// Compare a fetched mailbox with the archive, and read what is missing
    Reconcile(fetch::Reconcile),
    /// Make a data folder from a backup, and examine it
    Restore(backup_command::RestoreArguments),
    /// Retention: how long mail is kept
    #[command(subcommand)]
    Retention(retention_command::Command),
    /// Run the server
    Serve(serve::Arguments),
    /// The server's settings
    #[command(subcommand)]
    Settings(settings_command::Command),
    /// Sources: journal addresses
    #[command(subcommand)]
    Source(source::Command),
    /// The running server and its machine
    System(running::Asked),
    /// How accounts sign in: OpenID providers, second factors
    #[command(subcommand)]
    SignIn(sign_in::Command),
    /// Tenants: customers with an archive of their own
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Tokens by which programs use the API
    #[command(subcommand)]
    Token(token::Command),
    /// Re-read everything and name every difference between packs, catalog and index
    Verify(maintain::Arguments),
}

fn main() -> ExitCode {
    memory::bound();
    let arguments = Arguments::parse();
    let config = config::Config::read(arguments.config.as_deref());
    // Before the catalog is open, and also when the file is not valid.
    let mut log = config.as_ref().ok().and_then(|config| config.log().ok()).unwrap_or_default();
    if !matches!(arguments.command, Command::Serve(_)) {
        // The files are the server's.
        log.folder.clear();
    }
    let logging = match logs::start(&log) {
        Ok(logging) => logging,
        Err(error) => {
            eprintln!("cannot write the log in {}: {error}", log.folder);
            return ExitCode::FAILURE;
        }
    };
    fail_points();
    if let Command::Doctor(command) = &arguments.command {
        return doctor::run(config, arguments.data.as_deref(), command);
    }
    match config.and_then(|config| run(arguments, config, logging)) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    arguments: Arguments,
    mut config: config::Config,
    logging: logs::Logging,
) -> anyhow::Result<ExitCode> {
    // The one TLS provider of the process; an error means that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config_file = config::Config::file(arguments.config.as_deref());
    if arguments.data.is_some() {
        config.data = arguments.data;
    }
    match arguments.command {
        Command::Account(command) => account::run(&config, command),
        Command::Access(command) => grant::access(&config, command),
        Command::Audit(arguments) => audit::run(&config, &arguments),
        Command::Backup(command) => {
            backup_command::backup(&config, config_file.as_deref(), &command)
        }
        Command::Compact(arguments) => compact::run(&config, &arguments),
        Command::Domain(command) => domain::run(&config, command),
        Command::Connect(command) => running::connect(&config, &command),
        // Answered before the configuration is known to be valid.
        Command::Doctor(command) => Ok(doctor::run(Ok(config), None, &command)),
        Command::Directory(command) => directory::run(&config, command),
        Command::Fetch(command) => fetch::run(&config, command),
        Command::Grant(command) => grant::run(&config, command),
        Command::Group(command) => group::run(&config, command),
        Command::Disposal(command) => commands::disposal::run(&config, command),
        Command::Evidence(command) => evidence_command::run(&config, command),
        Command::ProcedureDoc(arguments) => commands::procedure::run(&config, &arguments),
        Command::Export(arguments) => takeout_command::export(&config, arguments),
        Command::Hold(command) => matter::hold(&config, command),
        Command::Matter(command) => matter::run(&config, command),
        Command::SendBack(arguments) => takeout_command::send_back(&config, arguments),
        Command::Import(arguments) => import::run(&config, &arguments),
        Command::Log(command) => running::log(&config, &command),
        Command::Notifications(command) => running::notifications(&config, &command),
        Command::Openapi => {
            commands::print(&api::openapi_json());
            Ok(ExitCode::SUCCESS)
        }
        Command::Quarantine(command) => quarantine::run(&config, command),
        Command::Rebuild(arguments) => maintain::rebuild(&config, &arguments),
        Command::Reconcile(command) => fetch::reconcile(&config, &command),
        Command::Restore(command) => backup_command::restore(&config, &command),
        Command::Retention(command) => retention_command::run(&config, command),
        Command::Serve(arguments) => serve::run(config, &arguments, logging),
        Command::Settings(command) => settings_command::run(&config, command),
        Command::Source(command) => source::run(&config, command),
        Command::System(command) => running::system(&config, &command),
        Command::SignIn(command) => sign_in::run(&config, command),
        Command::Tenant(command) => tenant::run(&config, command),
        Command::Token(command) => token::run(&config, command),
        Command::Verify(arguments) => maintain::verify(&config, &arguments),
    }
}

/// For the crash suite: `CHANCERY_CRASH_AT=<crash point>` ends the process there, as `kill -9`
/// does; `CHANCERY_CRASH_AT=<crash point>#3` at the third pass. `CHANCERY_HANG_AT` lets the thread
/// that comes there first sleep instead.
#[cfg(feature = "failpoints")]
fn fail_points() {
    use std::sync::atomic::{AtomicU32, Ordering};

    if let Ok(point) = std::env::var("CHANCERY_HANG_AT") {
        let hang = || std::thread::sleep(std::time::Duration::from_secs(3600));
        if let Err(error) = fail::cfg_callback(point, hang) {
            tracing::error!("crash point: {error}");
        }
    }
    let Ok(wanted) = std::env::var("CHANCERY_CRASH_AT") else { return };
    let (point, pass) = match wanted.split_once('#') {
        Some((point, pass)) => (point.to_owned(), pass.parse().unwrap_or(1)),
        None => (wanted, 1),
    };
    let passes = AtomicU32::new(0);
    let crash = move || {
        if passes.fetch_add(1, Ordering::SeqCst) + 1 == pass {
            let _ = std::process::Command::new("kill")
                .args(["-9", &std::process::id().to_string()])
                .status();
            // Nothing takes effect any more, however long the signal takes.
            loop {
                std::thread::park();
            }
        }
    };
    if let Err(error) = fail::cfg_callback(point, crash) {
        tracing::error!("crash point: {error}");
    }
}

#[cfg(not(feature = "failpoints"))]
fn fail_points() {}
