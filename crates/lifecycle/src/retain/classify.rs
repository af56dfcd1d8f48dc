use std::collections::HashSet;

use catalog::{RetainedMail, RetainedNeeds};
use index::{Calendar, MATCH_RECORDS_MAX, MatchRequest, Query};
use model::{AccountId, RecordId, Role, SourceId, TenantId, Timestamp};
use policy::retain::{
    Condition, MailFacts, Matched, PolicySet, Undetermined, Verdict, direction, verdict,
};
use policy::{Domains, OwnedAddress, Span, scope_of_holds};

use super::RetentionParts;
use crate::Result;

/// Mails that the index may lag behind; when it is more, it answers for none.
const LAG_MAX: u32 = 100_000;

/// How far the Date header of a mail may lie before its receipt, in seconds: 30 days. What claims
/// to be older would end earlier, at its sender's will.
const SENT_BEFORE_MAX: i64 = 30 * 86_400;

/// Classifies the mail of a tenant by one version of its policies.
pub struct Classifier<'a> {
    parts: &'a RetentionParts,
    tenant: TenantId,
    set: &'a PolicySet,
    domains: Domains,
    /// Those that conditions name, with what they own.
    mailboxes: Vec<(AccountId, Vec<OwnedAddress>)>,
    /// `None`: not readable, so nobody can say.
    queries: Vec<(String, Option<Query>)>,
    calendar: Calendar,
    index: IndexState,
}

/// The text of a query, and the records that it finds; `None`: nobody can say.
type Found<'a> = (&'a str, Option<HashSet<RecordId>>);

/// How far the index answered when this began.
enum IndexState {
    /// It is asked nothing.
    NotAsked,
    /// Complete through this event; these records had events after it.
    Through(u64, HashSet<RecordId>),
    /// Too far behind, or out of order.
    Useless,
}

impl<'a> Classifier<'a> {
    /// # Errors
    /// Of the catalog; an index that cannot answer leaves what depends on it undetermined.
    pub fn new(
        parts: &'a RetentionParts,
        tenant: TenantId,
        set: &'a PolicySet,
        now: Timestamp,
    ) -> Result<Self> {
        let domains = parts.catalog.intake_rules(tenant)?.domains;
        let mut mailboxes = Vec::new();
        let clauses = set.policies().iter().flat_map(|policy| &policy.clauses);
        for clause in clauses {
            let Condition::Mailbox { any_of } = &clause.condition else { continue };
            for account in any_of {
                if mailboxes.iter().all(|(known, _)| known != account) {
                    mailboxes.push((*account, parts.catalog.addresses(*account)?));
                }
            }
        }
        let queries: Vec<(String, Option<Query>)> = set
            .queries()
            .into_iter()
            .map(|text| {
                let query = index::parse(&text).ok();
                (text, query)
            })
            .collect();
        let index = match queries.is_empty() {
            true => IndexState::NotAsked,
            false => index_state(parts, tenant)?,
        };
        let calendar = Calendar::utc(now);
        Ok(Self { parts, tenant, set, domains, mailboxes, queries, calendar, index })
    }

    /// What of a mail is needed to classify it.
    pub fn needs(&self) -> RetainedNeeds {
        let mut needs = RetainedNeeds { deliveries: true, ..RetainedNeeds::default() };
        for clause in self.set.policies().iter().flat_map(|policy| &policy.clauses) {
            match &clause.condition {
                Condition::Class { .. } | Condition::Tag { .. } => needs.labels = true,
                Condition::Direction { .. }
                | Condition::Domain { .. }
                | Condition::Mailbox { .. }
                | Condition::Recipient { .. }
                | Condition::Sender { .. } => needs.participants = true,
                _ => {}
            }
        }
        needs
    }

    /// One answer for each mail, in their order.
    ///
    /// # Errors
    /// Of the index, when its files cannot be read.
    pub fn verdicts(&self, mails: &[RetainedMail]) -> Result<Vec<Result<Verdict, Undetermined>>> {
        let mut all = Vec::with_capacity(mails.len());
        for chunk in mails.chunks(MATCH_RECORDS_MAX) {
            let answers = self.ask(chunk)?;
            all.extend(chunk.iter().map(|mail| self.verdict(mail, &answers)));
        }
        Ok(all)
    }

