use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{
    EmailAddress, Envelope, HeaderRules, JournalReport, Mark, Participant, Provenance,
    RecipientField, Role, Shape, Source, Submission,
};

use crate::headers::{self, Field};
use crate::plain::{self, participant};
use crate::report::{self, Report};

/// What a submission is. All octets of it are accounted for: the mail, and around it the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub shape: Shape,
    /// The envelope part as read; `Some` also for a damaged report whose envelope is readable.
    pub report: Option<JournalReport>,
    /// The mail to archive: the inner one of a journal report, else the whole submission.
    pub mail: MailOctets,
    /// The decrypted copy that followed a rights-protected mail in the same report.
    pub decrypted: Option<MailOctets>,
    /// Who may see the mail, and why; no two are the same in address, role and way.
    pub participants: Vec<Participant>,
    /// Sorted, each once.
    pub marks: Vec<Mark>,
    /// `X-OriginatorOrg` of the report in lower case; `None` for a plain copy.
    pub originator_org: Option<String>,
}

/// Where the octets of a mail are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailOctets {
    /// The report carried the mail in base64 or quoted-printable: decoded here.
    Decoded(Vec<u8>),
    /// A range of the submission's octets.
    Range(Range<usize>),
}

impl MailOctets {
    /// The mail itself; `octets` must be the slice that was examined.
    pub fn of<'a>(&'a self, octets: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Decoded(decoded) => decoded,
            Self::Range(range) => octets.get(range.clone()).unwrap_or_default(),
        }
    }
}

impl Examined {
    /// Whether a journal report was announced, readable or not.
    pub fn is_report(&self) -> bool {
        self.shape != Shape::PlainCopy
    }

    /// The mail to archive; `octets` must be the slice that was examined.
    pub fn mail<'a>(&'a self, octets: &'a [u8]) -> &'a [u8] {
        self.mail.of(octets)
    }
}

/// Recognises a submission and reads its envelope. Never fails; linear in the length of `octets`.
///
/// A journal report (MS-XJRNL; `X-MS-Journal-Report` and its kin by presence) is unwrapped one
/// level, a report inside a non-delivery report two. A plain copy takes its recipients from
/// `rules`, and without a hit from To, Cc and Bcc with [`Mark::RecipientsFromHeaders`].
/// [`Mark::DamagedReport`] without [`Shape::DamagedReport`]: the report is readable, but ends
/// before its closing boundary or holds more mails than the original and its decrypted copy.
pub fn examine(octets: &[u8], rules: &HeaderRules, envelope: Option<&Envelope>) -> Examined {
    let examination = AssertUnwindSafe(|| {
        let fields: Vec<Field<'_>> = headers::mail_block(octets).fields(octets).collect();
        let report = if rules.journal_reports { report::read(octets, &fields) } else { None };
        match report {
            Some(report) => examine_report(octets, &fields, report, rules),
            None => examine_plain(octets, &fields, rules, envelope),
        }
    });
    // The last resort: a flaw in a parser must not keep a mail out of the archive.
    let mut examined = catch_unwind(examination).unwrap_or_else(|_| unreadable(octets));
    tidy(&mut examined);
    examined
}

/// [`examine`] for a submission: adds the mailbox that it was fetched from, or imported for.
pub fn examine_submission(submission: &Submission, rules: &HeaderRules) -> Examined {
    let mut examined = examine(&submission.octets, rules, submission.envelope.as_ref());
    let owner = match &submission.source {
        Source::Fetched(fetched) => fetched.mailbox.as_ref().map(|it| (it, Provenance::Fetched)),
        Source::Import { mailbox, .. } => mailbox.as_ref().map(|it| (it, Provenance::Import)),
        Source::Smtp { .. } => None,
    };
    if let Some((mailbox, provenance)) = owner {
        let owner = participant(mailbox.clone(), Role::Mailbox, provenance);
        examined.participants.push(owner);
        tidy(&mut examined);
    }
    examined
}

fn examine_report(
    octets: &[u8],
    fields: &[Field<'_>],
    report: Report,
    rules: &HeaderRules,
) -> Examined {
    let readable = report.envelope.is_some() && report.mail.is_some();
    let mut marks = Vec::new();
    if !readable || report.irregular {
        marks.push(Mark::DamagedReport);
    }
    if report.decrypted.is_some() {
        marks.push(Mark::DecryptedCopy);
    }
    let participants = match &report.envelope {
        Some(envelope) => reported(envelope),
        None => {
            let (participants, mark) = plain::participants(fields, rules, None);
            marks.extend(mark);
            participants
        }
    };
    let whole = MailOctets::Range(0..octets.len());
    Examined {
        shape: if readable { Shape::JournalReport } else { Shape::DamagedReport },
        // A report without its envelope is archived whole, whatever mail may be in it.
        mail: report.mail.filter(|_| readable).unwrap_or(whole),
        decrypted: report.decrypted.filter(|_| readable),
        report: report.envelope,
        participants,
        marks,
        originator_org: report.originator_org,
    }
}

fn reported(report: &JournalReport) -> Vec<Participant> {
    let named = |address: &EmailAddress, role| {
        participant(address.clone(), role, Provenance::JournalReport)
    };
    let mut found = Vec::with_capacity(report.recipients.len() + 2);
    found.extend(report.sender.iter().map(|address| named(address, Role::Sender)));
    found.extend(report.on_behalf_of.iter().map(|address| named(address, Role::OnBehalfOf)));
    for recipient in &report.recipients {
        let role = match recipient.field {
            RecipientField::To => Role::To,
            RecipientField::Cc => Role::Cc,
            RecipientField::Bcc => Role::Bcc,
            RecipientField::Recipient => Role::Recipient,
        };
        found.push(Participant {
            expanded_from: recipient.expanded_from.clone(),
            forwarded_from: recipient.forwarded_from.clone(),
            ..named(&recipient.address, role)
        });
        found.extend(
            recipient.forwarded_from.iter().map(|address| named(address, Role::ForwardedFrom)),
        );
    }
    found
}

fn examine_plain(
    octets: &[u8],
    fields: &[Field<'_>],
    rules: &HeaderRules,
    envelope: Option<&Envelope>,
) -> Examined {
    let (participants, mark) = plain::participants(fields, rules, envelope);
    let mut marks: Vec<Mark> = mark.into_iter().collect();
    if fields.is_empty() {
        marks.push(Mark::NotAMail);
    }
    Examined {
        shape: Shape::PlainCopy,
        report: None,
        mail: MailOctets::Range(0..octets.len()),
        decrypted: None,
        participants,
        marks,
        originator_org: None,
    }
}

fn unreadable(octets: &[u8]) -> Examined {
    Examined {
        shape: Shape::PlainCopy,
        report: None,
        mail: MailOctets::Range(0..octets.len()),
        decrypted: None,
        participants: Vec::new(),
        marks: vec![Mark::Unreadable],
        originator_org: None,
    }
}

/// Removes repetitions: of participants by address and role and way (the first stays), and of marks.
fn tidy(examined: &mut Examined) {
    let mut seen = HashSet::with_capacity(examined.participants.len());
    examined.participants.retain(|participant| {
        let via = |address: &Option<EmailAddress>| address.as_ref().map(EmailAddress::key);
        seen.insert((
            participant.address.key(),
            participant.role,
            via(&participant.expanded_from),
            via(&participant.forwarded_from),
        ))
    });
    examined.marks.sort_unstable();
    examined.marks.dedup();
}
