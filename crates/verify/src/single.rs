use std::path::{Path, PathBuf};

use evidence::{DataObjects, EvidenceRecord, LocalSeal, group_hash};

use crate::batches::{self, Files};
use crate::error::VerifyError;
use crate::findings::{BatchFindings, Check, SealedFindings, SingleFindings};
use crate::source::read_file;
use crate::{Judge, shown};

/// The most files of one data object group.
const FILES_MAX: usize = 1000;

/// Checks one group of files against its evidence record, and perhaps a ledger batch.
pub fn verify(
    judge: &Judge,
    paths: &[PathBuf],
    record: &Path,
    batch: Option<&Path>,
) -> Result<SingleFindings, VerifyError> {
    if paths.len() > FILES_MAX {
        return Err(VerifyError::Usage("there are more than 1000 files"));
    }
    let files: Vec<Vec<u8>> = paths.iter().map(|path| read_file(path)).collect::<Result<_, _>>()?;
    let record = read_file(record)?;
    let mut found = SingleFindings {
        proven: false,
        files: paths.iter().map(|path| shown(path)).collect(),
        verified_at: judge.verifier.options().now,
        time: Check::yes(),
        evidence: None,
        ledger: None,
        batch: None,
        seqs: Vec::new(),
    };
    let objects = match DataObjects::new(files.iter().map(Vec::as_slice)) {
        Ok(objects) => objects,
        Err(error) => {
            found.time = Check::no(error.to_string());
            return Ok(found);
        }
    };
    let proof = EvidenceRecord::parse(&record, &judge.verifier.options().limits)
        .and_then(|record| judge.verifier.record(&record, &objects));
    match proof.map_err(|error| error.to_string()).and_then(|proof| judge.evidence(&proof)) {
        Ok(evidence) => found.evidence = Some(evidence),
        Err(why) => found.time = Check::no(why),
    }
    if let Some(path) = batch {
        check_batch(judge, path, &objects, &mut found)?;
    }
    let ledger = found.ledger.as_ref().is_none_or(|check| check.proven);
    let batch = found.batch.as_ref().is_none_or(BatchFindings::proven);
    found.proven = found.time.proven && ledger && batch;
    Ok(found)
}

/// Checks one file against a seal of the archive's own key.
pub fn sealed(path: &Path, seal: &Path, key: &[u8]) -> Result<SealedFindings, VerifyError> {
    let (file, octets) = (read_file(path)?, read_file(seal)?);
    let parsed = LocalSeal::parse(&octets);
    let proven = parsed.as_ref().map_err(Clone::clone).and_then(|it| it.verify(&file, Some(key)));
    Ok(SealedFindings {
        file: shown(path),
        sealed_at: parsed.ok().map(|seal| seal.sealed_at),
        proven: Check::of(proven.map_err(|error| error.to_string())),
    })
}

fn check_batch(
    judge: &Judge,
    path: &Path,
    objects: &DataObjects<'_>,
    found: &mut SingleFindings,
) -> Result<(), VerifyError> {
    let beside = |ending: &str| -> Result<Option<Vec<u8>>, VerifyError> {
        let path = path.with_extension(ending);
        if path.exists() { read_file(&path).map(Some) } else { Ok(None) }
    };
    let files = Files {
        file: read_file(path)?,
        summary: beside("json")?,
        record: beside("ers")?,
        token: beside("tst")?,
        second: match beside("2.ers")? {
            Some(record) => Some((record, beside("2.tst")?)),
            None => None,
        },
        seal: beside("seal")?,
    };
    let limits = &judge.verifier.options().limits;
    let number = evidence::ledger::Batch::parse(&files.file, limits).map_or(0, |it| it.number);
    let (mut batch, read) = batches::examine(judge, number, files);
    if number > 1 {
        batch.follows.detail = Some("the batch before it was not looked at".into());
    }
    if let Some(read) = read {
        let group = group_hash(read.batch.algorithm, &objects.hashes(read.batch.algorithm));
        let of_group = |leaf: &&evidence::ledger::Leaf| group.as_ref() == Ok(&leaf.digest);
        found.seqs = read.batch.leaves.iter().filter(of_group).map(|leaf| leaf.seq).collect();
    }
    found.ledger = Some(match found.seqs.is_empty() {
        true => Check::no("the batch has no event about these files"),
        false => Check::yes(),
    });
    found.batch = Some(batch);
    Ok(())
}
