//! How fast the index takes list mails in, how large it gets, and how fast it answers, beside the
//! bare engine: `CHANCERY_CORPUS=… cargo run --release -p index --example bench [mails]`.
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use index::conformance::{auditor, owned, record, user};
use index::{Calendar, IndexChange, Options, SearchIndex, SearchRequest, Sort, highlighter, parse};
use model::{EmailAddress, IndexDocument, MailKind, Mailbox, TenantId, Timestamp};
use policy::Scope;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{PhraseQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{Order, Term};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const USERS: u64 = 50;

fn main() {
    let Some(corpus) = std::env::var_os("CHANCERY_CORPUS") else {
        println!("CHANCERY_CORPUS is not set: nothing to measure");
        return;
    };
    let mails: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let path = Path::new(&corpus).join("corpus/lists/lists.mboxrd.zst");
    let mbox = zstd::decode_all(std::fs::File::open(path).expect("the corpus")).expect("zstd");
    let (documents, raw) = read(&mbox);
    drop(mbox);
    let text: usize = documents.iter().map(|mail| mail.body.len() + mail.subject.len()).sum();
    println!("corpus: {} mails, {raw} bytes, {text} bytes of subject and body", documents.len());
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("tantivy:{}", folder.path().display());
    let index = index::open(&url, Options::default()).expect("an index");
    fill(&*index, &documents, mails, raw, text);
    let queries = queries(&documents);
    let scopes = [
        ("whole tenant", auditor(TENANT)),
        ("user, 100 % of the mails", user(TENANT, vec![owned("all@bench.example", None, None)])),
        ("user, 2 % of the mails", user(TENANT, vec![owned("user7@bench.example", None, None)])),
    ];
    for (name, scope) in &scopes {
        for facets in [false, true] {
            println!("\n{name}, facets {}", if facets { "on" } else { "off" });
            for (kind, queries) in &queries {
                report(kind, queries, |query| ask(&*index, scope, query, facets));
            }
        }
    }
    index.close().expect("closed");
    bare(folder.path(), &queries);
    println!("\nhighlight (50 subjects and bodies)");
    for (kind, queries) in &queries {
        report(kind, queries, |query| {
            let marks = highlighter(&parse(query).expect(query));
            let shown = documents.iter().skip(500).take(50);
            shown
                .map(|mail| marks.mark(&mail.subject).len() + marks.snippet(&mail.body).len())
                .sum::<usize>() as u64
        });
    }
}

fn read(mbox: &[u8]) -> (Vec<IndexDocument>, usize) {
    let mut documents = Vec::new();
    let mut raw = 0;
    let mut starts: Vec<usize> = vec![0];
    starts.extend(
        mbox.windows(7).enumerate().filter(|(_, w)| *w == b"\n\nFrom ").map(|(at, _)| at + 2),
    );
    starts.push(mbox.len());
    for range in starts.windows(2) {
        let mail = &mbox[range[0]..range[1]];
        let mail = &mail[mail.iter().position(|octet| *octet == b'\n').map_or(0, |at| at + 1)..];
        raw += mail.len();
        documents.extend(document(mail));
    }
    (documents, raw)
}

fn document(octets: &[u8]) -> Option<IndexDocument> {
    let mail = mail_parser::MessageParser::default().parse(octets)?;
    let people = |list: Option<&mail_parser::Address<'_>>| -> Vec<Mailbox> {
        let list = list.map(|list| list.iter().collect::<Vec<_>>()).unwrap_or_default();
        let one = |one: &&mail_parser::Addr<'_>| Mailbox {
            name: one.name().unwrap_or_default().to_owned(),
            address: EmailAddress::new(one.address().unwrap_or_default()),
        };
        list.iter().map(one).collect()
    };
    let bodies = (0..mail.text_body_count()).filter_map(|i| mail.body_text(i));
    Some(IndexDocument {
        record: record(0),
        row: 0,
        owners: Vec::new(),
        from: people(mail.from()),
        to: people(mail.to()),
        cc: people(mail.cc()),
        bcc: Vec::new(),
        others: people(mail.reply_to()),
        subject: mail.subject().unwrap_or_default().to_owned(),
        body: bodies.collect::<Vec<_>>().join("\n"),
        attachment_names: Vec::new(),
        message_id: mail.message_id().map(str::to_owned),
        date: Timestamp::from_seconds(mail.date().map_or(0, |date| date.to_timestamp())),
        received_at: Timestamp::from_seconds(0),
        size_bytes: octets.len() as u64,
        has_attachment: false,
        kind: MailKind::Mail,
        source: vec!["import".into()],
    })
}

