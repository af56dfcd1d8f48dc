//! Where submissions of one tenant belong, by what the tenant says at present.

use std::collections::HashSet;

use catalog::Catalog;
use model::{EmailAddress, HeaderRules, Participant, Role, Shape, Source, Submission, TenantId};
use policy::retain::{Exclusions, MailFacts, Matched, Zone, direction};
use policy::{Assigned, Candidate, IntakeRules, Selection};

use crate::error::Result;
use crate::understand::{Understood, candidate};

pub struct Judge<'a> {
    catalog: &'a dyn Catalog,
    tenant: TenantId,
    rules: IntakeRules,
    exclusions: Exclusions,
}

impl<'a> Judge<'a> {
    pub fn of(catalog: &'a dyn Catalog, tenant: TenantId) -> Result<Self> {
        let rules = catalog.exclusions(tenant)?.rules;
        // They were checked when they were made; what does not hold any more leaves nothing out.
        let exclusions = Exclusions::new(rules, Zone::default()).unwrap_or_default();
        Ok(Self { catalog, tenant, rules: catalog.intake_rules(tenant)?, exclusions })
    }

    /// Applies the rules of what is not archived: `true` when they leave out everybody of the
    /// tenant whom the mail concerns. Otherwise those that they name are no longer among the
    /// participants of its facts: the mail is kept, but not for them.
    pub fn exclude(&self, submission: &Submission, understood: &mut Understood) -> Result<bool> {
        let examined = &understood.examined;
        let unknown = submission.released || examined.shape == Shape::DamagedReport;
        if self.exclusions.is_empty() || unknown {
            return Ok(false);
        }
        let candidate = candidate(submission, examined);
        let own: HashSet<String> =
            candidate.own_addresses(&self.rules).map(EmailAddress::key).collect();
        let excluded = self.excluded(submission, understood, &own);
        if excluded.is_empty() {
            return Ok(false);
        }
        if own.iter().all(|key| excluded.contains(key)) {
            return Ok(true);
        }
        understood.leave_out(&excluded)?;
        Ok(false)
    }

    fn excluded(
        &self,
        submission: &Submission,
        understood: &Understood,
        own: &HashSet<String>,
    ) -> HashSet<String> {
        let facts = &understood.facts;
        let is_sender = |it: &&Participant| matches!(it.role, Role::Sender | Role::OnBehalfOf);
        let (senders, recipients): (Vec<_>, Vec<_>) =
            facts.participants.iter().partition(is_sender);
        let keys = |of: Vec<&Participant>| -> Vec<String> {
            of.into_iter().map(|it| it.address.key()).collect()
        };
        let (senders, recipients) = (keys(senders), keys(recipients));
        let folders: Vec<String> = match &submission.source {
            Source::Fetched(fetched) => vec![fetched.folder.clone()],
            Source::Import { .. } | Source::Smtp { .. } => Vec::new(),
        };
        let known = MailFacts {
            direction: direction(&self.rules.domains, &senders, &recipients),
            senders: &senders,
            recipients: &recipients,
            subject: &understood.view.summary.subject,
            size_bytes: facts.size_bytes,
            sources: &[submission.source.id()],
            folders: &folders,
            mailboxes: &[],
            tags: &[],
            class: None,
            received_at: facts.received_at,
            sent_at: facts.received_at,
            indexed: &|_| Matched::Unknown,
        };
        let named = |key: &&String| self.exclusions.excludes(&EmailAddress::new(key), &known);
        own.iter().filter(|key| named(key).is_some()).cloned().collect()
    }

    /// Which accounts of these submissions are selected; empty when the tenant does not ask.
    pub fn selection<'c>(
        &self,
        candidates: impl Iterator<Item = Candidate<'c>>,
    ) -> Result<Selection> {
        if !self.rules.only_selected {
            return Ok(Selection::new());
        }
        let candidates: Vec<Candidate<'_>> = candidates.collect();
        let own: Vec<&EmailAddress> =
            candidates.iter().flat_map(|it| it.own_addresses(&self.rules)).collect();
        Ok(self.catalog.selection(self.tenant, &own)?)
    }

    /// `source` says which organisations the source accepts, the tenant's among them.
    pub fn assign(
        &self,
        source: &HeaderRules,
        candidate: &Candidate<'_>,
        selection: &Selection,
    ) -> Assigned {
        policy::assign(&self.rules, &source.organisations, candidate, selection)
    }
}
