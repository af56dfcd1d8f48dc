//! Exactly the owners find a mail, through every fork, and get back the octets that were sent.

use std::cell::RefCell;
use std::collections::HashMap;

use model::{ContentId, EmailAddress, RecordId, Timestamp};
use serde_json::Value;
use testkit::demo::{Company, DemoReport, ORGANISATION, Profile, Settings};
use testkit::http::{Client, query_value};
use testkit::truth::{Found, GroundTruth};

use crate::archive::contents;
use crate::house::{House, Server, answer, search_all};

fn company() -> Company {
    let end = Timestamp::from_seconds(1_760_000_000);
    Company::new(Settings { seed: 1, end, profile: Profile::Demo })
}

/// The archived company: the server runs, everybody has an account named like their address.
struct Archived {
    house: House,
    server: Server,
    reports: Vec<DemoReport>,
    people: Vec<EmailAddress>,
}

fn archived(count: usize) -> Archived {
    let company = company();
    let house = House::new(&[ORGANISATION]);
    let people: Vec<EmailAddress> =
        company.directory().mailboxes().map(|party| party.address.clone()).collect();
    for person in &people {
        house.account(person.as_str(), "user", &[person.as_str()]);
    }
    let mut server = house.start();
    let reports: Vec<DemoReport> = company.reports(count).collect();
    let octets: Vec<&[u8]> = reports.iter().map(|report| report.octets.as_slice()).collect();
    assert!(server.send(&house.journal, &octets).iter().all(|it| *it), "all mails are accepted");
    assert!(server.settle());
    Archived { house, server, reports, people }
}

#[test]
fn exactly_the_owners_find_each_mail_of_the_demo_company() {
    let Archived { house, server, reports, people } = archived(400);
    let contents: HashMap<String, ContentId> = reports
        .iter()
        .map(|report| {
            let content = report.truth.content;
            (RecordId::of(house.tenant, content).to_string(), content)
        })
        .collect();
    let clients: RefCell<HashMap<String, Client>> = RefCell::default();
    let ask = |user: &EmailAddress, query: &str| -> Result<Found, String> {
        let mut clients = clients.borrow_mut();
        let client = clients.entry(user.key()).or_insert_with(|| server.client(user.as_str()));
        let path = format!("/api/v1/search?limit=200&facets=false&q={}", query_value(query));
        let answer = client.get_json(&path).map_err(|error| error.to_string())?;
        let rows = answer["rows"].as_array().ok_or("no rows")?;
        let nobody = ContentId::of(b"a record that was never sent");
        let content = |row: &Value| {
            row["id"].as_str().and_then(|id| contents.get(id)).copied().unwrap_or(nobody)
        };
        Ok(rows.iter().map(content).collect())
    };
    let truth = GroundTruth::new(reports.iter().map(|report| &report.truth), people.clone());
    truth.check_tokens(ask).assert_perfect();
    truth.check_names(&EmailAddress::new("auditor"), ask).assert_perfect();
    truth
        .check_everything(|user| -> Result<Found, String> {
            let ids = search_all(&mut server.client(user.as_str()), "");
            let nobody = ContentId::of(b"a record that was never sent");
            Ok(ids.iter().map(|id| contents.get(id).copied().unwrap_or(nobody)).collect())
        })
        .assert_perfect();
    let mut auditor = server.client("auditor");
    assert_eq!(search_all(&mut auditor, "").len(), truth.originals());
    octets_are_given_back(&mut auditor, &house, &reports);
    server.stop();
    let verified = answer(&house.run(&["verify", "--json"]));
    let verified: Value = serde_json::from_str(&verified).expect("JSON");
    assert_eq!(verified["records"], truth.originals());
    assert_eq!(verified["findings"], serde_json::json!([]));
    let verified = answer(&house.run(&["verify"]));
    assert!(verified.contains(&format!("records   {:>12}", truth.originals())), "{verified}");
}

/// Mails and journal reports, byte for byte.
fn octets_are_given_back(auditor: &mut Client, house: &House, reports: &[DemoReport]) {
    for report in reports {
        let record = RecordId::of(house.tenant, report.truth.content);
        let mail =
            auditor.request("GET", &format!("/api/v1/records/{record}/eml"), &[]).expect("a mail");
        assert!(mail.body == report.inner_octets(), "record {record} has other octets");
        let content = ContentId::of(&report.octets).to_string();
        let path = format!("/api/v1/records/{record}/reports/{}/eml", query_value(&content));
        let outer = auditor.request("GET", &path, &[]).expect("a journal report");
        assert!(outer.body == report.octets, "the report of {record} has other octets");
    }
}

