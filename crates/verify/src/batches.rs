use evidence::export::{SECOND, batch_path, last_token};
use evidence::ledger::{Batch, BatchSummary, SealKind};
use evidence::{DataObjects, EvidenceRecord, LocalSeal};

use crate::Judge;
use crate::findings::{BatchFindings, Check, Evidence};
use crate::source::Source;

/// A batch as it was read, and its octets.
pub struct Read {
    pub batch: Batch,
    pub file: Vec<u8>,
    /// How many evidence records are there: the deliveries must have as many.
    pub stamps: usize,
    /// The seal of the file holds.
    pub sealed: bool,
}

/// The files of one batch.
pub struct Files {
    pub file: Vec<u8>,
    pub summary: Option<Vec<u8>>,
    pub record: Option<Vec<u8>>,
    pub token: Option<Vec<u8>>,
    /// The evidence record of a second authority, and its last token.
    pub second: Option<(Vec<u8>, Option<Vec<u8>>)>,
    pub seal: Option<Vec<u8>>,
}

impl Files {
    /// From an export; what is missing without which nothing can be said is the error.
    pub fn of(source: &Source, number: u64) -> Result<Self, String> {
        let optional = |ending: &str| {
            let path = batch_path(number, ending);
            if source.has(&path) { source.read(&path).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            file: source.read(&batch_path(number, "der"))?,
            summary: Some(source.read(&batch_path(number, "json"))?),
            record: optional("ers")?,
            token: optional("tst")?,
            second: match optional(&format!("{SECOND}ers"))? {
                Some(record) => Some((record, optional(&format!("{SECOND}tst"))?)),
                None => None,
            },
            seal: optional("seal")?,
        })
    }
}

/// Checks one batch by itself.
pub fn examine(judge: &Judge, number: u64, files: Files) -> (BatchFindings, Option<Read>) {
    let mut found = BatchFindings {
        number,
        first_seq: 0,
        last_seq: 0,
        sealed_at: None,
        seal: if files.record.is_some() { "stamped" } else { "local-key" },
        file: Check::yes(),
        sealed: Check::yes(),
        follows: Check::yes(),
        evidence: None,
        second: None,
    };
    let batch = match Batch::parse(&files.file, &judge.verifier.options().limits) {
        Ok(batch) => batch,
        Err(error) => {
            found.file = Check::no(error.to_string());
            found.sealed = Check::no("the batch is not readable");
            return (found, None);
        }
    };
    found.first_seq = batch.first_seq();
    found.last_seq = batch.last_seq();
    found.sealed_at = Some(batch.sealed_at);
    found.file = Check::of(check_header(&batch, number, &files));
    match check_seal(judge, &batch, &files) {
        Ok((evidence, second)) => (found.evidence, found.second) = (evidence, second),
        Err(why) => found.sealed = Check::no(why),
    }
    let sealed = found.sealed.proven;
    let stamps = usize::from(files.record.is_some()) + usize::from(files.second.is_some());
    (found, Some(Read { batch, file: files.file, stamps, sealed }))
}

fn check_header(batch: &Batch, number: u64, files: &Files) -> Result<(), String> {
    if batch.number != number {
        return Err(format!("it is batch {}", batch.number));
    }
    let Some(summary) = &files.summary else { return Ok(()) };
    let read: BatchSummary = serde_json::from_slice(summary)
        .map_err(|error| format!("its header in JSON is not readable: {error}"))?;
    // What was read in strict DER has one encoding: the file.
    match batch.summary_of(&files.file) == read {
        true => Ok(()),
        false => Err("its header in JSON says something else".into()),
    }
}

/// What the evidence records prove, that of a second authority by itself.
type Proven = (Option<Evidence>, Option<Evidence>);

fn check_seal(judge: &Judge, batch: &Batch, files: &Files) -> Result<Proven, String> {
    if let Some(record) = &files.record {
        let first = check_record(judge, files, record, files.token.as_deref())?;
        let second = match &files.second {
            Some((record, token)) => Some(
                check_record(judge, files, record, token.as_deref())
                    .map_err(|why| format!("the second authority's: {why}"))?,
            ),
            None => None,
        };
        return Ok((Some(first), second));
    }
    if files.second.is_some() {
        return Err("the evidence record of the first authority is missing".into());
    }
    let Some(seal) = &files.seal else {
        return Err("it has neither an evidence record nor a local seal".into());
    };
    if batch.kind == SealKind::Stamped {
        return Err("it was stamped, but its evidence record is missing".into());
    }
    let seal = LocalSeal::parse(seal).map_err(|error| error.to_string())?;
    seal.verify(&files.file, judge.local_key.as_deref()).map_err(|error| error.to_string())?;
    match judge.local_key {
        Some(_) => Ok((None, None)),
        None => Err("it is sealed by the archive alone, and its key was not given".into()),
    }
}

fn check_record(
    judge: &Judge,
    files: &Files,
    record: &[u8],
    token: Option<&[u8]>,
) -> Result<Evidence, String> {
    let record = EvidenceRecord::parse(record, &judge.verifier.options().limits)
        .map_err(|error| error.to_string())?;
    let objects = DataObjects::new([files.file.as_slice()]).map_err(|it| it.to_string())?;
    let proof = judge.verifier.record(&record, &objects).map_err(|it| it.to_string())?;
    if token.is_some_and(|token| token != last_token(&record)) {
        return Err("the token beside it is not the last one of its evidence record".into());
    }
    judge.evidence(&proof)
}
