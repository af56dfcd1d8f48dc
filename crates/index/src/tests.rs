mod purge;
mod truth;

use std::path::Path;

use model::{EmailAddress, IndexDocument, MailKind, Mailbox, TenantId, Timestamp};

use crate::conformance::{auditor, document, owned, rows, user};
use crate::*;

const TENANT: TenantId = TenantId::from_bytes([7; 16]);

fn engine(folder: &Path) -> Box<dyn SearchIndex> {
    let options = Options { writer_heap_bytes: 16 << 20, writer_threads: 1, writers_max: 2 };
    open(&format!("tantivy:{}", folder.display()), options).expect("an engine")
}

fn filled(folder: &Path, documents: Vec<IndexDocument>) -> Box<dyn SearchIndex> {
    let index = engine(folder);
    let changes =
        documents.into_iter().map(|document| IndexChange { document, new: true }).collect();
    index.apply(TENANT, changes, 1).expect("applied");
    index.commit(TENANT).expect("committed");
    index
}

#[test]
fn the_engine_passes_the_suite() {
    let folder = tempfile::tempdir().expect("a folder");
    conformance::run(folder.path(), &engine);
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: name.into(), address: EmailAddress::new(address) }
}

fn corpus() -> Vec<IndexDocument> {
    let at = |text: &str| text.parse::<Timestamp>().expect(text);
    let mut contract = document(1, "Vertrag über die Lieferung");
    contract.body =
        "Sehr geehrter Herr Müller,\nanbei die Verträge für Köln. Wir kündigen nicht.\n\
                     Rechnung 4711-2 liegt bei. Fragen an d.mueller@example.de"
            .into();
    contract.attachment_names = vec!["Vertrag_2024-03.pdf".into(), "Größe.xlsx".into()];
    contract.has_attachment = true;
    contract.date = at("2024-03-01T10:00:00Z");
    contract.size_bytes = 12 << 20;
    let mut invoice = document(2, "Re: Rechnungen März");
    invoice.from = vec![mailbox("Dieter Müller", "d.mueller@example.de")];
    invoice.cc = vec![mailbox("Buchhaltung", "buchhaltung@sub.example.de")];
    invoice.body = "Die Strassen in Muenchen. The issue is closed, all parties agree.".into();
    invoice.date = at("2023-12-31T23:30:00Z");
    let mut meeting = document(3, "Meeting: 東京都 office");
    meeting.kind = MailKind::Calendar;
    meeting.others = vec![mailbox("", "vertrieb@firma.example")];
    meeting.source = vec!["import".into(), "5f00".into()];
    meeting.body = "the quick brown fox jumps over the lazy dog".into();
    meeting.date = at("2024-03-15T00:00:00Z");
    meeting.message_id = Some("ABC.1@Host".into());
    vec![contract, invoice, meeting]
}

#[test]
fn a_table_of_queries_finds_what_it_should() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = filled(folder.path(), corpus());
    let table: &[(&str, &[u64])] = &[
        ("", &[1, 2, 3]),
        ("vertrag", &[1]),
        ("VERTRAEGE", &[1]),
        ("\"vertrag\"", &[1]),
        ("subject:verträge", &[1]),
        ("subject:\"verträge\"", &[]),
        ("body:\"verträge für köln\"", &[1]),
        ("\"vertrage fur koln\"", &[1]),
        ("mueller", &[1, 2, 3]),
        ("body:müller", &[1]),
        ("from:muller", &[2]),
        ("from:\"Müller, Dieter\"", &[2]),
        ("from:\"Dieter Müller\"", &[2]),
        ("from:\"Anna Müller\"", &[]),
        ("from:d.mueller@example.de", &[2]),
        ("d.mueller@example.de", &[1, 2]),
        ("from:@example.de", &[2]),
        ("cc:@example.de", &[]),
        ("cc:@sub.example.de", &[2]),
        ("from:d.mue*", &[2]),
        ("from:d.mueller@ex*", &[2]),
        ("with:buchhaltung", &[2]),
        ("with:vertrieb@firma.example", &[3]),
        ("to:bert", &[1, 2, 3]),
        ("rechnung", &[1, 2]),
        ("rech*", &[1, 2]),
        ("4711-2", &[1]),
        ("4711", &[1]),
        ("4711-3", &[]),
        ("straße", &[2]),
        ("münchen", &[2]),
        ("issues party", &[2]),
        ("issues -party", &[]),
        ("vertrag OR issue", &[1, 2]),
        ("NOT vertrag", &[2, 3]),
        ("attachment:vertrag", &[1]),
        ("attachment:xlsx", &[1]),
        ("attachment:\"vertrag 2024-03.pdf\"", &[1]),
        ("attachment:grösse.xlsx", &[1]),
        ("has:attachment", &[1]),
        ("larger:10M", &[1]),
        ("smaller:10M", &[2, 3]),
        ("before:2024", &[2]),
        ("after:2024", &[1, 3]),
        ("on:2024-03", &[1, 3]),
        ("on:1.3.2024", &[1]),
        ("on:2023-12-31", &[2]),
        ("source:smtp", &[1, 2]),
        ("source:5f00", &[3]),
        ("id:abc.1@host", &[3]),
        ("id:<ABC.1@Host>", &[3]),
        ("kind:calendar", &[3]),
        ("kind:mail rechnung", &[1, 2]),
        ("東京", &[3]),
        ("京都", &[3]),
        ("東", &[3]),
        ("都", &[3]),
        ("東都", &[]),
        ("\"quick fox\"", &[]),
        ("\"quick fox\"~1", &[3]),
        ("\"fox quick\"~1", &[3]),
        ("\"quick jumps\"~1", &[]),
        ("quick NEAR/1 fox", &[3]),
        ("quick NEAR/0 fox", &[]),
        ("dog NEAR/6 \"quick brown\"", &[3]),
        ("dog NEAR/4 \"quick brown\"", &[]),
        ("\"the the\"~5", &[3]),
        ("\"the the\"~4", &[]),
        ("\"quick bro*\"", &[3]),
        ("\"brown qui*\"", &[]),
        ("kündigen NEAR/5 köln", &[1]),
    ];
    for (query, expected) in table {
        assert_eq!(rows(&*index, &auditor(TENANT), query), *expected, "{query}");
    }
    assert_eq!(rows(&*index, &auditor(TENANT), &format!("id:{}", conformance::record(2))), [2]);
}

