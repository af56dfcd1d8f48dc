use std::collections::{BTreeMap, HashSet};

use evidence::TrustAnchors;
use evidence::export::{ANCHORS, FORMAT, MANIFEST, Manifest};
use evidence::ledger::Leaf;
use model::Digest;

use crate::Judge;
use crate::batches::{self, Read};
use crate::cores::on_all_cores;
use crate::delivery::Context;
use crate::error::VerifyError;
use crate::events::{ARCHIVED, Events};
use crate::findings::{BatchFindings, Check, DisposedFindings, ExportFindings, MailFindings};
use crate::source::Source;
use crate::sums::{self, Sums};

/// The most batches of one export.
const BATCHES_MAX: u64 = 1_000_000;

/// The certificates that the export itself brings.
pub fn anchors(source: &Source) -> Result<TrustAnchors, VerifyError> {
    let mut anchors = TrustAnchors::default();
    for path in source.files().into_iter().filter(|path| path.starts_with(ANCHORS)) {
        let unreadable = |why: String| VerifyError::Unreadable(path.to_owned(), why);
        let pem = source.read(path).map_err(unreadable)?;
        anchors.extend(TrustAnchors::from_pem(&pem).map_err(|it| unreadable(it.to_string()))?);
    }
    Ok(anchors)
}

/// Checks a whole export, mails on all cores.
pub fn verify(judge: &Judge, source: &Source) -> Result<ExportFindings, VerifyError> {
    let manifest = read_manifest(source)?;
    let (sums, (batches, read)) = std::thread::scope(|scope| {
        let sums = scope.spawn(|| Sums::read(source));
        let batches = check_batches(judge, source, &manifest);
        // A thread that panics is a flaw of this program: it must not look like a result.
        (sums.join().expect("the list of files is read"), batches)
    });
    let (sums, mut flaws) = match sums {
        Ok(sums) => (Some(sums), Vec::new()),
        Err(why) => (None, vec![why]),
    };
    let context =
        Context { judge, source, sums: sums.as_ref(), tenant: manifest.tenant, batches: &read };
    let mails = on_all_cores(manifest.mails.len(), |at| context.mail(&manifest.mails[at]));
    if let Some(sums) = &sums {
        flaws.extend(check_files(source, sums));
    }
    let files = Check::of(sums::summary(flaws));
    let ledger = Check::of(check_ledger(&manifest, &batches));
    let events = Events::read(source, manifest.tenant, &read);
    let mut disposed = Vec::new();
    let complete = Check::of(check_claims(&manifest, &read, &events, &mut disposed));
    let proven = files.proven
        && ledger.proven
        && complete.proven
        && events.findings.iter().all(|event| event.note.proven)
        && batches.iter().all(BatchFindings::proven)
        && mails.iter().all(|mail| mail.proven);
    let remarks = remarks(&manifest, &batches, &mails, &read);
    Ok(ExportFindings {
        proven,
        tenant: manifest.tenant,
        exported_at: manifest.exported_at,
        product: manifest.product,
        verified_at: judge.verifier.options().now,
        files,
        ledger,
        complete,
        batches,
        events: events.findings,
        disposed,
        mails,
        remarks,
    })
}

