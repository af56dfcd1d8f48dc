//! The suite that every engine passes. Panics on the first thing that is not as it must be.

use std::path::Path;

use model::{
    AccountId, EmailAddress, IndexDocument, MailKind, Mailbox, RecordId, TenantId, Timestamp,
};
use policy::{AccountRole, Actor, OwnedAddress, Scope, Span, authorize_read};

use crate::{
    Calendar, Hits, IndexChange, MatchRequest, SearchIndex, SearchRequest, Sort, State, parse,
};

const TENANT: TenantId = TenantId::from_bytes([7; 16]);
const NONE: [u64; 0] = [];
const NOW: Timestamp = Timestamp::from_seconds(1_717_243_200);

/// Runs everything; `open` opens the engine on a folder, which is empty at first.
pub fn run(folder: &Path, open: &dyn Fn(&Path) -> Box<dyn SearchIndex>) {
    let suite: [(&str, Check); 10] = [
        ("absent", an_unknown_tenant_has_nothing),
        ("commit", only_what_is_committed_is_found_and_survives),
        ("replace", a_document_takes_the_place_of_its_record),
        ("remove", removed_records_are_gone),
        ("rights", everyone_sees_exactly_their_mail),
        ("blind", blind_copies_are_known_to_those_who_may_know),
        ("paging", pages_hold_every_mail_once_whatever_arrives),
        ("facets", facets_count_what_the_scope_shows),
        ("match", a_few_records_are_asked_whether_they_fulfil_a_query),
        ("drop", a_dropped_tenant_starts_anew),
    ];
    for (name, check) in suite {
        let folder = folder.join(name);
        check(&|| open(&folder));
    }
}

/// Everything of the tenant.
pub fn auditor(tenant: TenantId) -> Scope {
    scope(tenant, Vec::new(), vec![Span::ALWAYS])
}

/// What belongs to these addresses.
pub fn user(tenant: TenantId, addresses: Vec<OwnedAddress>) -> Scope {
    scope(tenant, addresses, Vec::new())
}

/// What belongs to these addresses, and what was received within these spans.
pub fn scope(tenant: TenantId, addresses: Vec<OwnedAddress>, everything: Vec<Span>) -> Scope {
    let account = AccountId::from_bytes([1; 16]);
    let (tenant, role) = (Some(tenant), AccountRole::Auditor);
    let actor = Actor { account, tenant, role, addresses, everything, limited_to: None };
    authorize_read(&actor).unwrap_or_else(|denied| panic!("{role}: {denied}"))
}

pub fn owned(key: &str, from: Option<i64>, until: Option<i64>) -> OwnedAddress {
    let moment = |seconds: Option<i64>| seconds.map(Timestamp::from_seconds);
    OwnedAddress { key: key.to_owned(), from: moment(from), until: moment(until) }
}

/// A mail from anna to bert, both owners, received `row` seconds after 1970.
pub fn document(row: u64, subject: &str) -> IndexDocument {
    let mailbox = |name: &str, address: &str| Mailbox {
        name: name.to_owned(),
        address: EmailAddress::new(address),
    };
    let at = Timestamp::from_seconds(row as i64);
    IndexDocument {
        record: record(row),
        row,
        owners: vec!["anna@firma.example".into(), "bert@firma.example".into()],
        from: vec![mailbox("Anna Schmidt", "anna@firma.example")],
        to: vec![mailbox("Bert Müller", "bert@firma.example")],
        cc: Vec::new(),
        bcc: Vec::new(),
        others: Vec::new(),
        subject: subject.to_owned(),
        body: String::new(),
        attachment_names: Vec::new(),
        message_id: Some(format!("{row}@firma.example")),
        date: at,
        received_at: at,
        size_bytes: 1000 * row,
        has_attachment: false,
        kind: MailKind::Mail,
        source: vec!["smtp".into()],
    }
}

pub fn record(row: u64) -> RecordId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&row.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[8..].copy_from_slice(&row.to_be_bytes());
    RecordId::from_bytes(id)
}

/// Asks for the first 500 rows by date, with facets.
pub fn ask(index: &dyn SearchIndex, scope: &Scope, query: &str) -> Hits {
    page(index, scope, query, Sort::DateDescending, None, 500)
}

