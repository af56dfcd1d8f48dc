use model::EmailAddress;
use serde::{Deserialize, Serialize};

use super::Zone;
use super::condition::{Clause, Condition, MailFacts, Matched, is_named};
use super::set::normalise;

/// Rules of a tenant.
const EXCLUSIONS_MAX: usize = 200;
/// Addresses or clauses of a rule.
const VALUES_MAX: usize = 1_000;
const CLAUSES_MAX: usize = 20;
const TEXT_CHARS_MAX: usize = 2_000;

/// A mailbox whose mail is not archived, such as that of the works council, or some of its mail.
///
/// A rule is about addresses, not about mails: a mail that also concerns somebody else of the
/// tenant is archived for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exclusion {
    pub name: String,
    /// Own addresses: `works.council@x.example`, `@council.x.example` or `council@`.
    pub addresses: Vec<String>,
    /// Further conditions, all of which must hold; those that the index answers are refused.
    #[serde(default)]
    pub clauses: Vec<Clause>,
    /// Why, and on which legal ground.
    pub reason: String,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExclusionError {
    #[error("rule {0:?} needs a name, a reason and at least one address")]
    Incomplete(String),
    #[error("rule {0:?}: a condition cannot be answered before the mail is archived")]
    NotKnownYet(String),
    #[error(transparent)]
    Set(#[from] super::SetError),
    #[error("at most {EXCLUSIONS_MAX} rules of at most {CLAUSES_MAX} conditions")]
    TooMany,
}

/// The rules of a tenant, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    rules: Vec<Exclusion>,
    zone: Zone,
}

impl Exclusions {
    pub fn new(mut rules: Vec<Exclusion>, zone: Zone) -> Result<Self, ExclusionError> {
        if rules.len() > EXCLUSIONS_MAX || rules.iter().any(|rule| rule.clauses.len() > CLAUSES_MAX)
        {
            return Err(ExclusionError::TooMany);
        }
        for rule in &mut rules {
            let said =
                |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
            let addressed = (1..=VALUES_MAX).contains(&rule.addresses.len());
            if !said(&rule.name) || !said(&rule.reason) || !addressed {
                return Err(ExclusionError::Incomplete(rule.name.clone()));
            }
            let mut addresses =
                Condition::Recipient { any_of: std::mem::take(&mut rule.addresses) };
            normalise(&rule.name, &mut addresses)?;
            if let Condition::Recipient { any_of } = addresses {
                rule.addresses = any_of;
            }
            for Clause { condition, .. } in &mut rule.clauses {
                let later = matches!(
                    condition,
                    Condition::Class { .. } | Condition::Mailbox { .. } | Condition::Tag { .. }
                );
                if later || condition.index_query().is_some() {
                    return Err(ExclusionError::NotKnownYet(rule.name.clone()));
                }
                normalise(&rule.name, condition)?;
            }
        }
        Ok(Self { rules, zone })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn rules(&self) -> &[Exclusion] {
        &self.rules
    }

    /// The rule by which the mail is not archived for this address of the tenant.
    pub fn excludes(&self, address: &EmailAddress, facts: &MailFacts<'_>) -> Option<&Exclusion> {
        let key = address.key();
        self.rules.iter().find(|rule| {
            rule.addresses.iter().any(|pattern| is_named(&key, pattern))
                && rule.clauses.iter().all(|it| it.holds(facts, &self.zone) == Matched::Yes)
        })
    }
}
