//! From archived mail to a proven export: vault and catalog as the server has them, batches sealed
//! by an authority, and the program as the only judge.

use std::path::Path;
use std::sync::Arc;

use catalog::{Batch, Catalog, NewPart, NewRecord, Outcome, Tenant};
use evidence::{LocalKey, TrustAnchors};
use ledger::{Asked, Authority as Ask, Export, How, Ledger, LedgerError};
use model::{
    ContentId, Digest, HeaderRules, RecordFacts, RecordId, ReportFacts, Shape, Source, SourceId,
    TenantId,
};
use store::{
    Composed, MasterKey, Octets, Vault, VaultOptions, compose_delivery, compose_record,
    compose_report,
};
use tempfile::TempDir;
use testkit::authority::{Authority, has_authority};

use crate::support::{Outcome as Said, now, run};

pub const TENANT: TenantId = TenantId::from_bytes([7; 16]);

pub struct Openssl<'a>(pub &'a Authority);

impl Ask for Openssl<'_> {
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.0.reply(request, None))
    }
}

pub fn stamped<'a>(authorities: &'a [Asked<'a>]) -> How<'a> {
    How::Stamp { authorities, nonce: &|| 1234, require_revocation: false, double: false }
}

pub struct Silent;

impl Ask for Silent {
    fn ask(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("connection refused".into())
    }
}

pub struct Archive {
    pub folder: TempDir,
    pub vault: Arc<Vault>,
    pub catalog: Arc<dyn Catalog>,
    pub authority: Authority,
    pub anchors: TrustAnchors,
}

impl Archive {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        let authority = Authority::make(&path.join("authority"), "ec:P-256");
        let key = MasterKey::open_or_create(&path.join("master.key"), &path.join("vault")).unwrap();
        let vault = Vault::open(&path.join("vault"), &key, VaultOptions::default()).unwrap();
        vault.create_tenant(TENANT, b"{}").unwrap();
        let url = format!("sqlite:{}", path.join("catalog").display());
        let catalog = catalog::open(&url).unwrap();
        catalog.add_tenant(&Tenant::new(TENANT, "Tenant", now())).unwrap();
        let anchors = TrustAnchors::from_pem(&authority.read("root.pem")).unwrap();
        Self { vault: Arc::new(vault), catalog, authority, anchors, folder }
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(Arc::clone(&self.vault), Arc::clone(&self.catalog))
    }

    /// Archives a submission as the pipeline does.
    pub fn archive(&self, octets: &[u8]) -> RecordId {
        let examined = mail::examine(octets, &HeaderRules::default(), None);
        let mail = examined.mail(octets);
        let content = ContentId::of(mail);
        let is_report = examined.shape == Shape::JournalReport;
        let facts = RecordFacts {
            format: 1,
            record: RecordId::of(TENANT, content),
            content,
            size_bytes: mail.len() as u64,
            decrypted: None,
            report: is_report.then(|| ReportFacts {
                content: ContentId::of(octets),
                size_bytes: octets.len() as u64,
                report: examined.report.clone(),
            }),
            shape: examined.shape,
            received_at: now(),
            source: Source::Smtp { id: SourceId::from_bytes([1; 16]) },
            envelope: None,
            participants: examined.participants.clone(),
            marks: examined.marks.clone(),
        };
        let json = serde_json::to_vec(&facts).unwrap();
        let view = mail::describe(mail);
        let parts = view.encoded_parts.clone();
        let mail = Octets { octets: mail, content, encoded_parts: &parts };
        let whole = Octets { octets, content: ContentId::of(octets), encoded_parts: &[] };
        let outcome = self.catalog.foresee(TENANT, &[&facts]).unwrap()[0];
        let composed = match outcome {
            Outcome::New => compose_record(&json, mail, None, is_report.then_some((whole, &[]))),
            Outcome::Merged if is_report => compose_report(&json, mail, None, (whole, &[])),
            _ => compose_delivery(&json, content),
        };
        let location = self.append(&composed);
        let record = NewRecord {
            facts_digest: Digest::of(&json),
            summary: view.summary,
            date: now(),
            location: location.1,
            whole: outcome == Outcome::New,
            facts,
        };
        let id = record.facts.record;
        let batch =
            Batch { at: now(), parts: location.0, records: vec![record], ..Batch::default() };
        self.catalog.commit(TENANT, &batch).unwrap();
        id
    }

    fn append(&self, composed: &Composed) -> (Vec<NewPart>, model::Location) {
        let entries: Vec<_> = composed
            .parts
            .iter()
            .map(store::NewPart::entry)
            .chain([composed.entry()])
            .map(|entry| self.vault.seal(TENANT, &entry).unwrap())
            .collect();
        let mut locations = self.vault.append(TENANT, &entries).unwrap();
        let last = locations.pop().unwrap();
        let parts = composed.parts.iter().zip(locations);
        let parts = parts.map(|(part, location)| NewPart { content: part.content, location });
        (parts.collect(), last)
    }

    pub fn seal(&self) -> Option<ledger::Sealed> {
        let authority = Openssl(&self.authority);
        self.seal_by(&authority).unwrap()
    }

    pub fn seal_by(&self, authority: &dyn Ask) -> Result<Option<ledger::Sealed>, LedgerError> {
        let asked = [self.asked("test", authority)];
        self.ledger().seal(TENANT, now(), &stamped(&asked))
    }

    pub fn asked<'a>(&'a self, name: &'a str, authority: &'a dyn Ask) -> Asked<'a> {
        Asked { name, authority, anchors: &self.anchors, policy: None }
    }

    pub fn export(&self, records: &[RecordId], name: &str) -> Result<Said, LedgerError> {
        self.export_showing(records, name, &|_, _| true)
    }

    /// Only with the notes of such events.
    pub fn export_showing(
        &self,
        records: &[RecordId],
        name: &str,
        shows: &dyn Fn(&str, model::Timestamp) -> bool,
    ) -> Result<Said, LedgerError> {
        let folder = self.folder.path().join(name);
        let pem = self.authority.read("root.pem");
        let anchors = [("root", pem.as_slice())];
        let product = "chancery test";
        let export =
            Export { tenant: TENANT, records, now: now(), product, anchors: &anchors, shows };
        self.ledger().export(&export, &folder)?;
        Ok(self.verify(&folder, &[]))
    }

    pub fn verify(&self, folder: &Path, more: &[&str]) -> Said {
        let anchor = self.authority.file("root.pem");
        let mut words = vec![folder.to_str().unwrap(), "--anchor", anchor.to_str().unwrap()];
        words.push("--json");
        words.extend(more);
        run(&words)
    }
}

