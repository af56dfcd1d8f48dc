//! Holds that outlive kills and rebuilds; exports that prove themselves; mail that goes back octet by
//! octet.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool};
use testkit::http::Client;
use testkit::mail_server::{DOVECOT, Dovecot};

use crate::house::{House, Server, answer, search_all};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

/// With lines that SMTP and mailbox files treat in their own way.
fn mail(number: usize, to: &str) -> Vec<u8> {
    format!(
        "Received: from mx.example; Mon, 5 Jan 2026 08:00:01 +0000\r\n\
         From: anna@musterbau.example\r\nTo: {to}@musterbau.example\r\nSubject: number {number}\r\n\
         Date: Mon, 5 Jan 2026 08:00:00 +0000\r\nMessage-ID: <n{number}@musterbau.example>\r\n\r\n\
         .a dot\r\n..two dots\r\nFrom here on: invoice {number}.\r\n.\r\n"
    )
    .into_bytes()
}

fn json_of(house: &House, arguments: &[&str]) -> Value {
    serde_json::from_str(&answer(&house.run(arguments))).expect("JSON")
}

fn holds(house: &House) -> Value {
    json_of(house, &["hold", "list", "--tenant", "Musterbau", "--json"])
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    while let Err(state) = is_so() {
        assert!(begun.elapsed() < PATIENCE, "not yet {what}: {state}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until the newest hold has frozen so many mails.
fn wait_until_held(house: &House, mails: u64) {
    wait_until("held", || {
        let holds = holds(house);
        if holds[0]["mails"] == mails { Ok(()) } else { Err(holds.to_string()) }
    });
}

/// The job after it has ended.
pub fn ended(client: &mut Client, path: &str) -> Value {
    let mut job = Value::Null;
    wait_until("ended", || {
        job = client.get_json(path).expect("the job");
        let open = job["state"] == "waiting" || job["state"] == "running";
        if open { Err(job.to_string()) } else { Ok(()) }
    });
    job
}

fn send(server: &mut Server, house: &House, mails: &[Vec<u8>]) {
    let mails: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    assert_eq!(server.send(&house.journal, &mails), vec![true; mails.len()]);
    assert!(server.settle());
}

#[test]
fn a_hold_freezes_what_arrives_later_and_outlives_a_kill_and_a_lost_catalog() {
    let house = House::new(&[]);
    let mut server = house.start();
    send(&mut server, &house, &[mail(1, "bert"), mail(2, "carl")]);
    let tenant = ["--tenant", "Musterbau"];
    let open = ["matter", "open", "Suit", "--custodian", "bert@musterbau.example", "--query"];
    let more = ["invoice", "--reason", "a suit"];
    let matter = answer(&house.run(&[&open[..], &more, &tenant].concat()));
    let place = ["hold", "place", &matter, "--reason", "the court asks"];
    let hold = answer(&house.run(&[&place[..], &tenant].concat()));
    wait_until_held(&house, 1);
    send(&mut server, &house, &[mail(3, "bert"), mail(4, "carl")]);
    wait_until_held(&house, 2);
    server.kill();
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = std::fs::remove_file(house.data().join(name));
    }
    answer(&house.run(&["rebuild"]));
    let after = holds(&house);
    assert_eq!((&after[0]["id"], &after[0]["mails"]), (&json!(hold), &json!(0)));
    assert_eq!(after[0]["releasedAt"], Value::Null);
    let server = house.start();
    wait_until_held(&house, 2);
    let close = ["matter", "close", &matter, "--reason", "over"];
    let refused = house.run(&[&close[..], &tenant].concat());
    assert!(!refused.status.success(), "a matter with a hold is not closed");
    let release = ["hold", "release", &hold, "--reason", "settled"];
    answer(&house.run(&[&release[..], &tenant].concat()));
    answer(&house.run(&[&close[..], &tenant].concat()));
    assert!(holds(&house)[0]["releasedAt"].is_string());
    server.stop();
}

/// What `chancery-verify` says; `None` when it was not built.
pub fn judge(export: &Path, authority: &Authority) -> Option<(bool, String)> {
    let program = Path::new(env!("CARGO_BIN_EXE_chancery")).with_file_name("chancery-verify");
    if !program.exists() {
        eprintln!("left out: chancery-verify was not built beside chancery");
        return None;
    }
    let mut command = Command::new(program);
    command.arg(export).arg("--anchor").arg(authority.file("root.pem"));
    let output = command.output().expect("its answer");
    Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn an_export_by_the_api_proves_every_mail_and_tampering_is_found() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let mut authority = Authority::make(&folder.path().join("authority"), "ec:P-256");
    authority.serve();
    let house = House::new(&[]);
    let mut server = house.start_configured(&format!(
        "[evidence]\nauthority = '{}/'\nanchors = '{}'\nevery_seconds = 1\n",
        authority.address(),
        authority.file("root.pem").display()
    ));
    let mails: Vec<Vec<u8>> = (0..5).map(|number| mail(number, "bert")).collect();
    send(&mut server, &house, &mails);
    let mut auditor = server.client("auditor");
    let order = json!({ "mails": { "query": "invoice" }, "evidence": true, "reason": "an audit" });
    let begun = auditor.send_json("POST", "/api/v1/exports", &order).expect("begun");
    let path = format!("/api/v1/exports/{}", begun["id"].as_str().expect("an id"));
    let job = ended(&mut auditor, &path);
    assert_eq!((&job["state"], &job["result"]["mails"]), (&json!("done"), &json!(5)), "{job}");
    let file = auditor.request("GET", &format!("{path}/file"), &[]).expect("the file");
    let zip = folder.path().join("export.zip");
    std::fs::write(&zip, &file.body).expect("written");
    if let Some((proven, said)) = judge(&zip, &authority) {
        assert!(proven && said.contains("5 of 5 mails are proven"), "{said}");
    }
    auditor.request("DELETE", &path, &[]).expect("removed");
    assert_eq!(auditor.exchange("GET", &format!("{path}/file"), &[]).expect("said").status, 404);
    let record = house.record(&mails[0]);
    let badge = auditor.get_json(&format!("/api/v1/records/{record}/evidence")).expect("evidence");
    assert_eq!((&badge["state"], &badge["proofAvailable"]), (&json!("stamped"), &json!(true)));
    assert!(badge["deliveries"][0]["authority"].as_str().is_some_and(|name| !name.is_empty()));
    let proof = auditor.request("GET", &format!("/api/v1/records/{record}/evidence/proof"), &[]);
    std::fs::write(folder.path().join("proof.zip"), proof.expect("the proof").body).expect("kept");
    if let Some((proven, said)) = judge(&folder.path().join("proof.zip"), &authority) {
        assert!(proven && said.contains("1 of 1 mails are proven"), "{said}");
    }
    let target = folder.path().join("export");
    let output = target.to_str().expect("a readable path");
    let arguments = ["--tenant", "Musterbau", "--query", "", "--evidence", "--reason", "a test"];
    answer(&house.run(&[&["export"][..], &arguments, &["--output", output]].concat()));
    if let Some((proven, said)) = judge(&target, &authority) {
        assert!(proven, "{said}");
        let mail = target.join(format!("mails/{record}/mail.eml"));
        let octets = std::fs::read(&mail).expect("the mail");
        assert_eq!(octets, mails[0]);
        let changed = String::from_utf8(octets).expect("text").replace("invoice", "invoicE");
        std::fs::write(&mail, changed).expect("changed");
        let (proven, said) = judge(&target, &authority).expect("it was there");
        assert!(!proven, "{said}");
    }
    server.stop();
}

/// The commands of one dialogue, and the mail.
type Heard = (Vec<String>, Vec<u8>);

/// A smarthost that takes one mail and gives it back as it was before dots were doubled.
fn smarthost() -> (u16, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut input = BufReader::new(stream.try_clone().expect("a stream"));
        let say = |text: &str| (&stream).write_all(text.as_bytes()).expect("said");
        say("220 smarthost\r\n");
        let (mut dialogue, mut octets, mut line) = (Vec::new(), Vec::new(), Vec::new());
        let mut in_data = false;
        loop {
            line.clear();
            if input.read_until(b'\n', &mut line).expect("a line") == 0 {
                return (dialogue, octets);
            }
            if in_data {
                if line == b".\r\n" {
                    in_data = false;
                    say("250 taken\r\n");
                } else {
                    octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                }
                continue;
            }
            let text = String::from_utf8_lossy(&line).trim().to_owned();
            match text.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => say("250-smarthost\r\n250 8BITMIME\r\n"),
                "DATA" => {
                    in_data = true;
                    say("354 go on\r\n");
                }
                "QUIT" => {
                    say("221 bye\r\n");
                    return (dialogue, octets);
                }
                _ => say("250 ok\r\n"),
            }
            dialogue.push(text);
        }
    });
    (port, serving)
}

