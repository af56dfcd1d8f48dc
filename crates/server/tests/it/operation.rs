//! Probes, metrics, settings, notifications, shutdown: what somebody needs who runs the server.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::http::Client;
use testkit::smtp::{Client as Smtp, Content, Security};

use crate::house::{House, PASSWORD, answer, chancery, search_all};
use crate::tools::has_tool;

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

const PROMTOOL: &str = "/usr/bin/promtool";
const SYSTEMD_ANALYZE: &str = "/usr/bin/systemd-analyze";

fn mail(number: usize) -> Vec<u8> {
    format!(
        "From: anna@musterbau.example\r\nTo: bert@musterbau.example\r\nSubject: number {number}\r\n\
         Message-ID: <n{number}@musterbau.example>\r\n\r\nHello number {number}.\r\n"
    )
    .into_bytes()
}

fn operator(house: &House) {
    let arguments = ["account", "add", "--user", "op", "--role", "operator", "--password-stdin"];
    answer(&chancery(&house.data(), &arguments, PASSWORD));
}

#[test]
fn metrics_are_those_of_the_documentation_and_promtool_likes_them() {
    let house = House::new(&[]);
    let mut server = house.start();
    server.send(&house.journal, &[&mail(1)]);
    assert!(server.settle());
    let mut client = Client::new(server.web);
    let page = client.request("GET", "/metrics", b"").expect("an answer");
    let text = String::from_utf8(page.body).expect("text");
    let families: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .collect();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let document = std::fs::read_to_string(document).expect("docs/metrics.md");
    let documented: BTreeSet<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some(line.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(families, documented);
    for wanted in [
        "chancery_smtp_mails_accepted_total 1",
        "chancery_pipeline_mails_total{outcome=\"new\"} 1",
        "chancery_archive_records 1",
        "chancery_index_lag_records 0",
        "chancery_smtp_acknowledge_seconds_count 1",
        "chancery_sign_ins_total{outcome=\"done\"} 1",
    ] {
        assert!(text.lines().any(|line| line == wanted), "{wanted} is missing in {text}");
    }
    assert!(!text.contains('@'), "no addresses");
    if has_tool(PROMTOOL, "prometheus") {
        let mut promtool = Command::new(PROMTOOL)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool");
        promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        let output = promtool.wait_with_output().expect("promtool ends");
        let said =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        assert!(output.status.success(), "{said:?}");
        assert_eq!(said, ["", ""]);
    }
    server.stop();
}

#[test]
fn the_server_is_alive_and_ready_and_says_what_it_is() {
    let house = House::new(&[]);
    operator(&house);
    let server = house.start();
    let mut client = Client::new(server.web);
    assert_eq!(client.get_json("/healthz").expect("alive")["status"], "ok");
    let ready = client.get_json("/readyz").expect("ready");
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["parts"].as_array().map(Vec::len), Some(5));
    let system = server.client("op").get_json("/api/v1/system").expect("an answer");
    let listeners = system["listeners"].as_array().expect("listeners");
    assert_eq!(listeners[0]["address"], server.smtp.to_string());
    assert!(system["memoryBytes"].as_u64() > Some(0) && system["lastBackup"].is_null());
    server.stop();
}

#[test]
fn a_disk_below_the_reserve_is_not_ready_and_says_why() {
    let house = House::new(&[]);
    let huge = "{\"spool\":{\"freeBytesMin\":9000000000000000}}";
    answer(&house.run(&["settings", "set", huge]));
    let server = house.start();
    let page = Client::new(server.web).exchange("GET", "/readyz", b"").expect("an answer");
    assert_eq!(page.status, 503);
    let ready = page.json().expect("JSON");
    let disk =
        ready["parts"].as_array().and_then(|parts| parts.iter().find(|it| it["part"] == "disk"));
    assert_eq!(disk.map(|disk| disk["ready"].clone()), Some(json!(false)));
    server.stop();
}

#[test]
fn a_changed_setting_is_in_use_at_the_next_connection_without_a_restart() {
    let house = House::new(&[]);
    operator(&house);
    let server = house.start();
    let mut client = server.client("op");
    let connect = || Smtp::connect(server.smtp, &Security::any_certificate()).expect("connected");
    let mut before = connect();
    let patch = json!({ "smtp": { "messageSizeBytesMax": 1_048_576, "requireTls": true } });
    let changed = client.send_json("PATCH", "/api/v1/settings", &patch).expect("changed");
    assert_eq!(changed["settings"]["smtp"]["requireTls"], true);
    assert!(changed["fixed"].as_array().is_some_and(|all| all.contains(&json!("smtp.listen"))));
    let big = vec![b'a'; 1_100_000];
    let send = |client: &mut Smtp, octets: &[u8]| {
        client.send("x@y.example", &[&house.journal], octets, &Content::Bdat(Vec::new())).is_ok()
    };
    assert!(!send(&mut connect(), &big));
    assert!(
        Smtp::connect(server.smtp, &Security::Clear)
            .is_ok_and(|mut clear| clear.command("MAIL FROM:<>").is_ok_and(|it| it.code == 530))
    );
    assert!(send(&mut before, &mail(1)), "an open connection goes on");
    server.stop();
}

