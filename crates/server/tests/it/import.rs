//! `chancery import`, with and without a running server.

use std::fs;

use crate::house::{House, answer, search_all};

fn mails() -> Vec<(String, String)> {
    (0..5)
        .map(|number| {
            let mail = format!(
                "From: Anna <anna@musterbau.example>\r\nTo: bert@musterbau.example\r\nSubject: Import {number}\r\nDate: Tue, 14 Jan 2025 08:15:0{number} +0000\r\nMessage-ID: <{number}@musterbau.example>\r\n\r\nImportwort{number}\r\n"
            );
            (format!("{number}.eml"), mail)
        })
        .collect()
}

fn folder(house: &House) -> std::path::PathBuf {
    let folder = house.data().with_file_name("mails");
    fs::create_dir_all(&folder).expect("a folder");
    let mut mbox = String::new();
    for (name, mail) in mails() {
        fs::write(folder.join(name), &mail).expect("written");
        mbox.push_str("From anna@musterbau.example Tue Jan 14 08:15:00 2025\r\n");
        mbox.push_str(
            &mail.replace("Importwort", "Mboxwort").replace("Subject: Import", "Subject: Mbox"),
        );
        mbox.push_str("\r\n");
    }
    fs::write(folder.join("old.mbox"), mbox).expect("written");
    fs::write(folder.join("broken.zip"), b"PK\x03\x04 not a zip").expect("written");
    folder
}

fn counts(text: &str) -> Vec<u64> {
    let number = |line: &str| line.split_whitespace().nth(1).and_then(|it| it.parse().ok());
    text.lines().take(6).filter_map(number).collect()
}

#[test]
fn an_import_adds_up_and_can_be_repeated_with_and_without_a_server() {
    let house = House::new(&[]);
    house.account("bert", "user", &["bert@musterbau.example"]);
    house.account("clara", "user", &["clara@musterbau.example"]);
    let folder = folder(&house);
    let folder = folder.to_str().expect("a path");
    let arguments = ["import", "--tenant", "Musterbau", folder];
    let first = house.run(&arguments);
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert_eq!(counts(&text), [10, 10, 0, 0, 0, 0], "{text}");
    assert!(text.contains("broken.zip"), "{text}");
    assert!(!first.status.success(), "something could not be read, and the exit code says so");
    let mut server = house.start();
    let said = house.run(&[&arguments[..], &["--json"]].concat()).stdout;
    let report: serde_json::Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!((&report["read"], &report["known"]), (&10.into(), &10.into()), "{report}");
    assert!(report["addsUp"] == true && report["unreadable"] == 1, "{report}");
    let mailbox =
        ["import", "--tenant", "Musterbau", "--mailbox", "clara@musterbau.example", folder];
    let text = String::from_utf8_lossy(&house.run(&mailbox).stdout).into_owned();
    assert_eq!(counts(&text), [10, 0, 10, 0, 0, 0], "{text}");
    assert!(server.settle());
    for user in ["bert", "clara", "auditor"] {
        assert_eq!(search_all(&mut server.client(user), "").len(), 10, "{user}");
    }
    let (name, mail) = &mails()[0];
    let record = house.record(mail.as_bytes());
    let eml = server.client("bert").request("GET", &format!("/api/v1/records/{record}/eml"), &[]);
    assert_eq!(eml.expect("a mail").body, mail.as_bytes(), "{name}");
    server.stop();
    answer(&house.run(&["verify"]));
}
