//! Probes, the live log, settings, the system.

use super::{Expected, NONE, OK, OUT, Route, get};

const EVERYBODY: Expected = [OK; 10];
const OPERATORS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, OK, NONE, NONE];
const ADMINISTRATORS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, NONE, NONE, OK];
const BOTH: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, OK, NONE, OK];
/// The log is closed here: an open one never ends.
const CLOSED: &str = "503 busy";
const LISTENERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, CLOSED, CLOSED, NONE, CLOSED];
const BEGUN: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, "202", NONE, NONE];
const TESTERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, NONE, "204", NONE, NONE];

pub const ROUTES: &[Route] = &[
    get("/healthz", EVERYBODY),
    get("/readyz", EVERYBODY),
    // Nobody asks from a known network here.
    get("/metrics", [NONE; 10]),
    get("/api/v1/log", LISTENERS),
    get("/api/v1/log/recent", BOTH),
    get("/api/v1/notifications", BOTH),
    Route {
        method: "POST",
        path: "/api/v1/notifications/test",
        body: Some(r#"{"to":"operator@example.org"}"#),
        expected: TESTERS,
    },
    get("/api/v1/settings", OPERATORS),
    Route {
        method: "PATCH",
        path: "/api/v1/settings",
        body: Some(r#"{"smtp":{"requireTls":true}}"#),
        expected: OPERATORS,
    },
    get("/api/v1/system", OPERATORS),
    get("/api/v1/system/compaction", OPERATORS),
    Route { method: "POST", path: "/api/v1/system/compaction", body: Some("{}"), expected: BEGUN },
    get("/api/v1/connect/microsoft365", ADMINISTRATORS),
    Route {
        method: "POST",
        path: "/api/v1/connect/microsoft365/check",
        body: None,
        expected: ADMINISTRATORS,
    },
];
