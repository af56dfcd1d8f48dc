//! Who may take what out of the archive, and what is said of it.

use catalog::MailJobKind;
use policy::AccountRole;
use serde_json::json;

use super::rights::appoint_officer;
use super::world::{A, Who, World};

async fn asked(world: &World, who: Who, path: &str, body: serde_json::Value) -> String {
    world.call(who, "POST", path, Some(&body.to_string())).await.outcome()
}

#[tokio::test]
async fn what_may_not_leave_is_refused_by_name() {
    let world = World::new();
    let one = || json!({ "query": "x" });
    for (who, body, outcome) in [
        (Who::Anna, json!({ "mails": one() }), "202"),
        (Who::Anna, json!({ "mails": one(), "evidence": true }), "403 not-for-this-role"),
        (Who::Anna, json!({ "mails": one(), "target": "folder" }), "403 not-for-this-role"),
        (Who::Anna, json!({ "mails": { "matter": "0".repeat(32) } }), "404 not-found"),
        (Who::Anna, json!({ "mails": {} }), "400 mails"),
        (Who::Anna, json!({ "mails": { "query": "", "records": [] } }), "400 mails"),
        (Who::Anna, json!({ "mails": { "records": [] } }), "400 mails"),
        (Who::Anna, json!({ "mails": { "query": "from:(" } }), "400 query"),
        (Who::Auditor, json!({ "mails": one() }), "400 reason"),
        (Who::Auditor, json!({ "mails": one(), "reason": "x", "evidence": true }), "202"),
        (
            Who::Auditor,
            json!({ "mails": one(), "reason": "x", "target": "folder" }),
            "403 not-for-this-role",
        ),
    ] {
        let path = "/api/v1/exports";
        assert_eq!(asked(&world, who, path, body.clone()).await, outcome, "{who:?} {body}");
    }
    let mailbox = json!({ "host": "imap.example", "port": 993, "security": "tls", "user": "anna",
        "password": "geheim" });
    for (body, outcome) in [
        (json!({ "mails": one(), "address": "anna@a.example" }), "202"),
        (json!({ "mails": one(), "address": "bert@a.example" }), "403 not-an-own-address"),
        (json!({ "mails": one(), "address": "no address" }), "400 target"),
        (json!({ "mails": one() }), "400 target"),
        (json!({ "mails": one(), "mailbox": mailbox }), "403 not-an-own-address"),
        (json!({ "mails": one(), "source": { "source": "x" } }), "403 not-an-own-address"),
        (
            json!({ "mails": one(), "address": "anna@a.example", "source": { "source": "x" } }),
            "400 target",
        ),
    ] {
        let path = "/api/v1/restores";
        assert_eq!(asked(&world, Who::Anna, path, body.clone()).await, outcome, "{body}");
    }
}

#[tokio::test]
async fn the_password_of_a_mailbox_is_sealed_and_never_shown() {
    let world = World::new();
    appoint_officer(&world, Who::Otto);
    let body = json!({ "mails": { "query": "" }, "reason": "a folder is lost", "mailbox": {
        "host": "imap.example", "port": 993, "security": "tls", "user": "anna",
        "password": "streng-geheim" } });
    let answer = world.call(Who::Otto, "POST", "/api/v1/restores", Some(&body.to_string())).await;
    assert_eq!(answer.outcome(), "202");
    assert!(!answer.text().contains("streng-geheim"));
    let list = world.get(Who::Otto, "/api/v1/restores").await.text();
    assert!(list.contains("imap.example") && !list.contains("streng-geheim"), "{list}");
    let jobs = world.catalog.open_mail_jobs(MailJobKind::Restore).expect("reads");
    assert!(!format!("{jobs:?}").contains("streng-geheim"));
    let password = world.state.takeout.password(&jobs[0]);
    assert_eq!(password.as_deref(), Some("streng-geheim"));
    let audit = world.catalog.audit_log(Some(A), &catalog::AuditQuery::default(), 50);
    assert!(!format!("{:?}", audit.expect("reads")).contains("streng-geheim"));
}

#[tokio::test]
async fn officers_bring_mail_back_by_a_source_that_there_is() {
    let world = World::new();
    appoint_officer(&world, Who::Otto);
    let source = |name: &str| json!({ "mails": { "query": "" }, "reason": "a folder is lost", "source": { "source": name } });
    let path = "/api/v1/restores";
    assert_eq!(asked(&world, Who::Otto, path, source("Mailboxes")).await, "400 target");
    let input = json!({ "name": "Mailboxes", "password": "streng-geheim",
        "config": { "server": "mail.example", "user": "anna" } });
    let input = input.to_string();
    let made = world.call(Who::Administrator, "POST", "/api/v1/fetch-sources", Some(&input)).await;
    assert_eq!(made.outcome(), "200");
    let answer = world.call(Who::Otto, "POST", path, Some(&source("Mailboxes").to_string())).await;
    assert_eq!(answer.outcome(), "202");
    let jobs = world.catalog.open_mail_jobs(MailJobKind::Restore).expect("reads");
    assert_eq!(
        (jobs[0].request["target"]["kind"].as_str(), &jobs[0].secret),
        (Some("source"), &None)
    );
    assert!(!format!("{jobs:?} {}", answer.text()).contains("streng-geheim"));
}

#[tokio::test]
async fn a_download_is_the_file_and_stands_in_the_audit_log() {
    let world = World::new();
    let body = json!({ "mails": { "query": "x" } }).to_string();
    let answer = world.call(Who::Anna, "POST", "/api/v1/exports", Some(&body)).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/exports/{id}/file");
    assert_eq!(world.get(Who::Anna, &path).await.outcome(), "404 not-found");
    let mut row = world.catalog.open_mail_jobs(MailJobKind::Export).expect("reads").remove(0);
    row.state = catalog::MailJobState::Done;
    world.catalog.save_mail_job(&row).expect("saved");
    // More than one piece.
    let octets: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
    std::fs::create_dir_all(&world.state.takeout.folder).expect("a folder");
    std::fs::write(world.state.takeout.zip(row.id), &octets).expect("a file");
    let file = world.get(Who::Anna, &path).await;
    assert_eq!((file.header("content-type"), file.octets.len()), ("application/zip", 700_000));
    assert!(file.octets == octets);
    let officer = world.account(Who::Otto, AccountRole::Officer, Some(A));
    world.catalog.update_account(&officer).expect("updated");
    assert_eq!(world.get(Who::Otto, &path).await.outcome(), "404 not-found");
    let listed = world.get(Who::Otto, "/api/v1/exports").await.json();
    assert_eq!(listed["exports"][0]["by"], "anna");
    assert_eq!(listed["exports"][0]["downloadable"], false);
    let removed = world.call(Who::Anna, "DELETE", &format!("/api/v1/exports/{id}"), None).await;
    assert_eq!(removed.outcome(), "204");
    assert!(!world.state.takeout.zip(row.id).exists());
    assert_eq!(world.get(Who::Anna, &path).await.outcome(), "404 not-found");
    let query = catalog::AuditQuery::default();
    let audit = format!("{:?}", world.catalog.audit_log(Some(A), &query, 50).expect("reads"));
    for action in ["export.begin", "export.download", "export.remove"] {
        assert!(audit.contains(action), "{action}");
    }
}
