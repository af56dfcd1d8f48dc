//! A server of its own, set up for the demo company: folder, tenant, accounts, process.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::shell;

const TENANT: &str = "Musterbau GmbH";
const ARCHIVE_DOMAIN: &str = "archiv.musterbau.example";
const ORGANISATION: &str = "musterbau.onmicrosoft.example";
/// All demo accounts have it; the server listens on loopback only.
pub const PASSWORD: &str = "Richtfest-am-Hafen-7";
const START_SECONDS_MAX: u64 = 180;
const STOP_SECONDS_MAX: u64 = 180;
/// Reports of a foreign organisation, which wait in the quarantine.
const STRAY_REPORTS: u64 = 4;
/// Below what the system gives out by itself (`ip_local_port_range`).
const ANY_PORT_FIRST: u16 = 20_000;
/// Ports tried after the wanted one.
const PORTS_MAX: u16 = 200;

/// Somebody who can sign in.
pub struct Login {
    pub role: &'static str,
    pub user: &'static str,
    name: &'static str,
    /// The person of the demo company, whose addresses the account gets.
    person: Option<&'static str>,
}

pub const LOGINS: &[Login] = &[
    Login {
        role: "user",
        user: "bjoern.schaefer",
        name: "Björn Schäfer",
        person: Some("bjoern.schaefer"),
    },
    Login {
        role: "user",
        user: "ulrike.baeumer",
        name: "Ulrike Bäumer",
        person: Some("ulrike.baeumer"),
    },
    Login {
        role: "user",
        user: "zoe.clarke-jones",
        name: "Zoë Clarke-Jones",
        person: Some("zoe.clarke-jones"),
    },
    Login { role: "auditor", user: "revision", name: "Ingrid Revision", person: None },
    Login { role: "officer", user: "compliance", name: "Olga Compliance", person: None },
    // The second pair of eyes.
    Login { role: "officer", user: "datenschutz", name: "Dirk Datenschutz", person: None },
    Login { role: "administrator", user: "verwaltung", name: "Ada Verwaltung", person: None },
    Login { role: "operator", user: "betrieb", name: "Otto Betrieb", person: None },
];

/// The account that reads the status page.
pub const ADMINISTRATOR: &str = "verwaltung";

/// Where the programs are.
pub struct Programs {
    pub chancery: PathBuf,
    pub demo: PathBuf,
}

impl Programs {
    /// Those of cargo's profile folder `profile` (`debug` or `release`).
    pub fn of(profile: &str) -> anyhow::Result<Self> {
        let folder = crate::metadata::Metadata::read()?.target().join(profile);
        Ok(Self { chancery: folder.join("chancery"), demo: folder.join("demo") })
    }
}

pub struct Site<'a> {
    programs: &'a Programs,
    folder: PathBuf,
    pub smtp: SocketAddr,
    pub http: SocketAddr,
    pub journal: String,
    pub sent: u64,
    server: Child,
}