#[test]
fn a_mail_goes_back_through_the_smarthost_with_the_very_octets() {
    let house = House::new(&[]);
    house.account("bert", "user", &["bert@musterbau.example"]);
    let operator = ["account", "add", "--user", "op", "--role", "operator", "--password-stdin"];
    answer(&crate::house::chancery(&house.data(), &operator, crate::house::PASSWORD));
    let mut server = house.start();
    let sent = mail(1, "bert");
    send(&mut server, &house, &[sent.clone(), mail(2, "carl")]);
    let (port, serving) = smarthost();
    let patch = json!({ "notifications": { "from": "chancery@archive.example",
        "smarthost": { "host": "127.0.0.1", "port": port, "security": "none" } } });
    server.client("op").send_json("PATCH", "/api/v1/settings", &patch).expect("changed");
    let mut bert = server.client("bert");
    // Carl's mail is not Bert's: it is no part of this.
    let order = json!({ "mails": { "query": "invoice" }, "address": "bert@musterbau.example" });
    let begun = bert.send_json("POST", "/api/v1/restores", &order).expect("begun");
    let path = format!("/api/v1/restores/{}", begun["id"].as_str().expect("an id"));
    let job = ended(&mut bert, &path);
    assert_eq!((&job["state"], &job["result"]["mails"]), (&json!("done"), &json!(1)), "{job}");
    server.stop();
    let (dialogue, octets) = serving.join().expect("served");
    assert_eq!(String::from_utf8_lossy(&octets), String::from_utf8_lossy(&sent));
    assert!(dialogue.iter().any(|line| line.starts_with("MAIL FROM:<chancery@archive.example>")));
    assert!(dialogue.iter().any(|line| line.starts_with("RCPT TO:<bert@musterbau.example>")));
}