fn page(
    index: &dyn SearchIndex,
    scope: &Scope,
    query: &str,
    sort: Sort,
    cursor: Option<&str>,
    limit: usize,
) -> Hits {
    let query = parse(query).unwrap_or_else(|error| panic!("{query:?}: {error}"));
    let calendar = Calendar::utc(NOW);
    let request =
        SearchRequest { query: &query, calendar: &calendar, sort, cursor, limit, facets: true };
    index.search(scope, &request).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// The rows that a query finds, ascending.
pub fn rows(index: &dyn SearchIndex, scope: &Scope, query: &str) -> Vec<u64> {
    let hits = ask(index, scope, query);
    let mut rows: Vec<_> = hits.rows.iter().map(|hit| hit.row).collect();
    assert_eq!(hits.total, rows.len() as u64, "{query}");
    rows.sort_unstable();
    rows
}

fn apply(index: &dyn SearchIndex, documents: Vec<IndexDocument>, new: bool, through: u64) {
    let changes = documents.into_iter().map(|document| IndexChange { document, new }).collect();
    done(index.apply(TENANT, changes, through));
}

fn done<T>(result: crate::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        panic!("{error}: {:?}", std::error::Error::source(&error).map(|source| source.to_string()))
    })
}

type Check = fn(Open<'_>);

/// Opens the engine on the folder of one check.
type Open<'a> = &'a dyn Fn() -> Box<dyn SearchIndex>;

fn an_unknown_tenant_has_nothing(open: Open<'_>) {
    let index = open();
    assert_eq!(done(index.state(TENANT)), State::Absent);
    assert_eq!(done(index.indexed_through(TENANT)), 0);
    assert_eq!(done(index.commit(TENANT)), 0);
    assert_eq!(done(index.count(TENANT)), 0);
    assert_eq!(done(index.space_bytes(TENANT)), 0);
    assert!(done(index.records(TENANT)).is_empty());
    assert_eq!(rows(&*index, &auditor(TENANT), ""), NONE);
    done(index.remove(TENANT, &[record(1)]));
    done(index.drop_tenant(TENANT));
    assert_eq!(done(index.state(TENANT)), State::Absent);
}

fn only_what_is_committed_is_found_and_survives(open: Open<'_>) {
    let index = open();
    let everyone = auditor(TENANT);
    apply(&*index, vec![document(1, "eins")], true, 10);
    assert_eq!(rows(&*index, &everyone, ""), NONE);
    assert_eq!(done(index.indexed_through(TENANT)), 0);
    assert_eq!(done(index.commit(TENANT)), 10);
    assert_eq!(rows(&*index, &everyone, "eins"), [1]);
    assert_eq!(ask(&*index, &everyone, "").indexed_through, 10);
    apply(&*index, vec![document(2, "zwei")], true, 20);
    // As if the process had ended here.
    drop(index);
    let index = open();
    assert_eq!(done(index.indexed_through(TENANT)), 10);
    assert_eq!(rows(&*index, &everyone, ""), [1]);
    apply(&*index, vec![document(2, "zwei")], false, 20);
    assert_eq!(done(index.commit(TENANT)), 20);
    // A sequence never goes back; one may go on without documents.
    apply(&*index, Vec::new(), false, 5);
    assert_eq!(done(index.commit(TENANT)), 20);
    apply(&*index, Vec::new(), false, 21);
    done(index.close());
    let index = open();
    assert_eq!(done(index.indexed_through(TENANT)), 21);
    assert_eq!(rows(&*index, &everyone, ""), [1, 2]);
    assert!(done(index.space_bytes(TENANT)) > 0);
    assert_eq!(done(index.damaged_files(TENANT)), Vec::<String>::new());
    assert_eq!(done(index.release_idle()), 1);
    assert_eq!(done(index.release_idle()), 0);
    assert_eq!(rows(&*index, &everyone, "zwei"), [2]);
}

fn a_document_takes_the_place_of_its_record(open: Open<'_>) {
    let index = open();
    let everyone = auditor(TENANT);
    apply(&*index, vec![document(1, "alt"), document(2, "zwei")], true, 1);
    // Twice within one batch, too.
    apply(&*index, vec![document(1, "neu"), document(1, "neuer")], false, 2);
    done(index.commit(TENANT));
    assert_eq!(rows(&*index, &everyone, "alt OR neu"), NONE);
    assert_eq!(rows(&*index, &everyone, "neuer"), [1]);
    assert_eq!(done(index.count(TENANT)), 2);
    let records = done(index.records(TENANT));
    let expected = |row: u64, subject: &str| (row, crate::document_digest(&document(row, subject)));
    let mut listed: Vec<_> = records.iter().map(|one| (one.row, one.digest)).collect();
    listed.sort_unstable();
    assert_eq!(listed, [expected(1, "neuer"), expected(2, "zwei")]);
    assert!(records.iter().all(|one| one.record == record(one.row)));
}

fn removed_records_are_gone(open: Open<'_>) {
    let index = open();
    apply(&*index, (1..=3).map(|row| document(row, "mail")).collect(), true, 3);
    done(index.remove(TENANT, &[record(1), record(99)]));
    done(index.commit(TENANT));
    assert_eq!(rows(&*index, &auditor(TENANT), "mail"), [2, 3]);
    done(index.remove(TENANT, &[record(2)]));
    assert_eq!(rows(&*index, &auditor(TENANT), "mail"), [2, 3]);
    done(index.commit(TENANT));
    assert_eq!(rows(&*index, &auditor(TENANT), "mail"), [3]);
    assert_eq!(
        ask(&*index, &auditor(TENANT), "mail").facets.map(|facets| facets.senders_total),
        Some(1)
    );
}

fn everyone_sees_exactly_their_mail(open: Open<'_>) {
    let index = open();
    let mut shared = document(1, "geteilt");
    shared.owners.push("gruppe@firma.example".into());
    let mut foreign = document(2, "geteilt");
    foreign.owners = vec!["carl@firma.example".into()];
    apply(&*index, vec![shared, foreign, document(5, "geteilt")], true, 3);
    done(index.commit(TENANT));
    let see = |addresses: Vec<OwnedAddress>| rows(&*index, &user(TENANT, addresses), "geteilt");
    assert_eq!(see(vec![]), NONE);
    assert_eq!(see(vec![owned("anna@firma.example", None, None)]), [1, 5]);
    assert_eq!(see(vec![owned("carl@firma.example", None, None)]), [2]);
    assert_eq!(see(vec![owned("gruppe@firma.example", None, None)]), [1]);
    assert_eq!(see(vec![owned("anna@firma.example", Some(2), None)]), [5]);
    assert_eq!(see(vec![owned("anna@firma.example", Some(5), None)]), [5]);
    assert_eq!(see(vec![owned("anna@firma.example", None, Some(5))]), [1]);
    let both = vec![
        owned("anna@firma.example", Some(2), Some(5)),
        owned("carl@firma.example", Some(2), None),
    ];
    assert_eq!(see(both), [2]);
    let mut many: Vec<_> =
        (0..100).map(|i| owned(&format!("user{i}@firma.example"), None, None)).collect();
    assert_eq!(see(many.clone()), NONE);
    many.push(owned("carl@firma.example", None, None));
    assert_eq!(see(many), [2]);
    let other = TenantId::from_bytes([8; 16]);
    assert_eq!(rows(&*index, &auditor(other), ""), NONE);
    let anna = user(TENANT, vec![owned("anna@firma.example", None, None)]);
    assert_eq!(rows(&*index, &anna, "NOT geteilt"), NONE);
    assert_eq!(rows(&*index, &anna, "NOT fehlt"), [1, 5]);
    assert_eq!(rows(&*index, &anna, &format!("id:{}", record(2))), NONE);
}

fn blind_copies_are_known_to_those_who_may_know(open: Open<'_>) {
    let index = open();
    let mut mail = document(1, "vertraulich");
    mail.owners.push("carl@firma.example".into());
    let address = EmailAddress::new("carl@firma.example");
    mail.bcc = vec![Mailbox { name: "Carl Geheim".into(), address }];
    apply(&*index, vec![mail], true, 1);
    done(index.commit(TENANT));
    let of = |key: &str| user(TENANT, vec![owned(key, None, None)]);
    let (anna, bert, carl) =
        (of("anna@firma.example"), of("bert@firma.example"), of("carl@firma.example"));
    for query in
        ["bcc:carl", "bcc:carl@firma.example", "carl", "with:carl", "bcc:@firma.example", "car*"]
    {
        for scope in [&auditor(TENANT), &anna, &carl] {
            assert_eq!(rows(&*index, scope, query), [1], "{query} {scope:?}");
        }
        assert_eq!(rows(&*index, &bert, query), NONE, "{query}");
        assert_eq!(rows(&*index, &bert, &format!("NOT {query}")), [1], "{query}");
    }
    assert_eq!(rows(&*index, &anna, "geheim"), [1]);
    assert_eq!(rows(&*index, &bert, "geheim"), NONE);
    assert_eq!(rows(&*index, &bert, "vertraulich"), [1]);
}

fn pages_hold_every_mail_once_whatever_arrives(open: Open<'_>) {
    let index = open();
    let everyone = auditor(TENANT);
    let mail = |row: u64| {
        let mut mail = document(row, &format!("Re: {} brief", ["b", "a", "c"][row as usize % 3]));
        // Equal keys in plenty; several segments.
        mail.date = Timestamp::from_seconds((row / 4) as i64);
        mail.size_bytes = 100 + row % 5;
        mail.from[0].address = EmailAddress::new(&format!("{}@firma.example", row % 7));
        mail.body = "brief ".repeat(row as usize % 4);
        mail
    };
    for batch in 0..4 {
        apply(&*index, (batch * 10..batch * 10 + 10).map(mail).collect(), true, batch);
        done(index.commit(TENANT));
    }
    for sort in Sort::ALL {
        let whole = page(&*index, &everyone, "brief", sort, None, 500);
        assert_eq!((whole.total, whole.rows.len(), whole.next), (40, 40, None), "{sort:?}");
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let part = page(&*index, &everyone, "brief", sort, cursor.as_deref(), 7);
            assert_eq!(part.total, 40, "{sort:?}");
            seen.extend(part.rows);
            cursor = part.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, whole.rows, "{sort:?}");
        assert_eq!(Sort::from_name(sort.name()), Some(sort));
    }
    let first = page(&*index, &everyone, "brief", Sort::DateDescending, None, 3);
    assert_eq!(first.rows.iter().map(|hit| hit.row).collect::<Vec<_>>(), [39, 38, 37]);
    apply(&*index, vec![mail(100)], true, 9);
    done(index.commit(TENANT));
    let second = page(&*index, &everyone, "brief", Sort::DateDescending, first.next.as_deref(), 3);
    assert_eq!(second.rows.iter().map(|hit| hit.row).collect::<Vec<_>>(), [36, 35, 34]);
    assert_eq!(second.total, 41);
    let query = crate::Query::all();
    let calendar = Calendar::utc(NOW);
    for cursor in ["", "date", "date.x.1", "sender.1.zz", "size.1.1"] {
        let request = SearchRequest {
            query: &query,
            calendar: &calendar,
            sort: Sort::DateDescending,
            cursor: Some(cursor),
            limit: 1,
            facets: false,
        };
        let refused = index.search(&everyone, &request);
        assert!(matches!(refused, Err(crate::Error::BadCursor)), "{cursor}");
    }
}

