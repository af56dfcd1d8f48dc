//! The hard corpus, where it is there: everything is accepted, archived, given back and shown.

use std::path::Path;

use testkit::smtp::{Client, Content, Security};

use crate::house::{House, answer};

/// What the server may take at most while thousands of hard mails come in at once and are shown.
const MEMORY_BYTES_MAX: u64 = 1 << 30;

const PAGES: [&str; 4] = ["", "/html", "/source", "/eml"];

#[test]
fn every_hard_mail_is_archived_given_back_and_shown() {
    let Ok(corpus) = std::env::var("CHANCERY_CORPUS") else {
        eprintln!("CHANCERY_CORPUS is not set: the hard corpus is not read");
        return;
    };
    let folder = Path::new(&corpus).join("corpus/hard");
    let index = std::fs::read_to_string(folder.join("index.tsv")).expect("the index");
    let house = House::new(&[]);
    let mut server = house.start();
    let mut mails = Vec::new();
    let mut client = Client::connect(server.smtp, &Security::any_certificate()).expect("connected");
    for line in index.lines().skip(1) {
        let path = line.split('\t').next().expect("a path");
        let Ok(mail) = std::fs::read(folder.join(path)) else { continue };
        client
            .send("", &[&house.journal], &mail, &Content::Bdat(Vec::new()))
            .unwrap_or_else(|error| panic!("{path} is not accepted: {error}"));
        mails.push((path.to_owned(), mail));
    }
    assert!(mails.len() > 2_000, "only {} files", mails.len());
    assert!(server.settle());
    let mut auditor = server.client("auditor");
    for (path, mail) in &mails {
        let examined = mail::examine(mail, &model::HeaderRules::default(), None);
        let record = house.record(examined.mail(mail));
        for page in PAGES {
            let url = format!("/api/v1/records/{record}{page}");
            let response = auditor.exchange("GET", &url, &[]).expect("an answer");
            // A mail without HTML has no HTML page; everything else is there.
            let fine = response.status == 200 || (page == "/html" && response.status == 404);
            assert!(fine, "{path}: {url} answers {}", response.status);
            if page == "/eml" {
                assert!(response.body == examined.mail(mail), "{path}: other octets");
            }
        }
    }
    let peak = server.peak_bytes();
    assert!(peak < MEMORY_BYTES_MAX, "the server took {peak} bytes");
    server.stop();
    answer(&house.run(&["verify"]));
}
