//! One table says what every kind of caller gets from every route; areas have files of their own.

mod directories;
mod fetch;
mod ledger;
mod matters;
mod operation;
mod people;
mod retention;
mod takeout;
mod tenancy;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};

use super::world::{A, Who, World};
pub use people::appoint_officer;

mod sign_in;
mod tokens;

const CALLERS: [Who; 10] = [
    Who::Nobody,
    Who::Anna,
    Who::Bert,
    Who::Cora,
    Who::Otto,
    Who::Auditor,
    Who::Administrator,
    Who::Operator,
    Who::Foreigner,
    Who::ForeignAdministrator,
];

/// Outcomes in the order of [`CALLERS`].
type Expected = [&'static str; 10];

const OK: &str = "200";
const DONE: &str = "204";
const NONE: &str = "404 not-found";
const OUT: &str = "401 not-signed-in";
const WRONG: &str = "401 bad-credentials";

const EVERYBODY: Expected = [OK; 10];
/// Those who read mail; what they find is another question.
const READERS: Expected = [OUT, OK, OK, OK, OK, OK, NONE, NONE, OK, NONE];
/// Those who may see Anna's mail.
const OWNERS: Expected = [OUT, OK, OK, OK, NONE, OK, NONE, NONE, NONE, NONE];
/// Those who may know all its recipients.
const SENDERS: Expected = [OUT, OK, NONE, NONE, NONE, OK, NONE, NONE, NONE, NONE];
const ADMINISTRATORS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, NONE, NONE, OK];
/// A decision about a submission of the tenant.
const DECIDERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, DONE, NONE, NONE, NONE];
const FIGURES: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, OK, NONE, OK];

#[derive(Clone, Copy)]
struct Route {
    method: &'static str,
    path: &'static str,
    /// What is sent, if anything.
    body: Option<&'static str>,
    expected: Expected,
}

const fn get(path: &'static str, expected: Expected) -> Route {
    Route { method: "GET", path, body: None, expected }
}

const fn signed_in(refused: &'static str, answer: &'static str) -> Expected {
    let mut expected = [answer; 10];
    expected[0] = refused;
    expected
}

/// What is open to who is not signed in, besides documents.
const PUBLIC: &[(&str, &str)] = &[
    ("GET", "/api/openapi.json"),
    ("GET", "/api/v1/health"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/readyz"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/session/second-factor"),
    ("POST", "/api/v1/session/second-factor/passkey"),
    ("GET", "/api/v1/sign-in/methods"),
    ("GET", "/api/v1/sign-in/providers/{id}/callback"),
    ("POST", "/api/v1/sign-in/providers/{id}/start"),
];

impl Route {
    fn is_public(&self) -> bool {
        PUBLIC.contains(&(self.method, self.path))
    }
}

/// All areas, joined.
fn routes() -> impl Iterator<Item = &'static Route> {
    [
        ROUTES,
        directories::ROUTES,
        fetch::ROUTES,
        matters::ROUTES,
        ledger::ROUTES,
        takeout::ROUTES,
        operation::ROUTES,
        people::ROUTES,
        retention::ROUTES,
        sign_in::ROUTES,
        tenancy::ROUTES,
        people::LAST,
    ]
    .into_iter()
    .flatten()
}

