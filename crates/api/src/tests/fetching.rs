//! Secrets of fetched sources go in and never come out, and never to another server.

use std::sync::atomic::{AtomicU8, Ordering};

use catalog::{AuditEvent, FetchConfig};
use model::{SourceId, TenantId};
use serde_json::{Value, json};

use super::world::{A, Who, World};
use crate::{DeskError, FetchDesk, FetchStatus, TypedSecrets, dto};

/// Does what it is told and knows nothing.
pub struct Calm;

static DRAWN: AtomicU8 = AtomicU8::new(1);

impl FetchDesk for Calm {
    fn new_id(&self) -> Result<SourceId, DeskError> {
        Ok(SourceId::from_bytes([DRAWN.fetch_add(1, Ordering::SeqCst); 16]))
    }

    fn seal(&self, _: SourceId, which: &str, secret: &str) -> Result<String, DeskError> {
        Ok(format!("sealed {which} of {} letters", secret.len()))
    }

    fn changed(&self, _: TenantId, _: SourceId) -> Result<(), DeskError> {
        Ok(())
    }

    fn poll(&self, _: SourceId) -> Result<(), DeskError> {
        Ok(())
    }

    fn reconcile(&self, _: SourceId, _: &str) -> Result<(), DeskError> {
        Ok(())
    }

    fn pause(&self, _: SourceId, _: bool) -> Result<(), DeskError> {
        Ok(())
    }

    fn reset(&self, _: SourceId, _: &[AuditEvent]) -> Result<(), DeskError> {
        Ok(())
    }

    fn status(&self, _: SourceId) -> Option<FetchStatus> {
        None
    }

    fn test(&self, _: &FetchConfig, secrets: &TypedSecrets<'_>) -> dto::FetchTest {
        dto::FetchTest { ok: secrets.password.is_some(), steps: Vec::new() }
    }
}

async fn send(world: &World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = world.call(Who::Administrator, method, path, Some(&body.to_string())).await;
    (answer.status.as_u16(), serde_json::from_slice(&answer.octets).unwrap_or_default())
}

#[tokio::test]
async fn a_secret_is_sealed_and_never_shown_nor_sent_to_another_server() {
    let world = World::new();
    let new = json!({
        "name": "Journal mailbox",
        "config": { "server": "mail.example", "user": "journal", "everyMinutes": 5 },
        "password": "tell nobody",
    });
    let (status, made) = send(&world, "POST", "/api/v1/fetch-sources", &new).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!((&made["hasPassword"], &made["hasClientKey"]), (&json!(true), &json!(false)));
    assert_eq!(made["config"]["everyMinutes"], 5);
    assert!(!made.to_string().contains("tell nobody"));
    let id: SourceId = made["id"].as_str().expect("an id").parse().expect("an id");
    let kept = world.catalog.fetch_source(A, id).expect("reads").expect("there");
    assert_eq!(kept.secrets.password.as_deref(), Some("sealed password of 11 letters"));
    let query = catalog::AuditQuery::default();
    let audit = world.catalog.audit_log(Some(A), &query, 100).expect("reads");
    assert!(!format!("{audit:?}").contains("tell nobody"));

    let path = format!("/api/v1/fetch-sources/{id}");
    let moved = json!({ "name": "Elsewhere", "config": { "server": "evil.example" } });
    let (status, refused) = send(&world, "PUT", &path, &moved).await;
    assert_eq!((status, &refused["code"]), (400, &json!("password-needed")));
    let tried = json!({ "id": id.to_string(), "config": { "server": "evil.example" } });
    let (status, _) = send(&world, "POST", "/api/v1/fetch-sources/test", &tried).await;
    assert_eq!(status, 400);
    let renamed = json!({ "name": "Renamed", "config": { "server": "mail.example" } });
    let (status, changed) = send(&world, "PUT", &path, &renamed).await;
    assert_eq!((status, &changed["hasPassword"]), (200, &json!(true)));
    let emptied =
        json!({ "name": "Renamed", "config": { "server": "evil.example" }, "password": "" });
    let (_, changed) = send(&world, "PUT", &path, &emptied).await;
    assert_eq!(changed["hasPassword"], false);
}

#[tokio::test]
async fn what_cannot_work_is_refused() {
    let world = World::new();
    for config in [
        json!({}),
        json!({ "server": "a b" }),
        json!({ "server": "mail.example", "everyMinutes": 0 }),
        json!({ "server": "mail.example", "mailMebibytesMax": 101 }),
        json!({ "server": "mail.example", "port": 0 }),
        json!({ "server": "mail.example", "mode": { "kind": "mailbox", "address": "nobody" } }),
        json!({ "server": "mail.example", "protocol": "pop3", "after": { "kind": "move", "folder": "x" } }),
        json!({ "server": "mail.example", "mode": { "kind": "mailboxes", "by": { "kind": "oauth" } } }),
    ] {
        let new = json!({ "name": "x", "config": config });
        let (status, _) = send(&world, "POST", "/api/v1/fetch-sources", &new).await;
        assert_eq!(status, 400, "{config}");
    }
}
