//! Whole ways of fetched mail: set up through the API, read, and sent back; many mailboxes while
//! people tidy up in them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::Client;
use testkit::mail_server::Dovecot;

use crate::fetch::{World, archived, mail, sum, until};
use crate::house::{answer, search_all};

fn get(client: &mut Client, path: &str) -> Value {
    client.get_json(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    client.send_json("POST", path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Polls and waits for a run behind `before`.
fn poll(admin: &mut Client, path: &str, before: usize) -> Value {
    post(admin, &format!("{path}/poll"), &json!({}));
    let mut runs = Value::Null;
    until("a run", || {
        runs = get(admin, &format!("{path}/runs"));
        runs["runs"].as_array().is_some_and(|runs| runs.len() > before)
    });
    runs["runs"][0].clone()
}

#[test]
fn many_mailboxes_are_tried_set_up_read_and_compared_through_the_api() {
    let Some(world) = World::new() else { return };
    for user in ["bert", "carl"] {
        let address = format!("{user}@musterbau.example");
        world.house.account(user, "user", &[&address]);
        for number in 0..5 {
            let folder = if number == 0 { "Projects.2024" } else { "" };
            world.dovecot.deliver(&address, folder, &mail(user, number)).expect("delivered");
        }
    }
    world.dovecot.deliver("shared", "", &mail("shared", 0)).expect("delivered");
    let mode = json!({
        "kind": "mailboxes", "by": { "kind": "master-user", "separator": "*" },
        "mailboxes": [{ "user": "shared", "address": "shared@musterbau.example" }],
        "everyAccount": true,
    });
    let more = json!({ "mode": mode, "user": Dovecot::MASTER, "after": { "kind": "keep" },
        "everyMinutes": 1440 });
    let config = world.settings("imap", &more);
    let input = |password: &str| json!({ "name": "All", "config": config, "password": password });
    let mut server = world.house.start();
    let mut admin = server.client("admin");

    // Tried before it is kept, with each step and its result.
    let test = "/api/v1/fetch-sources/test";
    let tried = post(&mut admin, test, &input(Dovecot::MASTER_PASSWORD));
    assert_eq!(tried["ok"], true, "{tried}");
    let steps: Vec<&str> = tried["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|it| it["step"].as_str())
        .collect();
    for step in ["name", "tcp", "tls", "greeting", "sign-in", "folders", "messages"] {
        assert!(steps.contains(&step), "{steps:?}");
    }
    let tried = post(&mut admin, test, &input("not this one"));
    let last = tried["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!((&tried["ok"], &last["kind"]), (&json!(false), &json!("sign-in-refused")));

    let made = post(&mut admin, "/api/v1/fetch-sources", &input(Dovecot::MASTER_PASSWORD));
    assert_eq!(made["hasPassword"], true);
    assert!(!made.to_string().contains(Dovecot::MASTER_PASSWORD), "{made}");
    assert_eq!(made["config"]["mode"]["everyAccount"], true, "{made}");
    let path = format!("/api/v1/fetch-sources/{}", made["id"].as_str().expect("an id"));
    // Who configures nothing sees nothing of it.
    let stranger = server.client("auditor").exchange("GET", &path, &[]).expect("an answer");
    assert_eq!(stranger.status, 404);
    until("the first run", || {
        !get(&mut admin, &format!("{path}/runs"))["runs"].as_array().expect("runs").is_empty()
    });
    let run = get(&mut admin, &format!("{path}/runs"))["runs"][0].clone();
    assert_eq!(
        (&run["outcome"], &run["counts"]["archived"]),
        (&json!("done"), &json!(11)),
        "{run}"
    );
    assert!(server.settle(), "the server runs");
    assert_eq!(search_all(&mut server.client("carl"), "").len(), 5);

    // The mailbox of an account that comes later is read as well.
    world.house.account("dora", "user", &["dora@musterbau.example"]);
    world.dovecot.deliver("dora@musterbau.example", "", &mail("dora", 0)).expect("delivered");
    let run = poll(&mut admin, &path, 1);
    assert_eq!((&run["outcome"], &run["counts"]["archived"]), (&json!("done"), &json!(1)), "{run}");

    post(&mut admin, &format!("{path}/reconcile"), &json!({}));
    let mut reports = Value::Null;
    until("a report", || {
        reports = get(&mut admin, &format!("{path}/reconciliations"));
        !reports["reports"].as_array().expect("reports").is_empty()
    });
    let report = &reports["reports"][0];
    assert_eq!((&report["listed"], &report["missing"]), (&json!(12), &json!(0)), "{report}");
    let gone = admin.request("DELETE", &path, &[]).expect("removed").status;
    assert_eq!(gone, 204);
    assert_eq!(admin.exchange("GET", &path, &[]).expect("an answer").status, 404);
    assert!(server.settle(), "the server runs");
    assert_eq!(archived(&server), 12, "its mail stays");
    server.stop();
}

/// The only mail of the mailbox: its file.
fn only(world: &World, user: &str) -> std::path::PathBuf {
    let mut files = world.files(user);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[test]
fn a_fetched_mail_goes_back_into_its_folder_with_its_flags_and_its_date() {
    let Some(world) = World::new() else { return };
    let sent = mail("anna", 1);
    world.dovecot.deliver("anna", "Projects.2024", &sent).expect("delivered");
    // Seen and flagged, as a mail program leaves it (Maildir).
    let lay = only(&world, "anna");
    let name = lay.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let seen = lay.with_file_name("..").join("cur").join(format!("{name}:2,FS"));
    std::fs::rename(&lay, &seen).expect("renamed");
    let date = std::fs::metadata(&seen).expect("there").mtime();
    let mode = json!({ "kind": "mailbox", "address": "anna@musterbau.example" });
    let more = json!({ "mode": mode, "user": "anna", "after": { "kind": "keep" } });
    world.add(&world.settings("imap", &more), Dovecot::PASSWORD);
    let mut server = world.house.start();
    until("the first run", || !world.runs().is_empty());
    assert_eq!(world.runs()[0]["counts"]["archived"], 1);
    assert!(server.settle(), "the server runs");
    world.command(&["fetch", "pause"]);
    std::fs::remove_file(only(&world, "anna")).expect("lost");

    let port = world.dovecot.imap.to_string();
    let password = world.house.data().with_file_name("password");
    std::fs::write(&password, Dovecot::PASSWORD).expect("written");
    let done = answer(&world.house.run(&[
        "send-back",
        "--tenant",
        "Musterbau",
        "--query",
        "anna",
        "--reason",
        "lost",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--security",
        "none",
        "--user",
        "anna",
        "--password-file",
        password.to_str().expect("a path"),
        "--json",
    ]));
    let done: Value = serde_json::from_str(&done).expect("JSON");
    assert_eq!((&done["mails"], &done["failed"]), (&json!(1), &json!(0)), "{done}");
    let back = only(&world, "anna");
    assert!(back.parent().is_some_and(|it| it.ends_with(".Projects.2024/cur")), "{back:?}");
    let flags = back.to_str().and_then(|name| name.rsplit_once(":2,")).map(|(_, flags)| flags);
    assert_eq!(flags, Some("FS"));
    // Dovecot keeps bare line feeds in its files.
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).replace("\r\n", "\n");
    assert_eq!(text(&std::fs::read(&back).expect("read")), text(&sent));
    assert_eq!(std::fs::metadata(&back).expect("there").mtime(), date);

    // By the source that fetched it: nobody types a password.
    std::fs::remove_file(&back).expect("lost again");
    let by_source = |mailbox: &[&str]| {
        let order = ["send-back", "--tenant", "Musterbau", "--query", "anna", "--reason", "lost"];
        let more = ["--source", "Mailboxes", "--folder", "Back/Here", "--json"];
        world.house.run(&[&order[..], &more, mailbox].concat())
    };
    let refused = by_source(&["--mailbox", "bert"]);
    assert!(!refused.status.success(), "the source reads no such mailbox");
    let done = answer(&by_source(&[]));
    let done: Value = serde_json::from_str(&done).expect("JSON");
    assert_eq!((&done["mails"], &done["failed"]), (&json!(1), &json!(0)), "{done}");
    let back = only(&world, "anna");
    assert!(back.parent().is_some_and(|it| it.ends_with(".Back.Here/cur")), "{back:?}");
    let audit = answer(&world.house.run(&["audit", "--tenant", "Musterbau", "--json"]));
    assert!(audit.contains("restore.begin") && !audit.contains("\"secret\""), "{audit}");
    server.stop();
}

/// Moves and removes mails of some mailboxes until it is to stop; how many are removed.
fn tidy(world: &World, users: &[String], stop: &AtomicBool) -> usize {
    let mut removed = 0;
    for user in users.iter().step_by(4) {
        for (number, path) in world.files(user).into_iter().enumerate() {
            if stop.load(Ordering::SeqCst) {
                return removed;
            }
            match number % 8 {
                // Dovecot may have renamed it meanwhile: then it stays.
                0 if std::fs::remove_file(&path).is_ok() => removed += 1,
                1 => move_to_done(&path),
                _ => {}
            }
        }
    }
    removed
}

fn move_to_done(path: &Path) {
    let (Some(name), Some(home)) = (path.file_name(), path.ancestors().nth(2)) else { return };
    let home = match home.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.')) {
        true => home.parent().unwrap_or(home),
        false => home,
    };
    let _ = std::fs::rename(path, home.join(".Done/cur").join(name));
}

/// Reads so many mailboxes by one service account while people tidy up in a quarter of them.
fn import(mailboxes: usize, mails: usize, patience: Duration) {
    let Some(world) = World::new() else { return };
    let users: Vec<String> = (0..mailboxes).map(|number| format!("user{number}")).collect();
    let begun = Instant::now();
    for user in &users {
        world.dovecot.deliver(user, "Done", &mail(user, mails)).expect("delivered");
        for number in 0..mails - 1 {
            let folder = if number % 5 == 0 { "Projects.2024" } else { "" };
            world.dovecot.deliver(user, folder, &mail(user, number)).expect("delivered");
        }
    }
    let delivered = begun.elapsed();
    let total = mailboxes * mails;
    let listed: Vec<Value> = users
        .iter()
        .map(|user| json!({ "user": user, "address": format!("{user}@musterbau.example") }))
        .collect();
    let mode = json!({
        "kind": "mailboxes", "by": { "kind": "master-user", "separator": "*" }, "mailboxes": listed,
    });
    let more = json!({ "mode": mode, "user": Dovecot::MASTER, "after": { "kind": "keep" },
        "everyMinutes": 1440 });
    world.add(&world.settings("imap", &more), Dovecot::MASTER_PASSWORD);
    let mut server = world.house.start();
    let (begun, stop) = (Instant::now(), AtomicBool::new(false));
    let wait_for_runs = |count: usize| {
        let asked = Instant::now();
        while world.runs().len() < count {
            assert!(asked.elapsed() < patience, "run {count}");
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let removed = std::thread::scope(|scope| {
        let tidying = scope.spawn(|| tidy(&world, &users, &stop));
        wait_for_runs(1);
        stop.store(true, Ordering::SeqCst);
        tidying.join().expect("tidied up")
    });
    let took = begun.elapsed();
    // Another run sees the folders as they are now.
    world.command(&["fetch", "poll"]);
    wait_for_runs(2);
    world.command(&["reconcile"]);
    assert!(server.settle(), "the server runs");
    let runs = world.runs();
    let there: usize = users.iter().map(|user| world.files(user).len()).sum();
    let found = archived(&server);
    assert!(found >= there && found <= total, "{found} archived, {there} there, {total} in all");
    assert_eq!(there, total - removed);
    sum(&runs, "seen");
    let report = world.command(&["reconcile"]);
    assert_eq!((&report["missing"], &report["listed"]), (&json!(0), &json!(there)), "{report}");
    eprintln!(
        "{total} mails in {mailboxes} mailboxes: delivered in {delivered:?}; the first run took \
         {took:?} ({:.0} mails/s); {found} archived, {removed} removed meanwhile; memory at most \
         {} MiB",
        found as f64 / took.as_secs_f64(),
        server.peak_bytes() >> 20
    );
    server.stop();
    answer(&world.house.run(&["verify"]));
}

#[test]
fn people_who_tidy_up_while_their_mailboxes_are_read_lose_nothing() {
    import(8, 40, Duration::from_secs(240));
}

#[test]
#[ignore = "takes minutes; `cargo test -p server --test it a_hundred_thousand -- --ignored`"]
fn a_hundred_thousand_mails_in_two_hundred_mailboxes_are_read_while_people_tidy_up() {
    import(200, 500, Duration::from_secs(3600));
}
