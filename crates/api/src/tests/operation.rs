//! Probes, the live log, settings: what the server shows of itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use model::{TenantId, Timestamp};

use super::world::{A, B, NOW, Who, World};
use crate::dto::{self, LogEntry, Severity};
use crate::{
    DeskError, LOG_LISTENERS_MAX, LOG_WAITING_MAX, LiveLog, LogFilter, LogItem, Operation, Peer,
    SettingsChange, SettingsError,
};

/// A server that is well.
pub struct Calm;

const TOKEN: &str = "a token for the scraper";

impl Operation for Calm {
    fn readiness(&self) -> dto::Readiness {
        dto::Readiness { ready: true, parts: Vec::new() }
    }

    fn may_read_metrics(&self, peer: Option<IpAddr>, token: Option<&str>) -> bool {
        peer.is_some_and(|peer| peer.is_loopback()) || token == Some(TOKEN)
    }

    fn metrics(&self) -> Result<String, DeskError> {
        Ok("chancery_up 1\n".to_owned())
    }

    fn system(&self) -> Result<dto::SystemStatus, DeskError> {
        Ok(dto::SystemStatus {
            version: "0".to_owned(),
            catalog_schema: 1,
            operating_system: String::new(),
            host_name: String::new(),
            process_id: 1,
            started_at: NOW,
            uptime_seconds: 1,
            listeners: Vec::new(),
            data_folder: String::new(),
            disk: dto::Disk::default(),
            open_files: 0,
            open_files_max: 0,
            memory_bytes: 0,
            threads: 0,
            processors: 0,
            readiness: self.readiness(),
            last_backup: None,
            certificates: Vec::new(),
            restart_needed: Vec::new(),
        })
    }

    fn settings(&self) -> Result<dto::SettingsAnswer, DeskError> {
        Ok(dto::SettingsAnswer {
            settings: dto::ServerSettings::default(),
            fixed: Vec::new(),
            changed: Vec::new(),
            restart_needed: Vec::new(),
            has_password: false,
            has_metrics_token: false,
        })
    }

    fn change_settings(&self, patch: serde_json::Value) -> Result<SettingsChange, SettingsError> {
        if patch.pointer("/smtp/hostName").is_some() {
            return Err(SettingsError::Fixed { path: "smtp.hostName".to_owned() });
        }
        let before = serde_json::Value::Null;
        Ok(SettingsChange { answer: self.settings()?, before, after: patch })
    }

    fn notifications(&self) -> Result<dto::NotificationsAnswer, DeskError> {
        let condition = |tenant: Option<TenantId>| dto::Condition {
            code: "quarantine-grew".to_owned(),
            tenant: tenant.map(|tenant| tenant.to_string()),
            object: String::new(),
            since: NOW,
            facts: BTreeMap::new(),
        };
        let conditions = [None, Some(A), Some(B)].map(condition).to_vec();
        Ok(dto::NotificationsAnswer { conditions, waiting: 3, last_error: Some("450".into()) })
    }

    fn send_test_mail(&self, _: &str, _: dto::NoticeLanguage) -> Result<(), String> {
        Ok(())
    }

