//! What the vault is to hold of a submission: pure computing, done on all cores.

use model::{ContentId, Location, Shape};
use policy::QuarantineReason;
use spool::Claimed;
use store::{
    Composed, Embedded, EmbeddedIn, Octets, compose_delivery, compose_quarantine, compose_record,
    compose_report,
};

use crate::understand::{Held, HeldFacts, Understood};

/// How much of a submission is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The record exists: the facts, and the report if there is one.
    Delivery,
    /// None of its accounts is selected: it is counted.
    LeaveOut,
    /// The archive has all of it, or is not to have it.
    Nothing,
    /// Everything, apart from the records, with the reason.
    Quarantine(QuarantineReason),
    /// It waits in quarantine already, in this entry.
    Waits(QuarantineReason, Location),
    Record,
}

/// Composes the entry of a submission; `None` when nothing is to be stored.
pub fn compose(claimed: &Claimed, understood: &Understood, plan: &Plan) -> Option<Composed> {
    let octets: &[u8] = &claimed.submission.octets;
    let facts = &understood.facts_json;
    let examined = &understood.examined;
    let mail_octets = examined.mail(octets);
    let mail = Octets {
        octets: mail_octets,
        content: understood.facts.content,
        encoded_parts: &understood.view.encoded_parts,
    };
    let submission_parts = match plan {
        Plan::Quarantine(_) => mail::encoded_parts(octets),
        _ => Vec::new(),
    };
    let submission = Octets { octets, content: claimed.content, encoded_parts: &submission_parts };
    let decrypted_octets = examined.decrypted.as_ref().map(|decrypted| decrypted.of(octets));
    let decrypted_parts = decrypted_octets.map(mail::encoded_parts).unwrap_or_default();
    let decrypted = decrypted_octets.map(|octets| Octets {
        octets,
        content: understood.facts.decrypted.unwrap_or_else(|| ContentId::of(octets)),
        encoded_parts: &decrypted_parts,
    });
    let is_report = examined.shape == Shape::JournalReport;
    let mut embedded = Vec::new();
    let mut embed = |what, octets: &mail::MailOctets| {
        if let mail::MailOctets::Range(range) = octets {
            embedded.push(Embedded { what, range: range.clone() });
        }
    };
    embed(EmbeddedIn::Mail, &examined.mail);
    if let Some(decrypted) = &examined.decrypted {
        embed(EmbeddedIn::Decrypted, decrypted);
    }
    // A report that carries its mail in base64 holds a range that decodes to it.
    let report_parts = match &examined.mail {
        mail::MailOctets::Decoded(_) if is_report => mail::encoded_parts(octets),
        _ => Vec::new(),
    };
    let report = Octets { encoded_parts: &report_parts, ..submission };
    Some(match plan {
        Plan::LeaveOut | Plan::Nothing | Plan::Waits(..) => return None,
        Plan::Quarantine(reason) => {
            let quarantine = Some(Held::new(reason, examined));
            let held = HeldFacts { facts: &understood.facts, quarantine };
            // Facts have string keys only, so they always have a JSON form.
            compose_quarantine(&serde_json::to_vec(&held).unwrap_or_default(), submission)
        }
        Plan::Record => {
            compose_record(facts, mail, decrypted, is_report.then_some((report, &embedded[..])))
        }
        Plan::Delivery if is_report => compose_report(facts, mail, decrypted, (report, &embedded)),
        Plan::Delivery => compose_delivery(facts, understood.facts.content),
    })
}
