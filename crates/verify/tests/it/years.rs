//! Thirty years: certificates end, a hash function is given up, and the mail is proven all the same.

use std::path::{Path, PathBuf};

use catalog::{LedgerKind, NewLedgerEvent};
use evidence::{EvidenceRecord, HashAlgorithm, Limits, TimeStampToken};
use ledger::{Asked, Authority as Ask, How, recover_note};
use model::{RecordId, Timestamp};
use store::{EntryKind, Scanned};
use testkit::authority::{Authority, has_authority, has_tool, succeed};

use crate::archive::{Archive, TENANT, stamped};

const CLASS_PATH: &str =
    "/usr/share/java/bcpkix.jar:/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar";
const FAR: &str = "2056-11-01T00:00:00Z";

/// The authority on another day.
struct On<'a>(&'a Authority, &'a str);

impl Ask for On<'_> {
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.0.reply(request, Some(self.1)))
    }
}

fn time(day: &str) -> Timestamp {
    format!("{}Z", day.replace(' ', "T")).parse().expect("a time")
}

/// Does `work` with an authority whose signer is new on `day`.
fn on<T>(archive: &Archive, day: &str, work: impl FnOnce(Timestamp, &How<'_>) -> T) -> T {
    archive.authority.next_signer(day);
    let stamping = day.replace("00:00:00", "00:05:00");
    let authority = On(&archive.authority, &stamping);
    let asked: [Asked<'_>; 1] = [archive.asked("test", &authority)];
    work(time(&stamping), &stamped(&asked))
}

fn renew(archive: &Archive, day: &str, batches: &[u64]) {
    let rows = archive.catalog.sealed_batches(TENANT, 0, 10).unwrap();
    let renewed = on(archive, day, |now, how| {
        archive.ledger().renew_stamps(TENANT, &rows, now, how).unwrap()
    });
    assert_eq!(renewed.batches, batches);
    assert!(renewed.valid_until.unwrap() > time(day));
}

fn rehash(archive: &Archive, day: &str, batches: &[u64]) {
    let rows = archive.catalog.sealed_batches(TENANT, 0, 10).unwrap();
    let renewed = on(archive, day, |now, how| {
        archive.ledger().renew_hashes(TENANT, &rows, HashAlgorithm::Sha512, now, how).unwrap()
    });
    assert_eq!((renewed.batches.as_slice(), renewed.lost.as_slice()), (batches, &[][..]));
}

fn mail(number: usize) -> Vec<u8> {
    format!("From: a@b.example\r\nSubject: {number}\r\n\r\nletter {number}\r\n").into_bytes()
}

/// What Bouncy Castle says of the first delivery of a mail in an export.
fn bouncy_castle(archive: &Archive, export: &Path, record: RecordId) -> Option<String> {
    if !has_tool("javac", "openjdk-17-jdk-headless")
        || !has_tool("/usr/share/java/bcpkix.jar", "libbcpkix-java")
    {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evidence");
    let source = source.join("ErsOracle.java").to_string_lossy().into_owned();
    let target = archive.folder.path().to_string_lossy().into_owned();
    succeed("javac", ["-cp", CLASS_PATH, "-d", &target, &source]);
    let folder = export.join(format!("mails/{record}"));
    let mut words: Vec<PathBuf> = [
        "2056-11-01 00:00:00",
        "java",
        "-cp",
        &format!("{CLASS_PATH}:{target}"),
        "ErsOracle",
        "verify",
    ]
    .map(PathBuf::from)
    .into();
    words.push(folder.join("evidence-1.ers"));
    words.extend(["mail.eml", "facts-1.json"].map(|name| folder.join(name)));
    Some(succeed("faketime", words))
}

/// OpenSSL judges every stamp of the record at its own time.
fn openssl(archive: &Archive, export: &Path, record: RecordId) {
    let limits = Limits::default();
    let octets = std::fs::read(export.join(format!("mails/{record}/evidence-1.ers"))).unwrap();
    let record = EvidenceRecord::parse(&octets, &limits).unwrap();
    let stamps: Vec<_> = record.chains().iter().flat_map(|chain| chain.stamps()).collect();
    assert_eq!((record.chains().len(), stamps.len()), (2, 5));
    for stamp in stamps {
        let token = TimeStampToken::parse(stamp.token(), &limits).unwrap();
        let path = archive.folder.path().join("token");
        std::fs::write(&path, stamp.token()).unwrap();
        let (imprint, at) = (token.info().imprint.to_hex(), token.info().gen_time.as_seconds());
        let (path, at) = (path.to_string_lossy().into_owned(), at.to_string());
        let root = archive.authority.file("root.pem").to_string_lossy().into_owned();
        let issuing = archive.authority.file("issuing.pem").to_string_lossy().into_owned();
        let words =
            ["ts", "-verify", "-digest", &imprint, "-token_in", "-in", &path, "-attime", &at];
        let trust = ["-CAfile", &root, "-untrusted", &issuing];
        let said = succeed("openssl", words.into_iter().chain(trust));
        assert!(said.contains("Verification: OK"), "{said}");
    }
}

#[test]
fn thirty_years_with_three_renewals_and_another_hash_function() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let archive = Archive::new();
    let mut records: Vec<RecordId> = (0..3).map(|it| archive.archive(&mail(it))).collect();
    let event = NewLedgerEvent::new(
        LedgerKind::HoldPlaced,
        time("2026-11-22 00:00:00"),
        serde_json::json!({}),
    );
    archive.catalog.append_ledger(TENANT, &[event]).unwrap();
    archive.seal().unwrap();
    records.extend((3..6).map(|it| archive.archive(&mail(it))));
    archive.seal().unwrap();
    renew(&archive, "2036-03-01 00:00:00", &[1, 2]);
    dispose(&archive, records.remove(1), 2);
    records.push(archive.archive(&mail(7)));
    on(&archive, "2036-04-01 00:00:00", |now, how| archive.ledger().seal(TENANT, now, how))
        .unwrap();
    renew(&archive, "2044-03-01 00:00:00", &[1, 2, 3]);
    // Interrupted after the first batch, and once more for all.
    let first = archive.catalog.sealed_batches(TENANT, 0, 1).unwrap();
    let done = on(&archive, "2045-03-01 00:00:00", |now, how| {
        archive.ledger().renew_hashes(TENANT, &first, HashAlgorithm::Sha512, now, how).unwrap()
    });
    assert_eq!((done.batches.as_slice(), done.lost.len()), (&[1][..], 0));
    rehash(&archive, "2045-03-02 00:00:00", &[2, 3]);
    rehash(&archive, "2045-03-03 00:00:00", &[]);
    records.push(archive.archive(&mail(8)));
    on(&archive, "2046-03-01 00:00:00", |now, how| {
        archive.ledger().under(HashAlgorithm::Sha512).seal(TENANT, now, how).unwrap()
    });
    renew(&archive, "2054-03-01 00:00:00", &[1, 2, 3, 4]);
    let export = archive.folder.path().join("export");
    archive.export(&records, "export").unwrap();
    let outcome = archive.verify(&export, &["--at", FAR]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let said = outcome.json();
    assert_eq!(said["mails"].as_array().unwrap().len(), 7);
    for record in [records[0], records[4]] {
        if let Some(said) = bouncy_castle(&archive, &export, record) {
            // It judges the stamps with one signer for all of them: those are for OpenSSL.
            assert!(said.contains("PRESENT ok"), "{said}");
        }
        openssl(&archive, &export, record);
    }
    let path = export.join(format!("mails/{}/mail.eml", records[0]));
    std::fs::write(&path, mail(9)).unwrap();
    assert_eq!(archive.verify(&export, &["--at", FAR]).code, 1);
    found_again(&archive);
}

fn dispose(archive: &Archive, record: RecordId, seq: u64) {
    let kept = archive.ledger().kept_leaves(TENANT, &[seq]).unwrap();
    let at = time("2036-03-02 00:00:00");
    let event = NewLedgerEvent {
        kept,
        ..NewLedgerEvent::new(LedgerKind::Disposed, at, serde_json::json!({}))
    };
    archive.catalog.append_ledger(TENANT, &[event]).unwrap();
    archive.ledger().flush(TENANT).unwrap();
    let stored = archive.catalog.stored(TENANT, &[record]).unwrap();
    archive.vault.erase(TENANT, &[stored[0].location]).unwrap();
}

/// The vault alone knows what the catalog knows of batches and renewals.
fn found_again(archive: &Archive) {
    let rows = |archive: &Archive| {
        let rows = archive.catalog.sealed_batches(TENANT, 0, 10).unwrap();
        let row =
            |row: catalog::SealedBatchRow| (row.number, row.digest, row.renewed_at, row.proof);
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let before = rows(archive);
    let mut notes = 0;
    for scanned in archive.vault.scan(TENANT, 1..=u32::MAX).unwrap().only(EntryKind::Note) {
        let Scanned::Entry { location, entry } = scanned else { continue };
        notes +=
            usize::from(recover_note(&*archive.catalog, TENANT, location, &entry.octets).unwrap());
    }
    // Four batches; renewals of two, three, three and four of them.
    assert_eq!((notes, rows(archive)), (4 + 2 + 3 + 3 + 4, before));
}
