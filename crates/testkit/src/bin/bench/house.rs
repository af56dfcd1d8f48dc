//! One server for one measurement.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::http;

use crate::Outcome;

pub const PASSWORD: &str = "measure twice, cut once 1";
const START_SECONDS_MAX: u64 = 60;

pub struct House {
    pub folder: PathBuf,
    pub smtp: SocketAddr,
    pub http: SocketAddr,
    pub journal: String,
    chancery: PathBuf,
    server: Child,
}

impl House {
    pub const TENANT: &str = "Bench";

    /// A fresh data folder, a tenant, an auditor `auditor` and an administrator `admin`, and the
    /// server running.
    pub fn open(chancery: &Path, folder: &Path, name: &str) -> Outcome<Self> {
        let folder = folder.join(format!("house-{}", name.replace(' ', "-")));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let (smtp, http) = (free()?, free()?);
        std::fs::write(
            folder.join("chancery.toml"),
            format!(
                "data = {:?}\n[smtp]\nlisten = [\"{smtp}\"]\n[http]\nlisten = [\"{http}\"]\ntls = false\n",
                folder.join("data")
            ),
        )?;
        let command = |words: &[&str]| {
            let mut command = Command::new(chancery);
            command.arg("--config").arg(folder.join("chancery.toml")).args(words);
            command
        };
        let printed =
            command(&["tenant", "add", Self::TENANT, "--archive-domain", "bench.example"])
                .stderr(Stdio::inherit())
                .output()?
                .stdout;
        let printed = String::from_utf8(printed)?;
        let journal = printed
            .split_whitespace()
            .find(|word| word.starts_with("journal-"))
            .ok_or("the server printed no journal address")?
            .to_owned();
        for (user, role) in [("auditor", "auditor"), ("admin", "administrator")] {
            let mut arguments = vec!["account", "add", "--tenant", Self::TENANT, "--user", user];
            arguments.extend(["--role", role, "--password-stdin"]);
            if role == "auditor" {
                arguments.extend(["--whole-tenant", "benchmark"]);
            }
            add_account(command(&arguments))?;
        }
        let log = std::fs::File::create(folder.join("server.log"))?;
        let server = command(&["serve"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let chancery = chancery.to_owned();
        let mut house = Self { folder, smtp, http, journal, chancery, server };
        house.wait_until_up()?;
        Ok(house)
    }

    /// An operator `operator`.
    pub fn add_operator(&self) -> Outcome<()> {
        let mut command = self.command();
        command.args(["account", "add", "--user", "operator", "--role", "operator"]);
        command.arg("--password-stdin");
        add_account(command)
    }

    /// Somebody of the tenant.
    pub fn add_account(&self, user: &str, role: &str) -> Outcome<()> {
        let mut command = self.command();
        command.args(["account", "add", "--tenant", Self::TENANT, "--user", user]);
        command.args(["--role", role, "--password-stdin"]);
        add_account(command)
    }

    /// A command of the program on this folder; what it prints. An error unless it succeeds.
    pub fn run(&self, words: &[&str]) -> Outcome<String> {
        let output = self.command().args(words).stderr(Stdio::inherit()).output()?;
        let printed = String::from_utf8(output.stdout)?;
        if output.status.success() {
            Ok(printed)
        } else {
            Err(format!("{words:?}: {}\n{printed}", output.status).into())
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.chancery);
        command.arg("--config").arg(self.folder.join("chancery.toml"));
        command
    }

    /// Ends the server; the folder stays.
    pub fn end(&mut self) -> Outcome<()> {
        let pid = self.server.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let status = self.server.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        }
    }

    /// Starts the server on the same folder; returns how long it took to answer.
    pub fn start_again(&mut self) -> Outcome<Duration> {
        let log = std::fs::File::create(self.folder.join("server.log"))?;
        let begun = Instant::now();
        self.server = self
            .command()
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.wait_until_up()?;
        Ok(begun.elapsed())
    }

    /// Until the server says that it is ready: it answers a little earlier.
    fn wait_until_up(&mut self) -> Outcome<()> {
        let started = Instant::now();
        let log = self.folder.join("server.log");
        let ready = || {
            std::fs::read(&log)
                .is_ok_and(|it| it.split(|o| *o == b'\n').any(|line| line == b"ready"))
        };
        while !ready() || http::Client::new(self.http).get_json("/api/v1/health").is_err() {
            if let Some(status) = self.server.try_wait()? {
                return Err(format!("the server ended with {status}; see server.log").into());
            }
            if started.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                return Err("the server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    pub fn client(&self, user: &str) -> Outcome<http::Client> {
        let mut client = http::Client::new(self.http);
        client.sign_in(user, PASSWORD)?;
        Ok(client)
    }

    /// Waits until nothing is spooled and everything archived can be searched.
    pub fn settle(&self, limit: Duration) -> Outcome<Value> {
        let started = Instant::now();
        let mut client = self.client("admin")?;
        loop {
            let status = client.get_json("/api/v1/status")?;
            let number = |path: &str| status.pointer(path).and_then(Value::as_u64);
            if number("/spool/depth") == Some(0) && number("/index/lag") == Some(0) {
                return Ok(status);
            }
            if started.elapsed() > limit {
                return Err(format!("not done after {limit:?}: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    pub fn close(mut self) -> Outcome<()> {
        self.end()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Only after an error: a closed house has no server left.
        if matches!(self.server.try_wait(), Ok(None)) {
            let _ = self.server.kill();
            let _ = self.server.wait();
        }
    }
}

fn add_account(mut command: Command) -> Outcome<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(PASSWORD.as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("account add: {status}").into()) }
}