#[test]
fn what_someone_may_not_see_does_not_exist() {
    let Archived { house, server, reports, people } = archived(30);
    for person in people.iter().take(6) {
        let mut client = server.client(person.as_str());
        for report in &reports {
            let all: Vec<&DemoReport> =
                reports.iter().filter(|it| it.truth.content == report.truth.content).collect();
            let owns = all
                .iter()
                .any(|it| it.truth.owners.iter().any(|owner| owner.key() == person.key()));
            let record = RecordId::of(house.tenant, report.truth.content);
            let status = client
                .exchange("GET", &format!("/api/v1/records/{record}"), &[])
                .expect("an answer")
                .status;
            assert_eq!(status, if owns { 200 } else { 404 }, "{record}");
        }
    }
    let mut admin = server.client("admin");
    let record = RecordId::of(house.tenant, reports[0].truth.content);
    let status =
        admin.exchange("GET", &format!("/api/v1/records/{record}"), &[]).expect("an answer").status;
    assert_eq!(status, 404, "administrators do not read mail");
}

#[test]
fn a_rebuilt_catalog_and_index_equal_the_lost_ones() {
    let Archived { house, server, reports, people } = archived(120);
    let before = contents(&mut server.client("auditor"));
    let person = people[0].as_str();
    let found_before = search_all(&mut server.client(person), "");
    server.stop();
    answer(&house.run(&["rebuild"]));
    std::fs::remove_dir_all(house.data().join("index")).expect("the index goes");
    answer(&house.run(&["rebuild"]));
    answer(&house.run(&["verify"]));
    let mut server = house.start();
    assert!(server.settle());
    assert_eq!(contents(&mut server.client("auditor")), before);
    assert_eq!(search_all(&mut server.client(person), ""), found_before);
    // The same reports again bring nothing new.
    let octets: Vec<&[u8]> = reports.iter().map(|report| report.octets.as_slice()).collect();
    assert!(server.send(&house.journal, &octets).iter().all(|it| *it));
    assert!(server.settle());
    assert_eq!(contents(&mut server.client("auditor")), before);
    server.stop();
    // Without any old catalog: accounts are gone, the mail is there.
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = std::fs::remove_file(house.data().join(file));
    }
    answer(&house.run(&["rebuild"]));
    answer(&house.run(&["verify"]));
    house.account("auditor", "auditor", &[]);
    house.account("admin", "administrator", &[]);
    let server = house.start();
    assert_eq!(contents(&mut server.client("auditor")), before);
}

#[test]
fn a_report_of_a_foreign_organisation_waits_until_it_is_released() {
    let company = company();
    let house = House::new(&["somebody-else.example"]);
    let mut server = house.start();
    let report = company.reports(1).next().expect("a report");
    assert_eq!(server.send(&house.journal, &[&report.octets]), [true]);
    assert!(server.settle());
    assert!(search_all(&mut server.client("auditor"), "").is_empty());
    let mut admin = server.client("admin");
    let list = admin.get_json("/api/v1/quarantine").expect("the list");
    assert_eq!(list["total"], 1, "{list}");
    assert_eq!(list["rows"][0]["reason"]["code"], "foreign-organisation");
    let id = list["rows"][0]["id"].as_str().expect("an id").to_owned();
    let retry = format!("/api/v1/quarantine/{id}/retry");
    admin.send_json("POST", &retry, &Value::Object(Default::default())).expect("retried");
    assert!(server.settle());
    assert_eq!(
        admin.get_json("/api/v1/quarantine").expect("the list")["total"],
        1,
        "it waits again"
    );
    let release = format!("/api/v1/quarantine/{id}/release");
    let reason = serde_json::json!({ "reason": "the new name of our subsidiary" });
    admin.send_json("POST", &release, &reason).expect("released");
    assert!(server.settle());
    assert_eq!(admin.get_json("/api/v1/quarantine").expect("the list")["total"], 0);
    let found = search_all(&mut server.client("auditor"), "");
    assert_eq!(found, [house.record(report.inner_octets()).to_string()]);
    server.stop();
    answer(&house.run(&["verify"]));
}
