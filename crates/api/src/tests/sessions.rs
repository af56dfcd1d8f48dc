//! Signing in and out, cookies, and what every answer says to browsers.

use axum::body::Body;
use axum::http::{Request, header};
use identity::NewAccount;
use policy::AccountRole;

use super::world::{A, Answer, NOW, Who, World};
use crate::Settings;

async fn sign_in(world: &World, user_name: &str, password: &str) -> Answer {
    let body = serde_json::json!({ "userName": user_name, "password": password }).to_string();
    world.call(Who::Nobody, "POST", "/api/v1/session", Some(&body)).await
}

fn add(world: &World, user_name: &str, password: &str) {
    let new = NewAccount {
        tenant: Some(A),
        user_name,
        first_name: "Dora",
        last_name: "Dach",
        display_name: "",
        role: AccountRole::User,
        language: Some("de"),
        password: Some(password),
    };
    world.state.identity.add_account(&new, NOW).expect("added");
}

#[tokio::test]
async fn a_person_signs_in_works_and_signs_out() {
    let world = World::new();
    add(&world, "dora", "a long enough password");
    let answer = sign_in(&world, "Dora", "a long enough password").await;
    assert_eq!(answer.outcome(), "200");
    let session = answer.json();
    assert_eq!(session["account"]["userName"], "dora");
    assert_eq!(session["account"]["role"], "user");
    assert_eq!(session["account"]["tenant"]["name"], "Alpha");
    assert_eq!(session["mustChangePassword"], false);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("chancery=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let csrf = session["csrfToken"].as_str().expect("a token").to_owned();
    let request = |method: &str| {
        Request::builder()
            .method(method)
            .uri("/api/v1/session")
            .header(header::HOST, "archive.example")
            .header(header::ORIGIN, "http://archive.example")
            .header(header::COOKIE, &cookie)
            .header("x-csrf-token", &csrf)
            .body(Body::empty())
            .expect("a request")
    };
    assert_eq!(world.send(request("GET")).await.json()["csrfToken"], csrf.as_str());
    let left = world.send(request("DELETE")).await;
    assert_eq!(left.outcome(), "204");
    assert!(left.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.send(request("GET")).await.outcome(), "401 not-signed-in");
}

#[tokio::test]
async fn guessing_is_slowed_and_told_how_long() {
    let world = World::new();
    add(&world, "dora", "a long enough password");
    let mut last = sign_in(&world, "dora", "guess").await;
    for _ in 0..10 {
        last = sign_in(&world, "dora", "guess").await;
    }
    assert_eq!(last.outcome(), "429 throttled");
    assert!(last.header("retry-after").parse::<u64>().expect("seconds") >= 1);
    assert_eq!(sign_in(&world, "dora", "a long enough password").await.outcome(), "429 throttled");
}

#[tokio::test]
async fn nobody_learns_which_user_names_exist() {
    let world = World::new();
    add(&world, "dora", "a long enough password");
    let wrong = sign_in(&world, "dora", "guess").await;
    let unknown = sign_in(&world, "nobody", "guess").await;
    assert_eq!((wrong.status, &wrong.octets), (unknown.status, &unknown.octets));
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_without_repeating_them() {
    let world = World::new();
    let long = format!("{{\"userName\":\"{}\",\"password\":\"x\"}}", "a".repeat(70_000));
    for (body, expected) in [
        ("", "400 body"),
        ("{", "400 body"),
        ("[]", "400 body"),
        (r#"{"userName":"secret-word"}"#, "400 body"),
        (r#"{"userName":"a","password":"secret-word","role":"operator"}"#, "400 body"),
        (r#"{"userName":1,"password":"secret-word"}"#, "400 body"),
        (&long, "413 body"),
    ] {
        let answer = world.call(Who::Nobody, "POST", "/api/v1/session", Some(body)).await;
        assert_eq!(answer.outcome(), expected, "{:.40}", body);
        assert!(!answer.text().contains("secret-word"));
    }
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_the_host_and_browsers_stay() {
    let settings = Settings { tls: true, hosts: vec!["archive.example".into()] };
    let world = World::with_settings(settings);
    add(&world, "dora", "a long enough password");
    let answer = sign_in(&world, "dora", "a long enough password").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-chancery=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    // A cookie by the other name, which another page could have set, does not count.
    assert_eq!(world.get(Who::Anna, "/api/v1/session").await.outcome(), "401 not-signed-in");
    let rebound = Request::builder().uri("/api/v1/health").header(header::HOST, "evil.example");
    let answer = world.send(rebound.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.outcome(), "421 host");
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_do() {
    let world = World::new();
    for path in
        ["/", "/search", "/api/v1/health", "/api/v1/session", "/api/v1/nothing", "/assets/none.js"]
    {
        let answer = world.get(Who::Nobody, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        if path.starts_with("/api/") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
    for (method, path, outcome) in [
        ("GET", "/api/v1/nothing", "404 not-found"),
        ("GET", "/api", "404 not-found"),
        ("POST", "/api/v1/search", "405 method"),
        ("PUT", "/anything", "405 method"),
        ("GET", "/assets/none.js", "404 not-found"),
    ] {
        assert_eq!(
            world.call(Who::Nobody, method, path, None).await.outcome(),
            outcome,
            "{method} {path}"
        );
    }
}
