use jiff::civil::Date;
use model::EmailAddress;
use serde::{Deserialize, Serialize};

use super::{Begins, Clause, Condition, Period, Zone};
use crate::domain_name;

/// Policies of a version.
pub const POLICIES_MAX: usize = 200;
/// Clauses of a policy.
pub const CLAUSES_MAX: usize = 20;
/// Values of a list.
pub const VALUES_MAX: usize = 1_000;
/// Characters of a name, a class or a value.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters of a reason or a query.
const TEXT_CHARS_MAX: usize = 2_000;

/// How long one kind of mail is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// Unique in its version.
    pub name: String,
    /// What the mail is called that it is about, such as `letters`.
    pub class: String,
    /// All must hold; none: every mail.
    #[serde(default)]
    pub clauses: Vec<Clause>,
    /// The day from which the periods count.
    #[serde(default)]
    pub from: CountsFrom,
    #[serde(default)]
    pub begins: Begins,
    /// It must not be destroyed before this has passed; `None`: for ever.
    pub keep: Option<Period>,
    /// It must be destroyed when this has passed; `None`: nothing demands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Period>,
    /// Why: the law, the contract.
    #[serde(default)]
    pub reason: String,
}

/// What a period counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountsFrom {
    #[default]
    Receipt,
    /// The mail's own date, as far as it can be believed.
    Sending,
}

/// A version as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetDraft {
    #[serde(default)]
    pub zone: Zone,
    /// The day from which it is in force, in its zone.
    pub valid_from: Date,
    /// Why it was made.
    pub reason: String,
    /// In order: the first that fits decides.
    pub policies: Vec<RetentionPolicy>,
}

/// A version that was checked; its values are in the form in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySet {
    version: u32,
    #[serde(flatten)]
    draft: SetDraft,
}

/// Why a version cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("policy {name:?}: {what} is not an e-mail address, @domain or local@")]
    Address { name: String, what: String },
    #[error("policy {0:?}: a list of a condition is empty, too long, or has an empty value")]
    Values(String),
    #[error("policy {name:?}: {what} is not a domain")]
    Domain { name: String, what: String },
    #[error("policy {0:?}: its maximum ends before its minimum")]
    MaximumBeforeMinimum(String),
    #[error("a policy needs a name and a class of at most {NAME_CHARS_MAX} characters, once each")]
    Name,
    #[error("policy {0:?}: a period is at most 100 years, and a maximum needs a minimum")]
    Period(String),
    #[error("a version needs a reason of at most {TEXT_CHARS_MAX} characters")]
    Reason,
    #[error("a version has at most {POLICIES_MAX} policies of at most {CLAUSES_MAX} conditions")]
    TooMany,
}

impl PolicySet {
    /// Checks a draft and brings its values into the form in which they are compared.
    pub fn new(version: u32, mut draft: SetDraft) -> Result<Self, SetError> {
        if !is_text(&draft.reason, TEXT_CHARS_MAX) {
            return Err(SetError::Reason);
        }
        let clauses = draft.policies.iter().map(|policy| policy.clauses.len()).max();
        if draft.policies.len() > POLICIES_MAX || clauses.unwrap_or(0) > CLAUSES_MAX {
            return Err(SetError::TooMany);
        }
        let mut names = std::collections::HashSet::new();
        for policy in &mut draft.policies {
            policy.name = policy.name.trim().to_owned();
            policy.class = policy.class.trim().to_lowercase();
            let named = is_text(&policy.name, NAME_CHARS_MAX);
            if !named
                || !is_text(&policy.class, NAME_CHARS_MAX)
                || !names.insert(policy.name.clone())
            {
                return Err(SetError::Name);
            }
            check_periods(policy)?;
            for clause in &mut policy.clauses {
                normalise(&policy.name, &mut clause.condition)?;
            }
        }
        Ok(Self { version, draft })
    }

