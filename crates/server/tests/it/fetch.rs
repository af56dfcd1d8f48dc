//! Mail that is fetched from Dovecot: many mailboxes, every crash, people who tidy up meanwhile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::mail_server::{DOVECOT, Dovecot};
use testkit::proxy::{Fault, Proxy};

use crate::house::{House, Server, answer, search_all};
use crate::tools::has_tool;

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

const NAME: &str = "Mailboxes";

/// A mail server and an archive that fetches from it.
pub struct World {
    pub house: House,
    pub dovecot: Dovecot,
    folder: TempDir,
}

impl World {
    /// `None` where Dovecot is missing.
    pub fn new() -> Option<Self> {
        if !has_tool(DOVECOT, "dovecot-imapd") {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let dovecot = Dovecot::start(folder.path(), "").expect("Dovecot starts");
        Some(Self { house: House::new(&[]), dovecot, folder })
    }

    /// The settings for the mail server, with what `more` says.
    pub fn settings(&self, protocol: &str, more: &Value) -> Value {
        let port = if protocol == "imap" { self.dovecot.imaps } else { self.dovecot.pop3s };
        let mut settings = json!({
            "server": "127.0.0.1",
            "port": port,
            "protocol": protocol,
            "security": "tls",
            "caPem": self.dovecot.authority,
            "user": "journal",
        });
        for (name, value) in more.as_object().expect("an object") {
            settings[name] = value.clone();
        }
        settings
    }

    pub fn add(&self, settings: &Value, password: &str) {
        let write = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("the folder is writable");
            path.to_str().expect("a readable path").to_owned()
        };
        let file = write("source.json", &settings.to_string());
        let secret = write("password", password);
        let arguments = [
            "fetch",
            "add",
            "--tenant",
            "Musterbau",
            NAME,
            "--settings",
            &file,
            "--password-file",
            &secret,
        ];
        answer(&self.house.run(&arguments));
    }

    pub fn command(&self, command: &[&str]) -> Value {
        let (verb, rest) = command.split_last().expect("a command");
        let mut arguments = rest.to_vec();
        arguments.extend([*verb, "--tenant", "Musterbau", NAME, "--json"]);
        let output = self.house.run(&arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|_| {
            panic!("{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr))
        })
    }

    pub fn runs(&self) -> Vec<Value> {
        self.command(&["fetch", "runs"]).as_array().expect("runs").clone()
    }

    /// The mails of a mailbox on the server, by the paths of their files.
    pub fn files(&self, user: &str) -> Vec<PathBuf> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
                if path.is_dir() {
                    below(&path, found);
                } else if parent == "new" || parent == "cur" {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        below(&self.folder.path().join("mail").join(user), &mut found);
        found
    }
}

pub fn mail(to: &str, number: usize) -> Vec<u8> {
    format!(
        "Message-ID: <{number}.{to}@musterbau.example>\r\nFrom: a@musterbau.example\r\n\
         To: {to}@musterbau.example\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n\
         Subject: {to} {number}\r\n\r\ntext {number}\r\n"
    )
    .into_bytes()
}

/// Until the condition holds; the machine may be slow.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn archived(server: &Server) -> usize {
    search_all(&mut server.client("auditor"), "").len()
}

/// Every run adds up; what they did together.
pub fn sum(runs: &[Value], name: &str) -> u64 {
    const PARTS: [&str; 6] = ["archived", "known", "merged", "quarantined", "left", "failed"];
    let count = |run: &Value, name: &str| run["counts"][name].as_u64().expect("a count");
    for run in runs {
        let parts: u64 = PARTS.iter().map(|part| count(run, part)).sum();
        assert_eq!(parts, count(run, "seen"), "{run}");
    }
    runs.iter().map(|run| count(run, name)).sum()
}

