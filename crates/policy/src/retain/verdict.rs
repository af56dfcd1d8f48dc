use jiff::civil::Date;
use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::set::CountsFrom;
use super::{MailFacts, Matched, PolicySet};

/// What the policies say of one mail. Days are days in the set's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub class: String,
    pub policy: String,
    /// The version that decided.
    pub version: u32,
    /// The day that the periods count from.
    pub counted_from: Date,
    /// The last day on which it must be kept; `None`: for ever.
    pub kept_through: Option<Date>,
    /// The first moment at which it may be destroyed; `None`: never.
    pub disposable_from: Option<Timestamp>,
    /// The last day on which it may exist; `None`: nothing demands its end.
    pub gone_after: Option<Date>,
    /// The first moment at which it should no longer exist.
    pub overdue_from: Option<Timestamp>,
}

/// Why nobody can say how long a mail is to be kept; until then it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undetermined {
    #[error("its date lies outside the calendar")]
    Date,
    #[error("no policy is about it")]
    NoPolicy,
    #[error("the index has not answered what policy {0:?} asks")]
    NotIndexed(String),
}

/// Classifies a mail: the first policy of which all clauses hold decides.
///
/// # Errors
/// Whoever gets one keeps the mail.
pub fn verdict(set: &PolicySet, facts: &MailFacts<'_>) -> Result<Verdict, Undetermined> {
    for policy in set.policies() {
        match all_hold(set, policy, facts) {
            Matched::No => {}
            Matched::Unknown => return Err(Undetermined::NotIndexed(policy.name.clone())),
            Matched::Yes => return decide(set, policy, facts),
        }
    }
    Err(Undetermined::NoPolicy)
}

fn all_hold(set: &PolicySet, policy: &super::RetentionPolicy, facts: &MailFacts<'_>) -> Matched {
    let mut all = Matched::Yes;
    for clause in &policy.clauses {
        match clause.holds(facts, set.zone()) {
            Matched::No => return Matched::No,
            Matched::Unknown => all = Matched::Unknown,
            Matched::Yes => {}
        }
    }
    all
}

fn decide(
    set: &PolicySet,
    policy: &super::RetentionPolicy,
    facts: &MailFacts<'_>,
) -> Result<Verdict, Undetermined> {
    let event = match policy.from {
        CountsFrom::Receipt => facts.received_at,
        CountsFrom::Sending => facts.sent_at,
    };
    let zone = set.zone();
    let day = zone.day_of(event).ok_or(Undetermined::Date)?;
    // An end beyond the calendar is none.
    let kept_through = policy.keep.and_then(|period| period.last_day(day, policy.begins));
    let gone_after = policy.at_most.and_then(|period| period.last_day(day, policy.begins));
    Ok(Verdict {
        class: policy.class.clone(),
        policy: policy.name.clone(),
        version: set.version(),
        counted_from: day,
        kept_through,
        disposable_from: kept_through.and_then(|day| zone.end_of(day)),
        gone_after,
        overdue_from: gone_after.and_then(|day| zone.end_of(day)),
    })
}
