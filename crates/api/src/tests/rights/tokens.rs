//! Programs do what their token's scopes and their account's role both allow.

use policy::{AccountRole, Permission, permissions};

use super::{CALLERS, NONE, Things, routes};
use crate::tests::world::{A, Who, World};

const ACCOUNTS: [(Who, AccountRole); 4] = [
    (Who::Anna, AccountRole::User),
    (Who::Auditor, AccountRole::Auditor),
    (Who::Administrator, AccountRole::Administrator),
    (Who::Operator, AccountRole::Operator),
];

#[tokio::test]
async fn a_token_without_scopes_opens_nothing() {
    let world = World::new();
    let things = Things::of(&world);
    for route in routes().filter(|route| !route.is_public()) {
        for (who, _) in ACCOUNTS {
            let request = (route.method, &*things.path(route.path), route.body);
            let answer = world.call_by_token(who, &[], false, request).await;
            assert!(
                ["404 not-found", "403 session-only"].contains(&&*answer.outcome()),
                "{} {} as {who:?}: {}",
                route.method,
                route.path,
                answer.outcome()
            );
        }
    }
}

#[tokio::test]
async fn a_token_with_all_scopes_does_what_its_account_may_and_no_more() {
    let world = World::new();
    let things = Things::of(&world);
    for route in routes().filter(|route| !route.is_public()) {
        for (who, _) in ACCOUNTS {
            let place = CALLERS.iter().position(|caller| *caller == who).expect("a caller");
            let expected = route.expected[place];
            // What changes something may answer otherwise the second time, but not to strangers.
            if route.method != "GET" && expected != NONE {
                continue;
            }
            let request = (route.method, &*things.path(route.path), route.body);
            let answer = world.call_by_token(who, &Permission::ALL, false, request).await;
            if answer.outcome() != "403 session-only" {
                assert_eq!(answer.outcome(), expected, "{} {} as {who:?}", request.0, request.1);
            }
        }
    }
}

#[tokio::test]
async fn a_read_only_token_changes_nothing() {
    let world = World::new();
    let things = Things::of(&world);
    for route in routes().filter(|route| route.method != "GET" && !route.is_public()) {
        for (who, role) in ACCOUNTS {
            let request = (route.method, &*things.path(route.path), route.body);
            let answer = world.call_by_token(who, permissions(role), true, request).await;
            assert!(
                ["403 read-only-token", "403 session-only"].contains(&&*answer.outcome()),
                "{} {} as {who:?}: {}",
                route.method,
                route.path,
                answer.outcome()
            );
        }
    }
}

#[tokio::test]
async fn a_token_opens_what_its_scope_names_and_ends_with_its_account() {
    let world = World::new();
    let call = |scopes: &'static [Permission]| {
        world.call_by_token(Who::Anna, scopes, true, ("GET", "/api/v1/search", None))
    };
    assert_eq!(call(&[Permission::ReadMail]).await.outcome(), "404 not-found");
    let both = &[Permission::ReadMail, Permission::SearchMail];
    assert_eq!(call(both).await.outcome(), "200");
    let mut anna = world.account(Who::Anna, AccountRole::User, Some(A));
    anna.must_change_password = true;
    world.catalog.update_account(&anna).expect("updated");
    assert_eq!(call(both).await.outcome(), "403 must-change-password");
    anna.disabled = true;
    world.catalog.update_account(&anna).expect("updated");
    assert_eq!(call(both).await.outcome(), "401 not-signed-in");
}