#[test]
fn notifications_go_through_the_smarthost() {
    let house = House::new(&[]);
    operator(&house);
    let mut server = house.start();
    let mut client = server.client("op");
    // The archive's own listener is the mail server here.
    let patch = json!({ "notifications": {
        "from": "chancery@archive.example",
        "to": [house.journal],
        "smarthost": { "host": "127.0.0.1", "port": server.smtp.port(), "security": "none" },
    } });
    client.send_json("PATCH", "/api/v1/settings", &patch).expect("changed");
    let to = json!({ "to": house.journal, "language": "de" });
    let sent = client
        .exchange("POST", "/api/v1/notifications/test", to.to_string().as_bytes())
        .expect("an answer");
    assert_eq!(sent.status, 204, "{}", String::from_utf8_lossy(&sent.body));
    answer(&house.run(&["settings", "test-mail", &house.journal]));
    assert!(server.settle());
    let mut auditor = server.client("auditor");
    assert_eq!(search_all(&mut auditor, "Testnachricht").len(), 1);
    assert_eq!(search_all(&mut auditor, "\"Test message\"").len(), 1);
    let nowhere = json!({ "notifications": { "smarthost": { "port": 1 } } });
    client.send_json("PATCH", "/api/v1/settings", &nowhere).expect("changed");
    let refused = client
        .exchange("POST", "/api/v1/notifications/test", to.to_string().as_bytes())
        .expect("an answer");
    assert_eq!(refused.status, 400);
    server.stop();
}

#[test]
fn a_mail_in_progress_is_finished_at_shutdown_and_who_waits_is_told_to_come_back() {
    let house = House::new(&[]);
    let server = house.start();
    let mut busy = Smtp::connect(server.smtp, &Security::Clear).expect("connected");
    let mut idle = Smtp::connect(server.smtp, &Security::Clear).expect("connected");
    for line in ["MAIL FROM:<a@b.example>", &format!("RCPT TO:<{}>", house.journal), "DATA"] {
        assert!(busy.command(line).expect("an answer").is_positive(), "{line}");
    }
    busy.raw(b"Subject: half\r\n").expect("sent");
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(idle.reply().expect("an answer").code, 421);
    busy.raw(b"\r\nand the other half\r\n.\r\n").expect("sent");
    assert_eq!(busy.reply().expect("an answer").code, 250);
    assert_eq!(busy.reply().expect("an answer").code, 421);
    stopping.join().expect("stopped in order");
    let mut server = house.start();
    assert!(server.settle());
    assert_eq!(search_all(&mut server.client("auditor"), "other").len(), 1);
    server.stop();
}

#[test]
fn systemd_is_told_of_readiness_progress_and_the_end() {
    let house = House::new(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    // Always emptied at once: what does not fit into the socket is lost.
    let (heard, told) = channel();
    std::thread::spawn(move || {
        let mut octets = [0; 512];
        while let Ok(count) = socket.recv(&mut octets)
            && heard.send(String::from_utf8_lossy(&octets[..count]).into_owned()).is_ok()
        {}
    });
    let path = path.to_str().expect("text");
    let environment = [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "300000")];
    let server = house.start_with(&environment).expect("started");
    let wait_for = |wanted: &str| {
        while !told.recv_timeout(PATIENCE).expect("a message").contains(wanted) {}
    };
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    let stopping = std::thread::spawn(move || server.stop());
    wait_for("STOPPING=1");
    stopping.join().expect("stopped in order");
}

#[test]
fn the_doctor_finds_a_running_server_well_and_a_wrong_key_ill() {
    let house = House::new(&[]);
    let server = house.start();
    let said = answer(&house.run(&["doctor", "--json"]));
    let findings: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let findings = findings.as_array().expect("findings");
    let state = |area: &str| {
        let found = findings.iter().filter(|it| it["area"] == area);
        found.map(|it| it["state"].as_str().expect("a state")).collect::<Vec<_>>()
    };
    for area in ["configuration", "permissions", "catalog", "vault", "running server"] {
        assert_eq!(state(area), ["ok"], "{area}: {said}");
    }
    assert!(state("ports").contains(&"ok"), "{said}");
    assert!(!said.contains("\"fail\""), "{said}");
    server.stop();
    let other = House::new(&[]);
    let server = other.start();
    server.stop();
    let key = house.data().join("master.key");
    std::fs::copy(other.data().join("master.key"), &key).expect("copied");
    let ill = house.run(&["doctor"]);
    assert!(!ill.status.success());
    let said = String::from_utf8_lossy(&ill.stdout).into_owned();
    assert!(said.contains("FAIL  vault"), "{said}");
}

