//! Mail whose period is over: what is not archived at all, the effect of policies before they are
//! made, proposal, approval, the end of the mail, and what proves it, while everything else stays.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use model::RecordId;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::authority::{Authority, has_authority, has_tool};
use testkit::http::Client;

use crate::disposal::places;
use crate::house::{House, Server, answer, search_all};
use crate::takeout::{ended, judge};

/// Longer than anything takes on a busy machine; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

const COUNCIL: &str = "betriebsrat@musterbau.example";

/// Words of mail that goes, or never came; each stands nowhere else.
const WORDS: [&str; 4] = ["Zeppelinhalle", "Kranballast", "Doppelhaushang", "Ratsgeheimnis"];

fn mail(number: u32, to: &[&str], year: u32, text: &str) -> Vec<u8> {
    let to = to.join(", ");
    format!(
        "From: kunde@fremd.example\r\nTo: {to}\r\nSubject: number {number}\r\n\
         Date: Tue, 14 Feb {year} 08:15:00 +0000\r\nMessage-ID: <d{number}@fremd.example>\r\n\r\n\
         {text}\r\n"
    )
    .into_bytes()
}

/// What is in the archive when the run is proposed.
struct Mails {
    letter: Vec<u8>,
    voucher: Vec<u8>,
    /// To somebody whose mail is archived, and to the works council.
    both: Vec<u8>,
    held: Vec<u8>,
    council: Vec<u8>,
    young: Vec<u8>,
}

