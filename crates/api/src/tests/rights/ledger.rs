//! Evidence: administrators, auditors and officers see its state; administrators have it checked.

use super::{Expected, NONE, OK, OUT, Route, get};

const WATCHERS: Expected = [OUT, NONE, NONE, NONE, NONE, OK, OK, NONE, NONE, OK];
const BEGUN: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, "202", NONE, NONE, "202"];

pub const ROUTES: &[Route] = &[
    get("/api/v1/evidence", WATCHERS),
    get("/api/v1/evidence/batches", WATCHERS),
    get("/api/v1/evidence/reports", WATCHERS),
    Route { method: "POST", path: "/api/v1/evidence/scrub", body: None, expected: BEGUN },
];
