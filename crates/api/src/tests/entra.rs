//! Sign-in through a real OpenID provider with Entra ID's layout and claims, by our HTTP routes.

mod provider;

use axum::body::Body;
use axum::http::{Request, header};
use catalog::{AuditOutcome, AuditQuery};
use identity::Site;
use identity::oidc::HttpWeb;
use model::Clock;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::world::{A, Answer, B, Who, World};
use crate::Settings;
use provider::{Browser, Entra};

const SITE: &str = "https://archive.example";

struct Real;

impl Clock for Real {
    fn now(&self) -> model::Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        model::Timestamp::from_seconds(since.expect("after 1970").as_secs() as i64)
    }
}

/// Not so long that the provider's tokens would have ended.
const A_WHILE_SECONDS: i64 = 60;

/// The real time, a while later.
struct Later;

impl Clock for Later {
    fn now(&self) -> model::Timestamp {
        Real.now().saturating_add_seconds(A_WHILE_SECONDS)
    }
}

/// An archive whose tenant A signs in at `entra`, and the provider's id there.
async fn world(entra: &mut Entra, more: Value) -> (World, String) {
    let site = Site::parse(SITE).expect("a site");
    let web = std::sync::Arc::new(HttpWeb::new(Handle::current()));
    let settings = Settings { tls: true, ..Settings::default() };
    let mut world = World::with(settings, |identity| identity.with_site(Some(site)).with_web(web));
    // The provider's tokens are of today.
    world.state.clock = std::sync::Arc::new(Real);
    world.app = crate::router(world.state.clone());
    let added_at = Real.now();
    let domain = catalog::DomainRow { name: "corp.test".into(), subdomains: false, added_at };
    world.catalog.add_domain(A, &domain).expect("added");
    let mut settings = json!({
        "kind": "entra", "issuer": entra.issuer(), "clientId": "archive",
        "caCertificates": entra.certificate, "groupsUrl": entra.groups_url(),
        "expectedTenants": ["11111111-2222-3333-4444-555555555555"],
        "domains": ["corp.test"], "createAccounts": true, "addressesFromClaims": true,
        "signOutThere": true,
        "roles": [
            rule("roles", "Archive.Audit", "auditor"),
            rule("groups", "bbbbbbbb-0000-0000-0000-000000000001", "user"),
        ],
    });
    for (key, value) in more.as_object().expect("an object") {
        settings[key] = value.clone();
    }
    let draft = json!({
        "name": "Corp", "enabled": true, "secret": "archive-secret", "settings": settings,
    });
    let path = "/api/v1/sign-in/providers";
    let added = by(&world, Who::Administrator, "POST", path, Some(&draft)).await;
    assert_eq!(added.outcome(), "201", "{}", added.text());
    assert!(!added.text().contains("archive-secret"));
    entra.configure(added.json()["redirectUri"].as_str().expect("an address"));
    let id = added.json()["id"].as_str().expect("an id").to_owned();
    (world, id)
}

fn rule(claim: &str, value: &str, role: &str) -> Value {
    json!({ "source": "id_token", "claim": claim, "operator": "contains", "value": value,
        "role": role })
}

/// A call of a person, behind TLS.
async fn by(world: &World, who: Who, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let mut request =
        Request::builder().method(method).uri(path).header(header::HOST, "archive.example");
    if who != Who::Nobody {
        let (token, csrf) = world.sign_in_at(who, Real.now());
        request = request
            .header(header::COOKIE, format!("__Host-chancery={token}"))
            .header("x-csrf-token", csrf);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body));
    world.send(request.expect("a request")).await
}

/// What the browser comes back with: our cookie and the address of the callback.
struct Back {
    cookie: String,
    path: String,
}

/// Leaves for the provider as `user`, and comes back as far as the callback.
async fn leave(world: &World, entra: &Entra, id: &str, user: &str) -> Back {
    let start = json!({ "loginHint": user, "returnTo": "/search?q=x" });
    let path = format!("/api/v1/sign-in/providers/{id}/start");
    let begun = by(world, Who::Nobody, "POST", &path, Some(&start)).await;
    assert_eq!(begun.outcome(), "200", "{}", begun.text());
    let cookie = begun.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Secure; Max-Age="), "{cookie}");
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let location = begun.json()["location"].as_str().expect("an address").to_owned();
    let back = Browser::new(entra).follow(&location, SITE).await;
    Back { cookie, path: back.strip_prefix(SITE).expect("ours").to_owned() }
}