fn facets_count_what_the_scope_shows(open: Open<'_>) {
    let index = open();
    let mail = |row: u64| {
        let mut mail = document(row, "brief");
        mail.from[0].address = EmailAddress::new(&format!("von{}@firma.example", row % 15));
        mail.owners = vec![format!(
            "{}@firma.example",
            if row.is_multiple_of(2) { "gerade" } else { "krumm" }
        )];
        mail.has_attachment = row.is_multiple_of(3);
        mail.kind = if row.is_multiple_of(5) { MailKind::Calendar } else { MailKind::Mail };
        mail.date = Timestamp::from_seconds((row as i64 % 4) * 366 * 86_400);
        mail.size_bytes = 1 << (row % 24);
        mail
    };
    for batch in 0..3 {
        apply(&*index, (batch * 20..batch * 20 + 20).map(mail).collect(), true, batch);
        done(index.commit(TENANT));
    }
    let scope = user(TENANT, vec![owned("gerade@firma.example", None, None)]);
    let hits = ask(&*index, &scope, "brief");
    assert_eq!(hits.total, 30);
    let facets = hits.facets.unwrap_or_default();
    assert_eq!(facets.with_attachment, 10);
    assert_eq!(facets.senders_total, 15);
    assert_eq!(facets.senders.len(), crate::FACET_SENDERS);
    assert!(facets.senders.iter().all(|sender| sender.count == 2));
    assert_eq!(facets.senders[0].value, "von0@firma.example");
    let years: Vec<_> = facets.years.iter().map(|year| (year.value, year.count)).collect();
    assert_eq!(years, [(1972, 15), (1970, 15)]);
    let kinds: Vec<_> = facets.kinds.iter().map(|kind| (kind.value, kind.count)).collect();
    assert_eq!(kinds, [(MailKind::Calendar, 6), (MailKind::Mail, 24)]);
    assert_eq!(facets.sizes.iter().map(|size| size.count).sum::<u64>(), 30);
    for size in &facets.sizes {
        let (from, until) = size.value.bounds();
        let count = (0..60u64).filter(|row| {
            let bytes = 1 << (row % 24);
            row.is_multiple_of(2) && from <= bytes && until.is_none_or(|until| bytes < until)
        });
        assert_eq!(size.count, count.count() as u64, "{:?}", size.value);
    }
}

