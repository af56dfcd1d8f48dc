//! How fast batches of records are committed, durably, and read back.
//!
//! `cargo run --release -p catalog --example rate -- [folder] [records]`

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use catalog::{Batch, Catalog, NewRecord, Outcome, Tenant};
use model::{
    AccountId, ContentId, Digest, EmailAddress, Envelope, JournalReport, JournalVariant, Location,
    MailKind, Mailbox, Participant, Provenance, RecordFacts, RecordId, ReportFacts, Role, Shape,
    Source, SourceId, Summary, TenantId, Timestamp,
};
use policy::{AccountRole, Actor, OwnedAddress, authorize_read};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const BATCH_RECORDS: u64 = 500;
const PEOPLE: u64 = 2_000;
const START: i64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let records: u64 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let catalog = catalog::open(&format!("sqlite:{}", folder.path().join("c.db").display()))?;
    catalog.add_tenant(&Tenant::new(TENANT, "Rate", Timestamp::from_seconds(START)))?;
    let mut out = std::io::stdout().lock();

    let mut spent = Vec::new();
    let mut number = 0;
    while number < records {
        let batch = batch(number, number + BATCH_RECORDS);
        let begin = Instant::now();
        let committed = catalog.commit(TENANT, &batch)?;
        spent.push(begin.elapsed());
        assert!(committed.records.iter().all(|one| one.outcome == Outcome::New));
        number += BATCH_RECORDS;
        if number.is_multiple_of(records.div_ceil(5).next_multiple_of(BATCH_RECORDS)) {
            writeln!(out, "{number:>9} records, {:>8.0}/s so far", rate(number, &spent))?;
        }
    }
    let total: Duration = spent.iter().sum();
    if let Some(busy) = computing() {
        writeln!(out, "commit: {busy:.2?} of computing (the rest waited for disk and processor)")?;
    }
    if let Some(bytes) = written_bytes() {
        writeln!(out, "commit: {} bytes written per record", bytes / records)?;
    }
    writeln!(
        out,
        "commit: {records} records with 3 participants in {total:.2?}: {:.0}/s, batch of {BATCH_RECORDS} {}",
        rate(records, &spent),
        quantiles(&mut spent)
    )?;
    let bytes = catalog.stored_bytes()?;
    writeln!(out, "size: {} bytes per record", bytes / records)?;

    let known = batch(0, BATCH_RECORDS);
    measure(&mut out, "commit of 500 known records", 50, || {
        catalog.commit(TENANT, &known).map(drop)
    })?;
    reads(&mut out, &*catalog, records)?;
    Ok(())
}

fn reads(
    out: &mut impl std::io::Write,
    catalog: &dyn Catalog,
    records: u64,
) -> Result<(), Box<dyn Error>> {
    let auditor = Actor {
        everything: vec![policy::Span::ALWAYS],
        account: AccountId::from_bytes([1; 16]),
        tenant: Some(TENANT),
        role: AccountRole::Auditor,
        addresses: Vec::new(),
        limited_to: None,
    };
    let owned = |count: u64| -> Vec<OwnedAddress> {
        (0..count)
            .map(|person| OwnedAddress { key: address(person), from: None, until: None })
            .collect()
    };
    let user =
        |count| Actor { role: AccountRole::User, addresses: owned(count), ..auditor.clone() };
    for (name, actor) in
        [("auditor", auditor.clone()), ("1 address", user(1)), ("500 addresses", user(500))]
    {
        let scope = authorize_read(&actor)?;
        let mut next = 0;
        measure(out, &format!("list of 50 rows, {name}"), 200, || {
            next = (next + 7_919) % records;
            let ids: Vec<_> = (0..50).map(|i| id((next + i * 13) % records)).collect();
            catalog.rows(&scope, &ids).map(drop)
        })?;
        measure(out, &format!("one record, {name}"), 500, || {
            next = (next + 7_919) % records;
            catalog.record(&scope, id(next)).map(drop)
        })?;
        measure(out, &format!("suggestions, {name}"), 100, || {
            catalog.suggest_addresses(&scope, "person1", 10).map(drop)
        })?;
    }
    measure(out, "changes, 500 events", 50, || {
        catalog.changes(TENANT, records / 2, 500).map(drop)
    })?;
    measure(out, "figures", 500, || catalog.figures(TENANT).map(drop))?;
    Ok(())
}