/// All mails of a folder as the server gives them: what precedes their octets, and the octets.
fn read_back(dovecot: &Dovecot, folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", dovecot.imap)).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let lines = [
        format!("a LOGIN bert {}", Dovecot::PASSWORD),
        format!("b EXAMINE {folder}"),
        "c UID FETCH 1:* (INTERNALDATE BODY.PEEK[])".to_owned(),
        "d LOGOUT".to_owned(),
    ];
    stream.write_all((lines.join("\r\n") + "\r\n").as_bytes()).expect("sent");
    let (mut input, mut mails) = (BufReader::new(stream), Vec::new());
    let mut line = String::new();
    while input.read_line(&mut line).expect("a line") > 0 {
        let count = line.trim_end().rsplit_once('{').and_then(|(_, it)| it.strip_suffix('}'));
        if let Some(count) = count.and_then(|count| count.parse().ok()) {
            let mut octets = vec![0; count];
            input.read_exact(&mut octets).expect("the mail");
            mails.push((line.clone(), octets));
        }
        line.clear();
    }
    mails
}

#[test]
fn a_search_result_goes_back_into_a_mailbox_with_its_dates_and_octets() {
    if !has_tool(DOVECOT, "dovecot-imapd") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let dovecot = Dovecot::start(folder.path(), "").expect("Dovecot starts");
    let house = House::new(&[]);
    let mut server = house.start();
    let mails: Vec<Vec<u8>> = (1..=3).map(|number| mail(number, "bert")).collect();
    send(&mut server, &house, &mails);
    assert_eq!(search_all(&mut server.client("auditor"), "invoice").len(), 3);
    let password = folder.path().join("password");
    std::fs::write(&password, format!("{}\n", Dovecot::PASSWORD)).expect("written");
    let (port, password) = (dovecot.imap.to_string(), password.display().to_string());
    let which = ["send-back", "--tenant", "Musterbau", "--query", "invoice", "--reason", "lost"];
    let into = ["--host", "127.0.0.1", "--port", &port, "--security", "none", "--user", "bert"];
    let more = ["--password-file", &password, "--folder", "Restored", "--json"];
    let said = house.run(&[&which[..], &into, &more].concat());
    let done: Value = serde_json::from_str(&answer(&said)).expect("JSON");
    assert_eq!((&done["mails"], &done["failed"]), (&json!(3), &json!(0)), "{done}");
    let back = read_back(&dovecot, "Restored");
    assert!(
        back.iter().all(|(head, _)| head.contains("\" 5-Jan-2026 08:00:00 +0000\"")
            || head.contains("\"05-Jan-2026 08:00:00 +0000\"")),
        "{back:?}"
    );
    let mut octets: Vec<Vec<u8>> = back.into_iter().map(|(_, octets)| octets).collect();
    octets.sort();
    assert!(octets == mails, "other octets came back");
    // A wrong password is said, and nothing is sent.
    std::fs::write(&password, "wrong").expect("written");
    let refused = house.run(&[&which[..], &into, &more].concat());
    assert!(!refused.status.success());
    assert_eq!(read_back(&dovecot, "Restored").len(), 3);
    server.stop();
}

