//! Customers: what is not theirs, rotated addresses, their export and their end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::Client;
use testkit::smtp::{Content, Security};

use crate::house::{House, Server, answer, chancery};

const PATIENCE: Duration = Duration::from_secs(120);

const OURS: &[u8] =
    b"From: a@musterbau.example\r\nTo: b@x.example\r\nSubject: ours\r\n\r\nOurword\r\n";
const THEIRS: &[u8] =
    b"From: a@x.example\r\nTo: B@Neu.Example\r\nSubject: theirs\r\n\r\nTheirword\r\n";
const NOBODYS: &[u8] =
    b"From: a@x.example\r\nTo: b@y.example\r\nSubject: nobody\r\n\r\nNobodyword\r\n";

fn json_of(house: &House, arguments: &[&str]) -> Value {
    serde_json::from_str(&answer(&house.run(arguments))).expect("JSON")
}

fn total(client: &mut Client, path: &str) -> u64 {
    let page = client.get_json(path).expect("an answer");
    page["total"].as_u64().expect("a number")
}

fn wait_for(client: &mut Client, job: &Value) -> Value {
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let begun = Instant::now();
    loop {
        let job = client.get_json(&path).expect("the job");
        if job["state"] != "running" {
            return job;
        }
        assert!(begun.elapsed() < PATIENCE, "{job}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn operator(house: &House, server: &Server) -> Client {
    let arguments =
        ["account", "add", "--user", "operator", "--role", "operator", "--password-stdin"];
    answer(&chancery(&house.data(), &arguments, crate::house::PASSWORD));
    server.client("operator")
}

#[test]
fn mail_that_is_not_ours_waits_and_comes_in_when_its_domain_is_added() {
    let house = House::new(&[]);
    house.account("b", "user", &["b@neu.example"]);
    answer(&house.run(&["domain", "add", "--tenant", "Musterbau", "MUSTERBAU.example."]));
    let mut server = house.start();
    assert_eq!(server.send(&house.journal, &[OURS, THEIRS, NOBODYS]), [true; 3]);
    assert!(server.settle());
    let mut admin = server.client("admin");
    assert_eq!(total(&mut admin, "/api/v1/quarantine?reason=not-ours"), 2);
    assert_eq!(total(&mut admin, "/api/v1/quarantine?reason=no-organisation"), 0);
    assert_eq!(admin.get_json("/api/v1/domains").expect("domains")["notOurs"], 2);
    let status = admin.get_json("/api/v1/status").expect("status");
    assert_eq!(
        (&status["archive"]["records"], &status["archive"]["quarantined"]),
        (&json!(1), &json!(2))
    );

    let body = json!({ "name": "neu.example", "rerun": true });
    let added = admin.send_json("POST", "/api/v1/domains", &body).expect("added");
    let job = wait_for(&mut admin, &added["job"]);
    assert_eq!(
        (&job["state"], &job["detail"]["result"]["decided"]),
        (&json!("done"), &json!(1)),
        "{job}"
    );
    assert!(server.settle());
    assert_eq!(total(&mut admin, "/api/v1/quarantine"), 1, "what is nobody's waits on");
    let mut user = server.client("b");
    assert_eq!(total(&mut user, "/api/v1/search?q=Theirword"), 1);

    // What is left is discarded: its octets are gone, the decision stays, also after a rebuild.
    let page = admin.get_json("/api/v1/quarantine").expect("a page");
    let id = page["rows"][0]["id"].as_str().expect("an id").to_owned();
    let reason = json!({ "reason": "advertising" });
    admin.send_json("POST", &format!("/api/v1/quarantine/{id}/discard"), &reason).expect("done");
    assert_eq!(total(&mut admin, "/api/v1/quarantine?state=discarded"), 1);
    let dashboard = admin.get_json("/api/v1/dashboard").expect("figures");
    assert_eq!(dashboard["figures"]["records"], 2);
    let mails: u64 = dashboard["history"]["points"]
        .as_array()
        .expect("points")
        .iter()
        .map(|point| point["mails"].as_u64().expect("a number"))
        .sum();
    assert_eq!(mails, 2, "{dashboard}");
    assert_eq!(dashboard["mailboxes"][0]["userName"], "b");
    server.stop();
    answer(&house.run(&["verify"]));
    answer(&house.run(&["rebuild"]));
    let mut server = house.start();
    assert!(server.settle());
    let mut admin = server.client("admin");
    assert_eq!(total(&mut admin, "/api/v1/quarantine"), 0);
    let page = admin.get_json("/api/v1/quarantine?state=discarded").expect("a page");
    assert_eq!(page["rows"][0]["reason"]["code"], "not-ours", "{page}");
    assert_eq!(page["rows"][0]["decidedReason"], "advertising");
    assert_eq!(
        admin.get_json("/api/v1/domains").expect("domains")["domains"][1]["name"],
        "neu.example"
    );
    let again = admin.get_json("/api/v1/dashboard").expect("figures");
    assert_eq!(again["history"]["points"], dashboard["history"]["points"]);
    // The same mail comes once more: it waits again.
    assert_eq!(server.send(&house.journal, &[NOBODYS]), [true]);
    assert!(server.settle());
    assert_eq!(total(&mut admin, "/api/v1/quarantine?reason=not-ours"), 1);
}

#[test]
fn a_catalog_made_from_the_vault_alone_knows_domains_settings_and_reasons() {
    let house = House::new(&["own.example"]);
    answer(&house.run(&["domain", "add", "--tenant", "Musterbau", "musterbau.example"]));
    let mut server = house.start();
    let damaged = b"X-MS-Journal-Report:\r\nX-OriginatorOrg: evil.example\r\nSubject: x\r\n\r\nno envelope\r\n";
    assert_eq!(server.send(&house.journal, &[damaged, NOBODYS]), [true; 2]);
    assert!(server.settle());
    let mut admin = server.client("admin");
    admin
        .send_json(
            "PATCH",
            "/api/v1/tenant/settings",
            &json!({ "notifications": ["it@own.example"] }),
        )
        .expect("changed");
    let codes = |client: &mut Client| {
        let page = client.get_json("/api/v1/quarantine").expect("a page");
        let rows = page["rows"].as_array().expect("rows").clone();
        let code = |row: Value| format!("{} {}", row["reason"]["code"], row["reason"]["detail"]);
        let mut codes: Vec<String> = rows.into_iter().map(code).collect();
        codes.sort();
        codes
    };
    let before = codes(&mut admin);
    assert_eq!(before, [r#""foreign-organisation" "evil.example""#, r#""not-ours" """#]);
    server.stop();
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = std::fs::remove_file(house.data().join(name));
    }
    answer(&house.run(&["rebuild"]));
    house.account("admin", "administrator", &[]);
    let mut server = house.start();
    assert!(server.settle());
    let mut admin = server.client("admin");
    assert_eq!(codes(&mut admin), before);
    let tenant = admin.get_json("/api/v1/tenant").expect("the tenant");
    assert_eq!(tenant["settings"]["notifications"][0], "it@own.example");
    assert_eq!(tenant["domains"][0]["name"], "musterbau.example");
}

#[test]
fn a_rotated_address_takes_mail_until_its_end() {
    let house = House::new(&[]);
    let mut server = house.start();
    let rotate = |source: &str, hours: &str| {
        json_of(
            &house,
            &[
                "source",
                "rotate",
                "--tenant",
                "Musterbau",
                source,
                "--grace-hours",
                hours,
                "--json",
            ],
        )
    };
    let next = rotate(&house.journal, "1");
    let next = next["address"].as_str().expect("an address").to_owned();
    assert_eq!(server.send(&house.journal, &[OURS]), [true]);
    assert_eq!(server.send(&next, &[THEIRS]), [true]);
    assert!(server.settle());
    let mut admin = server.client("admin");
    let page = admin.get_json("/api/v1/sources").expect("sources");
    let sources = page["sources"].as_array().expect("sources");
    let states: Vec<&str> = sources.iter().filter_map(|it| it["state"].as_str()).collect();
    assert_eq!(states, ["ending", "active"], "{page}");
    assert!(sources.iter().all(|it| it["figures"]["mails"] == 1), "{page}");
    // The next one ends at once.
    let last = rotate(&next, "0");
    wait_for_refusal(&server, &next, 550);
    assert_eq!(refusal(&server, last["address"].as_str().expect("an address")), None);
    answer(&house.run(&["tenant", "suspend", "Musterbau"]));
    wait_for_refusal(&server, &house.journal, 451);
    assert!(Client::new(server.web).sign_in("admin", crate::house::PASSWORD).is_err());
}

/// The listener believes what it knows for two seconds.
fn wait_for_refusal(server: &Server, to: &str, code: u16) {
    let begun = Instant::now();
    while refusal(server, to).is_none() {
        assert!(begun.elapsed() < PATIENCE, "{to} takes mail");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(refusal(server, to), Some(code));
}

/// The code that refuses mail for this recipient.
fn refusal(server: &Server, to: &str) -> Option<u16> {
    let mut client = testkit::smtp::Client::connect(server.smtp, &Security::any_certificate())
        .expect("a session");
    match client.send("a@x.example", &[to], OURS, &Content::Bdat(Vec::new())) {
        Ok(_) => None,
        Err(error) => {
            let text = error.to_string();
            let code = text.split(|it: char| !it.is_ascii_digit()).find(|it| it.len() == 3);
            Some(code.and_then(|code| code.parse().ok()).expect("a code"))
        }
    }
}

#[test]
fn an_export_holds_every_octet_and_says_so() {
    let house = House::new(&[]);
    let report = std::fs::read(fixture("01-exo-to-cc-bcc-expanded.eml")).expect("a fixture");
    let mut server = house.start();
    assert_eq!(server.send(&house.journal, &[&report, OURS]), [true; 2]);
    assert!(server.settle());
    let mut operator = operator(&house, &server);
    let tenant = house.tenant;
    let body = json!({ "folder": "first", "reason": "asked for" });
    let job = operator
        .send_json("POST", &format!("/api/v1/tenants/{tenant}/export"), &body)
        .expect("begun");
    let job = wait_for(&mut operator, &job);
    assert_eq!(
        (&job["state"], &job["detail"]["result"]["mails"]),
        (&json!("done"), &json!(2)),
        "{job}"
    );
    let again = operator.send_json("POST", &format!("/api/v1/tenants/{tenant}/export"), &body);
    assert!(again.is_err(), "the folder is there");
    let folder = house.data().join("exports/first");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file");
    let manifest = String::from_utf8(read("manifest.jsonl")).expect("text");
    let mut kinds = std::collections::BTreeSet::new();
    for line in manifest.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let path = line["path"].as_str().expect("a path");
        let digest = model::Digest::of(&read(path)).to_hex();
        assert_eq!(line["sha256"], digest.as_str(), "{path}");
        kinds.insert(path.split('/').next().expect("a part").to_owned());
    }
    for kind in
        ["tenant.json", "accounts.jsonl", "audit.jsonl", "records.jsonl", "mails", "reports"]
    {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
    let of = |octets: &[u8]| manifest.contains(&model::Digest::of(octets).to_hex());
    assert!(of(&report) && of(OURS));
    assert!(!String::from_utf8_lossy(&read("accounts.jsonl")).contains("argon2"));
    // Beside the running server, by command.
    let other = house.data().join("second");
    let done = json_of(
        &house,
        &["tenant", "export", "Musterbau", other.to_str().expect("a path"), "--json"],
    );
    assert_eq!((&done["mails"], &done["reports"]), (&json!(2), &json!(1)));
    zipped_export_holds_the_same(&house, &mut operator);
}

/// One file instead of a folder, by the API and by command.
fn zipped_export_holds_the_same(house: &House, operator: &mut Client) {
    let path = format!("/api/v1/tenants/{}/export", house.tenant);
    let body = json!({ "folder": "whole.zip", "reason": "asked for" });
    let job = operator.send_json("POST", &path, &body).expect("begun");
    let job = wait_for(operator, &job);
    assert_eq!(job["state"], "done", "{job}");
    let by_command = house.data().join("by-command.zip");
    let target = by_command.to_str().expect("a path");
    answer(&house.run(&["tenant", "export", "Musterbau", target]));
    assert!(!house.run(&["tenant", "export", "Musterbau", target]).status.success());
    for file in [house.data().join("exports/whole.zip"), by_command] {
        let mut zip =
            zip::ZipArchive::new(std::fs::File::open(&file).expect("a file")).expect("ZIP");
        let mut read = |name: &str| {
            let mut octets = Vec::new();
            let mut file = zip.by_name(name).expect("a file in it");
            std::io::copy(&mut file, &mut octets).expect("read");
            octets
        };
        let manifest = String::from_utf8(read("manifest.jsonl")).expect("text");
        let lines = manifest.lines().count();
        for line in manifest.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let path = line["path"].as_str().expect("a path");
            assert_eq!(line["sha256"], model::Digest::of(&read(path)).to_hex().as_str(), "{path}");
        }
        assert!(manifest.contains(&model::Digest::of(OURS).to_hex()));
        // Two mails, a report, and what describes them; the manifest does not name itself.
        assert_eq!(zip.len(), lines + 1);
    }
    let left = std::fs::read_dir(house.data().join("exports")).expect("the folder");
    let left: Vec<_> = left.map(|it| it.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("part")), "{left:?}");
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal").join(name)
}

#[test]
fn a_removal_is_completed_wherever_it_was_interrupted() {
    let points: Vec<&str> = lifecycle::CRASH_POINTS
        .iter()
        .chain(store::REMOVAL_CRASH_POINTS)
        .copied()
        .chain([""])
        .collect();
    for point in points {
        let house = House::new(&[]);
        answer(&house.run(&[
            "tenant",
            "create",
            "Beta",
            "--archive-domain",
            "archive.example",
            "--administrator",
            "beta",
        ]));
        let tenants = json_of(&house, &["tenant", "list", "--json"]);
        let kept = tenants[0]["id"].as_str().expect("an id").to_owned();
        let mut server = house.start();
        assert_eq!(server.send(&house.journal, &[OURS, THEIRS]), [true; 2]);
        assert!(server.settle());
        server.stop();
        let remove =
            ["tenant", "remove", "Musterbau", "--confirm", "Musterbau", "--reason", "left us"];
        assert!(!house.run(&remove).status.success(), "it is in service");
        answer(&house.run(&["tenant", "suspend", "Musterbau"]));
        let crashed = house.run_with(&remove, &[("CHANCERY_CRASH_AT", point)]);
        assert_eq!(crashed.status.success(), point.is_empty(), "at {point}");
        house.start().stop();
        let left: Vec<String> = std::fs::read_dir(house.data().join("vault"))
            .expect("the vault")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name != "vault.lock")
            .collect();
        assert_eq!(left, [kept.as_str()], "after a crash at {point}");
        assert!(!house.data().join("index").join(house.tenant.to_string()).exists());
        let tenants = json_of(&house, &["tenant", "list", "--json"]);
        assert_eq!(tenants.as_array().map(Vec::len), Some(1), "{tenants}");
        let text = answer(&house.run(&["tenant", "list"]));
        assert!(text.contains("Musterbau  removed"), "{text}");
        answer(&house.run(&["verify"]));
        // The name is free again.
        answer(&house.run(&["tenant", "add", "Musterbau", "--archive-domain", "archive.example"]));
    }
}

#[test]
fn a_tenant_is_removed_while_the_server_works_for_the_others() {
    let house = House::new(&[]);
    let beta = json_of(
        &house,
        &[
            "tenant",
            "create",
            "Beta",
            "--archive-domain",
            "archive.example",
            "--administrator",
            "beta",
            "--json",
        ],
    );
    let beta = beta["journalAddress"].as_str().expect("an address").to_owned();
    let mut server = house.start();
    assert_eq!(server.send(&beta, &[OURS]), [true]);
    assert!(server.settle());
    let mut operator = operator(&house, &server);
    let rows = operator.get_json("/api/v1/tenants").expect("tenants");
    let row = rows["tenants"].as_array().expect("rows").iter().find(|it| it["name"] == "Beta");
    let row = row.expect("Beta").clone();
    assert_eq!(row["figures"]["records"], 1, "{rows}");
    let path = format!("/api/v1/tenants/{}", row["id"].as_str().expect("an id"));
    let remove = json!({ "name": "Beta", "reason": "left us" });
    assert!(operator.send_json("POST", &format!("{path}/remove"), &remove).is_err());
    let reason = json!({ "reason": "left us" });
    operator.send_json("POST", &format!("{path}/suspend"), &reason).expect("suspended");
    let wrong = json!({ "name": "Alpha", "reason": "left us" });
    assert!(operator.send_json("POST", &format!("{path}/remove"), &wrong).is_err());
    let job = operator.send_json("POST", &format!("{path}/remove"), &remove).expect("begun");
    assert_eq!(wait_for(&mut operator, &job)["state"], "done");
    assert!(operator.get_json(&path).is_err());
    let rows = operator.get_json("/api/v1/tenants").expect("tenants");
    assert_eq!(rows["removals"][0]["name"], "Beta");
    assert!(rows["removals"][0]["endedAt"].is_string(), "{rows}");
    wait_for_refusal(&server, &beta, 550);
    assert_eq!(server.send(&house.journal, &[OURS]), [true]);
    assert!(server.settle());
    server.stop();
    answer(&house.run(&["verify"]));
}

#[test]
fn mail_of_deselected_accounts_alone_is_left_out_and_counted() {
    let house = House::new(&[]);
    house.account("b", "user", &["b@musterbau.example"]);
    house.account("c", "user", &["c@musterbau.example"]);
    answer(&house.run(&["domain", "add", "--tenant", "Musterbau", "musterbau.example"]));
    let mut server = house.start();
    let mut admin = server.client("admin");
    let only = json!({ "archiveOnlySelected": true });
    let refused = admin.send_json("PATCH", "/api/v1/tenant/settings", &only);
    assert!(refused.is_err(), "a reason is missing");
    let only = json!({ "archiveOnlySelected": true, "reason": "works council" });
    admin.send_json("PATCH", "/api/v1/tenant/settings", &only).expect("changed");
    let file = house.data().join("catalog.sqlite");
    let catalog = catalog::open(&format!("sqlite:{}", file.display())).expect("opens");
    let account = catalog.account_named("b").expect("reads").expect("there");
    let account = catalog::Account { archived: false, ..account };
    catalog.update_account(&account).expect("changed");
    let mail = |to: &str, word: &str| {
        format!("From: a@x.example\r\nTo: {to}\r\nSubject: s\r\n\r\n{word}\r\n").into_bytes()
    };
    let alone = mail("b@musterbau.example", "Alone");
    let both = mail("b@musterbau.example, c@musterbau.example", "Both");
    let unknown = mail("nobody@musterbau.example", "Unknown");
    assert_eq!(server.send(&house.journal, &[&alone, &both, &unknown]), [true; 3]);
    assert!(server.settle());
    let tenant = admin.get_json("/api/v1/dashboard").expect("figures");
    assert_eq!(tenant["figures"]["records"], 2, "{tenant}");
    assert_eq!(tenant["figures"]["notSelected"], 1);
    assert_eq!(total(&mut server.client("b"), "/api/v1/search?q="), 1);
    assert_eq!(total(&mut admin, "/api/v1/quarantine"), 0);
}

#[test]
fn a_tenant_is_changed_by_command_and_what_is_not_named_stays() {
    let house = House::new(&["musterbau.onmicrosoft.example"]);
    let named = |name: &str| {
        let tenants = json_of(&house, &["tenant", "list", "--json"]);
        let found = tenants.as_array().expect("tenants").iter().find(|it| it["name"] == name);
        found.cloned().unwrap_or_default()
    };
    let before = named("Musterbau");
    assert!(before.is_object(), "{before}");
    let quota = ["tenant", "change", "Musterbau", "--quota", "1000000", "--json"];
    answer(&house.run(&quota));
    let after = named("Musterbau");
    assert_eq!((&after["id"], &after["organisations"]), (&before["id"], &before["organisations"]));
    answer(&house.run(&["tenant", "change", "Musterbau", "--rename", "Musterbau AG", "--json"]));
    assert_eq!(named("Musterbau AG")["id"], before["id"]);
    assert_eq!(named("Musterbau"), Value::Null);
    let unknown = house.run(&["tenant", "change", "Musterbau", "--quota", "1"]);
    assert!(!unknown.status.success(), "there is no tenant of the old name");
}