async fn come_back(world: &World, back: &Back, with_cookie: bool) -> Answer {
    let mut request = Request::builder().uri(&back.path).header(header::HOST, "archive.example");
    // The navigation comes from another site.
    request = request.header("sec-fetch-site", "cross-site");
    if with_cookie {
        request = request.header(header::COOKIE, &back.cookie);
    }
    world.send(request.body(Body::empty()).expect("a request")).await
}

/// The session's cookie, or the error's code.
fn result(answer: &Answer) -> Result<String, String> {
    assert_eq!(answer.outcome(), "303", "{}", answer.text());
    let location = answer.header("location");
    if let Some(code) = location.strip_prefix("/sign-in?error=") {
        return Err(code.to_owned());
    }
    assert_eq!(location, "/search?q=x");
    let cookies = answer.headers.get_all(header::SET_COOKIE).iter();
    let cookies: Vec<_> = cookies.map(|value| value.to_str().expect("text")).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-chancery="));
    let session = session.unwrap_or_else(|| panic!("no session in {cookies:?}"));
    assert!(session.contains("SameSite=Strict"), "{session}");
    Ok(session.split(';').next().expect("a pair").to_owned())
}

async fn sign_in(world: &World, entra: &Entra, id: &str, user: &str) -> Result<String, String> {
    let back = leave(world, entra, id, user).await;
    result(&come_back(world, &back, true).await)
}