#[test]
fn relevance_puts_the_subject_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut body = document(1, "anderes");
    body.body = "ein budget unter vielem mehr ".repeat(20);
    let index = filled(folder.path(), vec![body, document(2, "Budget"), document(3, "Nichts")]);
    let query = parse("budget").expect("parses");
    let calendar = Calendar::utc(Timestamp::from_seconds(0));
    let request = SearchRequest {
        query: &query,
        calendar: &calendar,
        sort: Sort::Relevance,
        cursor: None,
        limit: 10,
        facets: false,
    };
    let hits = index.search(&auditor(TENANT), &request).expect("found");
    assert_eq!(hits.rows.iter().map(|hit| hit.row).collect::<Vec<_>>(), [2, 1]);
    assert!(hits.rows[0].score > hits.rows[1].score);
}

#[test]
fn an_index_of_another_analyzer_asks_for_a_rebuild() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), vec![document(1, "eins")]).close().expect("closed");
    let meta = folder.path().join(TENANT.to_string()).join("meta.json");
    let text = std::fs::read_to_string(&meta).expect("read");
    let changed =
        text.replace(&format!("\\\"analyzer\\\":{ANALYZER_VERSION}"), "\\\"analyzer\\\":999");
    assert_ne!(text, changed);
    std::fs::write(&meta, changed).expect("written");
    let index = engine(folder.path());
    assert!(matches!(index.state(TENANT), Ok(State::NeedsRebuild(_))));
    let change = || IndexChange { document: document(1, "eins"), new: false };
    assert!(matches!(index.apply(TENANT, vec![change()], 1), Err(Error::NeedsRebuild { .. })));
    index.drop_tenant(TENANT).expect("dropped");
    index.apply(TENANT, vec![change()], 1).expect("applied");
    assert_eq!(index.commit(TENANT).expect("committed"), 1);
}

#[test]
fn damage_is_named_or_asks_for_a_rebuild() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), corpus()).close().expect("closed");
    let tenant = folder.path().join(TENANT.to_string());
    for entry in std::fs::read_dir(&tenant).expect("listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let octets = std::fs::read(&path).expect("read");
        if octets.len() < 40 || !(name.contains('-') || name.len() > 32) || name.ends_with(".json")
        {
            continue;
        }
        let mut damaged = octets.clone();
        damaged[octets.len() / 3] ^= 1;
        std::fs::write(&path, &damaged).expect("written");
        match engine(folder.path()).damaged_files(TENANT) {
            Ok(names) => assert!(names.contains(&name), "{name} is not in {names:?}"),
            Err(error) => assert!(matches!(error, Error::NeedsRebuild { .. }), "{error}"),
        }
        std::fs::write(&path, &octets).expect("written");
    }
    assert_eq!(engine(folder.path()).damaged_files(TENANT).expect("read"), Vec::<String>::new());
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = filled(folder.path(), vec![document(1, "eins")]);
    let second = engine(folder.path());
    let change = IndexChange { document: document(2, "zwei"), new: true };
    assert!(matches!(second.apply(TENANT, vec![change.clone()], 2), Err(Error::Locked { .. })));
    first.close().expect("closed");
    second.apply(TENANT, vec![change], 2).expect("applied");
}

#[test]
fn many_tenants_take_turns_at_writing() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = engine(folder.path());
    let tenant = |i: u8| TenantId::from_bytes([i; 16]);
    for round in 1..=2u64 {
        for i in 0..6 {
            let change = IndexChange { document: document(round, "eins"), new: true };
            index.apply(tenant(i), vec![change], round).expect("applied");
        }
    }
    for i in 0..6 {
        index.commit(tenant(i)).expect("committed");
        assert_eq!(rows(&*index, &auditor(tenant(i)), ""), [1, 2]);
    }
    index.release_idle().expect("released");
    assert_eq!(index.release_idle().expect("released"), 0);
    assert_eq!(rows(&*index, &auditor(tenant(0)), ""), [1, 2]);
}

#[test]
fn a_row_that_is_behind_the_cursor_in_another_order_of_arrival_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = filled(folder.path(), (1..=9).map(|row| document(row, "x")).collect());
    let me = user(TENANT, vec![owned("anna@firma.example", Some(3), Some(8))]);
    assert_eq!(rows(&*index, &me, "x"), [3, 4, 5, 6, 7]);
}