    /// Versions count from 1 within a tenant.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn valid_from(&self) -> Date {
        self.draft.valid_from
    }

    pub fn zone(&self) -> &Zone {
        &self.draft.zone
    }

    pub fn reason(&self) -> &str {
        &self.draft.reason
    }

    pub fn policies(&self) -> &[RetentionPolicy] {
        &self.draft.policies
    }

    pub fn draft(&self) -> &SetDraft {
        &self.draft
    }

    /// The queries that the index must answer before a mail can be classified, each once.
    pub fn queries(&self) -> Vec<String> {
        let clauses = self.draft.policies.iter().flat_map(|policy| &policy.clauses);
        let mut all: Vec<String> =
            clauses.filter_map(|clause| clause.condition.index_query()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The version that decides today: the newest of those that are valid already.
pub fn in_force(sets: &[PolicySet], now: model::Timestamp) -> Option<&PolicySet> {
    let valid =
        |set: &&PolicySet| set.zone().day_of(now).is_some_and(|today| set.valid_from() <= today);
    sets.iter().filter(valid).max_by_key(|set| set.version)
}

fn is_text(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max
}

fn check_periods(policy: &RetentionPolicy) -> Result<(), SetError> {
    let invalid = || SetError::Period(policy.name.clone());
    for period in policy.keep.iter().chain(&policy.at_most) {
        period.check().map_err(|_| invalid())?;
    }
    let Some(most) = policy.at_most else { return Ok(()) };
    let Some(least) = policy.keep else { return Err(invalid()) };
    // Months differ in length: what is shorter is asked of every day of a leap cycle.
    let mut day = Date::constant(2024, 1, 1);
    while day.year() < 2028 {
        let ends = |period: Period| period.last_day(day, policy.begins);
        if ends(most) < ends(least) {
            return Err(SetError::MaximumBeforeMinimum(policy.name.clone()));
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    Ok(())
}

pub(super) fn normalise(name: &str, condition: &mut Condition) -> Result<(), SetError> {
    let invalid = || SetError::Values(name.to_owned());
    let within = |count: usize| (1..=VALUES_MAX).contains(&count).then_some(()).ok_or_else(invalid);
    match condition {
        Condition::Recipient { any_of } | Condition::Sender { any_of } => {
            within(any_of.len())?;
            for value in any_of {
                *value = address(value).ok_or_else(|| SetError::Address {
                    name: name.to_owned(),
                    what: value.clone(),
                })?;
            }
        }
        Condition::Domain { any_of } => {
            within(any_of.len())?;
            for value in any_of {
                *value = domain_name(value.trim_start_matches('@'))
                    .map_err(|_| SetError::Domain { name: name.to_owned(), what: value.clone() })?;
            }
        }
        Condition::AttachmentType { any_of } => {
            within(any_of.len())?;
            for value in any_of {
                *value = value.trim().trim_start_matches('.').to_lowercase();
                let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if value.is_empty() || value.len() > 20 || !plain {
                    return Err(invalid());
                }
            }
        }
        Condition::Class { any_of }
        | Condition::Folder { any_of }
        | Condition::Subject { any_of }
        | Condition::Tag { any_of } => {
            within(any_of.len())?;
            if !any_of.iter().all(|value| is_text(value, NAME_CHARS_MAX)) {
                return Err(invalid());
            }
        }
        Condition::Query { text } if is_text(text, TEXT_CHARS_MAX) => {}
        Condition::Query { .. } => return Err(invalid()),
        Condition::Direction { any_of } => within(any_of.len())?,
        Condition::Mailbox { any_of } => within(any_of.len())?,
        Condition::Source { any_of } => within(any_of.len())?,
        Condition::Received { from: None, through: None }
        | Condition::Size { at_least: None, at_most: None } => return Err(invalid()),
        Condition::Received { .. } | Condition::Size { .. } => {}
    }
    Ok(())
}

/// An address's key, `@domain` or `local@`.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    if text.chars().count() > NAME_CHARS_MAX {
        return None;
    }
    if let Some(domain) = text.strip_prefix('@') {
        return Some(format!("@{}", domain_name(domain).ok()?));
    }
    if let Some(local) = text.strip_suffix('@') {
        return (!local.is_empty() && !local.contains('@')).then(|| text.to_lowercase());
    }
    let key = EmailAddress::new(text).key();
    let (local, domain) = key.rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then_some(key)
}