async fn session(world: &World, cookie: &str) -> Value {
    let request = Request::builder()
        .uri("/api/v1/session")
        .header(header::HOST, "archive.example")
        .header(header::COOKIE, cookie);
    let answer = world.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.outcome(), "200", "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_the_provider_gets_an_account_and_signs_out_there() {
    let Some(mut entra) = Entra::start() else { return };
    let (world, id) = world(&mut entra, json!({})).await;
    let path = format!("/api/v1/sign-in/providers/{id}/test");
    let tested = by(&world, Who::Administrator, "POST", &path, None).await.json();
    assert_eq!(tested["ok"], true, "{tested}");
    let path = "/api/v1/sign-in/methods?userName=alice@CORP.test";
    let methods = by(&world, Who::Nobody, "GET", path, None).await.json();
    assert_eq!(methods["providers"][0]["id"], id.as_str());
    let path = "/api/v1/sign-in/methods?userName=anna";
    let methods = by(&world, Who::Nobody, "GET", path, None).await.json();
    assert_eq!(methods["providers"], json!([]));

    let cookie = sign_in(&world, &entra, &id, "alice@corp.test").await.expect("signed in");
    let first = session(&world, &cookie).await;
    assert_eq!(first["account"]["userName"], "alice@corp.test");
    assert_eq!(first["account"]["displayName"], "Alice Ä");
    assert_eq!(first["account"]["role"], "auditor");
    assert_eq!(first["account"]["addresses"], json!(["alice@corp.test"]));
    assert_eq!(first["method"], "provider");
    let again = sign_in(&world, &entra, &id, "alice@corp.test").await.expect("signed in");
    let second = session(&world, &again).await;
    assert_eq!(second["account"]["id"], first["account"]["id"], "known by directory and object id");

    let request = Request::builder()
        .method("DELETE")
        .uri("/api/v1/session")
        .header(header::HOST, "archive.example")
        .header(header::COOKIE, &again)
        .header("x-csrf-token", second["csrfToken"].as_str().expect("a token"));
    let left = world.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(left.outcome(), "200");
    let location = left.json()["location"].as_str().expect("an address").to_owned();
    assert!(location.starts_with(&entra.origin()) && location.contains("id_token_hint="));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let Some(mut entra) = Entra::start() else { return };
    let (world, id) = world(&mut entra, json!({})).await;
    let back = leave(&world, &entra, &id, "alice@corp.test").await;
    let stranger = come_back(&world, &back, false).await;
    assert_eq!(result(&stranger), Err("wrong-state".to_owned()));
    let other = leave(&world, &entra, &id, "alice@corp.test").await;
    let mixed = Back { cookie: other.cookie.clone(), path: back.path.clone() };
    assert_eq!(result(&come_back(&world, &mixed, true).await), Err("wrong-state".to_owned()));
    result(&come_back(&world, &back, true).await).expect("signed in");
    let replayed = come_back(&world, &back, true).await;
    assert_eq!(result(&replayed), Err("replayed".to_owned()));
    let code = other.path.split("code=").nth(1).expect("a code").split('&').next().expect("it");
    let forged = Back { path: other.path.replace(code, "forged"), ..other };
    assert_eq!(result(&come_back(&world, &forged, true).await), Err("code-refused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_give_a_role_and_what_is_not_known_gives_none() {
    let Some(mut entra) = Entra::start() else { return };
    let (world, id) = world(&mut entra, json!({})).await;
    let cookie = sign_in(&world, &entra, &id, "bob@corp.test").await.expect("signed in");
    let bob = session(&world, &cookie).await;
    assert_eq!(bob["account"]["role"], "user");
    assert_eq!(bob["account"]["addresses"], json!([]), "nobody verified that he is the boss");
    let cookie = sign_in(&world, &entra, &id, "many@corp.test").await.expect("asked elsewhere");
    assert_eq!(session(&world, &cookie).await["account"]["role"], "user");
    for (user, code) in [
        ("lost@corp.test", "groups-unknown"),
        ("nobody@corp.test", "no-role"),
        ("eve@evil.test", "foreign-tenant"),
        ("blank@corp.test", "missing-claim"),
        ("unknown@corp.test", "cancelled"),
    ] {
        assert_eq!(sign_in(&world, &entra, &id, user).await, Err(code.to_owned()), "{user}");
        assert!(world.catalog.account_named(user).expect("reads").is_none(), "{user}");
        let query = AuditQuery { action: Some("sign-in".into()), ..AuditQuery::default() };
        let row = &world.catalog.audit_log(Some(A), &query, 1).expect("reads")[0];
        assert_eq!(
            (row.event.outcome, &row.event.detail["code"]),
            (AuditOutcome::Failed, &json!(code))
        );
    }
    let foreign = world.catalog.audit_log(Some(B), &AuditQuery::default(), 9).expect("reads");
    assert!(foreign.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_and_linked_only_where_that_is_switched_on() {
    let Some(mut entra) = Entra::start() else { return };
    let (world, id) = world(&mut entra, json!({ "createAccounts": false })).await;
    let alice = "alice@corp.test";
    assert_eq!(sign_in(&world, &entra, &id, alice).await, Err("unknown-account".to_owned()));
    let otto = model::AccountId::from_bytes([Who::Otto as u8; 16]);
    let subject = "11111111-2222-3333-4444-555555555555 aaaaaaaa-0000-0000-0000-000000000001";
    let path = format!("/api/v1/sign-in/providers/{id}/accounts/{otto}");
    let link = json!({ "subject": subject });
    let linked = by(&world, Who::Administrator, "PUT", &path, Some(&link)).await;
    assert_eq!(linked.outcome(), "204");
    let cookie = sign_in(&world, &entra, &id, alice).await.expect("linked");
    let session = session(&world, &cookie).await;
    assert_eq!(session["account"]["userName"], "otto");
    assert_eq!(session["account"]["role"], "user", "the account keeps its role");
    assert_eq!(by(&world, Who::Administrator, "DELETE", &path, None).await.outcome(), "204");
    assert_eq!(sign_in(&world, &entra, &id, alice).await, Err("unknown-account".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_issuer_for_another_question_or_with_another_key_opens_nothing() {
    let Some(mut entra) = Entra::start() else { return };
    let (world, id) = world(&mut entra, json!({})).await;
    for (fault, code) in
        [("issuer", "wrong-issuer"), ("nonce", "wrong-nonce"), ("key", "bad-signature")]
    {
        entra.fault(Some(fault));
        let refused = sign_in(&world, &entra, &id, "alice@corp.test").await;
        assert_eq!(refused, Err(code.to_owned()), "{fault}");
        let query = AuditQuery { action: Some("sign-in".into()), ..AuditQuery::default() };
        let row = &world.catalog.audit_log(Some(A), &query, 1).expect("reads")[0];
        assert_eq!(row.event.detail["code"], code, "{fault}");
    }
    assert!(world.catalog.account_named("alice@corp.test").expect("reads").is_none());
    entra.fault(None);
    sign_in(&world, &entra, &id, "alice@corp.test").await.expect("signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_changes_its_key_is_asked_for_the_new_one() {
    let Some(mut entra) = Entra::start() else { return };
    let (mut world, id) = world(&mut entra, json!({})).await;
    let cookie = sign_in(&world, &entra, &id, "alice@corp.test").await.expect("signed in");
    let before = session(&world, &cookie).await;
    entra.rotate();
    // Unknown keys make nobody ask at once again and again.
    world.state.clock = std::sync::Arc::new(Later);
    world.app = crate::router(world.state.clone());
    let cookie = sign_in(&world, &entra, &id, "alice@corp.test").await.expect("signed in");
    let after = session(&world, &cookie).await;
    assert_eq!(after["account"]["id"], before["account"]["id"]);
}