/// Killed after the files are written, after they have their name, before and after the job is written
/// down as done: each export is one event of the ledger and one of the audit log, and its file is there.
#[test]
fn an_export_that_is_killed_at_its_end_is_told_of_once() {
    let house = House::new(&[]);
    let mut server = house.start();
    send(&mut server, &house, &[mail(1, "bert"), mail(2, "bert")]);
    server.stop();
    let points = ["takeout.write.after", "takeout.name.after"];
    for (number, point) in points.iter().chain(catalog::JOB_CRASH_POINTS).enumerate() {
        let mut server = house.start_with(&[("CHANCERY_CRASH_AT", point)]).expect("it starts");
        let mut auditor = server.client("auditor");
        let order = json!({ "mails": { "query": "invoice" }, "reason": "an audit" });
        // It may die before it answers, but not before it has written down what was asked for.
        let _ = auditor.send_json("POST", "/api/v1/exports", &order);
        wait_until("dead", || if server.is_running() { Err((*point).to_owned()) } else { Ok(()) });
        let url = format!("sqlite:{}", house.data().join("catalog.sqlite").display());
        let catalog = catalog::open(&url).expect("the catalog");
        let kind = catalog::MailJobKind::Export;
        let jobs = catalog.mail_jobs(house.tenant, kind, None, 100).expect("jobs");
        assert_eq!(jobs.len(), number + 1, "{point}");
        let path = format!("/api/v1/exports/{}", jobs[0].id);
        let server = house.start();
        let mut auditor = server.client("auditor");
        let job = ended(&mut auditor, &path);
        assert_eq!((&job["state"], &job["result"]["mails"]), (&json!("done"), &json!(2)), "{job}");
        let file = auditor.request("GET", &format!("{path}/file"), &[]).expect("the file");
        assert!(file.body.starts_with(b"PK"), "{point}");
        server.stop();
        let events = catalog.ledger_events(house.tenant, 0, 1_000).expect("events");
        let exports = events.iter().filter(|event| event.kind == "export").count();
        assert_eq!(exports, number + 1, "{point}");
        let query = catalog::AuditQuery { action: Some("export.end".into()), ..Default::default() };
        let audited = catalog.audit_log(Some(house.tenant), &query, 100).expect("the audit log");
        assert_eq!(audited.len(), number + 1, "{point}");
    }
}
