//! Accounts, grants, access and the audit log as people use them.

use policy::AccountRole;
use serde_json::{Value, json};

use super::world::{A, Who, World};

const ANNA: &str = "01010101010101010101010101010101";
const BERT: &str = "02020202020202020202020202020202";

/// Makes Otto the compliance officer of the tenant.
fn appoint(world: &World) {
    let officer = world.account(Who::Otto, AccountRole::Officer, Some(A));
    world.catalog.update_account(&officer).expect("updated");
}

async fn post(world: &World, who: Who, path: &str, body: Value) -> super::world::Answer {
    world.call(who, "POST", path, Some(&body.to_string())).await
}

async fn found(world: &World, who: Who) -> Value {
    world.get(who, "/api/v1/search?q=Rechnung").await.json()["total"].clone()
}

#[tokio::test]
async fn a_deputy_finds_the_mail_of_the_mailbox_until_the_grant_is_revoked() {
    let world = World::new();
    world.archive_letter();
    assert_eq!(found(&world, Who::Otto).await, 0);
    let grant = json!({
        "account": "04040404040404040404040404040404", "mailbox": BERT, "kind": "deputy",
        "reason": "holidays", "mail": { "until": "2100-01-01T00:00:00Z" },
    });
    let given = post(&world, Who::Administrator, "/api/v1/grants", grant).await;
    assert_eq!(given.outcome(), "201");
    assert_eq!(given.json()["active"], true);
    assert_eq!(found(&world, Who::Otto).await, 1);
    let mailboxes = world.get(Who::Otto, "/api/v1/mailboxes").await.json();
    assert_eq!(mailboxes["mailboxes"][0]["userName"], "bert");
    assert_eq!(mailboxes["mailboxes"][0]["open"], true);
    let id = given.json()["id"].as_str().expect("an id").to_owned();
    let revoke = format!("/api/v1/grants/{id}/revoke");
    let refused = post(&world, Who::Administrator, &revoke, json!({ "reason": " " })).await;
    assert_eq!(refused.status, 400);
    let done = post(&world, Who::Administrator, &revoke, json!({ "reason": "back" })).await;
    assert_eq!(done.outcome(), "204");
    assert_eq!(found(&world, Who::Otto).await, 0);
    let listed = world.get(Who::Administrator, &format!("/api/v1/grants?mailbox={BERT}")).await;
    assert_eq!(listed.json()["grants"][0]["revokedBy"], "administrator");
}

#[tokio::test]
async fn with_four_eyes_the_auditor_finds_what_the_officer_approved() {
    let world = World::new();
    world.archive_letter();
    appoint(&world);
    let mut tenant = world.catalog.tenant(A).expect("reads").expect("there");
    tenant.settings.four_eyes = true;
    tenant.settings.tell_concerned = true;
    world.catalog.update_tenant(&tenant).expect("updated");
    assert_eq!(found(&world, Who::Auditor).await, 0);
    let ask = json!({
        "mailboxes": [ANNA], "reason": "an accusation", "until": "2026-10-01T00:00:00Z",
    });
    let asked = post(&world, Who::Auditor, "/api/v1/access-requests", ask).await;
    assert_eq!(asked.outcome(), "201", "{}", asked.text());
    let id = asked.json()["id"].as_str().expect("an id").to_owned();
    let path = |act: &str| format!("/api/v1/access-requests/{id}{act}");
    let reason = || json!({ "reason": "plausible" });
    assert_eq!(post(&world, Who::Auditor, &path("/approve"), reason()).await.status, 404);
    assert_eq!(found(&world, Who::Auditor).await, 0);
    let waiting = world.get(Who::Otto, "/api/v1/access-requests").await.json();
    assert_eq!(waiting["requests"][0]["decidable"], true);
    let approved = post(&world, Who::Otto, &path("/approve"), reason()).await;
    assert_eq!(approved.outcome(), "200", "{}", approved.text());
    assert_eq!(approved.json()["concerned"][0]["account"]["userName"], "anna");
    assert_eq!(found(&world, Who::Auditor).await, 1);
    let revoked = post(&world, Who::Auditor, &path("/revoke"), reason()).await;
    assert_eq!(revoked.json()["state"], "revoked");
    assert_eq!(found(&world, Who::Auditor).await, 0);

    let own = json!({ "wholeTenant": true, "reason": "mine", "until": "2026-10-01T00:00:00Z" });
    let own = post(&world, Who::Otto, "/api/v1/access-requests", own).await.json();
    let path = format!("/api/v1/access-requests/{}/approve", own["id"].as_str().expect("an id"));
    assert_eq!(post(&world, Who::Otto, &path, reason()).await.outcome(), "409 own-request");
    let hidden = format!("/api/v1/access-requests/{}", own["id"].as_str().expect("an id"));
    assert_eq!(world.get(Who::Auditor, &hidden).await.status, 404, "somebody else's");
}

