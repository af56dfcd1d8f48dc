//! Everything of a tenant as files that need no Chancery to be read.
//!
//! In a folder, or in one ZIP file:
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

mod writer;

use std::path::Path;

use catalog::{Catalog, StoredRecord};
use model::{ContentId, TenantId};
use pipeline::{Places, Progress};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Bundle, SectionKind, Vault, VaultParts};
use writer::Writer;

use crate::Result;
use crate::people::{accounts, audit, grants, groups};

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

/// Writes everything of the tenant to `target`, which must not exist yet; readable by its owner
/// only. A target whose name ends in `.zip` is one file, any other a folder. Memory does not grow
/// with the archive, but for some 200 bytes for each file of a ZIP file's list. The manifest is
/// written last and synced with the folder: where it is, the export is complete; a ZIP file has its
/// name only when it is complete.
///
/// # Errors
/// When the target exists or cannot be written, or the catalog cannot be read. A mail that cannot
/// be read is named and left out.
pub fn export(
    vault: &Vault,
    catalog: &dyn Catalog,
    tenant: TenantId,
    target: &Path,
    progress: &dyn Progress,
) -> Result<Exported> {
    let mut writer = Writer::begin(target)?;
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
