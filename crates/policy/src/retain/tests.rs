use jiff::civil::{Date, date};
use model::{AccountId, RecordId, SourceId, TenantId, Timestamp};
use proptest::prelude::*;

use super::*;

mod calendar;
mod conditions;
mod disposal;
mod sets;

const TENANT: TenantId = TenantId::from_bytes([7; 16]);
const RECORD: RecordId = RecordId::from_bytes([9; 16]);

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn person(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn zone(name: &str) -> Zone {
    name.parse().expect("a zone")
}

/// What a test knows of its mail.
struct Mail {
    senders: Vec<String>,
    recipients: Vec<String>,
    direction: Direction,
    subject: String,
    size_bytes: u64,
    sources: Vec<SourceId>,
    folders: Vec<String>,
    mailboxes: Vec<AccountId>,
    tags: Vec<String>,
    class: Option<String>,
    received_at: Timestamp,
    sent_at: Timestamp,
    indexed: Matched,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            senders: vec!["anna@own.example".to_owned()],
            recipients: vec!["jobs@own.example".to_owned(), "x@far.example".to_owned()],
            direction: Direction::Outgoing,
            subject: "Die Straße nach Süden".to_owned(),
            size_bytes: 1_000,
            sources: vec![SourceId::from_bytes([1; 16])],
            folders: vec!["INBOX/Projekte".to_owned()],
            mailboxes: vec![person(1)],
            tags: vec!["Wichtig".to_owned()],
            class: Some("books".to_owned()),
            received_at: at("2024-02-29T10:00:00Z"),
            sent_at: at("2024-02-28T10:00:00Z"),
            indexed: Matched::Yes,
        }
    }
}

impl Mail {
    fn with<T>(&self, work: impl FnOnce(&MailFacts<'_>) -> T) -> T {
        let indexed = |_: &str| self.indexed;
        work(&MailFacts {
            senders: &self.senders,
            recipients: &self.recipients,
            direction: Some(self.direction),
            subject: &self.subject,
            size_bytes: self.size_bytes,
            sources: &self.sources,
            folders: &self.folders,
            mailboxes: &self.mailboxes,
            tags: &self.tags,
            class: self.class.as_deref(),
            received_at: self.received_at,
            sent_at: self.sent_at,
            indexed: &indexed,
        })
    }
}

fn policy(name: &str, keep: Option<Period>, clauses: Vec<Condition>) -> RetentionPolicy {
    RetentionPolicy {
        name: name.to_owned(),
        class: name.to_owned(),
        clauses: clauses.into_iter().map(Clause::from).collect(),
        from: CountsFrom::Receipt,
        begins: Begins::AtYearEnd,
        keep,
        at_most: None,
        reason: String::new(),
    }
}

fn set(policies: Vec<RetentionPolicy>) -> Result<PolicySet, SetError> {
    let draft = SetDraft {
        zone: Zone::default(),
        valid_from: date(2024, 1, 1),
        reason: "first".to_owned(),
        policies,
    };
    PolicySet::new(1, draft)
}
