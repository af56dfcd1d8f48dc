//! `search`: queries through the API with rights, 50 rows and highlights.

use std::time::Instant;

use testkit::http::{self, query_value};

use crate::Outcome;
use crate::corpus::Corpus;
use crate::figures::{Latencies, heading, line};
use crate::house::House;

const ROUNDS: usize = 200;
const WARM_UP: usize = 20;
const ATTACHMENT: &str = "attachment name";

/// Kinds of query; `{token}` stands for a word of one mail.
const KINDS: &[(&str, &[&str])] = &[
    ("rare", &["{token}"]),
    ("common", &["bitte", "please", "projekt", "delivery"]),
    ("AND", &["bitte AND spedition", "wetterlage gerüst", "warranty drawing"]),
    ("phrase", &["\"das Gerüst an der Westseite\"", "\"stainless steel\"", "\"im Budget\""]),
    ("from + date", &["from:kuehn after:2025-01-01", "from:macgregor before:2025-06-30"]),
    ("prefix", &["rech*", "fass*", "comm*"]),
    (ATTACHMENT, &["attachment:datenblatt", "attachment:angebot", "attachment:foto"]),
];

/// `files` says whether the mails have any.
pub fn run(name: &str, corpus: &Corpus, house: &mut House, files: bool) -> Outcome<()> {
    heading(&format!("search, {name}: {} mails, through the API, 50 rows", corpus.count));
    let mut tokens = Vec::new();
    corpus.read(|mail| {
        tokens.push(mail.token);
        tokens.len() < ROUNDS + WARM_UP
    })?;
    let mut client = house.client("auditor")?;
    let mut all = Latencies::default();
    for (kind, queries) in KINDS {
        if *kind == ATTACHMENT && !files {
            continue;
        }
        let mut latencies = Latencies::default();
        let mut total = 0;
        for round in 0..ROUNDS + WARM_UP {
            let query =
                queries[round % queries.len()].replace("{token}", &tokens[round % tokens.len()]);
            let begun = Instant::now();
            total = search(&mut client, &query)?;
            if round >= WARM_UP {
                latencies.add(begun.elapsed());
                all.add(begun.elapsed());
            }
        }
        report(kind, &mut latencies, &format!("  (last total {total})"));
    }
    report("all kinds", &mut all, "");
    Ok(())
}

fn search(client: &mut http::Client, query: &str) -> Outcome<u64> {
    let answer = client.get_json(&format!("/api/v1/search?limit=50&q={}", query_value(query)))?;
    answer["total"].as_u64().ok_or_else(|| format!("no total in the answer to {query}").into())
}

fn report(name: &str, latencies: &mut Latencies, more: &str) {
    line(
        name,
        &format!(
            "ms: p50 {:>6.2}  p95 {:>6.2}  p99 {:>6.2}{more}",
            latencies.percentile(50),
            latencies.percentile(95),
            latencies.percentile(99)
        ),
    );
}
