use std::collections::BTreeMap;

use evidence::export::{ExportedMail, SECOND, delivery_path, mail_path};
use evidence::ledger::record_members;
use evidence::{DataObjects, EvidenceRecord, group_hash};
use model::{ContentId, Digest, HeaderRules, RecordFacts, RecordId, Shape, TenantId};

use crate::Judge;
use crate::batches::Read;
use crate::findings::{Check, DeliveryFindings, Evidence, MailFindings};
use crate::source::Source;
use crate::sums::Sums;

/// What all mails of an export are checked against.
pub struct Context<'a> {
    pub judge: &'a Judge,
    pub source: &'a Source,
    pub sums: Option<&'a Sums>,
    pub tenant: TenantId,
    pub batches: &'a BTreeMap<u64, Read>,
}

/// The octets of a file and their digest.
type Octets = (Vec<u8>, Digest);

/// The files of one delivery.
struct Files<'a> {
    mail: &'a Octets,
    decrypted: Option<Octets>,
    report: Option<Octets>,
    facts: Octets,
}

impl Context<'_> {
    /// Checks one mail of the manifest with all its deliveries.
    pub fn mail(&self, claimed: &ExportedMail) -> MailFindings {
        let mail = self.mail_octets(claimed);
        let deliveries: Vec<DeliveryFindings> = (0..claimed.deliveries.len())
            .map(|place| {
                if let Some(why) = &claimed.deliveries[place].damaged {
                    return unread(claimed, place, &format!("damaged in the archive: {why}"));
                }
                let files = mail.as_ref().map_err(Clone::clone);
                match files.and_then(|mail| self.files(claimed, place, mail)) {
                    Ok(files) => self.delivery(claimed, place, &files),
                    Err(why) => unread(claimed, place, &why),
                }
            })
            .collect();
        let proven = !deliveries.is_empty() && deliveries.iter().all(DeliveryFindings::proven);
        MailFindings { record: claimed.record, proven, deliveries }
    }

    fn mail_octets(&self, claimed: &ExportedMail) -> Result<Octets, String> {
        let mail = self.read(&mail_path(claimed.record, "mail.eml"))?;
        match RecordId::of(self.tenant, ContentId(mail.1)) == claimed.record {
            true => Ok(mail),
            false => Err("the mail is not the one that its id is made of".into()),
        }
    }

    fn files<'o>(
        &self,
        claimed: &ExportedMail,
        place: usize,
        mail: &'o Octets,
    ) -> Result<Files<'o>, String> {
        let delivery = &claimed.deliveries[place];
        let read = |name, ending| self.read(&delivery_path(claimed.record, name, place, ending));
        Ok(Files {
            mail,
            decrypted: delivery.decrypted.then(|| read("decrypted", "eml")).transpose()?,
            report: delivery.report.then(|| read("report", "eml")).transpose()?,
            facts: read("facts", "json")?,
        })
    }

    /// A file, which is also compared with the list of files.
    fn read(&self, path: &str) -> Result<Octets, String> {
        let octets = self.source.read(path)?;
        let digest = Digest::of(&octets);
        match self.sums.is_none_or(|sums| sums.fits(path, digest)) {
            true => Ok((octets, digest)),
            false => Err(format!("{path} is not the file that was exported")),
        }
    }

    fn delivery(
        &self,
        claimed: &ExportedMail,
        place: usize,
        files: &Files<'_>,
    ) -> DeliveryFindings {
        let mut found = unread(claimed, place, "not looked at");
        let facts: RecordFacts = match serde_json::from_slice(&files.facts.0) {
            Ok(facts) => facts,
            Err(error) => {
                return unread(claimed, place, &format!("the facts are not readable: {error}"));
            }
        };
        found.received_at = Some(facts.received_at);
        found.octets = Check::of(check_octets(claimed, &facts, files));
        found.recipients = files
            .report
            .as_ref()
            .map(|report| Check::of(check_recipients(&facts, &report.0, &files.mail.0)));
        let (time, ledger) = match files.objects() {
            Ok(objects) => {
                let time = self.check_time(claimed, place, &objects, &mut found);
                (time, self.check_ledger(claimed, place, &objects))
            }
            Err(why) => (Err(why.clone()), Err(why)),
        };
        found.time = Check::of(time);
        found.ledger = Check::of(ledger);
        found
    }

    fn check_time(
        &self,
        claimed: &ExportedMail,
        place: usize,
        objects: &DataObjects<'_>,
        found: &mut DeliveryFindings,
    ) -> Result<(), String> {
        let delivery = &claimed.deliveries[place];
        let path = |ending: &str| delivery_path(claimed.record, "evidence", place, ending);
        let batch = self.batches.get(&delivery.batch);
        if let Some(batch) = batch.filter(|batch| batch.stamps == 0)
            && !self.source.has(&path("ers"))
        {
            return match batch.sealed {
                true => Err("no authority stamped it: only the archive's own seal holds".into()),
                false => Err("no authority stamped it, and its batch's seal does not hold".into()),
            };
        }
        found.evidence = Some(self.check_record(&path("ers"), objects)?);
        if batch.is_some_and(|batch| batch.stamps > 1) {
            let second = self.check_record(&path(&format!("{SECOND}ers")), objects);
            found.second = Some(second.map_err(|why| format!("the second authority's: {why}"))?);
        }
        Ok(())
    }

    fn check_record(&self, path: &str, objects: &DataObjects<'_>) -> Result<Evidence, String> {
        let (octets, _) = self.read(path)?;
        let limits = &self.judge.verifier.options().limits;
        let record = EvidenceRecord::parse(&octets, limits).map_err(|it| it.to_string())?;
        let proof =
            self.judge.verifier.record(&record, objects).map_err(|error| error.to_string())?;
        self.judge.evidence(&proof)
    }

    fn check_ledger(
        &self,
        claimed: &ExportedMail,
        place: usize,
        objects: &DataObjects<'_>,
    ) -> Result<(), String> {
        let delivery = &claimed.deliveries[place];
        let read = self
            .batches
            .get(&delivery.batch)
            .ok_or_else(|| format!("batch {} is missing or not readable", delivery.batch))?;
        let (_, leaf) = read
            .batch
            .leaf(delivery.seq)
            .ok_or_else(|| format!("batch {} has no event {}", delivery.batch, delivery.seq))?;
        let group = group_hash(read.batch.algorithm, &objects.hashes(read.batch.algorithm));
        if group.map_err(|error| error.to_string())? != leaf.digest {
            return Err(format!("event {} of the ledger is about something else", delivery.seq));
        }
        match read.sealed {
            true => Ok(()),
            false => Err(format!("batch {} is not proven itself", delivery.batch)),
        }
    }
}

