use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::export::{
    ExportedDelivery, ExportedMail, Manifest, batch_path, delivery_path, last_token, mail_path,
    readme, sums_line,
};
use evidence::ledger::{Batch, Leaf, SealKind, record_members};
use evidence::{
    ArchiveTimeStamp, DataObjects, EvidenceRecord, HashAlgorithm, HashValue, Limits, LocalKey,
    Request, TrustAnchors, check_response, group_hash, reduced_hash_tree,
};
use model::{
    ContentId, Digest, HeaderRules, RecordFacts, RecordId, ReportFacts, Source, SourceId, TenantId,
    Timestamp,
};
use tempfile::TempDir;
use testkit::authority::Authority;

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;
const TENANT: TenantId = TenantId::from_bytes([9; 16]);

/// An export in a temporary folder, and the authority that stamped it.
pub struct Export {
    pub folder: TempDir,
    pub authority: Authority,
    _authority_folder: TempDir,
    pub manifest: Manifest,
}

/// What one submission is: its octets, and the group that proves it.
struct Submission {
    mail: Vec<u8>,
    report: Option<Vec<u8>>,
    facts: RecordFacts,
    json: Vec<u8>,
}

impl Submission {
    fn of(octets: &[u8]) -> Self {
        let examined = mail::examine(octets, &HeaderRules::default(), None);
        let mail = examined.mail(octets).to_vec();
        let content = ContentId::of(&mail);
        let report = examined.is_report().then(|| octets.to_vec());
        let facts = RecordFacts {
            format: 1,
            record: RecordId::of(TENANT, content),
            content,
            size_bytes: mail.len() as u64,
            decrypted: None,
            report: report.as_ref().map(|octets| ReportFacts {
                content: ContentId::of(octets),
                size_bytes: octets.len() as u64,
                report: examined.report.clone(),
            }),
            shape: examined.shape,
            received_at: Timestamp::from_seconds(1_700_000_000),
            source: Source::Smtp { id: SourceId::from_bytes([1; 16]) },
            envelope: None,
            participants: examined.participants.clone(),
            marks: examined.marks.clone(),
        };
        let json = serde_json::to_vec(&facts).unwrap();
        Self { mail, report, facts, json }
    }

    fn members(&self) -> Vec<HashValue> {
        let members = record_members(&self.mail, None, self.report.as_deref(), &self.json);
        DataObjects::new(members).unwrap().hashes(SHA256)
    }
}

/// Journal reports of the fixtures, a second one about the same mail, and a plain mail.
fn submissions() -> Vec<Submission> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal");
    let names =
        ["01-exo-to-cc-bcc-expanded.eml", "10a-exo-bifurcated.eml", "20-exo-1000-expanded.eml"];
    let octets: Vec<Vec<u8>> =
        names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
    let mut all: Vec<Submission> = octets.iter().map(|octets| Submission::of(octets)).collect();
    let again = [b"X-Second: report\r\n".as_slice(), &octets[1]].concat();
    all.push(Submission::of(&again));
    all.push(Submission::of(
        b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n\r\nplain\r\n",
    ));
    all
}

impl Export {
    /// Batches of two events each; the last one sealed by the archive alone if `local` says so.
    pub fn make(local: Option<&LocalKey>) -> Self {
        let authority_folder = TempDir::new().unwrap();
        let authority = Authority::make(authority_folder.path(), "ec:P-256");
        let folder = TempDir::new().unwrap();
        let submissions = submissions();
        let mut mails: BTreeMap<RecordId, ExportedMail> = BTreeMap::new();
        let mut before: Option<Vec<u8>> = None;
        let batches = submissions.chunks(2).count() as u64;
        let mut stamped = Vec::new();
        for (number, chunk) in (1..).zip(submissions.chunks(2)) {
            let local = local.filter(|_| number == batches);
            let batch = batch(number, chunk, before.as_deref(), local.is_some());
            let file = batch.to_der().unwrap();
            write(folder.path(), &batch_path(number, "der"), &file);
            let summary = serde_json::to_vec_pretty(&batch.summary().unwrap()).unwrap();
            write(folder.path(), &batch_path(number, "json"), &summary);
            let tree = batch.tree().unwrap();
            let token = local.is_none().then(|| stamp(&authority, tree.root()));
            let record = |members: &[HashValue], index: usize| {
                let lists = reduced_hash_tree(members, &tree.siblings(index));
                let token = token.as_deref()?;
                Some(EvidenceRecord::first(ArchiveTimeStamp::new(SHA256, lists, token)))
            };
            if let Some(record) = record(&[SHA256.hash(&file)], 0) {
                write(folder.path(), &batch_path(number, "ers"), &record.to_der());
                write(folder.path(), &batch_path(number, "tst"), last_token(&record));
                stamped.push((batch_path(number, "tst"), record));
            }
            if let Some(key) = local {
                let seal = key.seal(SHA256, &file, batch.sealed_at);
                write(folder.path(), &batch_path(number, "seal"), &seal.to_der());
            }
            for (place, submission) in chunk.iter().enumerate() {
                let record = record(&submission.members(), place + 1);
                let seq = batch.leaves[place].seq;
                export_mail(folder.path(), &mut mails, submission, record, (seq, number));
            }
            before = Some(file);
        }
        let manifest = Manifest {
            format: 1,
            tenant: TENANT,
            exported_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            product: "chancery test".into(),
            first_batch: 1,
            last_batch: batches,
            complete: true,
            complete_until: None,
            all_events: true,
            damaged_events: Vec::new(),
            mails: mails.into_values().collect(),
        };
        write(folder.path(), "anchors/test.pem", &authority.read("root.pem"));
        let text = readme(&manifest, &stamped, &Limits::default()).unwrap();
        write(folder.path(), "README.txt", text.as_bytes());
        let export = Self { folder, authority, _authority_folder: authority_folder, manifest };
        export.seal_manifest();
        export
    }