    fn connect_microsoft365(
        &self,
        tenant: TenantId,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError> {
        self.check_microsoft365(tenant, NOW)
    }

    fn check_microsoft365(
        &self,
        _: TenantId,
        _: Timestamp,
    ) -> Result<Option<dto::ConnectMicrosoft365>, DeskError> {
        Ok(Some(dto::ConnectMicrosoft365 {
            host_name: "archive.example".to_owned(),
            port: 25,
            archive_domains: Vec::new(),
            organisations: Vec::new(),
            journal_addresses: Vec::new(),
            certificate: dto::CertificateFacts {
                subject: String::new(),
                issuer: String::new(),
                not_after: NOW,
                self_signed: true,
            },
            message_size_bytes_max: 1,
            steps: Vec::new(),
            checks: Vec::new(),
        }))
    }
}

fn entry(severity: Severity, tenant: Option<TenantId>, message: &str) -> LogEntry {
    LogEntry {
        id: 0,
        at: NOW,
        severity,
        area: "test".to_owned(),
        message: message.to_owned(),
        tenant: tenant.map(|tenant| tenant.to_string()),
        source: None,
        fields: BTreeMap::new(),
    }
}

async fn metrics(world: &World, peer: Option<IpAddr>, token: Option<&str>) -> String {
    let mut request = Request::get("/metrics").header(header::HOST, "10.0.0.1:8443");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut request = request.body(Body::empty()).expect("a request");
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    world.send(request).await.outcome()
}

#[tokio::test]
async fn metrics_are_for_known_networks_and_for_who_has_the_token() {
    let world = World::new();
    let near = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let far = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(metrics(&world, Some(near), None).await, "200");
    assert_eq!(metrics(&world, Some(far), None).await, "404 not-found");
    assert_eq!(metrics(&world, Some(far), Some("wrong")).await, "404 not-found");
    assert_eq!(metrics(&world, Some(far), Some(TOKEN)).await, "200");
    assert_eq!(metrics(&world, None, None).await, "404 not-found");
}

#[tokio::test]
async fn answers_are_counted_by_route_and_not_by_path() {
    let world = World::new();
    for id in ["0", "1", "2"] {
        world.get(Who::Anna, &format!("/api/v1/records/{id}")).await;
    }
    world.get(Who::Nobody, "/some/page").await;
    let counted: Vec<_> = world
        .state
        .http
        .reading()
        .into_iter()
        .map(|(key, count)| {
            format!("{} {} {} {}", key.method, key.route, key.status, count.answers)
        })
        .collect();
    assert!(counted.contains(&"GET /api/v1/records/{id} 404 3".to_owned()), "{counted:?}");
    assert!(counted.iter().all(|line| !line.contains("/some/page")), "{counted:?}");
}

#[tokio::test]
async fn an_administrator_follows_their_tenant_and_an_operator_everything() {
    let world = World::new();
    let log = &world.state.live_log;
    log.note(entry(Severity::Info, Some(A), "of a"));
    log.note(entry(Severity::Warn, Some(B), "of b"));
    log.note(entry(Severity::Error, None, "of the server"));
    log.note(entry(Severity::Debug, Some(A), "detail of a"));
    let b = format!("/api/v1/log/recent?tenant={B}");
    for (who, path, expected) in [
        (Who::Administrator, "/api/v1/log/recent", &["of a"][..]),
        (Who::Administrator, "/api/v1/log/recent?severity=debug", &["of a", "detail of a"]),
        (Who::ForeignAdministrator, "/api/v1/log/recent", &["of b"]),
        (Who::Operator, "/api/v1/log/recent", &["of a", "of b", "of the server"]),
        (Who::Operator, "/api/v1/log/recent?after=1", &["of b", "of the server"]),
        (Who::Operator, "/api/v1/log/recent?severity=error", &["of the server"]),
        (Who::Operator, &b, &["of b"]),
    ] {
        let answer = world.get(who, path).await.json();
        let entries = answer["entries"].as_array().expect("entries").iter();
        let messages: Vec<_> = entries.filter_map(|it| it["message"].as_str()).collect();
        assert_eq!(messages, expected, "{who:?} {path}");
    }
    assert_eq!(world.get(Who::Administrator, &b).await.outcome(), "404 not-found");
}

#[tokio::test]
async fn the_stream_brings_the_past_then_the_present_and_ends_with_the_server() {
    let world = World::new();
    let log = &world.state.live_log;
    log.note(entry(Severity::Info, Some(A), "before"));
    let (token, _) = world.sign_in(Who::Administrator);
    let request = Request::get("/api/v1/log")
        .header(header::HOST, "archive.example")
        .header(header::COOKIE, format!("chancery={token}"))
        .body(Body::empty())
        .expect("a request");
    let response = tower::ServiceExt::oneshot(world.app.clone(), request).await.expect("an answer");
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    assert_eq!(kind.as_ref().and_then(|it| it.to_str().ok()), Some("text/event-stream"));
    let mut body = response.into_body();
    let mut next = async || {
        let frame = body.frame().await?.expect("a frame").into_data().expect("octets");
        Some(String::from_utf8(frame.to_vec()).expect("text"))
    };
    let first = next().await.expect("an event");
    assert!(
        first.starts_with("event: entry\nid: 1\ndata: {") && first.contains("before"),
        "{first}"
    );
    log.note(entry(Severity::Info, Some(B), "foreign"));
    log.note(entry(Severity::Info, Some(A), "after"));
    let second = next().await.expect("an event");
    assert!(second.contains("after"), "{second}");
    log.close();
    assert_eq!(next().await, None);
    assert!(log.listen(LogFilter::default()).is_none());
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_cut_off_with_a_note() {
    let log = std::sync::Arc::new(LiveLog::default());
    let mut slow = log.listen(LogFilter::default()).expect("a place");
    for _ in 0..=LOG_WAITING_MAX {
        log.note(entry(Severity::Info, None, "much"));
    }
    assert!(matches!(slow.next().await, Some(LogItem::TooSlow(missed)) if missed > 0));
    assert_eq!(log.dropped(), 1);
}

#[tokio::test]
async fn places_for_listeners_are_bounded_and_given_back() {
    let log = std::sync::Arc::new(LiveLog::default());
    let listen = || log.listen(LogFilter::default());
    let all: Vec<_> = (0..LOG_LISTENERS_MAX).map(|_| listen().expect("a place")).collect();
    assert!(listen().is_none());
    drop(all);
    assert!(listen().is_some());
}

#[tokio::test]
async fn an_administrator_hears_of_their_tenants_troubles_only() {
    let world = World::new();
    let own = world.get(Who::Administrator, "/api/v1/notifications").await.json();
    assert_eq!(own["conditions"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["conditions"][0]["tenant"], A.to_string());
    assert_eq!((&own["waiting"], &own["lastError"]), (&0.into(), &serde_json::Value::Null));
    let all = world.get(Who::Operator, "/api/v1/notifications").await.json();
    assert_eq!(all["conditions"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_change_of_settings_is_audited_and_what_is_fixed_stays() {
    let world = World::new();
    let patch =
        |body: &'static str| world.call(Who::Operator, "PATCH", "/api/v1/settings", Some(body));
    assert_eq!(patch(r#"{"smtp":{"requireTls":true}}"#).await.outcome(), "200");
    assert_eq!(patch(r#"{"smtp":{"hostName":"x"}}"#).await.outcome(), "409 fixed");
    let log = world.catalog.audit_log(None, &catalog::AuditQuery::default(), 10).expect("a log");
    let changes: Vec<_> = log.iter().filter(|row| row.event.action == "settings.change").collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].event.detail["after"]["smtp"]["requireTls"], true);
}
