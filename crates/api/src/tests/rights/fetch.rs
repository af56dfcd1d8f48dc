//! Sources that are fetched.

use catalog::{
    FetchConfig, FetchSecrets, FetchSource, FetchState, SourceKind, SourceRow, SourceState,
};
use model::{HeaderRules, SourceId};

use super::super::world::{A, NOW, World};
use super::{DONE, Expected, NONE, OK, OUT, Route, get};

const fn of(answer: &'static str, foreign: &'static str) -> Expected {
    [OUT, NONE, NONE, NONE, NONE, NONE, answer, NONE, NONE, foreign]
}

const fn send(
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    expected: Expected,
) -> Route {
    Route { method, path, body, expected }
}

const NEW: &str = r#"{"name":"Second","config":{"server":"mail.example"},"password":"x"}"#;
const TRIED: &str = r#"{"config":{"server":"mail.example"}}"#;

pub const ROUTES: &[Route] = &[
    get("/api/v1/fetch-sources", of(OK, OK)),
    send("POST", "/api/v1/fetch-sources", Some(NEW), of(OK, OK)),
    send("POST", "/api/v1/fetch-sources/test", Some(TRIED), of(OK, OK)),
    get("/api/v1/fetch-sources/{id}", of(OK, NONE)),
    send("PUT", "/api/v1/fetch-sources/{id}", Some(NEW), of(OK, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/poll", None, of(DONE, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/pause", None, of(DONE, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/resume", None, of(DONE, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/reset", None, of(DONE, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/reconcile", None, of(DONE, NONE)),
    send("POST", "/api/v1/fetch-sources/{id}/left/retry", None, of(DONE, NONE)),
    get("/api/v1/fetch-sources/{id}/runs", of(OK, NONE)),
    get("/api/v1/fetch-sources/{id}/left", of(OK, NONE)),
    get("/api/v1/fetch-sources/{id}/reconciliations", of(OK, NONE)),
    // Last: what it is about is gone then.
    send("DELETE", "/api/v1/fetch-sources/{id}", None, of(DONE, NONE)),
];

/// A source of the first tenant.
pub fn source(world: &World) -> SourceId {
    let id = SourceId::from_bytes([0xfe; 16]);
    let source = FetchSource {
        source: SourceRow {
            id,
            tenant: A,
            kind: SourceKind::Fetch,
            name: "First".to_owned(),
            address: None,
            rules: HeaderRules::default(),
            state: SourceState::Active,
            ends_at: None,
            successor: None,
            created_at: NOW,
        },
        config: FetchConfig { server: "mail.example".to_owned(), ..FetchConfig::default() },
        secrets: FetchSecrets::default(),
        state: FetchState::default(),
    };
    world.catalog.add_fetch_source(&source, &[]).expect("added");
    id
}