const ROUTES: &[Route] = &[
    get("/api/openapi.json", EVERYBODY),
    get("/api/v1/health", EVERYBODY),
    Route {
        method: "POST",
        path: "/api/v1/session",
        // Everybody tries their own name: the brake is not what is tested here.
        body: Some(r#"{"userName":"{who}","password":"wrong password"}"#),
        expected: [WRONG; 10],
    },
    get("/api/v1/session", signed_in(OUT, OK)),
    Route { method: "DELETE", path: "/api/v1/session", body: None, expected: signed_in(OUT, DONE) },
    Route {
        method: "POST",
        path: "/api/v1/session/password",
        body: Some(r#"{"current":"wrong password","new":"another password"}"#),
        expected: signed_in(OUT, WRONG),
    },
    get("/api/v1/search", READERS),
    get("/api/v1/search/suggest", READERS),
    get("/api/v1/records/{id}", OWNERS),
    get("/api/v1/records/{id}/html", OWNERS),
    get("/api/v1/records/{id}/source", OWNERS),
    get("/api/v1/records/{id}/eml", OWNERS),
    get("/api/v1/records/{id}/reports/{contentId}/eml", SENDERS),
    get("/api/v1/records/{id}/attachments/{index}", OWNERS),
    get("/api/v1/records/{id}/cid/{cid}", OWNERS),
    get("/api/v1/quarantine", ADMINISTRATORS),
    Route { method: "POST", path: "/api/v1/quarantine/{id}/retry", body: None, expected: DECIDERS },
    Route {
        method: "POST",
        path: "/api/v1/quarantine/{id}/release",
        body: Some(r#"{"reason":"asked the sender"}"#),
        expected: DECIDERS,
    },
    get("/api/v1/status", FIGURES),
];

/// Method and path of every route, as the router was built from them.
fn described() -> BTreeSet<(String, String)> {
    let document: serde_json::Value = serde_json::from_str(&crate::openapi_json()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("an item").keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn every_route_stands_in_the_table() {
    let listed = routes().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described(), listed);
}

/// The addresses of one world's things.
struct Things {
    record: String,
    report: String,
    quarantined: String,
    matters: matters::Things,
    takeout: takeout::Things,
    people: people::Things,
    retention: retention::Things,
    tenancy: tenancy::Things,
    /// Otto's.
    account: String,
    directory: String,
    fetched: String,
    /// An OpenID provider of the tenant.
    provider: String,
}

impl Things {
    fn of(world: &World) -> Self {
        let (record, report) = world.archive_letter();
        let quarantined = world.quarantine().to_string();
        let account = model::AccountId::from_bytes([Who::Otto as u8; 16]).to_string();
        // Who may follow the log is told that it is busy: an open one never ends.
        world.state.live_log.close();
        let matters = matters::Things::of(world);
        let takeout = takeout::Things::of(world);
        let people = people::Things::of(world);
        let retention = retention::Things::of(world);
        let tenancy = tenancy::Things::of(world);
        let directory = world.directory().to_string();
        let fetched = fetch::source(world).to_string();
        let (record, report) = (record.to_string(), report.to_string());
        let provider = sign_in::provider(world).to_string();
        Self {
            record,
            report,
            quarantined,
            account,
            provider,
            matters,
            people,
            retention,
            tenancy,
            directory,
            fetched,
            takeout,
        }
    }

    fn path(&self, template: &str) -> String {
        let id = match template {
            _ if template.contains("/quarantine/") => &self.quarantined,
            _ if template.contains("/sign-in/providers/") => &self.provider,
            _ if template.contains("/accounts/") => &self.account,
            _ if template.contains("directories") => &self.directory,
            _ if template.contains("fetch-sources") => &self.fetched,
            _ => &self.record,
        };
        let path = template
            .replace("{id}", id)
            .replace("{contentId}", &self.report)
            .replace("{account}", &self.account)
            .replace("{token}", &"0".repeat(32))
            .replace("{index}", "0")
            .replace("{cid}", "logo%40a");
        let path =
            self.retention.path(&self.matters.path(&self.people.path(&self.tenancy.path(&path))));
        let path = self.takeout.path(&path);
        if path.ends_with("/suggest") { path + "?q=from:a" } else { path }
    }
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says_and_nothing_else() {
    let world = World::new();
    let things = Things::of(&world);
    for route in routes() {
        for (who, expected) in CALLERS.into_iter().zip(route.expected) {
            let Route { method, path, .. } = route;
            let body = route.body.map(|body| body.replace("{who}", &format!("{who:?}")));
            let answer = world.call(who, method, &things.path(path), body.as_deref()).await;
            assert_eq!(answer.outcome(), expected, "{method} {path} as {who:?}: {}", answer.text());
        }
    }
    let decisions = world.desk.decisions.lock().expect("not poisoned").clone();
    let id = &things.quarantined;
    assert_eq!(
        decisions,
        [
            format!("retry {id} administrator"),
            format!("release {id} administrator asked the sender"),
            format!("discard {id} administrator no business mail"),
            "bulk Retry Some(\"not-ours\") administrator".to_owned(),
            "bulk Retry Some(\"not-ours\") foreignadministrator".to_owned(),
            "bulk Retry None administrator".to_owned(),
            "bulk Retry None foreignadministrator".to_owned(),
            format!("cancel {}", things.tenancy.job),
            format!("cancel {}", things.tenancy.job),
            "export gamma-2026 operator".to_owned(),
            "remove operator left us".to_owned(),
        ]
    );
}

#[tokio::test]
async fn an_officer_gets_what_an_auditor_gets_and_decides_about_access() {
    let world = World::new();
    let things = Things::of(&world);
    appoint_officer(&world, Who::Otto);
    for route in routes() {
        let Route { method, path, .. } = route;
        let decides = path.contains("/access-requests/{request}");
        let expected = match path.rsplit('/').next() {
            // It was approved just before.
            Some("reject") if decides => NONE,
            _ if decides => OK,
            _ => matters::officer(route)
                .or_else(|| retention::officer(route))
                .or_else(|| takeout::officer(route))
                .unwrap_or(route.expected[5]),
        };
        let body = route.body.map(|body| body.replace("{who}", "Otto"));
        let answer = world.call(Who::Otto, method, &things.path(path), body.as_deref()).await;
        assert_eq!(answer.outcome(), expected, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_does_not_exist_looks_like_what_may_not_be_seen() {
    let world = World::new();
    let things = Things::of(&world);
    let unknown = Things {
        record: "0".repeat(32),
        report: format!("sha256:{}", "0".repeat(64)),
        quarantined: "0".repeat(32),
        matters: matters::Things::all("00000000000000000000000000000000"),
        retention: retention::Things::all("00000000000000000000000000000000"),
        takeout: takeout::Things::all("00000000000000000000000000000000"),
        people: people::Things::all("00000000000000000000000000000000"),
        tenancy: tenancy::Things::all("00000000000000000000000000000000"),
        account: "0".repeat(32),
        directory: "0".repeat(32),
        fetched: "0".repeat(32),
        provider: "0".repeat(32),
    };
    let garbage = Things {
        record: "..%2f..".into(),
        report: "x".into(),
        quarantined: "%00".into(),
        matters: matters::Things::all("%00"),
        retention: retention::Things::all("%00"),
        takeout: takeout::Things::all("%00"),
        people: people::Things::all("%00"),
        tenancy: tenancy::Things::all("%00"),
        account: "x".into(),
        directory: "..".into(),
        fetched: "..".into(),
        provider: "x".into(),
    };
    let hidden = routes().filter(|route| route.path.contains('{') && !route.is_public());
    for route in hidden {
        for who in [Who::Otto, Who::Auditor, Who::Administrator, Who::Foreigner] {
            let hidden =
                world.call(Who::Otto, route.method, &things.path(route.path), route.body).await;
            for other in [&unknown, &garbage] {
                let missing =
                    world.call(who, route.method, &other.path(route.path), route.body).await;
                assert_eq!(missing.outcome(), NONE, "{} {} as {who:?}", route.method, route.path);
                assert_eq!(missing.octets, hidden.octets);
            }
        }
    }
}

#[tokio::test]
async fn the_foreign_tenant_has_its_own_copy_only() {
    let world = World::new();
    let things = Things::of(&world);
    let found = world.get(Who::Foreigner, "/api/v1/search?q=Rechnung").await.json();
    assert_eq!((&found["total"], &found["notSearchableYet"]), (&0.into(), &0.into()));
    for who in [Who::Anna, Who::Bert, Who::Cora, Who::Auditor] {
        let found = world.get(who, "/api/v1/search?q=Rechnung").await.json();
        assert_eq!(found["total"], 1, "{who:?}");
        assert_eq!(found["rows"][0]["id"], things.record.as_str());
    }
    let found = world.get(Who::Otto, "/api/v1/search?q=").await.json();
    assert_eq!(found["total"], 0);
    assert_eq!(found["facets"]["senders"], serde_json::json!([]));
}

#[tokio::test]
async fn who_must_change_the_password_may_do_nothing_else() {
    let world = World::new();
    let things = Things::of(&world);
    let mut account = world.account(Who::Auditor, policy::AccountRole::Auditor, Some(A));
    account.must_change_password = true;
    world.catalog.update_account(&account).expect("updated");
    for route in routes() {
        let free = ["/api/v1/session", "/api/v1/session/password", "/api/v1/me/second-factors"];
        if route.is_public() || free.contains(&route.path) || sign_in::is_enrolment(route) {
            continue;
        }
        let answer =
            world.call(Who::Auditor, route.method, &things.path(route.path), route.body).await;
        assert_eq!(answer.outcome(), "403 must-change-password", "{} {}", route.method, route.path);
    }
    let session = world.get(Who::Auditor, "/api/v1/session").await;
    assert_eq!(session.json()["mustChangePassword"], true);
}

#[tokio::test]
async fn nothing_changes_without_the_csrf_token_or_from_another_origin() {
    let world = World::new();
    let things = Things::of(&world);
    for route in routes().filter(|route| route.method != "GET") {
        let send = |headers: Vec<(&'static str, String)>| {
            let mut request = Request::builder()
                .method(route.method)
                .uri(things.path(route.path))
                .header(header::HOST, "archive.example")
                .header(header::CONTENT_TYPE, "application/json");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            world.send(request.body(Body::from(route.body.unwrap_or_default())).expect("a request"))
        };
        let (token, csrf) = world.sign_in(Who::Administrator);
        let cookie = || ("cookie", format!("chancery={token}"));
        let path = route.path;
        if !route.is_public() {
            assert_eq!(send(vec![cookie()]).await.outcome(), "403 csrf", "{path}");
            let wrong = ("x-csrf-token", "csrf-0".to_owned());
            assert_eq!(send(vec![cookie(), wrong]).await.outcome(), "403 csrf", "{path}");
        }
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "https://archive.example.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let headers = vec![cookie(), ("x-csrf-token", csrf.clone()), (name, value.to_owned())];
            assert_eq!(send(headers).await.outcome(), "403 origin", "{path} {name}: {value}");
        }
    }
    assert!(world.desk.decisions.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn blind_copies_are_named_to_sender_auditor_and_themselves_only() {
    let world = World::new();
    let things = Things::of(&world);
    let path = things.path("/api/v1/records/{id}");
    for (who, bcc, reports, envelope) in [
        (Who::Anna, true, 1, false),
        (Who::Bert, false, 0, false),
        (Who::Cora, true, 0, false),
        (Who::Auditor, true, 1, true),
    ] {
        let answer = world.get(who, &path).await;
        let page = answer.json();
        assert_eq!(answer.text().contains("cora@a.example"), bcc, "{who:?}");
        assert_eq!(page["reports"].as_array().map(Vec::len), Some(reports), "{who:?}");
        assert_eq!(answer.text().contains("journal-secret"), envelope, "{who:?}");
        assert_eq!(
            page["recipients"].as_array().map(Vec::len),
            Some(if bcc { 3 } else { 2 }),
            "{who:?}"
        );
    }
    for (who, total) in [(Who::Anna, 1), (Who::Bert, 0), (Who::Cora, 1), (Who::Auditor, 1)] {
        for query in ["bcc:cora", "with:cora@a.example", "cora"] {
            let found = world.get(who, &format!("/api/v1/search?q={query}")).await.json();
            assert_eq!(found["total"], total, "{query} as {who:?}");
        }
    }
    let suggested = world.get(Who::Bert, "/api/v1/search/suggest?q=bcc:co").await;
    assert!(!suggested.text().contains("cora@a.example"), "{}", suggested.text());
}
