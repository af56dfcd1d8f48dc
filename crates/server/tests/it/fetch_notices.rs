//! Mail to administrators about mailboxes that cannot be fetched, at a real mail server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::http::Client;
use testkit::liar::{Liar, Lie};
use testkit::mail_server::{DOVECOT, Dovecot};
use testkit::ports::free_port;
use testkit::smarthost::{Smarthost, Taken};

use crate::house::{House, PASSWORD, answer, chancery};
use crate::tools::has_tool;

/// Longer than anything takes on a busy machine, also where troubles are looked for once a minute;
/// only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(900);

const USER: &str = "archive@smarthost.test";
const SECRET: &str = "as secret as can be";
const GERMAN: &str = "it@musterbau.example";
const ENGLISH: &str = "helpdesk@musterbau.example";

/// A source that fails in its own way: its name, and what the mails about it say.
struct Failing {
    name: &'static str,
    kind: &'static str,
    german: &'static str,
    english: &'static str,
}

/// Without umlauts, which mails write in their own way.
const FAILING: [Failing; 4] = [
    Failing {
        name: "Closed door",
        kind: "no-connection",
        german: "Keine Verbindung zu einem Mailserver",
        english: "No connection to a mail server",
    },
    Failing {
        name: "Wrong key",
        kind: "sign-in-refused",
        german: "Ein Mailserver weist die Anmeldung ab",
        english: "A mail server refuses the sign-in",
    },
    Failing {
        name: "Torn letter",
        kind: "corrupt-mail",
        german: "Eine Mail kann nicht abgeholt werden",
        english: "A mail cannot be fetched",
    },
    Failing {
        name: "Foreign seal",
        kind: "tls-mismatch",
        german: "eines Mailservers passt nicht",
        english: "The encryption of a mail server does not fit",
    },
];

/// Whether it is the mail about this condition, to this person; `over`: that it is over.
fn is(mail: &Taken, failing: &Failing, to: &str, over: bool) -> bool {
    // Long lines are folded (RFC 2045 §6.7).
    let text = mail.text.replace("=\r\n", "");
    let (title, ended) = match to == GERMAN {
        true => (failing.german, "Dies ist behoben"),
        false => (failing.english, "This is over"),
    };
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    mail.recipients == [to] && body.contains(title) && body.contains(ended) == over
}

fn wait_for_all(smarthost: &Smarthost, over: bool) {
    for failing in &FAILING {
        for to in [GERMAN, ENGLISH] {
            let mails = smarthost.wait_for(PATIENCE, |mail| is(mail, failing, to, over));
            let text = &mails.iter().find(|mail| is(mail, failing, to, over)).expect("there").text;
            // What fails is named, and what to do; never a secret.
            assert!(over || text.contains(failing.name), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

fn check_once(smarthost: &Smarthost, overs: usize) {
    let mails = smarthost.wait_for(PATIENCE, |_| true);
    for failing in &FAILING {
        for to in [GERMAN, ENGLISH] {
            let count = |over| mails.iter().filter(|mail| is(mail, failing, to, over)).count();
            assert_eq!((count(false), count(true)), (1, overs), "{} to {to}", failing.kind);
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn mail() -> &'static [u8] {
    b"Message-ID: <1@musterbau.example>\r\nFrom: a@musterbau.example\r\n\
      To: b@musterbau.example\r\nSubject: 1\r\n\r\ntext\r\n"
}

/// The settings of a source, `mended` or not.
fn settings(at: usize, dovecot: &Dovecot, liar: &Liar, closed: u16, mended: bool) -> Value {
    let Failing { name, kind, .. } = &FAILING[at];
    let mut config = json!({
        "server": "127.0.0.1", "port": dovecot.imaps, "protocol": "imap", "security": "tls",
        "caPem": dovecot.authority, "user": "journal", "after": { "kind": "keep" },
        "everyMinutes": 1440,
    });
    let mut password = Dovecot::PASSWORD;
    match *kind {
        "no-connection" if !mended => config["port"] = json!(closed),
        "sign-in-refused" if !mended => password = "not this one",
        "tls-mismatch" if !mended => config["caPem"] = Value::Null,
        "corrupt-mail" => {
            config["port"] = json!(liar.port);
            config["security"] = json!("none");
        }
        _ => {}
    }
    json!({ "name": name, "config": config, "password": password })
}

/// Polls all, and waits for the end.
fn poll(admin: &mut Client, ids: &[String]) {
    for id in ids {
        let path = format!("/api/v1/fetch-sources/{id}");
        let runs = |admin: &mut Client| {
            let runs = admin.get_json(&format!("{path}/runs")).expect("runs");
            runs["runs"][0]["id"].clone()
        };
        let before = runs(admin);
        admin.send_json("POST", &format!("{path}/poll"), &json!({})).expect("taken");
        until("a run", || runs(admin) != before);
    }
}

#[test]
fn each_way_in_which_a_mailbox_fails_is_told_once_in_plain_words_and_so_is_its_end() {
    if !has_tool(DOVECOT, "dovecot-imapd") {
        return;
    }
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let smarthost = Smarthost::start(folders[0].path(), USER, SECRET).expect("it listens");
    let dovecot = Dovecot::start(folders[1].path(), "").expect("Dovecot starts");
    let (liar, closed) = (Liar::imap(None), free_port().expect("a port"));
    liar.put(b"INBOX", mail(), Some(Lie::NoOctets));
    let house = House::new(&[]);
    let authority = smarthost.authority.to_str().expect("a path");
    let environment = [("SSL_CERT_FILE", authority), ("CHANCERY_LOOK_MILLIS", "200")];
    let server = house.start_with(&environment).expect("the server starts");
    let add = ["account", "add", "--user", "op", "--role", "operator", "--password-stdin"];
    answer(&chancery(&house.data(), &add, PASSWORD));
    let patch = json!({ "notifications": {
        "from": "chancery@archive.example", "to": [GERMAN], "language": "de",
        "smarthost": {
            "host": "localhost", "port": smarthost.port, "security": "starttls", "user": USER,
            "password": SECRET,
        },
    } });
    server.client("op").send_json("PATCH", "/api/v1/settings", &patch).expect("changed");
    let mut admin = server.client("admin");
    let patch = json!({ "notifications": [ENGLISH], "language": "en" });
    admin.send_json("PATCH", "/api/v1/tenant/settings", &patch).expect("changed");

    let mut ids = Vec::new();
    for at in 0..FAILING.len() {
        let input = settings(at, &dovecot, &liar, closed, false);
        let made = admin.send_json("POST", "/api/v1/fetch-sources", &input).expect("added");
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    wait_for_all(&smarthost, false);
    // It goes on failing: nobody is told again.
    poll(&mut admin, &ids);
    poll(&mut admin, &ids);
    check_once(&smarthost, 0);

    for (at, id) in ids.iter().enumerate() {
        let path = format!("/api/v1/fetch-sources/{id}");
        if FAILING[at].kind == "corrupt-mail" {
            liar.says(b"INBOX", 1, None);
            let retry = format!("{path}/left/retry");
            admin.send_json("POST", &retry, &json!({})).expect("due");
        } else {
            let input = settings(at, &dovecot, &liar, closed, true);
            admin.send_json("PUT", &path, &input).expect("changed");
        }
    }
    poll(&mut admin, &ids);
    wait_for_all(&smarthost, true);
    check_once(&smarthost, 1);
    server.stop();
}