/// The nth mail: a copy of one of the corpus under another name, owner and day.
fn nth(documents: &[IndexDocument], n: usize) -> IndexDocument {
    let mut mail = documents[n % documents.len()].clone();
    let round = n / documents.len();
    mail.row = n as u64 + 1;
    mail.record = record(mail.row);
    mail.owners =
        vec!["all@bench.example".into(), format!("user{}@bench.example", mail.row % USERS)];
    mail.date = mail.date.saturating_add_seconds(round as i64 * 86_400);
    mail.received_at = mail.date;
    mail.message_id = mail.message_id.map(|id| format!("{round}.{id}"));
    if n.is_multiple_of(3) {
        mail.has_attachment = true;
        mail.attachment_names = vec![format!("Angebot-{}-{}.pdf", n % 400, n % 97)];
    }
    mail
}

fn fill(
    index: &dyn SearchIndex,
    documents: &[IndexDocument],
    mails: usize,
    raw: usize,
    text: usize,
) {
    let start = Instant::now();
    let mut prepared = Duration::ZERO;
    let cpu = cpu_seconds();
    let mut at = 0;
    while at < mails {
        let clock = Instant::now();
        let until = mails.min(at + 2000);
        let batch: Vec<_> =
            (at..until).map(|n| IndexChange { document: nth(documents, n), new: true }).collect();
        prepared += clock.elapsed();
        index.apply(TENANT, batch, until as u64).expect("applied");
        index.commit(TENANT).expect("committed");
        at = until;
    }
    let took = start.elapsed() - prepared;
    let rate = mails as f64 / took.as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    println!("index: {mails} mails in {took:.1?} with a commit every 2,000: {rate:.0} mails/s");
    let per_cpu = mails as f64 / cpu;
    println!(
        "       {per_cpu:.0} mails per CPU second (also preparing them), peak {} MB",
        peak_mb()
    );
    for _ in 0..2 {
        index.release_idle().expect("released");
    }
    let bytes = index.space_bytes(TENANT).expect("space") as f64;
    let copies = mails as f64 / documents.len() as f64;
    println!(
        "size: {bytes} bytes, {:.3} of the raw mails, {:.3} of subject and body",
        bytes / (raw as f64 * copies),
        bytes / (text as f64 * copies)
    );
}

