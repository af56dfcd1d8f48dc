//! The generated set of journal reports with its own truth: through the whole product.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use model::{ContentId, EmailAddress, HeaderRules, RecordId};
use serde_json::Value;
use testkit::http::Client;

use crate::house::{House, answer, search_all};

#[test]
fn exactly_the_owners_find_each_report_of_the_generated_set() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal300");
    let mbox = std::fs::read(folder.join("part-0000.mboxrd")).expect("the reports");
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).expect("the truth");
    let truth: Vec<Value> =
        truth.lines().map(|line| serde_json::from_str(line).expect("a truth")).collect();
    let reports: Vec<Vec<u8>> = truth.iter().map(|report| report_of(&mbox, report)).collect();
    let directory = std::fs::read(folder.join("directory.json")).expect("the directory");
    let directory: Value = serde_json::from_slice(&directory).expect("a directory");
    let users: BTreeSet<String> = texts(&directory["mailboxes"], "addr");

    let house = House::new(&[]);
    for user in &users {
        house.account(user, "user", &[user]);
    }
    let mut server = house.start();
    let octets: Vec<&[u8]> = reports.iter().map(Vec::as_slice).collect();
    assert!(server.send(&house.journal, &octets).iter().all(|it| *it), "all are accepted");
    assert!(server.settle());

    // Forks of one mail add up; versions with other octets are mails of their own. An answer quotes
    // the mail that it answers, so a token may stand in several mails.
    let mut owners: HashMap<ContentId, BTreeSet<String>> = HashMap::new();
    let mut words: HashMap<ContentId, String> = HashMap::new();
    for (report, octets) in truth.iter().zip(&reports) {
        let examined = mail::examine(octets, &HeaderRules::default(), None);
        let content = ContentId::of(examined.mail(octets));
        let all = report["owners"].as_array().expect("owners");
        let all = all.iter().filter_map(Value::as_str).map(|it| EmailAddress::new(it).key());
        owners.entry(content).or_default().extend(all);
        let text = mail::describe(examined.mail(octets)).text;
        let token = report["body_token"].as_str().expect("a token");
        assert!(text.contains(token), "the text of {content} holds its token");
        words.insert(content, text);
    }
    let mut wanted: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for report in &truth {
        let token = report["body_token"].as_str().expect("a token").to_owned();
        for (content, _) in words.iter().filter(|(_, text)| text.contains(&token)) {
            let record = RecordId::of(house.tenant, *content).to_string();
            for owner in &owners[content] {
                wanted.entry((token.clone(), owner.clone())).or_default().insert(record.clone());
            }
        }
    }
    let clients: RefCell<HashMap<String, Client>> = RefCell::default();
    let tokens: BTreeSet<&String> = wanted.keys().map(|(token, _)| token).collect();
    let nothing = BTreeSet::new();
    let mut found = 0;
    for token in tokens {
        for user in &users {
            let mut clients = clients.borrow_mut();
            let client = clients.entry(user.clone()).or_insert_with(|| server.client(user));
            let ids: BTreeSet<String> = search_all(client, token).into_iter().collect();
            let key = (token.clone(), EmailAddress::new(user).key());
            assert_eq!(&ids, wanted.get(&key).unwrap_or(&nothing), "{user} asks for {token}");
            found += ids.len();
        }
    }
    assert!(found > 500, "only {found} pairs of owner and mail");
    drop(clients);
    server.stop();
    answer(&house.run(&["verify"]));
}

/// The mail of one mboxrd record, with the line ends of SMTP.
fn report_of(mbox: &[u8], report: &Value) -> Vec<u8> {
    let number = |key: &str| report[key].as_u64().expect("a number") as usize;
    let record = &mbox[number("offset")..number("offset") + number("length")];
    let mut octets = Vec::with_capacity(record.len() + record.len() / 32);
    for line in record.split_inclusive(|octet| *octet == b'\n').skip(1) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let marks = line.iter().take_while(|octet| **octet == b'>').count();
        let quoted = marks > 0 && line[marks..].starts_with(b"From ");
        octets.extend_from_slice(&line[usize::from(quoted)..]);
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

fn texts(list: &Value, key: &str) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter().filter_map(|item| item[key].as_str()).map(str::to_owned).collect()
}
