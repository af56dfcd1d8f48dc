//! What a submission is: pure computing, done on all cores.

use std::collections::HashSet;

use mail::{Examined, MailView};
use model::{
    ContentId, Digest, HeaderRules, Mark, RecordFacts, RecordId, ReportFacts, Shape, Source,
    Submission, Timestamp,
};
use policy::{Candidate, QuarantineReason};
use serde::{Deserialize, Serialize};
use spool::Claimed;

use crate::document::list_date;

/// The format of [`RecordFacts`] that this release writes.
const FACTS_FORMAT: u16 = 1;

/// A submission, read and judged; nothing is stored yet.
pub struct Understood {
    pub examined: Examined,
    pub view: MailView,
    pub facts: RecordFacts,
    /// The facts as they go into the vault.
    pub facts_json: Vec<u8>,
    pub facts_digest: Digest,
}

/// Reads one submission by the rules of its source.
///
/// # Errors
/// When the facts cannot be written as JSON, which no input causes.
pub fn understand(claimed: &Claimed, rules: &HeaderRules) -> Result<Understood, serde_json::Error> {
    let submission = &claimed.submission;
    let examined = mail::examine_submission(submission, rules);
    let octets = examined.mail(&submission.octets);
    let decrypted = examined.decrypted.as_ref().map(|it| it.of(&submission.octets));
    let view = view(octets, decrypted);
    let facts = facts(claimed, &examined, octets, &view);
    let facts_json = serde_json::to_vec(&facts)?;
    let facts_digest = Digest::of(&facts_json);
    Ok(Understood { examined, view, facts, facts_json, facts_digest })
}

impl Understood {
    /// Takes the addresses (by key) out of the facts: the mail is not archived for them.
    ///
    /// # Errors
    /// When the facts cannot be written as JSON, which no input causes.
    pub fn leave_out(&mut self, keys: &HashSet<String>) -> Result<(), serde_json::Error> {
        self.facts.participants.retain(|it| !keys.contains(&it.address.key()));
        self.facts_json = serde_json::to_vec(&self.facts)?;
        self.facts_digest = Digest::of(&self.facts_json);
        Ok(())
    }
}

/// What is decided by: see [`policy::assign`].
pub fn candidate<'a>(submission: &Submission, examined: &'a Examined) -> Candidate<'a> {
    Candidate {
        is_report: examined.is_report(),
        is_damaged: examined.shape == Shape::DamagedReport,
        originator_org: examined.originator_org.as_deref(),
        participants: &examined.participants,
        released: submission.released,
        is_import: matches!(submission.source, Source::Import { .. }),
    }
}

/// The facts of a submission that is not archived, with the reason: a rebuild knows it from them.
#[derive(Serialize, Deserialize)]
pub struct HeldFacts<F> {
    #[serde(flatten)]
    pub facts: F,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Held>,
}

/// Why a submission was not archived when it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// [`QuarantineReason::code`].
    pub code: String,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator_org: Option<String>,
}

impl Held {
    pub fn new(reason: &QuarantineReason, examined: &Examined) -> Self {
        Self {
            code: reason.code().to_owned(),
            detail: reason.detail().to_owned(),
            originator_org: examined.originator_org.clone(),
        }
    }
}

/// Reads a mail; what a decrypted copy says is found and listed under the mail that it came with.
pub fn view(mail: &[u8], decrypted: Option<&[u8]>) -> MailView {
    let mut view = mail::describe(mail);
    if let Some(decrypted) = decrypted {
        let readable = mail::describe(decrypted);
        view.text.push('\n');
        view.text.push_str(&readable.text);
        view.summary.attachments += readable.summary.attachments;
        view.attachments.extend(readable.attachments);
        view.marks.extend(readable.marks);
    }
    view
}

/// When the mail was received. For a file that is its own date: an address that changed hands must
/// not open the predecessor's old mail because it was imported today.
fn received_at(submission: &Submission, view: &MailView) -> Timestamp {
    match &submission.source {
        // The server's word; a date to come is none.
        Source::Fetched(fetched) => match fetched.received_at {
            Some(at) if at <= submission.received_at => at,
            _ => list_date(view.summary.sent_at, submission.received_at),
        },
        Source::Import { .. } => list_date(view.summary.sent_at, submission.received_at),
        Source::Smtp { .. } => submission.received_at,
    }
}

fn facts(claimed: &Claimed, examined: &Examined, octets: &[u8], view: &MailView) -> RecordFacts {
    let submission = &claimed.submission;
    let whole = octets.len() == submission.octets.len();
    let content = if whole { claimed.content } else { ContentId::of(octets) };
    let is_report = examined.shape == Shape::JournalReport;
    let report = is_report.then(|| ReportFacts {
        content: claimed.content,
        size_bytes: submission.octets.len() as u64,
        report: examined.report.clone(),
    });
    let mut marks: Vec<Mark> = examined.marks.iter().chain(&view.marks).copied().collect();
    marks.sort_unstable();
    marks.dedup();
    RecordFacts {
        format: FACTS_FORMAT,
        record: RecordId::of(submission.tenant, content),
        content,
        size_bytes: octets.len() as u64,
        decrypted: examined
            .decrypted
            .as_ref()
            .map(|decrypted| ContentId::of(decrypted.of(&submission.octets))),
        report,
        shape: examined.shape,
        received_at: received_at(submission, view),
        source: submission.source.clone(),
        envelope: submission.envelope.clone(),
        participants: examined.participants.clone(),
        marks,
    }
}