#[test]
fn forty_mailboxes_are_fetched_by_one_service_account_and_every_mail_is_archived_once() {
    const MAILBOXES: usize = 40;
    const MAILS: usize = 25;
    let Some(world) = World::new() else { return };
    let users: Vec<String> = (0..MAILBOXES).map(|number| format!("user{number}")).collect();
    for user in &users {
        for number in 0..MAILS {
            // Some lie in folders of their own.
            let folder = if number % 5 == 0 { "Projects.2024" } else { "" };
            world.dovecot.deliver(user, folder, &mail(user, number)).expect("delivered");
        }
    }
    let listed: Vec<Value> = users
        .iter()
        .map(|user| json!({ "user": user, "address": format!("{user}@musterbau.example") }))
        .collect();
    let mode = json!({
        "kind": "mailboxes",
        "by": { "kind": "master-user", "separator": "*" },
        "mailboxes": listed,
    });
    let more = json!({ "mode": mode, "user": Dovecot::MASTER, "after": { "kind": "keep" } });
    world.add(&world.settings("imap", &more), Dovecot::MASTER_PASSWORD);
    let tried = world.command(&["fetch", "test"]);
    assert_eq!(tried["ok"], true, "{tried}");
    world.house.account("owner", "user", &["user7@musterbau.example"]);

    let mut server = world.house.start();
    until("the run", || !world.runs().is_empty());
    let runs = world.runs();
    assert_eq!((&runs[0]["outcome"], &runs[0]["mailboxesFailed"]), (&json!("done"), &json!(0)));
    assert_eq!(sum(&runs, "archived"), (MAILBOXES * MAILS) as u64, "{}", runs[0]);
    assert!(server.settle(), "the server runs");
    assert_eq!(archived(&server), MAILBOXES * MAILS);
    // Whose mailbox it is finds it, and where it lay is known.
    assert_eq!(search_all(&mut server.client("owner"), "").len(), MAILS);

    // The list of the server is that of the archive; a mail that comes meanwhile is missing.
    let report = world.command(&["reconcile"]);
    assert_eq!((&report["listed"], &report["missing"]), (&json!(MAILBOXES * MAILS), &json!(0)));
    assert!(report["ledgerSeq"].as_u64().is_some(), "{report}");
    world.command(&["fetch", "pause"]);
    world.dovecot.deliver("user3", "", &mail("user3", 99)).expect("delivered");
    let report = world.command(&["reconcile"]);
    assert_eq!(
        (&report["missing"], &report["named"][0]["outcome"]),
        (&json!(1), &json!("archived"))
    );
    assert_eq!(report["named"][0]["messageId"], "99.user3@musterbau.example");
    server.stop();
    answer(&world.house.run(&["verify"]));
}

#[test]
fn after_a_crash_at_any_step_nothing_is_missing_and_nothing_was_removed_unarchived() {
    const MAILS: usize = 12;
    let mut crashes = 0;
    for protocol in ["imap", "pop3"] {
        for point in intake::fetch::run::CRASH_POINTS {
            let Some(world) = World::new() else { return };
            for number in 0..MAILS {
                world.dovecot.deliver("journal", "", &mail("journal", number)).expect("delivered");
            }
            world.add(&world.settings(protocol, &json!({})), Dovecot::PASSWORD);
            let wanted = format!("{point}#1");
            if let Some(mut server) = world.house.start_with(&[("CHANCERY_CRASH_AT", &wanted)]) {
                until("it crashes, or is done", || {
                    !server.is_running() || world.files("journal").is_empty()
                });
                // A point behind the last removal is reached a moment later.
                if server.is_running() {
                    crashes += usize::from(!server.end());
                } else {
                    crashes += 1;
                }
            } else {
                crashes += 1;
            }
            let mut server = world.house.start();
            until("the mailbox is read", || world.files("journal").is_empty());
            assert!(server.settle(), "the server runs");
            assert_eq!(archived(&server), MAILS, "after a crash at {wanted} by {protocol}");
            sum(&world.runs(), "seen");
            server.stop();
            answer(&world.house.run(&["verify"]));
        }
    }
    if cfg!(feature = "failpoints") {
        assert!(crashes >= 12, "only {crashes} crashes");
    }
}