pub fn report(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn archived_mail_is_sealed_exported_and_proven() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let first = report("01-exo-to-cc-bcc-expanded.eml");
    let a = archive.archive(&first);
    let b = archive.archive(b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\nplain\r\n");
    let sealed = archive.seal().unwrap();
    assert_eq!((sealed.number, sealed.first_seq, sealed.last_seq), (1, 1, 2));
    assert_eq!(archive.seal(), None);
    let again = [b"X-Second: report\r\n".as_slice(), &first].concat();
    assert_eq!(archive.archive(&again), a);
    let c = archive.archive(&report("20-exo-1000-expanded.eml"));
    let error = archive.export(&[a], "early").unwrap_err();
    assert!(matches!(error, LedgerError::NotSealed(3)), "{error}");
    let sealed = archive.seal().unwrap();
    assert_eq!((sealed.number, sealed.first_seq, sealed.last_seq), (2, 3, 4));
    let outcome = archive.export(&[a, b, c, b], "all").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let found = outcome.json();
    assert_eq!(found["mails"].as_array().unwrap().len(), 3);
    assert_eq!(found["batches"].as_array().unwrap().len(), 2);
    let outcome = archive.export(&[c], "one").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.said.contains("the range begins with batch 2"), "{outcome:?}");
    let unknown = RecordId::from_bytes([3; 16]);
    let error = archive.export(&[unknown], "unknown").unwrap_err();
    assert!(matches!(error, LedgerError::UnknownRecord(_)), "{error}");
}

#[test]
fn without_an_authority_batches_wait_or_are_sealed_by_the_archive_and_stamped_later() {
    if !has_authority() {
        return;
    }
    let archive = Archive::new();
    let a = archive.archive(b"From: a@b.example\r\nSubject: one\r\n\r\none\r\n");
    let ledger = archive.ledger();
    let error = archive.seal_by(&Silent).unwrap_err();
    assert!(matches!(error, LedgerError::Authority(_)), "{error}");
    assert_eq!(archive.catalog.sealed_batch_of(TENANT, u64::MAX).unwrap(), None);
    let key = LocalKey::from_seed(&[6; 32]).unwrap();
    let sealed = ledger.seal(TENANT, now(), &How::Local(&key)).unwrap().unwrap();
    assert_eq!((sealed.number, sealed.stamped_at), (1, None));
    let b = archive.archive(b"From: a@b.example\r\nSubject: two\r\n\r\ntwo\r\n");
    assert_eq!(archive.seal().unwrap().number, 2);
    let outcome = archive.export(&[a, b], "local").unwrap();
    assert_eq!(outcome.code, 1);
    let found = outcome.json();
    assert_eq!(found["ledger"]["proven"], true);
    assert_eq!(found["batches"][0]["seal"], "local-key");
    let authority = Openssl(&archive.authority);
    let asked = [archive.asked("test", &authority)];
    let how = stamped(&asked);
    let later = ledger.stamp_later(TENANT, 1, now(), &how).unwrap().unwrap();
    assert!(later.stamped_at.is_some());
    assert_eq!(ledger.stamp_later(TENANT, 1, now(), &how).unwrap(), None);
    let outcome = archive.export(&[a, b], "stamped").unwrap();
    assert_eq!(outcome.code, 0, "{outcome:?}");
}

#[test]
fn an_answer_that_does_not_hold_seals_nothing() {
    if !has_authority() {
        return;
    }
    struct Forged<'a>(&'a Authority);
    impl Ask for Forged<'_> {
        fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
            let mut answer = self.0.reply(request, None);
            *answer.last_mut().unwrap() ^= 1;
            Ok(answer)
        }
    }
    let archive = Archive::new();
    archive.archive(b"From: a@b.example\r\nSubject: one\r\n\r\none\r\n");
    let forged = Forged(&archive.authority);
    let error = archive.seal_by(&forged).unwrap_err();
    assert!(matches!(error, LedgerError::Evidence(_)), "{error}");
    assert_eq!(archive.catalog.sealed_batches(TENANT, 0, 10).unwrap(), []);
    assert_eq!(archive.seal().unwrap().number, 1);
}
