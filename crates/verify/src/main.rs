//! `chancery-verify`: what an export, or a mail with its evidence record, proves. Offline, without
//! the archive's server. What is checked and what the export looks like: `docs/evidence.md`.
//!
//! Exit codes: 0 everything is proven, 1 something is not, 2 wrong usage or unreadable input.
#![allow(clippy::print_stdout)]

mod batches;
mod cores;
mod delivery;
mod error;
mod events;
mod export;
mod findings;
mod print;
mod single;
mod source;
mod sums;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use evidence::trusted_list::TrustedList;
use evidence::{Options, TrustAnchors, Verifier};
use model::{Digest, Timestamp};

use crate::error::VerifyError;
use crate::findings::{Evidence, Stamp};

/// Says what an export of the archive, or a mail with its evidence record, proves
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 all is proven, 1 something is not, 2 unreadable")]
pub struct Arguments {
    /// An export (folder or zip file); with --evidence the files of one data object group
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// Certificates of authorities that you trust (PEM); may be given several times
    #[arg(long = "anchor", value_name = "PEM")]
    anchors: Vec<PathBuf>,
    /// Also trust the certificates that the export itself brings: proves no time to a sceptic
    #[arg(long)]
    trust_export: bool,
    /// The evidence record of the files (RFC 4998)
    #[arg(long, value_name = "ERS")]
    evidence: Option<PathBuf>,
    /// The ledger batch that the files should stand in; its .ers or .seal is looked for beside it
    #[arg(long, value_name = "DER", requires = "evidence")]
    batch: Option<PathBuf>,
    /// The archive's seal of one file, such as that of a completeness report
    #[arg(long, value_name = "SEAL", conflicts_with = "evidence", requires = "local_key")]
    seal: Option<PathBuf>,
    /// The archive's public sealing key, for batches that have a local seal only
    #[arg(long, value_name = "HEX")]
    local_key: Option<String>,
    /// Verify as of this time instead of now (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// A trusted list (ETSI TS 119 612) that says which authorities are qualified; its signature is not
    /// checked: give the SHA-256 of the file that was; may be given several times
    #[arg(long = "trusted-list", value_name = "XML", requires = "trusted_list_sha256")]
    trusted_lists: Vec<PathBuf>,
    /// The SHA-256 of each trusted list, in their order
    #[arg(long, value_name = "HEX")]
    trusted_list_sha256: Vec<Digest>,
    /// Count stamps that are not proven to be qualified as not proven
    #[arg(long, requires = "trusted_lists")]
    require_qualified: bool,
    /// Count missing revocation data as not proven
    #[arg(long)]
    require_revocation: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("chancery-verify: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, VerifyError> {
    let local_key = arguments.local_key.as_deref().map(parse_key).transpose()?;
    if let Some(record) = &arguments.evidence {
        let judge = Judge::of(arguments, TrustAnchors::default(), local_key)?;
        let found = single::verify(&judge, &arguments.input, record, arguments.batch.as_deref())?;
        print::single(&found, arguments.json)?;
        return Ok(found.proven);
    }
    let [input] = arguments.input.as_slice() else {
        return Err(VerifyError::Usage("several files need --evidence"));
    };
    if let (Some(seal), Some(key)) = (&arguments.seal, &local_key) {
        let found = single::sealed(input, seal, key)?;
        print::sealed(&found, arguments.json)?;
        return Ok(found.proven.proven);
    }
    let source = source::Source::open(input)?;
    let brought = match arguments.trust_export {
        true => export::anchors(&source)?,
        false => TrustAnchors::default(),
    };
    let judge = Judge::of(arguments, brought, local_key)?;
    let found = export::verify(&judge, &source)?;
    print::export(&found, arguments.json)?;
    Ok(found.proven)
}

/// What decides, the same for all mails.
pub struct Judge {
    pub verifier: Verifier,
    pub local_key: Option<Vec<u8>>,
    pub trusted_lists: Vec<TrustedList>,
    pub require_qualified: bool,
}

impl Judge {
    fn of(
        arguments: &Arguments,
        anchors: TrustAnchors,
        local_key: Option<Vec<u8>>,
    ) -> Result<Self, VerifyError> {
        let (files, pins) = (&arguments.trusted_lists, &arguments.trusted_list_sha256);
        if files.len() != pins.len() {
            return Err(VerifyError::Usage("give --trusted-list-sha256 for each --trusted-list"));
        }
        let mut trusted_lists = Vec::new();
        for (path, pin) in files.iter().zip(pins) {
            let list = TrustedList::parse(&source::read_file(path)?, *pin)
                .map_err(|error| VerifyError::Unreadable(shown(path), error.to_string()))?;
            trusted_lists.push(list);
        }
        let verifier = verifier(arguments, anchors)?;
        let require_qualified = arguments.require_qualified;
        Ok(Self { verifier, local_key, trusted_lists, require_qualified })
    }

    /// What a proof shows; the error is why it does not suffice.
    pub fn evidence(&self, proof: &evidence::Proof) -> Result<Evidence, String> {
        let evidence = Evidence::of(proof, &self.trusted_lists);
        let doubtful = |stamp: &&Stamp| !stamp.qualified.as_ref().is_some_and(|it| it.proven);
        match evidence.stamps.iter().find(doubtful).filter(|_| self.require_qualified) {
            Some(stamp) => {
                let why = stamp.qualified.as_ref().and_then(|it| it.detail.as_deref());
                Err(format!("the stamp of {} is not qualified: {}", stamp.at, why.unwrap_or("-")))
            }
            None => Ok(evidence),
        }
    }
}

fn verifier(arguments: &Arguments, mut anchors: TrustAnchors) -> Result<Verifier, VerifyError> {
    for path in &arguments.anchors {
        let pem = source::read_file(path)?;
        let more = TrustAnchors::from_pem(&pem)
            .map_err(|error| VerifyError::Unreadable(shown(path), error.to_string()))?;
        anchors.extend(more);
    }
    if anchors.is_empty() && arguments.local_key.is_none() {
        return Err(VerifyError::Usage("nobody is trusted: give --anchor"));
    }
    let mut options = Options::at(arguments.at.unwrap_or_else(now));
    options.require_revocation = arguments.require_revocation;
    // Records of an export are about their own group alone; single ones may be of other makers.
    options.exact = arguments.evidence.is_none();
    Ok(Verifier::new(anchors, options))
}

fn parse_key(hex: &str) -> Result<Vec<u8>, VerifyError> {
    evidence::HashValue::from_hex(evidence::HashAlgorithm::Sha256, hex)
        .map(|key| key.as_slice().to_vec())
        .ok_or(VerifyError::Usage("--local-key takes 64 hexadecimal digits"))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
