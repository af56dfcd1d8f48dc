//! What an officer does with matters and holds, and what is seen of it.

use model::Role;
use policy::AccountRole;
use serde_json::{Value, json};

use super::rights::appoint_officer;
use super::world::{A, NewMail, Who, World, participant};

async fn post(world: &World, path: &str, body: Value) -> Value {
    let answer = world.call(Who::Otto, "POST", path, Some(&body.to_string())).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_hold_freezes_what_is_there_and_is_released() {
    let world = World::new();
    appoint_officer(&world, Who::Otto);
    let (record, _) = world.archive_letter();
    let draft = json!({ "name": "Suit", "custodians": ["anna@a.example"], "query": "Rechnung",
        "reason": "a suit" });
    let counted = post(
        &world,
        "/api/v1/matters/preview",
        json!({ "custodians": ["anna@a.example"], "query": "Rechnung" }),
    );
    assert_eq!(counted.await["mails"], 1);
    let matter = post(&world, "/api/v1/matters", draft).await;
    assert_eq!((&matter["state"], &matter["heldMails"]), (&json!("open"), &json!(0)));
    let id = matter["id"].as_str().expect("an id");
    let path = format!("/api/v1/matters/{id}/holds");
    let hold = post(&world, &path, json!({ "reason": "now" })).await;
    assert_eq!((&hold["mails"], &hold["notExaminedYet"]), (&json!(0), &json!(1)));
    assert_eq!(world.catalog.holds_on(A, &[record]).expect("reads").len(), 1);
    let (tenant, row) = world.catalog.active_holds().expect("reads").remove(0);
    let examined = world.state.discovery.examine(tenant, &row).expect("examined");
    assert_eq!(examined.map(|step| (step.records, step.found)), Some((1, 1)));
    assert_eq!(world.catalog.holds_on(A, &[record]).expect("reads").len(), 1);
    let (tenant, row) = world.catalog.active_holds().expect("reads").remove(0);
    assert_eq!(world.state.discovery.examine(tenant, &row).expect("examined"), None);
    let held = world.get(Who::Otto, &format!("/api/v1/matters/{id}/records")).await.json();
    assert_eq!((&held["total"], &held["withheld"]), (&json!(1), &json!(0)));
    assert_eq!(held["rows"][0]["id"], record.to_string());
    let hold = hold["id"].as_str().expect("an id");
    let path = format!("/api/v1/holds/{hold}/release");
    let released = post(&world, &path, json!({ "reason": "settled" })).await;
    assert_eq!(released["released"]["reason"], "settled");
    assert_eq!(world.catalog.holds_on(A, &[record]).expect("reads"), []);
    let again = world.call(Who::Otto, "POST", &path, Some(r#"{"reason":"x"}"#)).await;
    assert_eq!(again.outcome(), "404 not-found");
    let path = format!("/api/v1/matters/{id}/close");
    let closed = post(&world, &path, json!({ "reason": "over" })).await;
    assert_eq!(closed["state"], "closed");
}

#[tokio::test]
async fn an_officer_without_a_grant_sees_figures_and_no_mail() {
    let world = World::new();
    let officer = world.account(Who::Otto, AccountRole::Officer, Some(A));
    world.catalog.update_account(&officer).expect("updated");
    world.archive_letter();
    let draft = json!({ "name": "Suit", "reason": "a suit" });
    let matter = post(&world, "/api/v1/matters", draft).await;
    let id = matter["id"].as_str().expect("an id");
    post(&world, &format!("/api/v1/matters/{id}/holds"), json!({ "reason": "now" })).await;
    let (tenant, row) = world.catalog.active_holds().expect("reads").remove(0);
    world.state.discovery.examine(tenant, &row).expect("examined");
    let held = world.get(Who::Otto, &format!("/api/v1/matters/{id}/records")).await.json();
    assert_eq!((&held["total"], &held["withheld"]), (&json!(1), &json!(1)));
    assert_eq!(held["rows"], json!([]));
}

#[tokio::test]
async fn what_a_matter_cannot_be_about_is_refused_by_name() {
    let world = World::new();
    appoint_officer(&world, Who::Otto);
    for (draft, outcome) in [
        (json!({ "name": "A", "query": "from:(", "reason": "x" }), "400 query"),
        (json!({ "name": "A", "custodians": ["nobody"], "reason": "x" }), "400 custodian"),
        // Of another tenant, and without an address here.
        (json!({ "name": "A", "custodians": ["foreigner"], "reason": "x" }), "400 custodian"),
        (json!({ "name": " ", "reason": "x" }), "400 invalid"),
        (json!({ "name": "A", "reason": " " }), "400 reason"),
        (
            json!({ "name": "A", "reason": "x",
                "span": { "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z" } }),
            "400 invalid",
        ),
    ] {
        let body = draft.to_string();
        let answer = world.call(Who::Otto, "POST", "/api/v1/matters", Some(&body)).await;
        assert_eq!(answer.outcome(), outcome, "{body}");
    }
    let draft = r#"{"name":"A","reason":"x"}"#;
    let answer = world.call(Who::Otto, "POST", "/api/v1/matters", Some(draft)).await;
    assert_eq!(answer.outcome(), "201");
    let answer = world.call(Who::Otto, "POST", "/api/v1/matters", Some(draft)).await;
    assert_eq!(answer.outcome(), "409 matter-name-taken");
}

/// Nobody knows whether the attachment of the letter has the word.
#[tokio::test]
async fn a_hold_keeps_what_cannot_be_searched_unless_it_is_told_not_to() {
    let world = World::new();
    appoint_officer(&world, Who::Otto);
    let (letter, _) = world.archive_letter();
    let plain = plain_mail(&world);
    let about = json!({ "custodians": ["anna@a.example"], "query": "Kranvertrag" });
    let counted = post(&world, "/api/v1/matters/preview", about).await;
    assert_eq!((&counted["mails"], &counted["unsearchable"]), (&json!(0), &json!(1)));
    // Of other people nothing is in question.
    let about = json!({ "custodians": ["otto@a.example"], "query": "Kranvertrag" });
    let counted = post(&world, "/api/v1/matters/preview", about).await;
    assert_eq!((&counted["mails"], &counted["unsearchable"]), (&json!(0), &json!(0)));
    for (name, unsearchable, expected) in
        [("Safe", None, vec![letter]), ("Sure", Some(false), vec![])]
    {
        let mut draft = json!({ "name": name, "custodians": ["anna@a.example"],
            "query": "Kranvertrag", "reason": "a suit" });
        if let Some(unsearchable) = unsearchable {
            draft["unsearchable"] = json!(unsearchable);
        }
        let matter = post(&world, "/api/v1/matters", draft).await;
        assert_eq!(matter["unsearchable"], json!(unsearchable.unwrap_or(true)));
        let path = format!("/api/v1/matters/{}/holds", matter["id"].as_str().expect("an id"));
        let hold = post(&world, &path, json!({ "reason": "now" })).await;
        assert_eq!(hold["unsearchable"], matter["unsearchable"]);
        let (tenant, row) = world.catalog.active_holds().expect("reads").remove(0);
        world.state.discovery.examine(tenant, &row).expect("examined");
        let held = world.catalog.holds_on(A, &[letter, plain]).expect("reads");
        assert_eq!(held.into_iter().map(|(record, _)| record).collect::<Vec<_>>(), expected);
        let path = format!("/api/v1/holds/{}/release", hold["id"].as_str().expect("an id"));
        post(&world, &path, json!({ "reason": "settled" })).await;
    }
}

/// A mail of Anna's without the word, and without an attachment.
fn plain_mail(world: &World) -> model::RecordId {
    let octets = b"From: anna@a.example\r\nTo: bert@a.example\r\nSubject: plain\r\n\r\nHello.\r\n";
    let participants =
        vec![participant("anna@a.example", Role::Sender), participant("bert@a.example", Role::To)];
    world.archive(A, &[NewMail { octets: octets.to_vec(), report: None, participants }])[0]
}
