use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use catalog::{LedgerKind, ListRow};
use ledger::{Export, Ledger, LedgerError};
use model::{Digest, DigestWriter, RecordId, Timestamp};
use policy::Scope;

use super::mailbox_file::mbox_entry;
use super::{DamagedMail, ExportFormat, TakenOut, private_folder};
use crate::{Discovery, Error, Result, disclosure};

/// Mails of one folder: file systems and people are slow with more.
const FOLDER_FILES: usize = 10_000;

const SUMS: &str = "SHA256SUMS";
const TABLE: &str = "mails.csv";
const MBOX: &str = "mails.mbox";

const README: &str = "Mail from an archive (Chancery).\n\n\
     mails.csv     one line for each mail\n\
     mails/        the mails, byte for byte as they were archived; or\n\
     mails.mbox    all mails in one file (mboxrd): line ends and lines that begin with From differ\n\
     SHA256SUMS    check with: sha256sum -c SHA256SUMS\n";

/// Writes mails that a person may see into a new folder.
pub struct Exporter<'a> {
    pub discovery: &'a Discovery,
    pub ledger: &'a Ledger,
    pub scope: &'a Scope,
    pub now: Timestamp,
    /// Name and version of the program.
    pub product: &'a str,
    /// Whether notes of the ledger that tell who read what may be among the evidence.
    pub readings: bool,
    /// Asked after each mail with the number of those that are done; `false` ends the export.
    pub go_on: &'a dyn Fn(u64) -> bool,
}

impl Exporter<'_> {
    /// Mails as they are, with a table and checksums. A mail that cannot be read is named and left
    /// out.
    ///
    /// # Errors
    /// When `folder` exists or cannot be written.
    pub fn plain(
        &self,
        records: &[RecordId],
        format: ExportFormat,
        folder: &Path,
    ) -> Result<TakenOut> {
        private_folder(folder).map_err(Error::Files)?;
        let mut target = Target { folder: folder.to_owned(), sums: BTreeMap::new(), bytes: 0 };
        let mut out = TakenOut::default();
        let mut table = Lines::create(folder, TABLE)?;
        table.write("id,file,date,from,to,subject,bytes,sha256\n".as_bytes())?;
        let mut mbox = match format {
            ExportFormat::Eml => None,
            ExportFormat::Mbox => Some(Lines::create(folder, MBOX)?),
        };
        for (place, record) in records.iter().enumerate() {
            if !(self.go_on)(place as u64) {
                out.cancelled = true;
                return Ok(out);
            }
            let (stored, octets) = match self.discovery.take(self.scope, *record) {
                Ok(Some(taken)) => taken,
                Ok(None) => continue,
                Err(error @ Error::Archive { .. }) => {
                    let why = chain(&error);
                    out.damaged.push(DamagedMail { record: *record, why });
                    continue;
                }
                Err(error) => return Err(error),
            };
            let path = match &mut mbox {
                Some(mbox) => {
                    mbox.write(&mbox_entry(&octets, stored.list.date))?;
                    MBOX.to_owned()
                }
                None => {
                    let path = format!("mails/{:03}/{record}.eml", place / FOLDER_FILES);
                    target.write(&path, &octets)?;
                    path
                }
            };
            table.write(line(&stored.list, &path, &octets).as_bytes())?;
            out.mails += 1;
        }
        (self.go_on)(records.len() as u64);
        for lines in [Some(table), mbox].into_iter().flatten() {
            target.take(lines)?;
        }
        target.write("README.txt", README.as_bytes())?;
        (out.sums, out.bytes) = target.end()?;
        Ok(out)
    }

    /// Mails with all that proves them (`docs/evidence.md`, Export). Evidence names all recipients
    /// and the way a mail came, so only mail is taken of which the scope shows everything; mail
    /// whose events are not sealed yet is left out. Both are counted. Of a mail that is damaged there is
    /// what can be read, and no evidence; it is named. The notes of other events come along where the
    /// scope shows everything at their time.
    ///
    /// # Errors
    /// When `folder` exists or cannot be written; a batch of the ledger that is damaged.
    pub fn proven(&self, records: &[RecordId], folder: &Path) -> Result<TakenOut> {
        private_folder(folder).map_err(Error::Files)?;
        let tenant = self.scope.tenant();
        let (mut out, mut chosen) = (TakenOut::default(), Vec::with_capacity(records.len()));
        for page in records.chunks(super::PAGE) {
            for stored in self.discovery.catalog.stored(tenant, page)? {
                if !disclosure::envelope(self.scope, &stored) {
                    out.withheld += 1;
                    continue;
                }
                let last = stored.deliveries.iter().map(|delivery| delivery.seq).max();
                match self.is_sealed(last.unwrap_or(0))? {
                    true => chosen.push(stored.list.record),
                    false => out.not_sealed += 1,
                }
            }
        }
        let shows = |kind: &str, at: Timestamp| self.shows(kind, at);
        let export = Export {
            tenant,
            records: &chosen,
            now: self.now,
            product: self.product,
            anchors: &[],
            shows: &shows,
        };
        let skipped = out.withheld + out.not_sealed;
        let mut go_on = |done: u64| (self.go_on)(skipped + done);
        match self.ledger.export_while(&export, folder, &mut go_on)? {
            Some(manifest) => {
                let damaged = manifest.damaged();
                let damaged = damaged.map(|(record, why)| DamagedMail { record, why: why.into() });
                out.damaged = damaged.collect();
                out.mails = (manifest.mails.len() - out.damaged.len()) as u64;
            }
            None => out.cancelled = true,
        }
        out.bytes = folder_bytes(folder).map_err(Error::Files)?;
        if !out.cancelled {
            let sums = std::fs::read(folder.join(SUMS)).map_err(Error::Files)?;
            out.sums = Some(Digest::of(&sums));
        }
        Ok(out)
    }

    fn shows(&self, kind: &str, at: Timestamp) -> bool {
        let reading = [LedgerKind::Assigned, LedgerKind::Read].iter().any(|it| it.name() == kind);
        self.scope.sees_everything(at) && (self.readings || !reading)
    }

    /// The last event of the ledger that is about one of the mails; 0 for none.
    ///
    /// # Errors
    /// Of the catalog.
    pub fn last_event(&self, records: &[RecordId]) -> Result<u64> {
        let mut last = 0;
        for page in records.chunks(super::PAGE) {
            let stored = self.discovery.catalog.stored(self.scope.tenant(), page)?;
            let events = stored.iter().flat_map(|it| &it.deliveries).map(|it| it.seq);
            last = last.max(events.max().unwrap_or(0));
        }
        Ok(last)
    }

    /// Batches have no gaps: what is sealed is everything up to the last one.
    fn is_sealed(&self, seq: u64) -> Result<bool> {
        let last = self.discovery.catalog.sealed_batch_of(self.scope.tenant(), u64::MAX)?;
        Ok(last.is_some_and(|last| seq <= last.last_seq))
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Self::Evidence(Box::new(error))
    }
}

