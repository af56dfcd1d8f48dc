//! The layout of an export (format statement: `docs/evidence.md`): names of its files, what its
//! manifest claims, the text that tells how to check it without our tools.

use std::fmt::Write as _;

use model::{RecordId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{EvidenceRecord, HashValue, Limits, Result, TimeStampToken};

pub const FORMAT: u64 = 1;
pub const MANIFEST: &str = "manifest.json";
pub const SUMS: &str = "SHA256SUMS";
pub const README: &str = "README.txt";
pub const ANCHORS: &str = "anchors/";

/// What an export claims to hold; proven is only what its evidence proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub format: u64,
    pub tenant: TenantId,
    pub exported_at: Timestamp,
    /// Name and version of the program that wrote it.
    pub product: String,
    pub first_batch: u64,
    pub last_batch: u64,
    /// Whether every mail that these batches name is claimed to be here, or disposed of with a
    /// certificate that is.
    pub complete: bool,
    /// The last batch of which that is claimed; those behind it are here for the certificates.
    /// `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_until: Option<u64>,
    /// Whether the notes of all other events of these batches are claimed to be here.
    #[serde(default)]
    pub all_events: bool,
    /// Other events whose notes could not be read in the archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged_events: Vec<DamagedEvent>,
    pub mails: Vec<ExportedMail>,
}

/// An event whose note could not be read in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DamagedEvent {
    pub seq: u64,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedMail {
    pub record: RecordId,
    /// In the order of the ledger; at least one.
    pub deliveries: Vec<ExportedDelivery>,
}

/// One submission that was archived for a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedDelivery {
    pub seq: u64,
    pub batch: u64,
    /// Whether a decrypted copy came with it.
    pub decrypted: bool,
    /// Whether there is a journal report.
    pub report: bool,
    /// Why it could not be read whole in the archive: then whatever is left of it is here, and no
    /// evidence record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
}

impl Manifest {
    /// Mails of which something could not be read in the archive.
    pub fn damaged(&self) -> impl Iterator<Item = (RecordId, &str)> {
        self.mails.iter().filter_map(|mail| {
            let why = mail.deliveries.iter().find_map(|it| it.damaged.as_deref())?;
            Some((mail.record, why))
        })
    }
}

/// `ledger/batch-00000001` and an ending.
pub fn batch_path(number: u64, ending: &str) -> String {
    format!("ledger/batch-{number:08}.{ending}")
}

/// What stands before `ers` and `tst` in the names of files of a second authority.
pub const SECOND: &str = "2.";

/// The notes of a batch's events that are not about the arrival of mail: one on each line, as they
/// are hashed.
pub fn events_path(batch: u64) -> String {
    format!("ledger/events-{batch:08}.jsonl")
}

/// What is left of a mail whose octets are damaged in the archive, beside `mail.eml`.
pub const TORN: &str = "mail-damaged.eml";

/// A file of a mail such as `mail.eml`.
pub fn mail_path(record: RecordId, file: &str) -> String {
    format!("mails/{record}/{file}")
}

/// A file of the delivery that is the `place`-th of its mail, from 0: `facts-1.json`.
pub fn delivery_path(record: RecordId, name: &str, place: usize, ending: &str) -> String {
    format!("mails/{record}/{name}-{}.{ending}", place + 1)
}

/// One line of [`SUMS`].
pub fn sums_line(digest: model::Digest, path: &str) -> String {
    format!("{}  {path}\n", digest.to_hex())
}

/// The line's digest and path; `None` when it is not written as [`sums_line`] writes it.
pub fn parse_sums_line(line: &str) -> Option<(model::Digest, &str)> {
    let (digits, path) = line.split_once("  ")?;
    let lower = digits.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
    let digest = digits.parse().ok().filter(|_| lower)?;
    is_path(path).then_some((digest, path))
}

/// Whether a path stays within the export and has only the characters that all systems know.
pub fn is_path(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
    };
    path.len() <= 200 && path.split('/').all(plain)
}

/// The last token of an evidence record, for [`batch_path`] with the ending `tst`.
pub fn last_token(record: &EvidenceRecord) -> &[u8] {
    record.last().token()
}

/// How to check an export without our tools. `stamps` are the paths of the last tokens, and
/// the evidence records that they are of.
///
/// # Errors
/// When a token is not readable.
pub fn readme(
    manifest: &Manifest,
    stamps: &[(String, EvidenceRecord)],
    limits: &Limits,
) -> Result<String> {
    let mut text = format!(
        "This is an export of an e-mail archive, with its evidence.\n\n\
         Made at {} by {} for the tenant {}: {} mails, ledger batches {} to {}.\n\n\
         To check all of it:\n\n  chancery-verify . --anchor TRUSTED.pem\n\n\
         TRUSTED.pem holds the certificates of the time-stamp authorities that you trust. Those in\n\
         anchors/ are only a help to find them: get yours from the authority or the EU trusted list.\n\n\
         To check parts of it with other programs:\n\n\
         1. That the files are those that were exported:\n\n  sha256sum -c {SUMS}\n\n\
         2. That an authority stamped each ledger batch. The number after -digest is the root of the\n\
         batch's hash tree; it follows from the batch file and the lists in its evidence record\n\
         (RFC 4998, section 4.3). For renewed evidence the token is the last one.\n",
        manifest.exported_at,
        manifest.product,
        manifest.tenant,
        manifest.mails.len(),
        manifest.first_batch,
        manifest.last_batch,
    );
    for (path, record) in stamps {
        let token = TimeStampToken::parse(last_token(record), limits)?;
        let imprint: HashValue = token.info().imprint;
        // Writing into a String does not fail.
        let _ = write!(
            text,
            "\n  openssl ts -verify -digest {} -token_in -in {path} -CAfile TRUSTED.pem\n",
            imprint.to_hex(),
        );
    }
    for (record, why) in manifest.damaged() {
        let _ = write!(
            text,
            "\nDAMAGED in the archive, not proven: mail {record}: {why}. What is left of it is in\n\
             mails/{record}/; {TORN} is the mail without what is lost.\n"
        );
    }
    text.push_str(
        "\nOr read a token: openssl ts -reply -token_in -text -in ledger/batch-00000001.tst\n\n\
         3. That a mail is under its stamp: any verifier of RFC 4998 takes mails/ID/evidence-N.ers\n\
         with the group of mails/ID/mail.eml, decrypted-N.eml and report-N.eml (where they are) and\n\
         facts-N.json.\n\n\
         4. What else happened (holds, disposals, exports): each line of ledger/events-N.jsonl,\n\
         without its line end, has the SHA-256 that the batch file lists under the line's seq.\n",
    );
    Ok(text)
}
