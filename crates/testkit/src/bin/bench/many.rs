//! `search` again: a user with 500 addresses and 200 shared mailboxes against one with a single
//! address. Both see the same mails, so the difference is the price of the scope.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::http::{self, query_value};

use crate::Outcome;
use crate::figures::{Latencies, heading, line};
use crate::house::{House, PASSWORD};

const ADDRESSES: usize = 500;
const MAILBOXES: usize = 200;
const ROUNDS: usize = 200;
const WARM_UP: usize = 20;

/// The goal: so many times the latency with one address.
const RATIO_MAX: f64 = 1.5;

const QUERIES: &[&str] = &[
    "bitte",
    "projekt",
    "warranty drawing",
    "\"im Budget\"",
    "rech*",
    "from:kuehn after:2025-01-01",
];

pub fn run(name: &str, house: &mut House) -> Outcome<()> {
    heading(&format!(
        "search, {name}: {ADDRESSES} addresses and {MAILBOXES} mailboxes against one"
    ));
    let busy = busiest(&mut house.client("auditor")?)?;
    let mut admin = house.client("admin")?;
    let single = account(&mut admin, "single", "person", &[busy])?;
    let own: Vec<String> = (1..ADDRESSES).map(|i| format!("own{i}@many.example")).collect();
    let many = account(&mut admin, "many", "person", &own)?;
    grant(&mut admin, &many, &single)?;
    for number in 1..MAILBOXES {
        let address = format!("shared{number}@many.example");
        let mailbox = account(&mut admin, &format!("shared{number}"), "shared", &[address])?;
        grant(&mut admin, &many, &mailbox)?;
    }
    let (mut one, mut all) = (house.client("single")?, house.client("many")?);
    let (mut with_one, mut with_all) = (Latencies::default(), Latencies::default());
    for round in 0..ROUNDS + WARM_UP {
        let query = QUERIES[round % QUERIES.len()];
        let (few, few_total) = timed(&mut one, query)?;
        let (lots, lots_total) = timed(&mut all, query)?;
        if few_total != lots_total {
            return Err(format!("{query}: {few_total} mails and {lots_total}").into());
        }
        if round >= WARM_UP {
            with_one.add(few);
            with_all.add(lots);
        }
    }
    for (name, latencies) in [("one address", &mut with_one), ("many", &mut with_all)] {
        let (p50, p95) = (latencies.percentile(50), latencies.percentile(95));
        line(name, &format!("ms: p50 {p50:>6.2}  p95 {p95:>6.2}"));
    }
    let ratio = with_all.percentile(50) / with_one.percentile(50).max(f64::EPSILON);
    line("ratio of p50", &format!("{ratio:.2}  (goal: at most {RATIO_MAX})"));
    Ok(())
}

/// The sender of most mails.
fn busiest(auditor: &mut http::Client) -> Outcome<String> {
    let answer = auditor.get_json("/api/v1/search?q=&facets=true")?;
    let sender = answer.pointer("/facets/senders/0/value").and_then(Value::as_str);
    Ok(sender.ok_or("no senders among the facets")?.to_owned())
}

fn account(
    admin: &mut http::Client,
    user: &str,
    kind: &str,
    addresses: &[String],
) -> Outcome<String> {
    let mut body = json!({ "userName": user, "kind": kind, "addresses": addresses });
    if kind == "person" {
        body["password"] = json!(PASSWORD);
    }
    let answer = admin.send_json("POST", "/api/v1/accounts", &body)?;
    let id = answer.pointer("/account/id").and_then(Value::as_str);
    Ok(id.ok_or("no id in the answer")?.to_owned())
}

fn grant(admin: &mut http::Client, account: &str, mailbox: &str) -> Outcome<()> {
    let body = json!({
        "account": account, "mailbox": mailbox, "kind": "shared", "reason": "benchmark",
    });
    admin.send_json("POST", "/api/v1/grants", &body)?;
    Ok(())
}

fn timed(client: &mut http::Client, query: &str) -> Outcome<(std::time::Duration, u64)> {
    let begun = Instant::now();
    let answer = client.get_json(&format!("/api/v1/search?limit=50&q={}", query_value(query)))?;
    let total = answer["total"].as_u64().ok_or("no total in the answer")?;
    Ok((begun.elapsed(), total))
}
