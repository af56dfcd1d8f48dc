use jiff::civil::Date;
use model::{AccountId, EmailAddress, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Zone;
use crate::Domains;

/// One condition of a policy, or its opposite. All clauses of a policy must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clause {
    #[serde(flatten)]
    pub condition: Condition,
    /// Holds when the condition does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

impl From<Condition> for Clause {
    fn from(condition: Condition) -> Self {
        Self { condition, not: false }
    }
}

/// What a policy asks of a mail. A list holds when one of its values does; texts are compared
/// without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Condition {
    /// An attachment whose name has this word, such as the extension `pdf`. Answered by the index.
    AttachmentType {
        any_of: Vec<String>,
    },
    /// A person gave the mail this class.
    Class {
        any_of: Vec<String>,
    },
    Direction {
        any_of: Vec<Direction>,
    },
    /// The domain of the sender or of a recipient; sub-domains count.
    Domain {
        any_of: Vec<String>,
    },
    /// The folder from which it was fetched, or one below it.
    Folder {
        any_of: Vec<String>,
    },
    /// The account owned one of the mail's addresses then.
    Mailbox {
        any_of: Vec<AccountId>,
    },
    /// A query in the language of the search. Answered by the index.
    Query {
        text: String,
    },
    /// Received on these days: both ends count.
    Received {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Date>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        through: Option<Date>,
    },
    /// `anna@x.example`, `@x.example` or `jobs@` at any domain.
    Recipient {
        any_of: Vec<String>,
    },
    /// As [`Condition::Recipient`].
    Sender {
        any_of: Vec<String>,
    },
    /// The octets of the mail; both ends count.
    Size {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<u64>,
    },
    Source {
        any_of: Vec<SourceId>,
    },
    /// The subject contains this text.
    Subject {
        any_of: Vec<String>,
    },
    /// A person gave the mail this tag.
    Tag {
        any_of: Vec<String>,
    },
}

/// Which way a mail went, by the tenant's own domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Incoming,
    /// From one of ours, to ours only.
    Internal,
    Outgoing,
}

/// Which way a mail went between these addresses (by key). Without domains nobody can tell.
pub fn direction(
    domains: &Domains,
    senders: &[String],
    recipients: &[String],
) -> Option<Direction> {
    if domains.is_empty() {
        return None;
    }
    let own = |key: &String| domains.contains(&EmailAddress::new(key));
    Some(match senders.iter().any(own) {
        false => Direction::Incoming,
        true if recipients.iter().all(own) => Direction::Internal,
        true => Direction::Outgoing,
    })
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matched {
    No,
    /// The index has not seen the mail yet, or the query failed: nobody may build on it.
    Unknown,
    Yes,
}

impl From<bool> for Matched {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Matched {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// What is known of a mail when it is classified. Addresses are [`model::EmailAddress::key`].
#[derive(Clone, Copy)]
pub struct MailFacts<'a> {
    pub senders: &'a [String],
    pub recipients: &'a [String],
    /// `None`: the tenant names no domains, so nobody can tell.
    pub direction: Option<Direction>,
    pub subject: &'a str,
    pub size_bytes: u64,
    pub sources: &'a [SourceId],
    pub folders: &'a [String],
    pub mailboxes: &'a [AccountId],
    pub tags: &'a [String],
    pub class: Option<&'a str>,
    pub received_at: Timestamp,
    /// When it was sent, as far as that can be believed; otherwise when it was received.
    pub sent_at: Timestamp,
    /// The index's answer to a query about this mail.
    pub indexed: &'a dyn Fn(&str) -> Matched,
}

impl Clause {
    pub fn holds(&self, facts: &MailFacts<'_>, zone: &Zone) -> Matched {
        let holds = self.condition.holds(facts, zone);
        if self.not { !holds } else { holds }
    }
}

impl Condition {
    /// The query by which the index answers; `None`: it is not asked.
    pub fn index_query(&self) -> Option<String> {
        match self {
            Self::Query { text } => Some(text.clone()),
            Self::AttachmentType { any_of } => {
                let named: Vec<String> =
                    any_of.iter().map(|name| format!("filename:\"{name}\"")).collect();
                Some(named.join(" OR "))
            }
            _ => None,
        }
    }

    fn holds(&self, facts: &MailFacts<'_>, zone: &Zone) -> Matched {
        match self {
            Self::AttachmentType { .. } | Self::Query { .. } => {
                self.index_query().map_or(Matched::Unknown, |query| (facts.indexed)(&query))
            }
            Self::Class { any_of } => {
                facts.class.is_some_and(|class| any_of.iter().any(|one| same(one, class))).into()
            }
            Self::Direction { any_of } => facts
                .direction
                .map_or(Matched::Unknown, |direction| any_of.contains(&direction).into()),
            Self::Domain { any_of } => {
                let mut all = facts.senders.iter().chain(facts.recipients);
                all.any(|key| any_of.iter().any(|domain| lies_in(key, domain))).into()
            }
            Self::Folder { any_of } => {
                let within = |folder: &String| any_of.iter().any(|one| is_below(folder, one));
                facts.folders.iter().any(within).into()
            }
            Self::Mailbox { any_of } => {
                facts.mailboxes.iter().any(|mailbox| any_of.contains(mailbox)).into()
            }
            Self::Received { from, through } => {
                let Some(day) = zone.day_of(facts.received_at) else { return Matched::Unknown };
                let after = from.is_none_or(|from| from <= day);
                (after && through.is_none_or(|through| day <= through)).into()
            }
            Self::Recipient { any_of } => named(facts.recipients, any_of),
            Self::Sender { any_of } => named(facts.senders, any_of),
            Self::Size { at_least, at_most } => {
                let enough = at_least.is_none_or(|least| least <= facts.size_bytes);
                (enough && at_most.is_none_or(|most| facts.size_bytes <= most)).into()
            }
            Self::Source { any_of } => {
                facts.sources.iter().any(|source| any_of.contains(source)).into()
            }
            Self::Subject { any_of } => {
                let subject = facts.subject.to_lowercase();
                any_of.iter().any(|text| subject.contains(&text.to_lowercase())).into()
            }
            Self::Tag { any_of } => {
                facts.tags.iter().any(|tag| any_of.iter().any(|one| same(one, tag))).into()
            }
        }
    }
}

fn same(one: &str, two: &str) -> bool {
    one.eq_ignore_ascii_case(two) || one.to_lowercase() == two.to_lowercase()
}

fn named(keys: &[String], patterns: &[String]) -> Matched {
    keys.iter().any(|key| patterns.iter().any(|pattern| is_named(key, pattern))).into()
}

/// Whether an address's key is what the pattern names: an address, `@domain`, or `local@`.
pub(super) fn is_named(key: &str, pattern: &str) -> bool {
    if let Some(domain) = pattern.strip_prefix('@') {
        return key.rsplit_once('@').is_some_and(|(_, own)| own == domain);
    }
    if let Some(local) = pattern.strip_suffix('@') {
        return key.rsplit_once('@').is_some_and(|(own, _)| own == local);
    }
    key == pattern
}

fn lies_in(key: &str, domain: &str) -> bool {
    let Some((_, own)) = key.rsplit_once('@') else { return false };
    own == domain || own.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Folders are paths with `/` between their names.
fn is_below(folder: &str, parent: &str) -> bool {
    let (folder, parent) = (folder.to_lowercase(), parent.to_lowercase());
    let parent = parent.trim_end_matches('/');
    folder == parent || folder.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
}
