//! Notifications by mail, through a smarthost that wants TLS and a sign-in.

use std::fs;
use std::time::Duration;

use serde_json::json;
use testkit::http::Client;
use testkit::smarthost::{Smarthost, Taken};

use crate::house::{House, PASSWORD, Server, answer, chancery};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(240);

const USER: &str = "archive@smarthost.test";
const SECRET: &str = "as secret as can be";
const TO: &str = "it@musterbau.example";

/// A server that trusts the smarthost's authority, as a system does that has installed it.
fn start(house: &House, smarthost: &Smarthost) -> Server {
    let authority = smarthost.authority.to_str().expect("a path");
    house.start_with(&[("SSL_CERT_FILE", authority)]).expect("the server starts")
}

fn operator(house: &House, server: &Server) -> Client {
    let arguments = ["account", "add", "--user", "op", "--role", "operator", "--password-stdin"];
    answer(&chancery(&house.data(), &arguments, PASSWORD));
    server.client("op")
}

fn use_smarthost(operator: &mut Client, port: u16, security: &str, password: &str) {
    let patch = json!({ "notifications": {
        "from": "chancery@archive.example",
        "to": [TO],
        "smarthost": {
            "host": "localhost", "port": port, "security": security,
            "user": USER, "password": password,
        },
    } });
    operator.send_json("PATCH", "/api/v1/settings", &patch).expect("changed");
}

fn test_mail(operator: &mut Client) -> u16 {
    let to = json!({ "to": TO, "language": "en" }).to_string();
    let path = "/api/v1/notifications/test";
    operator.exchange("POST", path, to.as_bytes()).expect("an answer").status
}

/// Whether the mail's subject says this; long subjects are folded.
fn says(mail: &Taken, words: &str) -> bool {
    mail.text
        .replace("\r\n ", " ")
        .lines()
        .any(|it| it.starts_with("Subject:") && it.contains(words))
}

#[test]
fn a_smarthost_gets_mail_over_tls_and_after_a_sign_in_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let smarthost = Smarthost::start(folder.path(), USER, SECRET).expect("it listens");
    let house = House::new(&[]);
    let server = start(&house, &smarthost);
    let mut operator = operator(&house, &server);
    use_smarthost(&mut operator, smarthost.port, "starttls", SECRET);
    assert_eq!(test_mail(&mut operator), 204);
    // The server may have other things to tell, such as a disk that is nearly full.
    let tests = || {
        let is_test = |mail: &Taken| says(mail, "Test message");
        let mut mails = smarthost.wait_for(PATIENCE, is_test);
        mails.retain(is_test);
        mails
    };
    let mails = tests();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].tls.as_str(), mails[0].user.as_str()), ("TLSv1_3", USER));
    assert_eq!(mails[0].recipients, [TO]);
    for (security, password) in [("starttls", "wrong"), ("none", SECRET)] {
        use_smarthost(&mut operator, smarthost.port, security, password);
        assert_eq!(test_mail(&mut operator), 400, "{security} {password}");
    }
    server.stop();
    // A smarthost that nobody vouches for gets no password.
    let server = house.start();
    let mut operator = server.client("op");
    use_smarthost(&mut operator, smarthost.port, "starttls", SECRET);
    assert_eq!(test_mail(&mut operator), 400);
    assert_eq!(tests().len(), 1);
    server.stop();
}

#[test]
fn a_directory_that_fails_and_a_tenant_out_of_service_are_told_by_mail() {
    let folder = tempfile::tempdir().expect("a folder");
    let smarthost = Smarthost::start(folder.path(), USER, SECRET).expect("it listens");
    let house = House::new(&[]);
    let add = ["tenant", "add", "Beta", "--archive-domain", "archive.example"];
    answer(&house.run(&add));
    let server = start(&house, &smarthost);
    let mut operator = operator(&house, &server);
    use_smarthost(&mut operator, smarthost.port, "starttls", SECRET);
    server.stop();

    // Nobody listens at the directory.
    let preset = answer(&house.run(&["directory", "preset", "--kind", "open-ldap"]));
    let mut settings: serde_json::Value = serde_json::from_str(&preset).expect("JSON");
    settings["hosts"] = json!(["127.0.0.1:1"]);
    settings["security"] = json!("clear");
    settings["bindDn"] = json!("cn=reader");
    settings["peopleBases"] = json!(["dc=x"]);
    let file = folder.path().join("directory.json");
    fs::write(&file, settings.to_string()).expect("written");
    let password = folder.path().join("password");
    fs::write(&password, "secret\n").expect("written");
    let paths = [&file, &password].map(|path| path.to_str().expect("a path"));
    let named = ["--tenant", "Musterbau", "--name", "Head office"];
    let settings = ["--settings", paths[0], "--password-file", paths[1]];
    answer(&house.run(&[&["directory", "add"], &named[..], &settings].concat()));
    let run = house.run(&[&["directory", "sync"], &named[..]].concat());
    assert!(!run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));

    let tenants = answer(&house.run(&["tenant", "list", "--json"]));
    let tenants: serde_json::Value = serde_json::from_str(&tenants).expect("JSON");
    let beta = tenants.as_array().expect("tenants").iter().find(|it| it["name"] == "Beta");
    let beta = beta.expect("Beta")["id"].as_str().expect("an id").to_owned();
    let key = house.data().join("vault").join(beta).join("tenant.key");
    let whole = fs::read(&key).expect("the key");
    fs::write(&key, b"nothing of a key").expect("written");

    let server = start(&house, &smarthost);
    let directory = |mail: &Taken| says(mail, "A directory cannot be read");
    let vault = |mail: &Taken| says(mail, "archive is out of service");
    smarthost.wait_for(PATIENCE, directory);
    let mails = smarthost.wait_for(PATIENCE, vault);
    let one = |is: &dyn Fn(&Taken) -> bool| {
        let mut found = mails.iter().filter(|mail| is(mail));
        let mail = found.next().expect("one").clone();
        assert!(found.next().is_none(), "told once");
        mail
    };
    assert!(one(&directory).text.contains("Head office"));
    assert!(one(&vault).text.contains("Beta"));
    server.stop();
    fs::write(&key, whole).expect("written");
    // A restart tells nothing twice.
    let server = start(&house, &smarthost);
    let mut operator = server.client("op");
    assert_eq!(test_mail(&mut operator), 204);
    let mails = smarthost.wait_for(PATIENCE, |mail| says(mail, "Test message"));
    assert_eq!(mails.iter().filter(|mail| directory(mail)).count(), 1);
    server.stop();
}
