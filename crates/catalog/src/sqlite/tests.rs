use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use model::{ContentId, RecordId};
use proptest::prelude::*;
use rusqlite::Connection;

use super::codes::{Code, Name};
use super::*;
use crate::conformance::{self, A, batch, copy, everything, mail, tenant};
use crate::{Batch, ErrorKind, NewRecord, Outcome, Records, Tenants};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("catalog.db")
    }

    fn open(&self) -> Result<Arc<dyn Catalog>, CatalogError> {
        crate::open(&format!("sqlite:{}", self.file().display()))
    }
}

#[test]
fn the_engine_keeps_all_promises_of_the_port() {
    let folders = RefCell::new(Vec::new());
    conformance::suite(|| {
        let folder = Folder::new();
        let catalog = folder.open().expect("opens");
        folders.borrow_mut().push(folder);
        catalog
    });
}

#[test]
fn unknown_engines_are_refused() {
    for url in ["postgres://x", "sqlite:", "catalog.db", ""] {
        let error = crate::open(url).err().expect("refused");
        assert!(matches!(error, CatalogError::UnknownEngine { .. }), "{url}");
    }
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let folder = Folder::new();
    let new = batch(vec![mail(A, "m", "r", &["anna@own.example"])]);
    {
        let catalog = folder.open().expect("opens");
        catalog.add_tenant(&tenant(A, "Anders")).expect("added");
        catalog.commit(A, &new).expect("commits");
    }
    let catalog = folder.open().expect("opens");
    let again = catalog.commit(A, &new).expect("commits");
    assert_eq!(again.records[0].outcome, Outcome::Known);
    let ids = [new.records[0].facts.record];
    assert_eq!(catalog.rows(&everything(A), &ids).expect("reads").len(), 1);
}