fn a_few_records_are_asked_whether_they_fulfil_a_query(open: Open<'_>) {
    let index = open();
    let (query, calendar) = (done_query("rechnung"), Calendar::utc(NOW));
    let all: Vec<RecordId> = (1..=9).map(record).collect();
    let asked = |addresses: &[String], span: Span, records: &[RecordId]| {
        let (query, calendar) = (&query, &calendar);
        let records = Some(records);
        let request = MatchRequest { query, calendar, addresses, span, records };
        let mut found = done(index.matching(&auditor(TENANT), &request));
        found.records.sort_unstable();
        let row = |id: &RecordId| (1..=9).find(|row| record(*row) == *id).unwrap_or(0);
        let mut rows: Vec<u64> = found.records.iter().map(row).collect();
        rows.sort_unstable();
        (rows, found.indexed_through)
    };
    assert_eq!(asked(&[], Span::ALWAYS, &all), (vec![], 0));
    let mut carl = document(4, "rechnung");
    carl.owners = vec!["carl@firma.example".into()];
    // Sent long before it was received.
    carl.date = Timestamp::from_seconds(-500);
    let others = [document(1, "rechnung"), document(2, "angebot"), document(3, "rechnung"), carl];
    apply(&*index, others.into(), true, 7);
    done(index.commit(TENANT));
    assert_eq!(asked(&[], Span::ALWAYS, &all), (vec![1, 3, 4], 7));
    assert_eq!(asked(&[], Span::ALWAYS, &[record(2), record(3), record(8)]).0, [3]);
    assert_eq!(asked(&[], Span::ALWAYS, &[]).0, NONE);
    let carl = ["carl@firma.example".to_owned(), "nobody@firma.example".to_owned()];
    assert_eq!(asked(&carl, Span::ALWAYS, &all).0, [4]);
    let span = |from: i64, until: i64| Span {
        from: Some(Timestamp::from_seconds(from)),
        until: Some(Timestamp::from_seconds(until)),
    };
    assert_eq!(asked(&[], span(-600, 2), &all).0, [1, 4]);
    assert_eq!(asked(&[], span(4, 5), &all).0, [4]);
    assert_eq!(asked(&[], span(100, 200), &all).0, NONE);
    let (query, calendar, span) = (&query, &calendar, Span::ALWAYS);
    let request = MatchRequest { query, calendar, addresses: &[], span, records: None };
    let counted = done(index.matching(&auditor(TENANT), &request));
    assert_eq!((counted.total, counted.records.len()), (3, 0));
}

fn done_query(text: &str) -> crate::Query {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn a_dropped_tenant_starts_anew(open: Open<'_>) {
    let index = open();
    apply(&*index, vec![document(1, "eins")], true, 1);
    done(index.commit(TENANT));
    apply(&*index, vec![document(2, "zwei")], true, 2);
    done(index.drop_tenant(TENANT));
    assert_eq!(done(index.state(TENANT)), State::Absent);
    assert_eq!(rows(&*index, &auditor(TENANT), ""), NONE);
    apply(&*index, vec![document(3, "drei")], true, 3);
    assert_eq!(done(index.commit(TENANT)), 3);
    assert_eq!(rows(&*index, &auditor(TENANT), ""), [3]);
}