impl Files<'_> {
    /// The data object group.
    fn objects(&self) -> Result<DataObjects<'_>, String> {
        let (decrypted, report) = (self.decrypted.as_ref(), self.report.as_ref());
        let members = record_members(
            &self.mail.0,
            decrypted.map(|it| it.0.as_slice()),
            report.map(|it| it.0.as_slice()),
            &self.facts.0,
        );
        let files = [Some(self.mail), decrypted, report, Some(&self.facts)];
        let digests = files.into_iter().flatten().map(|it| it.1);
        DataObjects::with_digests(members.into_iter().zip(digests)).map_err(|it| it.to_string())
    }
}

fn unread(claimed: &ExportedMail, place: usize, why: &str) -> DeliveryFindings {
    let delivery = &claimed.deliveries[place];
    DeliveryFindings {
        seq: delivery.seq,
        batch: delivery.batch,
        received_at: None,
        octets: Check::no(why),
        time: Check::no(why),
        ledger: Check::no(why),
        recipients: delivery.report.then(|| Check::no(why)),
        evidence: None,
        second: None,
    }
}

/// The facts name exactly these octets.
fn check_octets(
    claimed: &ExportedMail,
    facts: &RecordFacts,
    files: &Files<'_>,
) -> Result<(), String> {
    let differ = |what: &str| Err(format!("the facts name {what}"));
    if facts.record != claimed.record {
        return differ("another record");
    }
    if facts.content != ContentId(files.mail.1) || facts.size_bytes != files.mail.0.len() as u64 {
        return differ("another mail");
    }
    if facts.decrypted != files.decrypted.as_ref().map(|it| ContentId(it.1)) {
        return differ("another decrypted copy");
    }
    match (&facts.report, &files.report) {
        (None, None) => Ok(()),
        (Some(named), Some((octets, digest)))
            if named.content == ContentId(*digest) && named.size_bytes == octets.len() as u64 =>
        {
            Ok(())
        }
        _ => differ("another journal report"),
    }
}

/// The report, read again from its octets, says what the facts say: the same recipients, the same
/// mail within.
fn check_recipients(facts: &RecordFacts, report: &[u8], mail: &[u8]) -> Result<(), String> {
    let Some(named) = &facts.report else { return Err("the facts name no report".into()) };
    let again = mail::examine(report, &HeaderRules::default(), None);
    if facts.shape == Shape::JournalReport && again.mail(report) != mail {
        return Err("the report carries another mail".into());
    }
    if named.report != again.report {
        return Err("the facts say of the report what is not in it".into());
    }
    let recipients = again.report.iter().flat_map(|report| &report.recipients);
    for recipient in recipients {
        if !facts.participants.iter().any(|it| it.address == recipient.address) {
            return Err("a recipient of the report is missing in the facts".into());
        }
    }
    Ok(())
}