    /// The records of the chunk that each query finds; `None`: nobody can say.
    fn ask(&self, mails: &[RetainedMail]) -> Result<Vec<Found<'_>>> {
        let records: Vec<RecordId> = mails.iter().map(|mail| mail.record).collect();
        let mut answers = Vec::with_capacity(self.queries.len());
        for (text, query) in &self.queries {
            let (IndexState::Through(through, _), Some(query)) = (&self.index, query) else {
                answers.push((text.as_str(), None));
                continue;
            };
            let request = MatchRequest {
                query,
                calendar: &self.calendar,
                addresses: &[],
                span: Span::ALWAYS,
                records: Some(&records),
            };
            let found = self.parts.index.matching(&scope_of_holds(self.tenant), &request)?;
            // It was dropped meanwhile and is made anew.
            let whole = found.indexed_through >= *through;
            answers.push((text.as_str(), whole.then(|| found.records.into_iter().collect())));
        }
        Ok(answers)
    }

    fn verdict(&self, mail: &RetainedMail, answers: &[Found<'_>]) -> Result<Verdict, Undetermined> {
        let is_pending = match &self.index {
            IndexState::Through(_, pending) => pending.contains(&mail.record),
            IndexState::NotAsked | IndexState::Useless => false,
        };
        let indexed = |asked: &str| {
            let answer = answers.iter().find(|(text, _)| *text == asked);
            match answer.and_then(|(_, found)| found.as_ref()) {
                Some(found) if !is_pending => Matched::from(found.contains(&mail.record)),
                _ => Matched::Unknown,
            }
        };
        let (senders, recipients) = people(mail);
        let sources: Vec<SourceId> = mail.sources.iter().map(model::Source::id).collect();
        let folders: Vec<String> = mail.sources.iter().filter_map(folder).collect();
        let mailboxes = self.mailboxes_of(mail);
        verdict(
            self.set,
            &MailFacts {
                senders: &senders,
                recipients: &recipients,
                direction: direction(&self.domains, &senders, &recipients),
                subject: &mail.subject,
                size_bytes: mail.size_bytes,
                sources: &sources,
                folders: &folders,
                mailboxes: &mailboxes,
                tags: &mail.labels.tags,
                class: mail.labels.class.as_deref(),
                received_at: mail.received_at,
                sent_at: sent_at(mail),
                indexed: &indexed,
            },
        )
    }

    fn mailboxes_of(&self, mail: &RetainedMail) -> Vec<AccountId> {
        let owns = |owned: &OwnedAddress| {
            owned.covers(mail.received_at)
                && mail.participants.iter().any(|(key, _)| *key == owned.key)
        };
        let own = self.mailboxes.iter().filter(|(_, owned)| owned.iter().any(owns));
        own.map(|(account, _)| *account).collect()
    }
}

fn index_state(parts: &RetentionParts, tenant: TenantId) -> Result<IndexState> {
    if !matches!(parts.index.state(tenant)?, index::State::Ready) {
        return Ok(IndexState::Useless);
    }
    let through = parts.index.indexed_through(tenant)?;
    let mut pending = HashSet::new();
    let mut after = through;
    loop {
        let next = parts.catalog.unexamined(tenant, after, LAG_MAX)?;
        if next.through_seq <= after {
            return Ok(IndexState::Through(through, pending));
        }
        pending.extend(next.records);
        after = next.through_seq;
        if pending.len() > LAG_MAX as usize {
            return Ok(IndexState::Useless);
        }
    }
}

fn people(mail: &RetainedMail) -> (Vec<String>, Vec<String>) {
    let is_sender = |role: &Role| matches!(role, Role::Sender | Role::OnBehalfOf);
    let (senders, recipients): (Vec<_>, Vec<_>) =
        mail.participants.iter().partition(|(_, role)| is_sender(role));
    let keys = |of: Vec<&(String, Role)>| of.into_iter().map(|(key, _)| key.clone()).collect();
    (keys(senders), keys(recipients))
}

/// The folder that a mail was fetched from or imported from.
fn folder(source: &model::Source) -> Option<String> {
    match source {
        model::Source::Fetched(fetched) => Some(fetched.folder.clone()),
        model::Source::Import { name, .. } => {
            name.rsplit_once('/').map(|(folder, _)| folder.to_owned())
        }
        model::Source::Smtp { .. } => None,
    }
}

fn sent_at(mail: &RetainedMail) -> Timestamp {
    let earliest = mail.received_at.saturating_add_seconds(-SENT_BEFORE_MAX);
    match mail.sent_at {
        Some(sent) if earliest <= sent && sent <= mail.received_at => sent,
        _ => mail.received_at,
    }
}