/// A folder that is being filled.
struct Target {
    folder: PathBuf,
    sums: BTreeMap<String, Digest>,
    bytes: u64,
}

impl Target {
    fn write(&mut self, name: &str, octets: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let write = || {
            if let Some(parent) = path.parent() {
                private_folder(parent)?;
            }
            create(&path)?.write_all(octets)
        };
        write().map_err(Error::Files)?;
        self.note(name, Digest::of(octets), octets.len() as u64);
        Ok(())
    }

    fn take(&mut self, lines: Lines) -> Result<()> {
        let Lines { name, mut file, digest, bytes } = lines;
        file.flush().map_err(Error::Files)?;
        self.note(name, digest.finish(), bytes);
        Ok(())
    }

    fn note(&mut self, name: &str, digest: Digest, bytes: u64) {
        self.sums.insert(name.to_owned(), digest);
        self.bytes += bytes;
    }

    fn end(mut self) -> Result<(Option<Digest>, u64)> {
        let line = |(name, digest): (&String, &Digest)| format!("{}  {name}\n", digest.to_hex());
        let sums: String = self.sums.iter().map(line).collect();
        self.write(SUMS, sums.as_bytes())?;
        Ok((Some(Digest::of(sums.as_bytes())), self.bytes))
    }
}

/// A file that grows.
struct Lines {
    name: &'static str,
    file: BufWriter<File>,
    digest: DigestWriter,
    bytes: u64,
}

impl Lines {
    fn create(folder: &Path, name: &'static str) -> Result<Self> {
        let file = BufWriter::new(create(&folder.join(name)).map_err(Error::Files)?);
        Ok(Self { name, file, digest: DigestWriter::default(), bytes: 0 })
    }

    fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.digest.update(octets);
        self.bytes += octets.len() as u64;
        self.file.write_all(octets).map_err(Error::Files)
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn line(list: &ListRow, file: &str, octets: &[u8]) -> String {
    let from = list.from.as_ref().map(|from| from.address.to_string()).unwrap_or_default();
    let to: Vec<String> = list.to.iter().map(|to| to.address.to_string()).collect();
    let cells = [
        list.record.to_string(),
        file.to_owned(),
        list.date.to_string(),
        from,
        to.join(" "),
        list.subject.clone(),
        octets.len().to_string(),
        Digest::of(octets).to_hex(),
    ];
    let mut line = cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// RFC 4180; what a spreadsheet would take for a formula is marked as text.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let plain = !formula && !cell.contains(['"', ',', '\n', '\r']);
    match plain {
        true => cell.to_owned(),
        false => {
            format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
        }
    }
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        assert_eq!(quoted("Hello"), "Hello");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
