use catalog::{Provider, ProviderSettings};
use model::ProviderId;

use crate::tests::world::{A, NOW, World};

use super::{ADMINISTRATORS, DONE, Expected, NONE, OK, OUT, Route, get, signed_in};

const EXPIRED: &str = "410 expired";
const ALL_EXPIRED: Expected = [EXPIRED; 10];
const POLICY: Expected = also_operators(ADMINISTRATORS, OK);
const SET_POLICY: Expected =
    also_operators([OUT, NONE, NONE, NONE, NONE, NONE, DONE, NONE, NONE, DONE], DONE);
/// Those who administer Otto's account.
const OTTOS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, NONE, NONE, NONE];
const RESET: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, DONE, NONE, NONE, NONE];

const fn also_operators(mut expected: Expected, answer: &'static str) -> Expected {
    expected[7] = answer;
    expected
}

const fn route(
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    expected: Expected,
) -> Route {
    Route { method, path, body, expected }
}

const MINE: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, OK, NONE, NONE, NONE];
/// It cannot work so: what is tested is who gets so far.
const DRAFT: &str = r#"{"name":"x","enabled":false,"settings":{"kind":"generic","issuer":"http://idp.example","clientId":"x"}}"#;
const BAD: &str = "400 provider";
const ADDERS: Expected =
    also_operators([OUT, NONE, NONE, NONE, NONE, NONE, BAD, NONE, NONE, BAD], BAD);
const CHANGERS: Expected = [OUT, NONE, NONE, NONE, NONE, NONE, BAD, NONE, NONE, NONE];

/// A provider of the tenant that nobody can sign in through.
pub(super) fn provider(world: &World) -> ProviderId {
    let id = ProviderId::from_bytes([0xd; 16]);
    let provider = Provider {
        id,
        tenant: Some(A),
        name: "Directory".to_owned(),
        enabled: true,
        settings: ProviderSettings::default(),
        secret: None,
        created_at: NOW,
    };
    world.catalog.add_provider(&provider).expect("added");
    id
}

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/api/v1/session/second-factor", Some(r#"{"code":"000000"}"#), ALL_EXPIRED),
    route("POST", "/api/v1/session/second-factor/passkey", None, ALL_EXPIRED),
    get("/api/v1/me/second-factors", signed_in(OUT, OK)),
    route("POST", "/api/v1/me/second-factors/totp", None, signed_in(OUT, OK)),
    route("DELETE", "/api/v1/me/second-factors/totp", None, signed_in(OUT, DONE)),
    route(
        "POST",
        "/api/v1/me/second-factors/totp/confirm",
        Some(r#"{"ticket":"none","code":"000000"}"#),
        signed_in(OUT, EXPIRED),
    ),
    route("POST", "/api/v1/me/second-factors/passkeys", None, signed_in(OUT, "409 no-public-url")),
    route(
        "POST",
        "/api/v1/me/second-factors/passkeys/confirm",
        Some(r#"{"ticket":"none","name":"Key","credential":{}}"#),
        signed_in(OUT, EXPIRED),
    ),
    route("DELETE", "/api/v1/me/second-factors/passkeys/{id}", None, signed_in(OUT, NONE)),
    route("POST", "/api/v1/me/second-factors/recovery-codes", None, signed_in(OUT, EXPIRED)),
    get("/api/v1/me/sessions", signed_in(OUT, OK)),
    route("DELETE", "/api/v1/me/sessions", None, signed_in(OUT, OK)),
    route("DELETE", "/api/v1/me/sessions/{id}", None, signed_in(OUT, NONE)),
    get("/api/v1/me/tokens", signed_in(OUT, OK)),
    route(
        "POST",
        "/api/v1/me/tokens",
        Some(r#"{"name":"none","scopes":[],"expiresAt":"2026-12-01T00:00:00Z"}"#),
        signed_in(OUT, "400 token"),
    ),
    route("DELETE", "/api/v1/me/tokens/{id}", None, signed_in(OUT, NONE)),
    get("/api/v1/accounts/{id}/sessions", OTTOS),
    route("DELETE", "/api/v1/accounts/{id}/sessions", None, OTTOS),
    get("/api/v1/accounts/{id}/second-factors", OTTOS),
    get("/api/v1/accounts/{id}/links", OTTOS),
    route(
        "POST",
        "/api/v1/accounts/{id}/second-factors/reset",
        Some(r#"{"reason":"lost the telephone"}"#),
        RESET,
    ),
    get("/api/v1/accounts/{id}/tokens", OTTOS),
    route("DELETE", "/api/v1/accounts/{id}/tokens/{token}", None, signed_in(OUT, NONE)),
    get("/api/v1/sign-in/policy", POLICY),
    route(
        "PUT",
        "/api/v1/sign-in/policy",
        Some(r#"{"localForAdministratorsOnly":false,"secondFactorRoles":[]}"#),
        SET_POLICY,
    ),
    get("/api/v1/sign-in/methods", [OK; 10]),
    route("POST", "/api/v1/sign-in/providers/{id}/start", Some("{}"), ["409 no-public-url"; 10]),
    get("/api/v1/sign-in/providers/{id}/callback", ["303"; 10]),
    get("/api/v1/sign-in/providers", POLICY),
    route("POST", "/api/v1/sign-in/providers", Some(DRAFT), ADDERS),
    get("/api/v1/sign-in/providers/{id}", MINE),
    route("PUT", "/api/v1/sign-in/providers/{id}", Some(DRAFT), CHANGERS),
    route("POST", "/api/v1/sign-in/providers/{id}/test", None, MINE),
    route(
        "PUT",
        "/api/v1/sign-in/providers/{id}/accounts/{account}",
        Some(r#"{"subject":"https://idp.example 1"}"#),
        RESET,
    ),
    route("DELETE", "/api/v1/sign-in/providers/{id}/accounts/{account}", None, RESET),
    route("DELETE", "/api/v1/sign-in/providers/{id}", None, RESET),
];

/// What may be done before the second factor is enrolled, or the password changed: to enrol.
pub(super) fn is_enrolment(route: &Route) -> bool {
    let factors = route.path.starts_with("/api/v1/me/second-factors/");
    let steps = ["/totp", "/confirm", "/passkeys"];
    factors && route.method == "POST" && steps.iter().any(|step| route.path.ends_with(step))
}