fn mails() -> Mails {
    let bert = "bert@musterbau.example";
    Mails {
        letter: mail(1, &[bert], 2012, "Die Zeppelinhalle wird fertig."),
        voucher: mail(2, &[bert], 2012, "Anbei die Rechnung für den Kranballast."),
        both: mail(3, &[bert, COUNCIL], 2012, "Der Doppelhaushang rutscht."),
        held: mail(4, &[bert], 2012, "Nachtrag zu Aurora."),
        council: mail(5, &[COUNCIL], 2012, "Das Ratsgeheimnis."),
        young: mail(6, &[bert], 2012, "Kam heute erst an."),
    }
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Result<T, Value>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(found) => return found,
            Err(state) => assert!(begun.elapsed() < PATIENCE, "not yet {what}: {state}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    client.send_json("POST", path, body).expect("an answer")
}

/// The status of a request that is refused.
fn refused(client: &mut Client, method: &str, path: &str, body: &Value) -> u16 {
    client.exchange(method, path, body.to_string().as_bytes()).expect("an answer").status
}

fn exclude_the_council(officer: &mut Client) {
    let path = "/api/v1/retention/exclusions";
    let rule = json!({ "name": "Betriebsrat", "addresses": [COUNCIL], "reason": "BetrVG §79a" });
    let mut rules = json!({ "rules": [rule], "reason": "works agreement" });
    assert_eq!(refused(officer, "PUT", path, &rules), 400, "the warning was not accepted");
    rules["warningAccepted"] = true.into();
    officer.send_json("PUT", path, &rules).expect("set");
}

/// Imports count as received at their own date; the young one is received now.
fn fill(house: &House, server: &mut Server, folder: &Path, mails: &Mails) {
    for (number, octets) in
        [&mails.letter, &mails.voucher, &mails.both, &mails.held, &mails.council].iter().enumerate()
    {
        std::fs::write(folder.join(format!("{number}.eml")), octets).expect("written");
    }
    let path = folder.to_str().expect("a readable path");
    let said = house.run(&["import", "--tenant", "Musterbau", "--json", path]).stdout;
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!((&said["archived"], &said["failed"]), (&json!(4), &json!(1)), "{said}");
    let reasons = said["reasons"].as_object().expect("reasons");
    assert!(reasons.keys().any(|why| why.contains("a rule leaves it out")), "{said}");
    assert_eq!(server.send(&house.journal, &[&mails.young]), [true]);
    assert!(server.settle());
}

fn hold_aurora(officer: &mut Client) {
    let draft = json!({ "name": "Aurora", "query": "Aurora", "reason": "a suit" });
    let matter = post(officer, "/api/v1/matters", &draft);
    let path = format!("/api/v1/matters/{}", matter["id"].as_str().expect("an id"));
    post(officer, &format!("{path}/holds"), &json!({ "reason": "the court asks" }));
    until("held", || {
        let matter = officer.get_json(&path).expect("the matter");
        let done = matter["heldMails"] == 1 && matter["holds"][0]["notExaminedYet"] == 0;
        if done { Ok(()) } else { Err(matter) }
    });
}

/// The set of German law, as somebody who reads German takes it over.
fn german_policies(house: &House) -> Value {
    let sets = answer(&house.run(&["retention", "ready", "--language", "de", "--json"]));
    let sets: Value = serde_json::from_str(&sets).expect("JSON");
    let sets = sets.as_array().expect("sets");
    let german = sets.iter().find(|set| set["id"] == "de-hgb-ao").expect("the set");
    json!({
        "zone": "Europe/Berlin", "validFrom": "2020-01-01", "reason": "HGB und AO",
        "policies": german["policies"],
    })
}

/// Before anything is made: how many mails, which dates, what a hold keeps.
fn see_the_effect(officer: &mut Client, draft: &Value) {
    let asked = post(officer, "/api/v1/retention/surveys", &json!({ "draft": draft }));
    let path = format!("/api/v1/retention/surveys/{}", asked["id"].as_str().expect("an id"));
    let effect = until("surveyed", || {
        let survey = officer.get_json(&path).expect("the survey");
        if survey["state"] == "waiting" { Err(survey) } else { Ok(survey["result"].clone()) }
    });
    for (name, expected) in
        [("changed", 5), ("newlyDue", 4), ("newlyDueHeld", 1), ("noLongerDue", 0), ("earlier", 5)]
    {
        assert_eq!(effect[name], expected, "{name}: {effect}");
    }
    assert_eq!(effect["now"]["undetermined"], 5, "{effect}");
    let months: Vec<(&str, u64)> = effect["then"]["months"]
        .as_array()
        .expect("months")
        .iter()
        .filter_map(|month| Some((month["month"].as_str()?, month["mails"].as_u64()?)))
        .collect();
    // Letters of 2012 six years, vouchers eight, each to the end of the year.
    assert_eq!(months[..2], [("2018-12", 3), ("2020-12", 1)], "{effect}");
    let versions = officer.get_json("/api/v1/retention/policies").expect("the versions");
    assert_eq!(versions["versions"], json!([]), "a look makes no version");
}

/// Proposes by one officer and approves by another one; the path of the run, which is done.
fn propose_and_approve(one: &mut Client, two: &mut Client) -> String {
    let asked = json!({ "classes": [], "reason": "the year is over" });
    let run = post(one, "/api/v1/disposal/runs", &asked);
    let path = format!("/api/v1/disposal/runs/{}", run["id"].as_str().expect("an id"));
    let proposed = state(one, &path, "proposed");
    assert_eq!((&proposed["mails"], &proposed["leftOutHeld"]), (&json!(3), &json!(1)));
    let summary = one.get_json(&format!("{path}/summary")).expect("the summary");
    let share = |place: usize| {
        let share = &summary["shares"][place];
        (share["policy"].clone(), share["mails"].clone())
    };
    assert_eq!(share(0), (json!("Handels- und Geschäftsbriefe"), json!(2)), "{summary}");
    assert_eq!(share(1), (json!("Buchungsbelege und Rechnungen"), json!(1)), "{summary}");
    assert_eq!(summary["certificates"], Value::Null);
    let sample = one.get_json(&format!("{path}/items?limit=2")).expect("a sample");
    assert_eq!(sample["items"].as_array().map(Vec::len), Some(2), "{sample}");
    let list = one.request("GET", &format!("{path}/items.csv"), &[]).expect("the list").body;
    assert_eq!(String::from_utf8_lossy(&list).lines().count(), 4);
    let (approve, reason) = (format!("{path}/approve"), json!({ "reason": "looked through" }));
    assert_eq!(refused(one, "POST", &approve, &reason), 409, "their own proposal");
    assert_eq!(refused(two, "POST", &approve, &json!({ "reason": " " })), 400, "no reason");
    post(two, &approve, &reason);
    let done = state(two, &path, "done");
    assert_eq!((&done["disposed"], &done["kept"]), (&json!(3), &json!(0)), "{done}");
    path
}

fn state(client: &mut Client, path: &str, wanted: &str) -> Value {
    until(wanted, || {
        let run = client.get_json(path).expect("the run");
        if run["state"] == wanted { Ok(run) } else { Err(run) }
    })
}

/// Every mail that went left a certificate, which names no word of it and is time-stamped.
fn certified(officer: &mut Client, path: &str, mails: &[(&Vec<u8>, RecordId)]) {
    let summary = officer.get_json(&format!("{path}/summary")).expect("the summary");
    assert_eq!(summary["certificates"]["count"], mails.len(), "{summary}");
    for (octets, record) in mails {
        let certificate = until("stamped", || {
            let path = format!("{path}/certificates/{record}");
            let found = officer.get_json(&path).expect("a certificate");
            if found["seal"]["stampedAt"].is_string() { Ok(found) } else { Err(found) }
        });
        let facts = &certificate["facts"];
        assert_eq!(facts["content"], model::ContentId::of(octets).to_string());
        assert_eq!(facts["approvals"].as_array().map(Vec::len), Some(1), "{certificate}");
        let note = certificate["note"].as_str().expect("the note");
        assert!(WORDS.iter().all(|word| !note.contains(word)), "{note}");
    }
    let unknown = format!("{path}/certificates/{}", "0".repeat(32));
    assert_eq!(officer.exchange("GET", &unknown, &[]).expect("an answer").status, 404);
}

#[test]
fn what_is_due_goes_with_a_certificate_and_what_is_held_or_young_stays_proven() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let mut authority = Authority::make(&folder.path().join("authority"), "ec:P-256");
    authority.serve();
    let house = House::new(&[]);
    for officer in ["one", "two"] {
        house.account(officer, "officer", &[]);
    }
    house.account("bert", "user", &["bert@musterbau.example"]);
    house.account("council", "user", &[COUNCIL]);
    answer(&house.run(&["domain", "add", "--tenant", "Musterbau", "musterbau.example"]));
    let mut server = house.start_configured(&format!(
        "[evidence]\nauthority = '{}/'\nanchors = '{}'\nevery_seconds = 1\n",
        authority.address(),
        authority.file("root.pem").display()
    ));
    let (mut one, mut two) = (server.client("one"), server.client("two"));
    exclude_the_council(&mut one);
    let mails = mails();
    let imported = folder.path().join("mails");
    std::fs::create_dir(&imported).expect("a folder");
    fill(&house, &mut server, &imported, &mails);
    assert_eq!(search_all(&mut server.client("council"), ""), Vec::<String>::new());
    assert_eq!(search_all(&mut server.client("bert"), "").len(), 5);
    hold_aurora(&mut one);
    let draft = german_policies(&house);
    see_the_effect(&mut one, &draft);
    post(&mut one, "/api/v1/retention/policies", &draft);

    let path = propose_and_approve(&mut one, &mut two);
    let mut auditor = server.client("auditor");
    let kept = [&mails.held, &mails.young].map(|mail| house.record(mail).to_string());
    let found: BTreeSet<String> = search_all(&mut auditor, "").into_iter().collect();
    assert_eq!(found, BTreeSet::from(kept));
    let gone = [&mails.letter, &mails.voucher, &mails.both].map(|it| (it, house.record(it)));
    for (_, record) in &gone {
        let path = format!("/api/v1/records/{record}");
        assert_eq!(auditor.exchange("GET", &path, &[]).expect("an answer").status, 404);
    }
    let status = server.client("admin").get_json("/api/v1/status").expect("the status");
    assert_eq!(status["archive"]["records"], 2, "{status}");
    certified(&mut two, &path, &gone);

    let order = json!({ "mails": { "query": "" }, "evidence": true, "reason": "an audit" });
    let export = post(&mut auditor, "/api/v1/exports", &order);
    let export = format!("/api/v1/exports/{}", export["id"].as_str().expect("an id"));
    let job = ended(&mut auditor, &export);
    assert_eq!((&job["state"], &job["result"]["mails"]), (&json!("done"), &json!(2)), "{job}");
    let file = auditor.request("GET", &format!("{export}/file"), &[]).expect("the file");
    let zip = folder.path().join("export.zip");
    std::fs::write(&zip, &file.body).expect("written");
    if let Some((proven, said)) = judge(&zip, &authority) {
        assert!(proven && said.contains("2 of 2 mails are proven"), "{said}");
    }
    server.stop();
    assert_eq!(places(&house, &WORDS), Vec::<String>::new());
    answer(&house.run(&["verify"]));
}