#[tokio::test]
async fn the_audit_log_is_for_auditors_and_officers_and_reading_it_is_recorded() {
    let world = World::new();
    appoint(&world);
    let body = json!({ "userName": "=cmd|calc", "role": "user", "addresses": ["new@a.example"] });
    let created = post(&world, Who::Administrator, "/api/v1/accounts", body).await;
    assert_eq!(created.outcome(), "201", "{}", created.text());
    assert!(created.json()["oneTimePassword"].as_str().is_some_and(|one| one.len() > 20));
    for (who, outcome) in
        [(Who::Anna, "404 not-found"), (Who::Administrator, "404 not-found"), (Who::Otto, "200")]
    {
        assert_eq!(world.get(who, "/api/v1/audit").await.outcome(), outcome, "{who:?}");
    }
    let log = world.get(Who::Auditor, "/api/v1/audit?action=account&q=cmd").await.json();
    assert_eq!(log["events"][0]["action"], "account.create");
    assert_eq!(log["events"][0]["detail"]["after"]["addresses"], json!(["new@a.example"]));
    assert!(!log.to_string().contains(created.json()["oneTimePassword"].as_str().expect("one")));
    let read = world.get(Who::Auditor, "/api/v1/audit?action=audit.read&who=auditor").await.json();
    assert_eq!(read["events"][0]["detail"]["q"], "cmd");
    let csv = world.get(Who::Auditor, "/api/v1/audit/export?format=csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text().starts_with("at,who,account,action,object,outcome,ip,reason,detail\r\n"));
    assert!(csv.text().contains("audit.export"), "its own beginning stands in it");
    let lines = world.get(Who::Otto, "/api/v1/audit/export?format=jsonl&action=account").await;
    let first: Value =
        serde_json::from_str(lines.text().lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["action"], "account.create");
    assert_eq!(world.get(Who::Otto, "/api/v1/audit/export?format=xls").await.status, 400);
    let own = world.get(Who::Operator, "/api/v1/audit").await.json();
    assert!(!own.to_string().contains("account.create"), "the tenants' logs are theirs");
}

#[test]
fn no_cell_of_an_export_is_a_formula() {
    use crate::routes::audit::csv_cell;
    for (text, cell) in [
        ("plain", "plain"),
        ("=1+1", "\"'=1+1\""),
        ("-2", "\"'-2\""),
        ("@SUM(A1)", "\"'@SUM(A1)\""),
        ("+49", "\"'+49\""),
        ("\tx", "\"'\tx\""),
        ("a,\"b\"", "\"a,\"\"b\"\"\""),
    ] {
        assert_eq!(csv_cell(text), cell);
    }
}

#[tokio::test]
async fn a_sheet_is_previewed_and_then_imported_as_it_was_seen() {
    let world = World::new();
    let sheet =
        "dora,long enough password,Dora,Dach,dora@a.example\nemil,,Emil,Eck,anna@a.example\n";
    let preview = |text: &'static str| {
        world.call(Who::Administrator, "POST", "/api/v1/accounts/import/preview", Some(text))
    };
    let seen = preview(sheet).await.json();
    assert_eq!((&seen["created"], &seen["refused"]), (&json!(1), &json!(1)));
    assert_eq!(seen["lines"][1]["errors"][0]["code"], "address-owned");
    let import = |digest: &Value, text: &'static str| {
        let digest = digest.as_str().expect("a digest").to_owned();
        let world = &world;
        async move {
            let path = format!("/api/v1/accounts/import?digest={digest}");
            world.call(Who::Administrator, "POST", &path, Some(text)).await
        }
    };
    assert_eq!(import(&seen["digest"], sheet).await.outcome(), "409 plan-refused");
    let good = "dora,long enough password,Dora,Dach,dora@a.example\n";
    let seen = preview(good).await.json();
    let done = import(&seen["digest"], good).await;
    assert_eq!(done.outcome(), "200", "{}", done.text());
    assert!(!done.text().contains("long enough password"));
    let export = world.get(Who::Administrator, "/api/v1/accounts/export").await;
    assert!(export.text().contains("dora,,Dora,Dach,dora@a.example\r\n"), "{}", export.text());
    assert!(!export.text().contains("argon2"));
    let listed = world.get(Who::Administrator, "/api/v1/accounts?q=dach").await.json();
    assert_eq!(listed["rows"][0]["hasPassword"], true);
    assert_eq!(listed["rows"][0]["mustChangePassword"], true);
    assert_eq!(listed["userNamePrefix"], "alpha-");
}