    /// Writes the manifest as it stands now, and the list of files anew.
    pub fn seal_manifest(&self) {
        let manifest = serde_json::to_vec_pretty(&self.manifest).unwrap();
        write(self.folder.path(), "manifest.json", &manifest);
        self.write_sums();
    }

    /// Writes the list of files anew, as a forger would.
    pub fn write_sums(&self) {
        let mut lines: Vec<(String, String)> = self
            .files()
            .into_iter()
            .filter(|path| path != "SHA256SUMS")
            .map(|path| {
                let line = sums_line(Digest::of(&self.read(&path)), &path);
                (path, line)
            })
            .collect();
        lines.sort();
        let text: String = lines.into_iter().map(|(_, line)| line).collect();
        write(self.folder.path(), "SHA256SUMS", text.as_bytes());
    }

    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(self.folder.path(), self.folder.path(), &mut files);
        files.sort();
        files
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(path)).unwrap()
    }

    pub fn write(&self, path: &str, octets: &[u8]) {
        write(self.folder.path(), path, octets);
    }

    /// Runs the program on the export with the authority's root as anchor.
    pub fn verify(&self, more: &[&str]) -> Outcome {
        let anchor = self.authority.file("root.pem");
        let mut words = vec![self.folder.path().to_str().unwrap(), "--anchor"];
        words.push(anchor.to_str().unwrap());
        words.extend(more);
        run(&words)
    }
}

fn batch(number: u64, chunk: &[Submission], before: Option<&[u8]>, local: bool) -> Batch {
    let leaf = |(place, submission): (usize, &Submission)| Leaf {
        seq: (number - 1) * 2 + place as u64 + 1,
        kind: "archived".into(),
        at: submission.facts.received_at,
        digest: group_hash(SHA256, &submission.members()).unwrap(),
    };
    Batch {
        tenant: TENANT,
        number,
        predecessor: before.map(|file| SHA256.hash(file)),
        algorithm: SHA256,
        sealed_at: Timestamp::from_seconds(1_700_000_600 + number as i64),
        kind: if local { SealKind::LocalKey } else { SealKind::Stamped },
        leaves: chunk.iter().enumerate().map(leaf).collect(),
    }
}

fn export_mail(
    folder: &Path,
    mails: &mut BTreeMap<RecordId, ExportedMail>,
    submission: &Submission,
    evidence: Option<EvidenceRecord>,
    (seq, batch): (u64, u64),
) {
    let record = submission.facts.record;
    let mail = mails.entry(record).or_insert(ExportedMail { record, deliveries: Vec::new() });
    let place = mail.deliveries.len();
    let report = submission.report.is_some();
    mail.deliveries.push(ExportedDelivery { seq, batch, decrypted: false, report, damaged: None });
    write(folder, &mail_path(record, "mail.eml"), &submission.mail);
    write(folder, &delivery_path(record, "facts", place, "json"), &submission.json);
    if let Some(report) = &submission.report {
        write(folder, &delivery_path(record, "report", place, "eml"), report);
    }
    if let Some(evidence) = evidence {
        write(folder, &delivery_path(record, "evidence", place, "ers"), &evidence.to_der());
    }
}

fn stamp(authority: &Authority, root: HashValue) -> Vec<u8> {
    let request = Request { algorithm: SHA256, imprint: root, nonce: 5, policy: None };
    let answer = authority.reply(&request.to_der().unwrap(), None);
    let anchors = TrustAnchors::from_pem(&authority.read("root.pem")).unwrap();
    let limits = Limits::default();
    let verified = check_response(&request, &answer, &anchors, now(), &limits).unwrap();
    verified.token.der().to_vec()
}

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(since.as_micros() as i64)
}

fn write(folder: &Path, path: &str, octets: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, octets).unwrap();
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, into);
        } else {
            into.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// How the program ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub said: String,
    pub complained: String,
}

impl Outcome {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.said).unwrap()
    }
}

pub fn run(words: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_chancery-verify")).args(words).output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        said: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}
