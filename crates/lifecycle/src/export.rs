//! Everything of a tenant as files that need no Chancery to be read.
//!
//! ```text
//! <folder>/manifest.jsonl       one line per file: path, bytes, SHA-256; written last
//! <folder>/tenant.json          name, domains, settings, ways in
//! <folder>/accounts.jsonl       accounts with their addresses, without passwords
//! <folder>/groups.jsonl  grants.jsonl  audit.jsonl
//! <folder>/records.jsonl        one line per mail: its facts, its file, its reports' files
//! <folder>/mails/<nnn>/<record id>.eml
//! <folder>/reports/<nnn>/<content id>.eml
//! <folder>/decrypted/<nnn>/<content id>.eml
//! <folder>/quarantine.jsonl     what waits or was decided, with its file
//! <folder>/quarantine/<id>.eml
//! ```

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use catalog::{Catalog, StoredRecord};
use model::{ContentId, Digest, TenantId};
use pipeline::{Places, Progress};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Bundle, SectionKind, Vault, VaultParts};

use crate::people::{accounts, audit, grants, groups};
use crate::{Error, Result};

/// Records that are read from the catalog and the vault together.
const PAGE: u32 = 200;

/// Mails of one folder: file systems and people are slow with more.
const FOLDER_FILES: u64 = 10_000;

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    pub mails: u64,
    pub reports: u64,
    pub quarantined: u64,
    pub files: u64,
    pub bytes: u64,
    /// What could not be read, by name; the rest is complete.
    pub damaged: Vec<String>,
    /// It was ended before everything was written: there is no manifest.
    pub cancelled: bool,
}

/// Writes everything of the tenant into `folder`, which must not exist yet; readable by its owner
/// only. Memory does not grow with the archive. The manifest is written last and synced with the
/// folder: where it is, the export is complete.
///
/// # Errors
/// When the folder exists or cannot be written, or the catalog cannot be read. A mail that cannot
/// be read is named and left out.
pub fn export(
    vault: &Vault,
    catalog: &dyn Catalog,
    tenant: TenantId,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Exported> {
    let mut writer = Writer::begin(folder)?;
    let mut export = Export { vault, catalog, tenant, done: Exported::default(), number: 0 };
    export.configuration(&mut writer)?;
    let figures = catalog.figures(tenant)?;
    progress.total(figures.records + figures.quarantined);
    let complete =
        export.records(&mut writer, progress)? && export.quarantine(&mut writer, progress)?;
    export.done.cancelled = !complete;
    (export.done.files, export.done.bytes) = writer.end(complete)?;
    Ok(export.done)
}

struct Export<'a> {
    vault: &'a Vault,
    catalog: &'a dyn Catalog,
    tenant: TenantId,
    done: Exported,
    /// Mails written so far; names their folder.
    number: u64,
}

/// The octets of one record, as the vault has them.
struct Octets {
    mail: Option<Vec<u8>>,
    decrypted: Option<Vec<u8>>,
    reports: Vec<(ContentId, Vec<u8>)>,
    damaged: Vec<String>,
}