/// CPU time of all threads of this process so far, at 100 ticks a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Peak resident memory of this process.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Twenty queries of each kind, from what the corpus holds.
fn queries(documents: &[IndexDocument]) -> Vec<(&'static str, Vec<String>)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for mail in documents {
        let mut words: Vec<&str> = mail.body.split(|c: char| !c.is_ascii_alphabetic()).collect();
        words.sort_unstable();
        words.dedup();
        words
            .into_iter()
            .filter(|word| word.len() > 3)
            .for_each(|word| *counts.entry(word).or_default() += 1);
    }
    let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
    words.sort_unstable_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
    let common: Vec<&str> = words.iter().take(20).map(|(word, _)| *word).collect();
    let middle: Vec<&str> =
        words.iter().skip(200).step_by(20).take(20).map(|(word, _)| *word).collect();
    let rare: Vec<&str> = words
        .iter()
        .filter(|(_, count)| (3..10).contains(count))
        .step_by(50)
        .take(20)
        .map(|(word, _)| *word)
        .collect();
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let pairs = |a: &[&str], b: &[&str]| -> Vec<String> {
        a.iter().zip(b).map(|(a, b)| format!("{a} {b}")).collect()
    };
    let phrases = documents.iter().step_by(documents.len() / 20).filter_map(|mail| {
        let words: Vec<&str> = mail
            .body
            .split_whitespace()
            .filter(|word| word.chars().all(char::is_alphabetic))
            .collect();
        let pair = words.windows(2).find(|pair| pair.iter().all(|word| word.len() > 3))?;
        Some(format!("\"{} {}\"", pair[0], pair[1]))
    });
    let senders = documents
        .iter()
        .step_by(documents.len() / 20)
        .filter_map(|mail| Some(format!("from:{} after:2000", mail.from.first()?.address)));
    let prefixes = rare.iter().map(|word| format!("{}*", &word[..4]));
    vec![
        ("rare word", texts(&rare)),
        ("middle word", texts(&middle)),
        ("common word", texts(&common)),
        ("two common", pairs(&common, &middle)),
        ("common NOT", common.iter().zip(&middle).map(|(a, b)| format!("{a} -{b}")).collect()),
        ("phrase", phrases.filter(|phrase| parse(phrase).is_ok()).take(20).collect()),
        ("near", common.iter().zip(&middle).map(|(a, b)| format!("{a} NEAR/5 {b}")).collect()),
        ("from + date", senders.filter(|query| parse(query).is_ok()).take(20).collect()),
        ("prefix", prefixes.collect()),
        ("attachment", (0..20).map(|n| format!("attachment:Angebot-{n}")).collect()),
        ("everything", vec![String::new()]),
    ]
}

fn ask(index: &dyn SearchIndex, scope: &Scope, query: &str, facets: bool) -> u64 {
    let query = parse(query).expect(query);
    let calendar = Calendar::utc(Timestamp::from_seconds(1_700_000_000));
    let sort = Sort::DateDescending;
    let request =
        SearchRequest { query: &query, calendar: &calendar, sort, cursor: None, limit: 50, facets };
    index.search(scope, &request).expect("found").total
}

/// The same words as the engine's own queries: no rights, no facets, stems of the body only.
fn bare(folder: &Path, queries: &[(&str, Vec<String>)]) {
    let index = tantivy::Index::open_in_dir(folder.join(TENANT.to_string())).expect("the index");
    let searcher = index.reader().expect("a reader").searcher();
    println!(
        "\nbare engine ({} segments): count and 50 rows by date",
        searcher.segment_readers().len()
    );
    let body = index.schema().get_field("body").expect("the body");
    for (kind, queries) in
        queries.iter().filter(|(kind, _)| kind.ends_with(" word") || *kind == "phrase")
    {
        report(kind, queries, |query| {
            let words = query.to_lowercase();
            let words: Vec<Term> = words
                .trim_matches('"')
                .split(' ')
                .map(|word| Term::from_field_text(body, word))
                .collect();
            let query: Box<dyn Query> = match words.len() {
                1 => Box::new(TermQuery::new(words[0].clone(), IndexRecordOption::Basic)),
                _ => Box::new(PhraseQuery::new(words)),
            };
            let rows = TopDocs::with_limit(50).order_by_fast_field::<i64>("date", Order::Desc);
            searcher.search(&query, &(Count, rows)).expect("found").0 as u64
        });
    }
}

fn report(kind: &str, queries: &[String], mut ask: impl FnMut(&str) -> u64) {
    let mut times = Vec::new();
    let mut hits = 0;
    for round in 0..11 {
        for query in queries {
            let start = Instant::now();
            let found = ask(query);
            // The first round warms up.
            if round > 0 {
                times.push(start.elapsed());
                hits += found;
            }
        }
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{kind:>12}: p50 {:7.3} ms  p95 {:7.3} ms  p99 {:7.3} ms  {:>9} hits",
        at(0.5),
        at(0.95),
        at(0.99),
        hits / times.len() as u64
    );
}