impl<'a> Site<'a> {
    /// Opens the site in `folder`, sets it up when it is new, and starts its server; returns once
    /// that answers.
    pub fn start(programs: &'a Programs, folder: &Path, ports: (u16, u16)) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let smtp = free_address(ports.0)?;
        // Not the same one twice: nobody listens yet.
        let http = free_address(if ports.1 == 0 { smtp.port() + 1 } else { ports.1 })?;
        write_config(folder, smtp, http)?;
        let state = read_state(folder);
        let journal = match state.get("journal").and_then(Value::as_str) {
            Some(journal) => journal.to_owned(),
            None => set_up(programs, folder)?,
        };
        let sent = state.get("sent").and_then(Value::as_u64).unwrap_or(0);
        let log = File::create(folder.join("server.log"))?;
        let server = chancery(programs, folder, &["serve"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", programs.chancery.display()))?;
        let mut site = Self { programs, folder: folder.into(), smtp, http, journal, sent, server };
        site.write_state()?;
        site.wait_for_server()?;
        Ok(site)
    }

    fn wait_for_server(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while !healthy(self.http) {
            if let Some(status) = self.server.try_wait()? {
                bail!("the server ended with {status}:\n{}", self.log_tail());
            }
            ensure!(
                started.elapsed() < Duration::from_secs(START_SECONDS_MAX),
                "the server does not answer:\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Sends `count` reports through the SMTP listener and waits until all can be searched.
    pub fn fill(&mut self, count: u64) -> anyhow::Result<()> {
        let mut send = Command::new(&self.programs.demo);
        send.args(["send", "--smtp", &self.smtp.to_string(), "--to", &self.journal]);
        send.args(["--count", &count.to_string(), "--connections", "8"]);
        shell::succeed(send)?;
        let mut stray = Command::new(&self.programs.demo);
        stray.args(["send", "--smtp", &self.smtp.to_string(), "--to", &self.journal, "--foreign"]);
        stray.args(["--count", &STRAY_REPORTS.to_string(), "--seed", "77"]);
        shell::succeed(stray)?;
        let before = self.sent;
        self.sent += count;
        self.write_state()?;
        let mut wait = Command::new(&self.programs.demo);
        wait.args(["await", "--http", &self.http.to_string(), "--user", ADMINISTRATOR]);
        // The server counts from its own start; only an empty site starts at nothing.
        let taken = if before == 0 { count + STRAY_REPORTS } else { 0 };
        wait.args(["--reports", &taken.to_string()]).env("DEMO_PASSWORD", PASSWORD);
        shell::succeed(wait)
    }

    /// Imports so many letters of the year 2010: whatever a policy says, their time is over.
    pub fn import_old(&self, count: u64) -> anyhow::Result<()> {
        let letters = self.folder.join("old");
        std::fs::create_dir_all(&letters)?;
        for number in 1..=count {
            let letter = format!(
                "From: kunde@fremd.example\r\nTo: buchhaltung@musterbau.example\r\n\
                 Subject: Altes Angebot {number}\r\nDate: Tue, 9 Feb 2010 08:15:00 +0000\r\n\
                 Message-ID: <alt{number}@fremd.example>\r\n\r\nDas Angebot von 2010.\r\n"
            );
            std::fs::write(letters.join(format!("{number}.eml")), letter)?;
        }
        let mut import = chancery(self.programs, &self.folder, &["import", "--tenant", TENANT]);
        import.arg(&letters);
        shell::succeed(import)
    }

    fn write_state(&self) -> anyhow::Result<()> {
        let state = json!({ "journal": self.journal, "sent": self.sent });
        std::fs::write(self.folder.join("demo.json"), state.to_string())?;
        Ok(())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Waits until somebody ends the server.
    pub fn wait(mut self) -> anyhow::Result<()> {
        let status = self.server.wait()?;
        ensure!(status.success(), "the server ended with {status}:\n{}", self.log_tail());
        Ok(())
    }

    /// Ends the server in good order.
    ///
    /// # Errors
    /// When it does not end by itself within [`STOP_SECONDS_MAX`], or with an error.
    pub fn stop(mut self) -> anyhow::Result<()> {
        shell::succeed(shell::command("kill", &["-TERM", &self.server.id().to_string()]))?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(STOP_SECONDS_MAX) {
            if let Some(status) = self.server.try_wait()? {
                ensure!(status.success(), "the server ended with {status}:\n{}", self.log_tail());
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the server did not end within {STOP_SECONDS_MAX} s")
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        // Only when something has failed before; a stopped server is gone already.
        if matches!(self.server.try_wait(), Ok(None)) {
            let _ = self.server.kill();
            let _ = self.server.wait();
        }
    }
}

fn chancery(programs: &Programs, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs.chancery);
    command.arg("--config").arg(folder.join("chancery.toml")).args(arguments);
    command.current_dir(folder);
    command
}

fn write_config(folder: &Path, smtp: SocketAddr, http: SocketAddr) -> anyhow::Result<()> {
    let text = format!(
        "data = {:?}\n\n[smtp]\nlisten = [\"{smtp}\"]\n\n[http]\nlisten = [\"{http}\"]\ntls = false\n",
        folder.join("data")
    );
    std::fs::write(folder.join("chancery.toml"), text)?;
    Ok(())
}

fn read_state(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("demo.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Creates tenant and accounts; gives the journal address.
fn set_up(programs: &Programs, folder: &Path) -> anyhow::Result<String> {
    let printed = shell::output(chancery(
        programs,
        folder,
        &[
            "tenant",
            "add",
            TENANT,
            "--archive-domain",
            ARCHIVE_DOMAIN,
            "--organisation",
            ORGANISATION,
        ],
    ))?;
    let journal = printed
        .split_whitespace()
        .find(|word| word.starts_with("journal-"))
        .with_context(|| format!("no journal address in {printed:?}"))?
        .to_owned();
    let mut people = Command::new(&programs.demo);
    people.arg("people");
    let people = shell::output(people)?;
    for login in LOGINS {
        let mut arguments = vec!["account", "add", "--user", login.user];
        // An operator belongs to no tenant.
        if login.role != "operator" {
            arguments.extend(["--tenant", TENANT]);
        }
        arguments.extend(["--name", login.name, "--role", login.role, "--password-stdin"]);
        if ["auditor", "officer"].contains(&login.role) {
            arguments.extend(["--whole-tenant", "Revision"]);
        }
        let addresses = addresses(&people, login.person)?;
        for address in &addresses {
            arguments.extend(["--address", address]);
        }
        with_password(chancery(programs, folder, &arguments))?;
    }
    Ok(journal)
}

fn addresses(people: &str, person: Option<&str>) -> anyhow::Result<Vec<String>> {
    let Some(person) = person else { return Ok(Vec::new()) };
    for line in people.lines() {
        let known: Value = serde_json::from_str(line)?;
        if known["user"] == person {
            let listed = known["addresses"].as_array().into_iter().flatten();
            return Ok(listed.filter_map(Value::as_str).map(str::to_owned).collect());
        }
    }
    bail!("nobody at the demo company is called {person}")
}

fn with_password(mut command: Command) -> anyhow::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(PASSWORD.as_bytes())?;
    }
    let status = child.wait()?;
    ensure!(status.success(), "an account could not be created: {status}");
    Ok(())
}

/// The wanted port or one after it; 0 is any that the system gives to nobody else meanwhile.
fn free_address(wanted: u16) -> anyhow::Result<SocketAddr> {
    let any = || ANY_PORT_FIRST + u16::try_from(std::process::id() * 61 % 9_000).unwrap_or(0);
    let first = if wanted == 0 { any() } else { wanted };
    for port in (first..).take(usize::from(PORTS_MAX)) {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return Ok(listener.local_addr()?);
        }
    }
    bail!("no free port from {wanted} on")
}

fn healthy(http: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(http)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /api/v1/health HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer[9..] == b"200")
    };
    ask().unwrap_or(false)
}