fn measure(
    out: &mut impl std::io::Write,
    name: &str,
    times: u32,
    mut work: impl FnMut() -> Result<(), catalog::CatalogError>,
) -> Result<(), Box<dyn Error>> {
    let mut spent = Vec::new();
    for _ in 0..times {
        let begin = Instant::now();
        work()?;
        spent.push(begin.elapsed());
    }
    writeln!(out, "{name}: {}", quantiles(&mut spent))?;
    Ok(())
}

/// The time that this thread was on a processor so far (Linux).
fn computing() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// What this process has written to disks so far (Linux).
fn written_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}

fn rate(count: u64, spent: &[Duration]) -> f64 {
    count as f64 / spent.iter().sum::<Duration>().as_secs_f64()
}

fn quantiles(spent: &mut [Duration]) -> String {
    spent.sort_unstable();
    let at = |share: f64| spent[((spent.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2?} p95 {:.2?} p99 {:.2?}", at(0.5), at(0.95), at(0.99))
}

fn batch(from: u64, to: u64) -> Batch {
    let records = (from..to).map(record).collect();
    Batch { at: Timestamp::from_seconds(START), records, ..Batch::default() }
}

fn address(person: u64) -> String {
    format!("person{person}@company.example")
}

fn content(number: u64) -> ContentId {
    ContentId::of(&number.to_le_bytes())
}

fn id(number: u64) -> RecordId {
    RecordId::of(TENANT, content(number))
}

fn record(number: u64) -> NewRecord {
    let person = |step: u64| EmailAddress::new(&address((number * step) % PEOPLE));
    let participant = |role, step| Participant {
        address: person(step),
        role,
        provenance: Provenance::JournalReport,
        expanded_from: None,
        forwarded_from: None,
    };
    let received_at = Timestamp::from_seconds(START + number as i64);
    let facts = RecordFacts {
        format: 1,
        record: id(number),
        content: content(number),
        size_bytes: 20_000,
        decrypted: None,
        report: Some(ReportFacts {
            content: ContentId::of(&(!number).to_le_bytes()),
            size_bytes: 22_000,
            report: Some(JournalReport {
                variant: JournalVariant::Microsoft,
                sender: Some(person(7)),
                on_behalf_of: None,
                subject: None,
                message_id: None,
                label: None,
                mailbox: None,
                sent_utc: None,
                received_utc: None,
                recipients: Vec::new(),
                unknown_fields: Vec::new(),
                originator_org: Some("company.example".to_owned()),
            }),
        }),
        shape: Shape::JournalReport,
        received_at,
        source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
        envelope: Some(Envelope {
            reverse_path: None,
            forward_paths: vec![EmailAddress::new("journal-0123456789abcdef@archive.example")],
            peer: None,
            helo: "mail.company.example".to_owned(),
            tls: Some("TLSv1_3".to_owned()),
        }),
        participants: vec![
            participant(Role::Sender, 7),
            participant(Role::To, 11),
            participant(Role::Cc, 13),
        ],
        marks: Vec::new(),
    };
    let summary = Summary {
        message_id: Some(format!("{number:016x}.mail@company.example")),
        subject: format!("Quarterly figures, draft {number}: please have a look until Friday"),
        from: Some(Mailbox { name: "A Person".to_owned(), address: person(7) }),
        to: vec![Mailbox::bare(person(11))],
        sent_at: Some(received_at),
        size_bytes: 20_000,
        attachments: 1,
        kind: MailKind::Mail,
        references: Vec::new(),
    };
    NewRecord {
        facts_digest: Digest::of(&number.to_be_bytes()),
        facts,
        summary,
        date: received_at,
        location: Location {
            pack: 1,
            slot: number as u32,
            offset: number * 8_000,
            length_bytes: 8_000,
        },
        whole: true,
    }
}
