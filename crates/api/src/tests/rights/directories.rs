//! Directories. The one of the tests is a port where nobody listens.

use super::{Expected, NONE, OK, OUT, Route, get};

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

const CONFIG: &str = r#"{"name":"Second","config":{"hosts":["127.0.0.1:1"],"security":"clear","peopleBases":["dc=a"]}}"#;
const CHANGED: &str = r#"{"name":"Third","config":{"hosts":["127.0.0.1:1"],"security":"clear","peopleBases":["dc=a"]},"password":"new"}"#;
const TRIED: &str =
    r#"{"config":{"hosts":["127.0.0.1:1"],"security":"clear","peopleBases":["dc=a"]}}"#;

pub const ROUTES: &[Route] = &[
    get("/api/v1/directories", of(OK, OK)),
    get("/api/v1/directories/presets", of(OK, OK)),
    send("POST", "/api/v1/directories", Some(CONFIG), of(OK, OK)),
    send("POST", "/api/v1/directories/test", Some(TRIED), of(OK, OK)),
    get("/api/v1/directories/{id}", of(OK, NONE)),
    send("PUT", "/api/v1/directories/{id}", Some(CHANGED), of(OK, NONE)),
    send("POST", "/api/v1/directories/{id}/test", None, of(OK, NONE)),
    send("POST", "/api/v1/directories/{id}/preview", None, of("502 connection", NONE)),
    get("/api/v1/directories/{id}/runs", of(OK, NONE)),
    send("POST", "/api/v1/directories/{id}/sync", Some("{}"), of("202", NONE)),
    // The run waits: nobody takes it here.
    send("DELETE", "/api/v1/directories/{id}", None, of("409 running", NONE)),
];