#[test]
fn durability_is_switched_on() {
    let folder = Folder::new();
    let engine = Sqlite::open(&folder.file()).expect("opens");
    let ask = |connection: &Connection, pragma: &str| -> String {
        let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
        let value: rusqlite::types::Value = value.expect("reads");
        format!("{value:?}")
    };
    let writer = engine.lock();
    assert_eq!(ask(&writer.connection, "journal_mode"), "Text(\"wal\")");
    assert_eq!(ask(&writer.connection, "synchronous"), "Integer(2)");
    assert_eq!(ask(&writer.connection, "foreign_keys"), "Integer(1)");
    let reader = engine.readers.take().expect("opens");
    assert_eq!(ask(&reader, "query_only"), "Integer(1)");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = Folder::new();
    drop(folder.open().expect("opens"));
    let other = Connection::open(folder.file()).expect("opens");
    other.pragma_update(None, "user_version", schema::VERSION + 1).expect("set");
    let error = folder.open().err().expect("refused");
    assert!(matches!(error, CatalogError::NewerSchema { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Stop);
}

/// Before there were grants, auditors saw the whole tenant: they still do.
#[test]
fn a_catalog_of_the_first_schema_keeps_accounts_sessions_and_what_auditors_saw() {
    let folder = Folder::new();
    let old = Connection::open(folder.file()).expect("opens");
    old.execute_batch(include_str!("schema.sql")).expect("made");
    old.execute_batch(
        "INSERT INTO tenant VALUES (1, zeroblob(16), 'Anders', 'anders', 'active', '[]', '[]', 0);
         INSERT INTO figures (tenant) VALUES (1);
         INSERT INTO account VALUES (7, unhex('01010101010101010101010101010101'), 1, 'Rita',
             'rita', 'Rita R.', 'auditor', 'hash', 0, 0, 'de', 5);
         INSERT INTO account VALUES (9, unhex('02020202020202020202020202020202'), 1, 'bert',
             'bert', '', 'user', NULL, 0, 0, NULL, 5);
         INSERT INTO account_address (account, tenant, key) VALUES (9, 1, 'bert@own.example');
         INSERT INTO session VALUES (zeroblob(32), 7, 'csrf', 0, 0, 1, NULL, '');
         PRAGMA user_version = 1;",
    )
    .expect("filled");
    drop(old);
    let catalog = folder.open().expect("brought up to date");
    let rita = catalog.account_named("rita").expect("reads").expect("kept");
    assert_eq!(
        (&*rita.display_name, rita.role.name(), rita.archived),
        ("Rita R.", "auditor", true)
    );
    assert_eq!(catalog.password_hash(rita.id).expect("reads").as_deref(), Some("hash"));
    let grants = catalog.grants_for(rita.id).expect("reads");
    assert!(matches!(grants[..], [policy::Grant { opens: policy::Opens::Tenant, .. }]));
    let bert = catalog.account_named("bert").expect("reads").expect("kept");
    assert!(catalog.grants_for(bert.id).expect("reads").is_empty());
    assert_eq!(catalog.addresses(bert.id).expect("reads").len(), 1);
    assert_eq!(catalog.end_sessions(rita.id).expect("ended"), 1);
    assert_eq!(catalog.integrity_check().expect("checks"), Vec::<String>::new());
}

#[test]
fn a_file_that_is_no_catalog_is_refused_and_left_alone() {
    let folder = Folder::new();
    let octets = b"Not a database, but long enough to be taken for the header of one, hopefully. \
        SQLite reads one hundred bytes of it.";
    fs::write(folder.file(), octets).expect("written");
    let error = folder.open().err().expect("refused");
    assert!(matches!(error, CatalogError::Corrupt { .. }), "{error}");
    assert_eq!(fs::read(folder.file()).expect("reads"), octets);

    let folder = Folder::new();
    let other = Connection::open(folder.file()).expect("opens");
    other.execute_batch("CREATE TABLE foreign_table (x)").expect("made");
    let error = folder.open().err().expect("refused");
    assert!(matches!(error, CatalogError::Corrupt { .. }), "{error}");
}

#[test]
fn damage_is_found_or_reported() {
    let folder = Folder::new();
    {
        let catalog = folder.open().expect("opens");
        catalog.add_tenant(&tenant(A, "Anders")).expect("added");
        let records = (0..200).map(|i| copy(A, &format!("m{i}"), &["a@x.example"])).collect();
        catalog.commit(A, &batch(records)).expect("commits");
    }
    let mut octets = fs::read(folder.file()).expect("reads");
    let middle = octets.len() / 2;
    octets[middle..middle + 4096].fill(0x5a);
    fs::write(folder.file(), octets).expect("written");
    let sound = folder.open().and_then(|catalog| catalog.integrity_check());
    match sound {
        Ok(findings) => assert!(!findings.is_empty()),
        Err(error) => assert!(matches!(error, CatalogError::Corrupt { .. }), "{error}"),
    }
}

#[test]
fn a_missing_or_forbidden_folder_is_named() {
    let error = crate::open("sqlite:/nonexistent/folder/catalog.db").err().expect("refused");
    assert!(matches!(error, CatalogError::Open { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Stop);
}

#[test]
fn a_full_disk_can_be_tried_again_and_loses_nothing() {
    let folder = Folder::new();
    let engine = Sqlite::open(&folder.file()).expect("opens");
    engine.add_tenant(&tenant(A, "Anders")).expect("added");
    let limit = |pages: i64| {
        let writer = engine.lock();
        writer
            .connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .expect("set");
    };
    limit(1);
    let records = (0..500).map(|i| copy(A, &format!("m{i}"), &["a@x.example"])).collect();
    let new = batch(records);
    let error = engine.commit(A, &new).expect_err("full");
    assert!(matches!(error, CatalogError::Full { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Retry);
    assert_eq!(engine.max_seq(A).expect("reads"), 0);
    limit(1_000_000);
    assert_eq!(engine.commit(A, &new).expect("commits").max_seq, 500);
    assert_eq!(engine.integrity_check().expect("checks"), Vec::<String>::new());
}

#[test]
fn a_writer_elsewhere_is_waited_for_and_then_reported() {
    let folder = Folder::new();
    let engine = Sqlite::open(&folder.file()).expect("opens");
    engine.add_tenant(&tenant(A, "Anders")).expect("added");
    let wait = std::time::Duration::from_millis(1);
    engine.lock().connection.busy_timeout(wait).expect("set");
    let other = Connection::open(folder.file()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let error = engine.commit(A, &Batch::default()).expect_err("locked");
    assert!(matches!(error, CatalogError::Busy), "{error}");
    assert_eq!(error.kind(), ErrorKind::Retry);
    assert_eq!(engine.max_seq(A).expect("readers go on"), 0);
    other.execute_batch("ROLLBACK").expect("unlocked");
    engine.commit(A, &Batch::default()).expect("commits");
}

#[test]
fn audit_and_ledger_refuse_change() {
    let folder = Folder::new();
    let catalog = folder.open().expect("opens");
    catalog.add_tenant(&tenant(A, "Anders")).expect("added");
    catalog.commit(A, &batch(vec![copy(A, "m", &[])])).expect("commits");
    let other = Connection::open(folder.file()).expect("opens");
    other
        .execute_batch(
            "INSERT INTO audit VALUES (1, 0, NULL, NULL, '', '', '', '{}', NULL, 'done', NULL)",
        )
        .expect("appended");
    for statement in [
        "DELETE FROM audit",
        "UPDATE audit SET who = 'x'",
        "DELETE FROM ledger_event",
        "UPDATE ledger_event SET at = 0",
    ] {
        assert!(other.execute(statement, []).is_err(), "{statement}");
    }
}

#[test]
fn a_backup_is_a_whole_catalog() {
    let folder = Folder::new();
    let catalog = folder.open().expect("opens");
    catalog.add_tenant(&tenant(A, "Anders")).expect("added");
    catalog.commit(A, &batch(vec![copy(A, "m", &[])])).expect("commits");
    let target = folder.0.path().join("backup.db");
    catalog.backup(&target).expect("written");
    let error = catalog.backup(&target).expect_err("never over an older one");
    assert!(matches!(error, CatalogError::Exists { .. }), "{error}");
    catalog.commit(A, &batch(vec![copy(A, "n", &[])])).expect("goes on");
    let copied = crate::open(&format!("sqlite:{}", target.display())).expect("opens");
    assert_eq!(copied.max_seq(A).expect("reads"), 1);
    assert_eq!(copied.tenant(A).expect("reads"), Some(tenant(A, "Anders")));
    assert_eq!(copied.integrity_check().expect("checks"), Vec::<String>::new());
}

#[test]
fn readers_see_whole_batches_only() {
    let folder = Folder::new();
    let catalog = folder.open().expect("opens");
    catalog.add_tenant(&tenant(A, "Anders")).expect("added");
    const BATCH: u64 = 7;
    const BATCHES: u64 = 40;
    thread::scope(|threads| {
        for _ in 0..4 {
            let catalog = catalog.clone();
            threads.spawn(move || {
                loop {
                    let figures = catalog.figures(A).expect("reads");
                    assert_eq!(figures.records % BATCH, 0);
                    let changes = catalog.changes(A, 0, 10_000).expect("reads");
                    assert_eq!(changes.through_seq % BATCH, 0);
                    if figures.records == BATCH * BATCHES {
                        break;
                    }
                }
            });
        }
        for number in 0..BATCHES {
            let name = |i| format!("{number}-{i}");
            let records = (0..BATCH).map(|i| copy(A, &name(i), &["a@x.example"])).collect();
            catalog.commit(A, &batch(records)).expect("commits");
        }
    });
}

#[test]
fn every_variant_has_its_own_code() {
    fn distinct<T: Code>(count: usize) {
        let mut codes: Vec<i64> = T::CODES.iter().map(|(_, code)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(T::CODES.iter().all(|(value, code)| T::decode(*code) == Some(*value)));
    }
    distinct::<model::Role>(8);
    distinct::<model::Provenance>(6);
    distinct::<model::MailKind>(4);
    distinct::<model::Shape>(3);
    distinct::<model::JournalVariant>(3);
    assert_eq!(crate::TenantState::named("active"), Some(crate::TenantState::Active));
    assert_eq!(crate::QuarantineState::Waiting.name(), "waiting");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let catalog = folder.open().expect("opens");
    catalog.add_tenant(&tenant(A, "Anders")).expect("added");
    catalog.backup(&folder.0.path().join("backup.db")).expect("written");
    let mut files = 0;
    for file in fs::read_dir(folder.0.path()).expect("lists") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("reads").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 4, "database, log, its index, backup");
}

thread_local! {
    /// Only the thread of the test that sets it is struck.
    static DOOMED: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn a_crash_around_the_commit_leaves_all_or_nothing() {
    for (point, records) in crate::CRASH_POINTS.iter().zip([0, 1]) {
        let folder = Folder::new();
        let catalog = folder.open().expect("opens");
        catalog.add_tenant(&tenant(A, "Anders")).expect("added");
        let new = batch(vec![mail(A, "m", "r", &["anna@own.example"])]);
        let strike = || assert!(!DOOMED.get(), "struck");
        fail::cfg_callback(*point, strike).expect("armed");
        DOOMED.set(true);
        let crash = catch_unwind(AssertUnwindSafe(|| catalog.commit(A, &new).map(drop)));
        DOOMED.set(false);
        fail::remove(*point);
        assert!(crash.is_err(), "{point} was not reached");
        // The same process goes on, and so does the next one.
        assert_eq!(catalog.figures(A).expect("reads").records, records, "{point}");
        let again = folder.open().expect("opens");
        assert_eq!(again.figures(A).expect("reads").records, records, "{point}");
        let expected = if records == 0 { Outcome::New } else { Outcome::Known };
        let committed = again.commit(A, &new).expect("commits");
        assert_eq!((committed.records[0].outcome, committed.max_seq), (expected, 1), "{point}");
        assert_eq!(catalog.commit(A, &new).expect("commits").max_seq, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However deliveries of few mails are cut into batches and repeated, the archive is the same.
    #[test]
    fn deliveries_add_up_however_they_are_batched(
        deliveries in prop::collection::vec((0..3u8, 0..4u8, prop::collection::vec(0..4u8, 0..3)), 1..12),
        cuts in prop::collection::vec(1..4usize, 12),
    ) {
        let records: Vec<NewRecord> = deliveries.iter().map(|(name, report, people)| {
            let people: Vec<String> = people.iter().map(|one| format!("p{one}@x.example")).collect();
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            let name = format!("m{name}");
            match report {
                0 => copy(A, &name, &people),
                report => mail(A, &name, &format!("r{report}"), &people),
            }
        }).collect();
        let folder = Folder::new();
        let catalog = folder.open().expect("opens");
        catalog.add_tenant(&tenant(A, "Anders")).expect("added");
        let mut rest = &records[..];
        let mut events = 0;
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            let facts: Vec<_> = now.iter().map(|new| &new.facts).collect();
            let foreseen = catalog.foresee(A, &facts).expect("reads");
            let committed = catalog.commit(A, &batch(now.to_vec())).expect("commits");
            let outcomes: Vec<_> = committed.records.iter().map(|one| one.outcome).collect();
            prop_assert_eq!(&foreseen, &outcomes);
            events += outcomes.iter().filter(|one| **one != Outcome::Known).count() as u64;
            rest = later;
        }
        let left = catalog.commit(A, &batch(rest.to_vec())).expect("commits");
        events += left.records.iter().filter(|one| one.outcome != Outcome::Known).count() as u64;
        let again = catalog.commit(A, &batch(records.clone())).expect("commits");
        prop_assert!(again.records.iter().all(|one| one.outcome == Outcome::Known));
        prop_assert_eq!(again.max_seq, events);

        let mut expected: BTreeMap<RecordId, (BTreeSet<String>, BTreeSet<ContentId>)> = BTreeMap::new();
        for new in &records {
            let (people, reports) = expected.entry(new.facts.record).or_default();
            people.extend(new.facts.participants.iter().map(|one| one.address.key()));
            reports.extend(new.facts.report.as_ref().map(|report| report.content));
        }
        let found: BTreeMap<_, _> = catalog.all_records(A, 0, 100).expect("reads").into_iter().map(|one| {
            let people: BTreeSet<_> =
                one.participants.iter().map(|row| row.participant.address.key()).collect();
            let reports: BTreeSet<_> = one.deliveries.iter()
                .filter_map(|delivery| delivery.report.as_ref().map(|report| report.content)).collect();
            assert_eq!(people.len(), one.participants.len(), "nobody twice");
            (one.list.record, (people, reports))
        }).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn no_table_refers_to_a_removed_tenant_but_the_audit_log() {
    let folder = Folder::new();
    let catalog = folder.open().expect("opens");
    catalog.add_tenant(&tenant(A, "Anders")).expect("added");
    let records: Vec<NewRecord> = (0..30)
        .map(|number| {
            let people: Vec<String> =
                (0..40).map(|it| format!("p{number}-{it}@x.example")).collect();
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            mail(A, &format!("m{number}"), &format!("r{number}"), &people)
        })
        .collect();
    catalog.commit(A, &batch(records)).expect("commits");
    let row = catalog.tenant(A).expect("reads").expect("there");
    let suspended = crate::Tenant { state: crate::TenantState::Suspended, ..row };
    catalog.update_tenant(&suspended).expect("suspended");
    catalog.begin_removal(A, "root", "left", conformance::NOON).expect("begun");
    while catalog.remove_rows(A).expect("removes") {}
    drop(catalog);
    let db = Connection::open(folder.file()).expect("opens");
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .and_then(|mut it| it.query_map([], |row| row.get(0)).and_then(Iterator::collect))
        .expect("reads");
    for table in tables.iter().filter(|table| *table != "audit" && *table != "tenant") {
        let keys: Vec<(String, String)> = db
            .prepare("SELECT \"table\", \"from\" FROM pragma_foreign_key_list(?1)")
            .and_then(|mut it| {
                it.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
            })
            .expect("reads");
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counts");
        for (parent, column) in keys.iter().filter(|(parent, _)| parent == "tenant") {
            let left = count(&format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL"));
            assert_eq!(left, 0, "{table} still refers to {parent}");
        }
    }
    let left = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("counts")
    };
    assert_eq!((left("record"), left("participant"), left("ledger_event")), (0, 0, 0));
}