fn read_manifest(source: &Source) -> Result<Manifest, VerifyError> {
    let unreadable = |why: String| VerifyError::Unreadable(MANIFEST.to_owned(), why);
    let octets = source.read(MANIFEST).map_err(unreadable)?;
    let manifest: Manifest =
        serde_json::from_slice(&octets).map_err(|error| unreadable(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(unreadable(format!("its format is {} and not {FORMAT}", manifest.format)));
    }
    let count = manifest.last_batch.checked_sub(manifest.first_batch);
    match count.is_some_and(|count| count < BATCHES_MAX) && manifest.first_batch > 0 {
        true => Ok(manifest),
        false => Err(unreadable("its range of batches is not one".into())),
    }
}

fn check_batches(
    judge: &Judge,
    source: &Source,
    manifest: &Manifest,
) -> (Vec<BatchFindings>, BTreeMap<u64, Read>) {
    let (mut findings, mut all) = (Vec::new(), BTreeMap::new());
    for number in manifest.first_batch..=manifest.last_batch {
        let (mut found, read) = match batches::Files::of(source, number) {
            Ok(files) => batches::examine(judge, number, files),
            Err(why) => (missing(number, &why), None),
        };
        if let Some(read) = read {
            if read.batch.tenant != manifest.tenant {
                found.file = Check::no("it is of another tenant");
            }
            if number > manifest.first_batch {
                let follows = match all.get(&(number - 1)) {
                    Some(Read { batch, file, .. }) => {
                        read.batch.check_follows(batch, file).map_err(|error| error.to_string())
                    }
                    None => Err(format!("batch {} is missing or not readable", number - 1)),
                };
                found.follows = Check::of(follows);
            }
            all.insert(number, read);
        }
        findings.push(found);
    }
    (findings, all)
}

fn missing(number: u64, why: &str) -> BatchFindings {
    BatchFindings {
        number,
        first_seq: 0,
        last_seq: 0,
        sealed_at: None,
        seal: "none",
        file: Check::no(why),
        sealed: Check::no(why),
        follows: Check::no(why),
        evidence: None,
        second: None,
    }
}

fn check_ledger(manifest: &Manifest, batches: &[BatchFindings]) -> Result<(), String> {
    let broken = batches.iter().find(|it| !it.file.proven || !it.follows.proven);
    match broken {
        Some(batch) => Err(format!("it breaks at batch {}", batch.number)),
        None if batches.is_empty() => Err(format!("batch {} is missing", manifest.first_batch)),
        None => Ok(()),
    }
}

/// Each mail once; and if the export claims to be complete, each event about an archived mail: its
/// mail is here, or was disposed of.
fn check_claims(
    manifest: &Manifest,
    batches: &BTreeMap<u64, Read>,
    events: &Events,
    disposed: &mut Vec<DisposedFindings>,
) -> Result<(), String> {
    let mut flaws = events.flaws.clone();
    flaws.extend(events.missing(manifest, batches));
    let (mut records, mut seqs) = (HashSet::new(), HashSet::new());
    for mail in &manifest.mails {
        if !records.insert(mail.record) || mail.deliveries.is_empty() {
            flaws.push(format!("{} is claimed twice or without a delivery", mail.record));
        }
        for delivery in &mail.deliveries {
            if !seqs.insert(delivery.seq) {
                flaws.push(format!("event {} is claimed twice", delivery.seq));
            }
        }
    }
    let until = manifest.complete_until.unwrap_or(manifest.last_batch);
    for (number, read) in batches {
        let archived = |leaf: &&Leaf| ARCHIVED.contains(&leaf.kind.as_str());
        for leaf in read.batch.leaves.iter().filter(archived) {
            if seqs.contains(&leaf.seq) {
                continue;
            }
            match events.disposal(leaf, read.batch.algorithm) {
                Some(found) => disposed.push(found),
                None if manifest.complete && *number <= until => {
                    flaws.push(format!("the mail of event {} is missing", leaf.seq));
                }
                None => {}
            }
        }
    }
    sums::summary(flaws)
}

/// Compares with the list what was not compared when a mail was examined.
fn check_files(source: &Source, sums: &Sums) -> Vec<String> {
    let paths = sums.not_compared();
    let check = |at: usize| match source.read(paths[at]) {
        Ok(octets) if sums.fits(paths[at], Digest::of(&octets)) => None,
        Ok(_) => Some(format!("{} is not the file that was exported", paths[at])),
        Err(why) => Some(why),
    };
    on_all_cores(paths.len(), check).into_iter().flatten().collect()
}

fn remarks(
    manifest: &Manifest,
    batches: &[BatchFindings],
    mails: &[MailFindings],
    read: &BTreeMap<u64, Read>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    if manifest.first_batch > 1 {
        let first = batches.first().map_or(0, |batch| batch.first_seq);
        remarks.push(format!(
            "the range begins with batch {} (event {first}): what was before is not part of it",
            manifest.first_batch
        ));
    }
    match manifest.complete_until.filter(|_| manifest.complete) {
        Some(until) => remarks.push(format!(
            "the batches behind {until} are here for their certificates: their mails are not claimed"
        )),
        None if manifest.complete => {}
        None => remarks.push("the export does not claim to hold all mails of these batches".into()),
    }
    let others = read.values().flat_map(|read| &read.batch.leaves);
    let others = others.filter(|leaf| !ARCHIVED.contains(&leaf.kind.as_str())).count();
    if !manifest.all_events && others > 0 {
        remarks.push(format!("not all notes of the {others} other events are part of the export"));
    }
    let deliveries = mails.iter().flat_map(|mail| &mail.deliveries);
    let all: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch.evidence.iter().chain(&batch.second))
        .chain(deliveries.flat_map(|delivery| delivery.evidence.iter().chain(&delivery.second)))
        .collect();
    let mut missing: Vec<&str> =
        all.iter().flat_map(|it| it.without_revocation_data.iter().map(String::as_str)).collect();
    missing.sort_unstable();
    missing.dedup();
    for subject in missing {
        remarks.push(format!("the evidence carries no revocation data for {subject}"));
    }
    if all
        .iter()
        .any(|it| it.stamps.iter().any(|stamp| stamp.claims_qualified && stamp.qualified.is_none()))
    {
        let text = "an authority claims that its stamps are qualified: give --trusted-list";
        remarks.push(text.into());
    }
    remarks
}
