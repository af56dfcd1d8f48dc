//! Starts and stops the server on a folder of its own, and speaks to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use model::{ContentId, RecordId, TenantId};
use serde_json::Value;
use tempfile::TempDir;
use testkit::http::{Client, query_value};
use testkit::smtp::{Content, Security};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

pub const PASSWORD: &str = "correct horse battery staple";

/// A data folder with one tenant and its auditor.
pub struct House {
    folder: TempDir,
    pub tenant: TenantId,
    pub journal: String,
}

impl House {
    pub fn new(organisations: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut arguments =
            vec!["tenant", "add", "Musterbau", "--archive-domain", "archive.example"];
        for organisation in organisations {
            arguments.extend(["--organisation", organisation]);
        }
        let journal = answer(&chancery(&data, &arguments, ""));
        let list = answer(&chancery(&data, &["tenant", "list"], ""));
        let tenant = list.split_whitespace().next().and_then(|id| id.parse().ok());
        let house = Self { folder, tenant: tenant.expect("a tenant id"), journal };
        house.account("auditor", "auditor", &[]);
        house.account("admin", "administrator", &[]);
        house
    }

    /// A data folder that `fill` brings along; its tenant is the one that it holds.
    pub fn from_folder(fill: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fill(&folder.path().join("data"));
        let tenant = std::fs::read_dir(folder.path().join("data/vault"))
            .expect("a vault")
            .filter_map(Result::ok)
            .find_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self { folder, tenant: tenant.expect("a tenant"), journal: String::new() }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn account(&self, user: &str, role: &str, addresses: &[&str]) {
        let mut arguments = vec![
            "account",
            "add",
            "--tenant",
            "Musterbau",
            "--user",
            user,
            "--role",
            role,
            "--password-stdin",
        ];
        for address in addresses {
            arguments.extend(["--address", address]);
        }
        if role == "auditor" {
            arguments.extend(["--whole-tenant", "tests"]);
        }
        answer(&chancery(&self.data(), &arguments, PASSWORD));
    }

    pub fn start(&self) -> Server {
        self.start_with(&[]).expect("the server starts")
    }

    /// Starts the server; `None` when it ends before it is ready.
    pub fn start_with(&self, environment: &[(&str, &str)]) -> Option<Server> {
        self.launch(&[], environment)
    }

    /// Starts the server with a configuration file of this content.
    pub fn start_configured(&self, toml: &str) -> Server {
        self.start_configured_with(toml, &[]).expect("the server starts")
    }

    /// Both; `None` when it ends before it is ready.
    pub fn start_configured_with(
        &self,
        toml: &str,
        environment: &[(&str, &str)],
    ) -> Option<Server> {
        let path = self.folder.path().join("chancery.toml");
        std::fs::write(&path, toml).expect("the folder is writable");
        let path = path.to_str().expect("a readable path");
        self.launch(&["--config", path], environment)
    }

    fn launch(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Option<Server> {
        let mut child = command(&self.data())
            .args(arguments)
            .args(["serve", "--http-clear", "--smtp-listen", "127.0.0.1:0"])
            .args(["--http-listen", "127.0.0.1:0"])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server's program");
        let mut addresses = BTreeMap::new();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        for line in output.lines().map_while(Result::ok) {
            if line == "ready" {
                let address = |name| addresses.get(name).copied().expect("an address");
                return Some(Server { smtp: address("smtp"), web: address("web"), child });
            }
            if let Some((name, address)) = line.split_once(' ') {
                let address = address.trim_start_matches("http://");
                if let Ok(address) = address.parse::<SocketAddr>() {
                    addresses.insert(name.to_owned(), address);
                }
            }
        }
        let _ = child.wait();
        None
    }

    /// Runs a command of the program on this folder.
    pub fn run(&self, arguments: &[&str]) -> Output {
        chancery(&self.data(), arguments, "")
    }

    /// As [`House::run`], with environment variables; empty ones are left out.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let set = environment.iter().filter(|(_, value)| !value.is_empty());
        command(&self.data())
            .args(arguments)
            .envs(set.copied())
            .stdin(Stdio::null())
            .output()
            .expect("the program")
    }

    /// Where the record of these octets is found.
    pub fn record(&self, mail: &[u8]) -> RecordId {
        RecordId::of(self.tenant, ContentId::of(mail))
    }
}

pub struct Server {
    pub smtp: SocketAddr,
    pub web: SocketAddr,
    child: Child,
}

impl Server {
    /// Asks the server to end and waits for it.
    pub fn stop(self) {
        assert!(self.end(), "the server did not end in good order");
    }

    /// As [`Server::stop`]; says whether it ended in good order.
    pub fn end(mut self) -> bool {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        self.child.wait().expect("the server ends").success()
    }

    /// As a power cut does for the process.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The most memory that the server has had at a time (resident set), in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.expect("a figure") * 1024
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn client(&self, user: &str) -> Client {
        let mut client = Client::new(self.web);
        client.sign_in(user, PASSWORD).expect("sign-in");
        client
    }

    /// Sends mails over one connection; returns which were answered with `250`.
    pub fn send(&self, to: &str, mails: &[&[u8]]) -> Vec<bool> {
        let mut accepted = vec![false; mails.len()];
        let Ok(mut client) =
            testkit::smtp::Client::connect(self.smtp, &Security::any_certificate())
        else {
            return accepted;
        };
        for (mail, accepted) in mails.iter().zip(&mut accepted) {
            let sent = client.send(
                "journal-ndr@musterbau.example",
                &[to],
                mail,
                &Content::Bdat(Vec::new()),
            );
            match sent {
                Ok(_) => *accepted = true,
                Err(_) => break,
            }
        }
        accepted
    }

    /// Waits until nothing waits in the spool and everything archived is searchable; `false` when
    /// the server ended meanwhile.
    pub fn settle(&mut self) -> bool {
        let begun = Instant::now();
        let mut admin = Client::new(self.web);
        if admin.sign_in("admin", PASSWORD).is_err() {
            return false;
        }
        loop {
            let Ok(status) = admin.get_json("/api/v1/status") else { return false };
            let number = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64);
            if number("/spool/depth") == Some(0) && number("/index/lag") == Some(0) {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE, "not settled: {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All records that the signed-in person finds with `query`, in the order of the answer.
pub fn search_all(client: &mut Client, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut path = format!("/api/v1/search?limit=200&q={}", query_value(query));
        if let Some(cursor) = &cursor {
            path.push_str(&format!("&cursor={}", query_value(cursor)));
        }
        let answer = client.get_json(&path).expect("an answer");
        let rows = answer["rows"].as_array().expect("rows");
        ids.extend(rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned));
        match answer["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return ids,
        }
    }
}

pub fn chancery(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("its output")
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
    command.arg("--data").arg(data).env("CHANCERY_LOG", "warn,tantivy=error");
    command
}

/// The output of a command that must succeed.
pub fn answer(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