impl Export<'_> {
    fn configuration(&mut self, writer: &mut Writer) -> Result<()> {
        let tenant = self.catalog.tenant(self.tenant)?;
        let tenant = tenant.ok_or(catalog::CatalogError::NotFound("the tenant"))?;
        let sources = self.catalog.sources(self.tenant)?;
        let domains = self.catalog.domains(self.tenant)?;
        let figures = self.catalog.figures(self.tenant)?;
        let json = json!({
            "id": tenant.id,
            "name": tenant.name,
            "state": tenant.state,
            "createdAt": tenant.created_at.to_string(),
            "organisations": tenant.organisations,
            "archiveDomains": tenant.archive_domains,
            "settings": tenant.settings,
            "domains": domains.iter().map(|domain| json!({
                "name": domain.name, "subdomains": domain.subdomains,
                "addedAt": domain.added_at.to_string(),
            })).collect::<Vec<_>>(),
            "sources": sources.iter().map(|source| json!({
                "id": source.id, "kind": source.kind, "name": source.name,
                "address": source.address, "state": source.state, "rules": source.rules,
                "endsAt": source.ends_at.map(|at| at.to_string()),
                "createdAt": source.created_at.to_string(),
            })).collect::<Vec<_>>(),
            "figures": {
                "records": figures.records, "reports": figures.reports,
                "mailBytes": figures.mail_bytes, "notSelected": figures.not_selected,
            },
        });
        let text = serde_json::to_vec_pretty(&json).unwrap_or_default();
        writer.file("tenant.json", &text)?;
        let (catalog, tenant) = (self.catalog, self.tenant);
        writer.lines("accounts.jsonl", accounts(catalog, tenant)?)?;
        writer.lines("groups.jsonl", groups(catalog, tenant)?)?;
        writer.lines("grants.jsonl", grants(catalog, tenant)?)?;
        let mut lines = writer.open("audit.jsonl")?;
        let mut before = None;
        loop {
            let (page, next) = audit(catalog, tenant, before)?;
            let Some(next) = next else { break };
            before = Some(next);
            for event in &page {
                lines.line(event)?;
            }
        }
        writer.close(lines)
    }

    /// `false`: cancelled.
    fn records(&mut self, writer: &mut Writer, progress: &dyn Progress) -> Result<bool> {
        let mut lines = writer.open("records.jsonl")?;
        let (mut after, mut done) = (0, 0);
        loop {
            let page = self.catalog.all_records(self.tenant, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.list.row;
            let octets: Vec<Octets> = page.par_iter().map(|stored| self.read(stored)).collect();
            for (stored, octets) in page.iter().zip(octets) {
                if progress.is_cancelled() {
                    return Ok(false);
                }
                let line = self.record(writer, stored, octets)?;
                lines.line(&line)?;
                done += 1;
                progress.done(done);
            }
        }
        writer.close(lines)?;
        Ok(true)
    }

    fn record(
        &mut self,
        writer: &mut Writer,
        stored: &StoredRecord,
        octets: Octets,
    ) -> Result<Value> {
        let part = format!("{:03}", self.number / FOLDER_FILES);
        self.number += 1;
        let mut put = |kind: &str, name: String, octets: &[u8]| {
            let path = format!("{kind}/{part}/{name}.eml");
            writer.file(&path, octets).map(|()| path)
        };
        let id = stored.list.record;
        let mail = octets.mail.map(|mail| put("mails", id.to_string(), &mail)).transpose()?;
        let decrypted = match (octets.decrypted, stored.decrypted) {
            (Some(octets), Some(content)) => Some(put("decrypted", content.0.to_hex(), &octets)?),
            _ => None,
        };
        let mut files = Vec::new();
        for (content, report) in &octets.reports {
            files.push((*content, put("reports", content.0.to_hex(), report)?));
        }
        self.done.mails += u64::from(mail.is_some());
        self.done.reports += files.len() as u64;
        self.done.damaged.extend(octets.damaged);
        let of = |content: ContentId| files.iter().find(|(id, _)| *id == content).map(|it| &it.1);
        let participants: Vec<_> =
            stored.participants.iter().map(|row| json!(row.participant)).collect();
        let deliveries: Vec<_> = stored
            .deliveries
            .iter()
            .map(|delivery| {
                json!({
                    "seq": delivery.seq,
                    "receivedAt": delivery.received_at.to_string(),
                    "shape": delivery.shape,
                    "source": delivery.source,
                    "envelope": delivery.envelope,
                    "factsSha256": delivery.facts_digest.to_hex(),
                    "report": delivery.report.as_ref().map(|report| json!({
                        "content": report.content, "originatorOrg": report.originator_org,
                        "file": of(report.content),
                    })),
                })
            })
            .collect();
        Ok(json!({
            "id": id,
            "content": stored.content,
            "file": mail,
            "decrypted": decrypted,
            "sizeBytes": stored.list.size_bytes,
            "subject": stored.list.subject,
            "date": stored.list.date.to_string(),
            "receivedAt": stored.list.received_at.to_string(),
            "messageId": stored.message_id,
            "marks": stored.list.marks,
            "participants": participants,
            "deliveries": deliveries,
        }))
    }

    fn read(&self, stored: &StoredRecord) -> Octets {
        let mut octets =
            Octets { mail: None, decrypted: None, reports: Vec::new(), damaged: Vec::new() };
        let id = stored.list.record;
        match self.sections(stored.location, &[SectionKind::Mail, SectionKind::Decrypted]) {
            Ok(mut sections) => {
                octets.decrypted = sections.pop().flatten();
                octets.mail = sections.pop().flatten();
            }
            Err(why) => octets.damaged.push(format!("mail {id}: {why}")),
        }
        for delivery in &stored.deliveries {
            let Some(report) = &delivery.report else { continue };
            match self.sections(delivery.location, &[SectionKind::Report]) {
                Ok(mut sections) => {
                    let section = sections.pop().flatten();
                    octets.reports.extend(section.map(|octets| (report.content, octets)));
                }
                Err(why) => octets.damaged.push(format!("report of {id}: {why}")),
            }
        }
        octets
    }

    fn sections(
        &self,
        location: model::Location,
        kinds: &[SectionKind],
    ) -> std::result::Result<Vec<Option<Vec<u8>>>, String> {
        let text = |error: store::StoreError| pipeline::Error::chain(&error);
        let entry = self.vault.read(self.tenant, location).map_err(text)?;
        let bundle = Bundle::parse(&entry.octets).map_err(text)?;
        let places = Places::in_catalog(self.catalog, self.tenant);
        let source = VaultParts { vault: self.vault, tenant: self.tenant, map: &places };
        kinds.iter().map(|kind| bundle.reassemble(*kind, &source).map_err(text)).collect()
    }

    /// `false`: cancelled.
    fn quarantine(&mut self, writer: &mut Writer, progress: &dyn Progress) -> Result<bool> {
        let mut lines = writer.open("quarantine.jsonl")?;
        let mut after = 0;
        loop {
            let page = self.catalog.all_quarantined(self.tenant, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.row;
            for row in &page {
                if progress.is_cancelled() {
                    return Ok(false);
                }
                let waits = row.state == catalog::QuarantineState::Waiting;
                let mut file = None;
                if waits {
                    match self.sections(row.entry.location, &[SectionKind::Mail]) {
                        Ok(mut sections) => {
                            let octets = sections.pop().flatten().unwrap_or_default();
                            let path = format!("quarantine/{}.eml", row.entry.id);
                            writer.file(&path, &octets)?;
                            self.done.quarantined += 1;
                            file = Some(path);
                        }
                        Err(why) => {
                            let id = row.entry.id;
                            self.done.damaged.push(format!("quarantined {id}: {why}"));
                        }
                    }
                }
                lines.line(&json!({
                    "entry": row.entry, "state": row.state, "file": file,
                    "decidedAt": row.decided_at.map(|at| at.to_string()),
                    "decidedBy": row.decided_by, "decidedReason": row.decided_reason,
                }))?;
            }
        }
        writer.close(lines)?;
        Ok(true)
    }
}

/// Writes files and remembers their digests for the manifest.
struct Writer {
    folder: PathBuf,
    manifest: BufWriter<File>,
    folders: HashSet<PathBuf>,
    files: u64,
    bytes: u64,
}

/// A file of JSON lines that is being written.
struct Lines {
    name: String,
    file: BufWriter<File>,
    digest: model::DigestWriter,
    bytes: u64,
    path: PathBuf,
}

impl Writer {
    fn begin(folder: &Path) -> Result<Self> {
        let failed = |source| Error::Export { path: folder.to_owned(), source };
        if let Some(parent) = folder.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        fs::DirBuilder::new().mode(0o700).create(folder).map_err(failed)?;
        let manifest = create(&folder.join("manifest.part")).map_err(failed)?;
        let (folder, manifest) = (folder.to_owned(), BufWriter::new(manifest));
        Ok(Self { folder, manifest, folders: HashSet::new(), files: 0, bytes: 0 })
    }

    fn file(&mut self, name: &str, octets: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let failed = |source| Error::Export { path: path.clone(), source };
        if let Some(parent) = path.parent()
            && self.folders.insert(parent.to_owned())
        {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        match create(&path) {
            // The same report came with two records.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
            file => file.and_then(|mut file| file.write_all(octets)).map_err(failed)?,
        }
        self.note(name, octets.len() as u64, &Digest::of(octets))
    }

    fn lines(&mut self, name: &str, values: Vec<Value>) -> Result<()> {
        let mut lines = self.open(name)?;
        for value in values {
            lines.line(&value)?;
        }
        self.close(lines)
    }

    fn open(&self, name: &str) -> Result<Lines> {
        let path = self.folder.join(name);
        let file = create(&path).map_err(|source| Error::Export { path: path.clone(), source })?;
        let (file, digest) = (BufWriter::new(file), model::DigestWriter::default());
        Ok(Lines { name: name.to_owned(), file, digest, bytes: 0, path })
    }

    fn close(&mut self, mut lines: Lines) -> Result<()> {
        let failed = |source| Error::Export { path: lines.path.clone(), source };
        lines.file.flush().map_err(failed)?;
        let digest = lines.digest.finish();
        self.note(&lines.name, lines.bytes, &digest)
    }

    fn note(&mut self, name: &str, bytes: u64, digest: &Digest) -> Result<()> {
        self.files += 1;
        self.bytes += bytes;
        let line = json!({ "path": name, "bytes": bytes, "sha256": digest.to_hex() });
        let path = self.folder.join("manifest.part");
        writeln!(self.manifest, "{line}").map_err(|source| Error::Export { path, source })
    }

    /// Makes everything durable; the manifest takes its name last. Returns files and bytes.
    fn end(mut self, complete: bool) -> Result<(u64, u64)> {
        let failed = |source| Error::Export { path: self.folder.clone(), source };
        self.manifest.flush().map_err(failed)?;
        if complete {
            // One call for all files instead of one each.
            let folder = File::open(&self.folder).map_err(failed)?;
            rustix::fs::syncfs(&folder).map_err(|error| failed(error.into()))?;
            let (from, to) = ("manifest.part", "manifest.jsonl");
            fs::rename(self.folder.join(from), self.folder.join(to)).map_err(failed)?;
            folder.sync_all().map_err(failed)?;
        }
        Ok((self.files, self.bytes))
    }
}

impl Lines {
    fn line(&mut self, value: &Value) -> Result<()> {
        let failed = |source| Error::Export { path: self.path.clone(), source };
        let mut text = value.to_string();
        text.push('\n');
        self.digest.update(text.as_bytes());
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes()).map_err(failed)
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