#[test]
fn commands_ask_the_running_server() {
    let house = House::new(&[]);
    let mut server = house.start();
    let validation = b"From: x\r\nSubject: Test email for connector validation\r\n\r\nTest.\r\n";
    let mut client = Smtp::connect(server.smtp, &Security::any_certificate()).expect("connected");
    let sender = "O365ConnectorValidation@musterbau.onmicrosoft.com";
    let content = Content::Bdat(Vec::new());
    client.send(sender, &[&house.journal], validation, &content).expect("250");
    assert!(server.settle());
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = house.run(arguments);
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let system = json(&["system", "--json"]);
    assert_eq!(system["listeners"][0]["address"], server.smtp.to_string());
    let page = json(&["connect", "microsoft365", "--tenant", "Musterbau", "--check", "--json"]);
    assert_eq!(page["journalAddresses"][0]["address"], house.journal.as_str());
    let checks = page["checks"].as_array().expect("checks");
    let state = |code: &str| checks.iter().find(|it| it["code"] == code).map(|it| &it["state"]);
    assert_eq!(state("validation-mail"), Some(&json!("ok")), "{page}");
    assert_eq!(state("first-report"), Some(&json!("pending")), "{page}");
    assert!(page["steps"].to_string().contains("New-JournalRule"), "{page}");
    let read = || answer(&house.run(&["log", "--json", "--tenant", "Musterbau"]));
    // The line writes its log after the spool let go.
    let begun = Instant::now();
    let mut log = read();
    while !(log.contains("mail accepted") && log.contains("batch archived")) {
        assert!(begun.elapsed() < PATIENCE, "{log}");
        log = read();
    }
    assert!(!log.contains("musterbau.onmicrosoft.com"), "no addresses: {log}");
    let mut follower = Command::new(env!("CARGO_BIN_EXE_chancery"))
        .arg("--data")
        .arg(house.data())
        .args(["log", "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines();
    let mut wait_for = |wanted: &str| {
        while !lines.next().expect("a line").expect("text").contains(wanted) {}
    };
    wait_for("mail accepted");
    server.client("admin").get_json("/api/v1/system").expect_err("for operators");
    wait_for("sign-in");
    let notifications = json(&["notifications", "--json"]);
    assert_eq!(notifications["waiting"], 0);
    server.stop();
    assert!(follower.wait().expect("it ends with the server").success());
    assert!(!house.run(&["system"]).status.success(), "no server runs");
}

#[test]
fn the_checks_see_the_own_listener() {
    let house = House::new(&[]);
    let server = house.start();
    let page = server
        .client("admin")
        .send_json("POST", "/api/v1/connect/microsoft365/check", &json!({}))
        .expect("an answer");
    let checks = page["checks"].as_array().expect("checks");
    let state = |code: &str| {
        let check = checks.iter().find(|it| it["code"] == code).expect("the check");
        (check["state"].as_str().expect("a state"), check["reason"].as_str().expect("a reason"))
    };
    // The name may be unknown on this machine; what depends on it waits then.
    match state("name-resolves") {
        ("fail", reason) => assert_eq!(reason, "not-resolved"),
        resolved => {
            // The server listens on loopback only.
            if resolved == ("warn", "only-loopback") {
                assert_eq!(state("listener-reachable"), ("warn", "other-port"));
                assert_eq!(state("starttls"), ("ok", ""));
                assert_eq!(state("certificate"), ("warn", "self-signed"));
            }
        }
    }
    server.stop();
}

#[test]
fn the_unit_is_valid_and_closely_confined() {
    if !has_tool(SYSTEMD_ANALYZE, "systemd") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/chancery.service");
    let text = std::fs::read_to_string(unit).expect("the unit");
    // Only the program's place differs on this machine.
    let program = env!("CARGO_BIN_EXE_chancery");
    let text = text.replace("/usr/bin/chancery", program);
    let path = folder.path().join("chancery.service");
    std::fs::write(&path, text).expect("written");
    let analyze = |arguments: &[&str]| {
        let output = Command::new(SYSTEMD_ANALYZE).args(arguments).arg(&path).output();
        let output = output.expect("systemd-analyze");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (valid, said) = analyze(&["verify", "--recursive-errors=no"]);
    assert!(valid, "{said}");
    let (_, said) = analyze(&["security", "--offline=yes", "--threshold=30", "--no-pager"]);
    let exposure =
        said.lines().find_map(|line| line.split_once("chancery.service: ")).map(|it| it.1);
    let level = exposure.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
    assert!(level.is_some_and(|level| level <= 2.5), "{said}");
}