#[test]
fn a_person_who_moves_and_removes_mail_meanwhile_disturbs_nothing() {
    const MAILS: usize = 400;
    let Some(world) = World::new() else { return };
    for number in 0..MAILS {
        world.dovecot.deliver("anna", "", &mail("anna", number)).expect("delivered");
    }
    world.dovecot.deliver("anna", "Done", &mail("anna", MAILS)).expect("delivered");
    let mode = json!({ "kind": "mailbox", "address": "anna@musterbau.example" });
    let more = json!({ "mode": mode, "user": "anna", "after": { "kind": "keep" } });
    world.add(&world.settings("imap", &more), Dovecot::PASSWORD);
    let removed = AtomicBool::new(false);
    let mut server = world.house.start();
    let gone: BTreeSet<PathBuf> = std::thread::scope(|scope| {
        let tidy = scope.spawn(|| {
            let target = world.folder.path().join("mail/anna/.Done/cur");
            let mut gone = BTreeSet::new();
            for (number, path) in world.files("anna").into_iter().enumerate() {
                let name = path.file_name().expect("a name").to_owned();
                match number % 4 {
                    // Dovecot may have renamed it meanwhile: then it stays.
                    0 if std::fs::remove_file(&path).is_ok() => {
                        gone.insert(path);
                    }
                    1 => {
                        let _ = std::fs::rename(&path, target.join(name));
                    }
                    _ => {}
                }
            }
            removed.store(true, Ordering::SeqCst);
            gone
        });
        tidy.join().expect("tidied up")
    });
    assert!(removed.load(Ordering::SeqCst));
    // Two more runs see the folders as they are now.
    for _ in 0..2 {
        let before = world.runs().len();
        world.command(&["fetch", "poll"]);
        until("a run", || world.runs().len() > before);
    }
    // What a run did not see any more, or not yet, is found by its list.
    world.command(&["reconcile"]);
    assert!(server.settle(), "the server runs");
    let there = world.files("anna").len();
    let found = archived(&server);
    assert!(found >= there, "{found} archived, {there} on the server, {} removed", gone.len());
    assert!(found <= MAILS + 1);
    sum(&world.runs(), "seen");
    assert_eq!(world.command(&["reconcile"])["missing"], 0);
    server.stop();
}

#[test]
fn a_connection_that_breaks_again_and_again_brings_every_mail_once() {
    const MAILS: usize = 30;
    let Some(world) = World::new() else { return };
    for number in 0..MAILS {
        world.dovecot.deliver("journal", "", &mail("journal", number)).expect("delivered");
    }
    let upstream = std::net::SocketAddr::from(([127, 0, 0, 1], world.dovecot.imaps));
    let proxy = Proxy::start(upstream).expect("a proxy");
    // Not even the greeting.
    proxy.set(Fault::CutAfter(1_000));
    let more = json!({ "port": proxy.port() });
    world.add(&world.settings("imap", &more), Dovecot::PASSWORD);
    let mut server = world.house.start();
    until("a failure is written down", || {
        world.runs().iter().any(|run| run["outcome"] == "failed")
    });
    // Some mails, each time.
    proxy.set(Fault::CutAfter(12_000));
    let before = world.runs().len();
    world.command(&["fetch", "poll"]);
    until("another run", || world.runs().len() > before);
    proxy.set(Fault::None);
    world.command(&["fetch", "poll"]);
    until("the mailbox is read", || {
        if !world.files("journal").is_empty() {
            world.command(&["fetch", "retry"]);
            return false;
        }
        true
    });
    assert!(server.settle(), "the server runs");
    assert_eq!(archived(&server), MAILS);
    until("it is over", || world.command(&["fetch", "show"])["state"]["failures"] == 0);
    server.stop();
}
