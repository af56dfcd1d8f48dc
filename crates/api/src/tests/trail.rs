//! Of queries that are being typed, the settled ones are recorded.

use std::time::{Duration, Instant};

use catalog::{AuditEvent, AuditOutcome};
use model::AccountId;

use super::world::NOW;
use crate::trail::{SETTLED_AFTER, Typed, Typing};

fn typed(account: u8, query: &str) -> Typed {
    let account = AccountId::from_bytes([account; 16]);
    let event = AuditEvent {
        at: NOW,
        tenant: None,
        account: Some(account),
        who: String::new(),
        action: "mail.search".to_owned(),
        object: query.to_owned(),
        detail: serde_json::Value::Null,
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    };
    Typed { account, query: query.to_owned(), event }
}

#[test]
fn what_is_typed_on_without_a_pause_is_one_search_and_everything_else_is_its_own() {
    let begun = Instant::now();
    let mut typing = Typing::default();
    let mut recorded = Vec::new();
    let quick = SETTLED_AFTER / 10;
    let mut now = begun;
    let mut type_one = |account: u8, query: &str, pause: Duration| {
        now += pause;
        let mut batch = Vec::new();
        typing.settle(now, &mut batch);
        typing.take(typed(account, query), now, &mut batch);
        recorded.extend(batch.into_iter().map(|event| event.object));
    };
    for query in ["", "r", "re", "rechnung"] {
        type_one(1, query, quick);
    }
    // Somebody else types the same.
    type_one(2, "re", quick);
    // Taken back, and something else in its place: both were seen.
    type_one(1, "rech", quick);
    type_one(1, "brief", quick);
    // After a pause it has stood for itself.
    type_one(1, "briefe", SETTLED_AFTER);
    let mut rest = Vec::new();
    typing.settle(now + SETTLED_AFTER, &mut rest);
    recorded.extend(rest.into_iter().map(|event| event.object));
    recorded.sort();
    assert_eq!(recorded, ["brief", "briefe", "re", "rech", "rechnung"]);
}
