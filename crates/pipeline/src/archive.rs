//! One batch, from the spool into the archive. The order is law: octets durable and read back →
//! catalog → spool settled → index. A crash between any two steps repeats work and changes
//! nothing.

use std::collections::{BTreeMap, HashMap};

use catalog::{
    Batch, Committed, DisposedRow, NewQuarantine, NewRecord, NotSelected, Outcome, PartUse,
    PartUser, QuarantineState,
};
use index::IndexChange;
use model::{
    HeaderRules, Location, QuarantineId, RecordFacts, RecordId, Shape, Source, SourceId, TenantId,
};
use policy::retain::comes_back;
use policy::{Assigned, QuarantineReason};
use rayon::prelude::*;
use spool::{Claimed, Outcome as Settlement};
use store::{Composed, NewPart, Sealed, unknown_parts};

use crate::compose::{self, Plan};
use crate::document::{Known, document, list_date};
use crate::error::Result;
use crate::indexing::{Fresh, ToIndex};
use crate::judge::Judge;
use crate::places::Places;
use crate::read_back::read_back;
use crate::understand::{Understood, candidate, understand};
use crate::{LineParts, Settled, SettledAs};

/// The code of a damaged report in the quarantine list: archived all the same.
const DAMAGED_REPORT: &str = "damaged-report";

pub struct Archiver {
    parts: LineParts,
    to_index: ToIndex,
}

/// A submission on its way: what it is, and what the vault is to hold of it.
struct Item<'a> {
    claimed: &'a Claimed,
    understood: Understood,
    plan: Plan,
}

impl Archiver {
    pub fn new(parts: LineParts, to_index: ToIndex) -> Self {
        Self { parts, to_index }
    }

    /// Archives a batch. On an error nothing of it is lost: it stays claimed, and what was done
    /// already is found again.
    pub fn archive(&self, claimed: &[Claimed]) -> Result<()> {
        let mut tenants: BTreeMap<TenantId, Vec<&Claimed>> = BTreeMap::new();
        for one in claimed {
            tenants.entry(one.submission.tenant).or_default().push(one);
        }
        for (tenant, claimed) in tenants {
            if self.parts.catalog.is_removed(tenant)? {
                self.let_go(tenant, &claimed);
                continue;
            }
            self.archive_tenant(tenant, &claimed)?;
        }
        Ok(())
    }

    /// Mail that was still on its way when its tenant was removed: its key is destroyed with the
    /// spool's segment.
    fn let_go(&self, tenant: TenantId, claimed: &[&Claimed]) {
        tracing::warn!(tenant.id = %tenant, mails = claimed.len(), "mail of a removed tenant is let go");
        let ids: Vec<_> = claimed.iter().map(|one| one.id).collect();
        self.parts.spool.settle(&ids, Settlement::Archived);
    }

    fn archive_tenant(&self, tenant: TenantId, claimed: &[&Claimed]) -> Result<()> {
        let rules = self.rules(tenant, claimed)?;
        let mut understood: Vec<Understood> = claimed
            .par_iter()
            .map(|one| understand(one, &rules[&one.submission.source.id()]))
            .collect::<Result<_, _>>()?;
        let assigned = self.assign(tenant, claimed, &mut understood, &rules)?;
        let items = self.plan(tenant, claimed, understood, assigned)?;
        let composed: Vec<Option<Composed>> = items
            .par_iter()
            .map(|item| compose::compose(item.claimed, &item.understood, &item.plan))
            .collect();
        let (entries, parts) = self.seal(tenant, &composed)?;
        self.parts.ensure_tenant(tenant)?;
        // Durable on return; a crash here leaves entries that nothing refers to.
        let locations = self.parts.vault.append(tenant, &entries)?;
        let places = Places::in_catalog(&*self.parts.catalog, tenant)
            .with_batch(&composed, &parts, &locations);
        read_back(&self.parts, tenant, &composed, &places)?;
        let before = self.parts.catalog.max_seq(tenant)?;
        let batch = self.batch(tenant, &items, &composed, &places);
        fail::fail_point!("pipeline.catalog.before");
        let committed = self.parts.catalog.commit(tenant, &batch)?;
        fail::fail_point!("pipeline.settle.before");
        self.finish(tenant, &items, &committed, before)
    }

    fn rules(
        &self,
        tenant: TenantId,
        claimed: &[&Claimed],
    ) -> Result<HashMap<SourceId, HeaderRules>> {
        let mut rules = HashMap::new();
        for one in claimed {
            let source = one.submission.source.id();
            if let std::collections::hash_map::Entry::Vacant(vacant) = rules.entry(source) {
                vacant.insert(self.parts.catalog.rules(tenant, source)?);
            }
        }
        Ok(rules)
    }

    /// Decides for each submission where it belongs.
    fn assign(
        &self,
        tenant: TenantId,
        claimed: &[&Claimed],
        understood: &mut [Understood],
        rules: &HashMap<SourceId, HeaderRules>,
    ) -> Result<Vec<Assigned>> {
        let judge = Judge::of(&*self.parts.catalog, tenant)?;
        let mut left_out = Vec::with_capacity(claimed.len());
        for (claimed, understood) in claimed.iter().zip(&mut *understood) {
            left_out.push(judge.exclude(&claimed.submission, understood)?);
        }
        let understood = &*understood;
        let submissions = || {
            claimed.iter().zip(understood.iter()).map(|(claimed, understood)| {
                let submission = &claimed.submission;
                (&rules[&submission.source.id()], candidate(submission, &understood.examined))
            })
        };
        let selection = judge.selection(submissions().map(|(_, candidate)| candidate))?;
        Ok(submissions()
            .zip(left_out)
            .map(|((rules, candidate), left_out)| match left_out {
                true => Assigned::NotSelected,
                false => judge.assign(rules, &candidate, &selection),
            })
            .collect())
    }

    /// Decides for each submission what the vault is to hold of it.
    fn plan<'a>(
        &self,
        tenant: TenantId,
        claimed: &[&'a Claimed],
        understood: Vec<Understood>,
        assigned: Vec<Assigned>,
    ) -> Result<Vec<Item<'a>>> {
        let gone = self.gone(tenant, &understood)?;
        let accepted: Vec<_> = understood
            .iter()
            .zip(&assigned)
            .filter(|(_, assigned)| **assigned == Assigned::Archive)
            .map(|(understood, _)| &understood.facts)
            .collect();
        let mut foreseen = self.parts.catalog.foresee(tenant, &accepted)?.into_iter();
        let mut items = Vec::with_capacity(claimed.len());
        for ((claimed, understood), assigned) in claimed.iter().zip(understood).zip(assigned) {
            let plan = match assigned {
                Assigned::NotSelected => Plan::LeaveOut,
                Assigned::Quarantine(reason) => self.hold(tenant, claimed, reason)?,
                Assigned::Archive => match foreseen.next() {
                    Some(Outcome::Known) => Plan::Nothing,
                    Some(Outcome::Merged) => Plan::Delivery,
                    Some(Outcome::New) | None if stays_away(&gone, &understood.facts) => {
                        Plan::Nothing
                    }
                    Some(Outcome::New) | None => Plan::Record,
                },
            };
            items.push(Item { claimed, understood, plan });
        }
        Ok(items)
    }

    /// What of it was disposed of earlier.
    fn gone(&self, tenant: TenantId, understood: &[Understood]) -> Result<Vec<DisposedRow>> {
        let records: Vec<RecordId> = understood.iter().map(|it| it.facts.record).collect();
        Ok(self.parts.catalog.disposed(tenant, &records)?)
    }

    /// A submission that came before is not stored once more, unless its octets were erased.
    fn hold(&self, tenant: TenantId, claimed: &Claimed, reason: QuarantineReason) -> Result<Plan> {
        let id = QuarantineId::of(tenant, claimed.content);
        Ok(match self.parts.catalog.quarantined(tenant, id)? {
            Some(row) if row.state != QuarantineState::Discarded => {
                Plan::Waits(reason, row.entry.location)
            }
            _ => Plan::Quarantine(reason),
        })
    }

    /// Compresses and encrypts: the parts that the tenant has not yet, then one entry for each
    /// composed submission.
    fn seal<'c>(
        &self,
        tenant: TenantId,
        composed: &'c [Option<Composed>],
    ) -> Result<(Vec<Sealed>, Vec<&'c NewPart>)> {
        let places = Places::in_catalog(&*self.parts.catalog, tenant);
        let parts = unknown_parts(composed.iter().flatten().flat_map(|it| &it.parts), &places)?;
        self.parts.ensure_tenant(tenant)?;
        let entries = parts.iter().map(|part| part.entry());
        let entries: Vec<_> =
            entries.chain(composed.iter().flatten().map(Composed::entry)).collect();
        let vault = &self.parts.vault;
        let sealed: Vec<Sealed> =
            entries.par_iter().map(|entry| vault.seal(tenant, entry)).collect::<Result<_, _>>()?;
        Ok((sealed, parts))
    }

    fn batch(
        &self,
        tenant: TenantId,
        items: &[Item<'_>],
        composed: &[Option<Composed>],
        places: &Places<'_>,
    ) -> Batch {
        let mut batch =
            Batch { at: self.parts.clock.now(), parts: places.new_parts(), ..Batch::default() };
        for ((item, composed), location) in items.iter().zip(composed).zip(places.entries()) {
            let facts = &item.understood.facts;
            if item.plan == Plan::LeaveOut {
                batch.not_selected.push(NotSelected {
                    source: facts.source.clone(),
                    size_bytes: item.claimed.submission.octets.len() as u64,
                    received_at: facts.received_at,
                });
                continue;
            }
            if let Plan::Waits(_, location) = item.plan {
                batch.quarantined.push(quarantine(tenant, item, location));
                continue;
            }
            // Without an entry there is nothing new: the archive has all of it.
            let Some(location) = location else { continue };
            if let Some(composed) = composed.as_ref().filter(|it| !it.parts.is_empty()) {
                let by = match item.plan {
                    Plan::Quarantine(_) => {
                        PartUser::Quarantine(QuarantineId::of(tenant, item.claimed.content))
                    }
                    _ => PartUser::Record(facts.record),
                };
                let parts = composed.parts.iter().map(|part| part.content).collect();
                batch.uses.push(PartUse { by, parts });
            }
            if let Plan::Quarantine(_) = item.plan {
                batch.quarantined.push(quarantine(tenant, item, location));
                continue;
            }
            if facts.shape == Shape::DamagedReport && item.plan == Plan::Record {
                batch.quarantined.push(quarantine(tenant, item, location));
            }
            batch.records.push(NewRecord {
                facts: facts.clone(),
                facts_digest: item.understood.facts_digest,
                summary: item.understood.view.summary.clone(),
                date: list_date(item.understood.view.summary.sent_at, facts.received_at),
                location,
                whole: item.plan == Plan::Record,
            });
        }
        batch
    }

    /// Lets go of the spool's copies, tells who waits for the outcome, and feeds the index.
    fn finish(
        &self,
        tenant: TenantId,
        items: &[Item<'_>],
        committed: &Committed,
        before: u64,
    ) -> Result<()> {
        let mut inserted = committed.records.iter();
        let mut changes: Vec<IndexChange> = Vec::new();
        let mut settled = Vec::with_capacity(items.len());
        let mut merged = Vec::new();
        for item in items {
            let outcome = match &item.plan {
                Plan::Quarantine(reason) | Plan::Waits(reason, _) => {
                    SettledAs::Quarantined(reason_text(reason.code(), reason.detail()))
                }
                Plan::LeaveOut => SettledAs::NotSelected,
                Plan::Nothing => SettledAs::Known,
                Plan::Delivery | Plan::Record => match inserted.next() {
                    Some(row) if row.outcome == Outcome::New => {
                        changes.push(IndexChange { document: fresh(item, row.row), new: true });
                        SettledAs::New
                    }
                    Some(row) if row.outcome == Outcome::Merged => {
                        merged.push(row.record);
                        SettledAs::Merged
                    }
                    _ => SettledAs::Known,
                },
            };
            let submission = &item.claimed.submission;
            if let SettledAs::Quarantined(reason) = &outcome {
                let (code, _) = reason.split_once(' ').unwrap_or((reason, ""));
                tracing::warn!(
                    target: "mail",
                    { tenant.id = %tenant, source.id = %submission.source.id(), reason = code },
                    "mail quarantined"
                );
            }
            settled.push(Settled {
                tenant,
                received_at: submission.received_at,
                shape: item.understood.facts.shape,
                reverse_path: submission.envelope.as_ref().and_then(|it| it.reverse_path.clone()),
                source: item.claimed.submission.source.clone(),
                size_bytes: item.claimed.submission.octets.len() as u64,
                outcome,
            });
        }
        let ids: Vec<_> = items.iter().map(|item| item.claimed.id).collect();
        self.parts.spool.settle(&ids, Settlement::Archived);
        log_batch(tenant, &settled);
        self.parts.watcher.settled(&settled);
        if committed.max_seq > before {
            // A merged record has recipients that only the catalog knows together.
            merged.sort_unstable();
            merged.dedup();
            changes.retain(|change| merged.binary_search(&change.document.record).is_err());
            let stored = self.parts.catalog.stored(tenant, &merged)?;
            let reload = self.parts.reload();
            let documents = reload.documents(tenant, &stored)?;
            changes
                .extend(documents.into_iter().map(|document| IndexChange { document, new: false }));
            self.to_index.send(Fresh {
                tenant,
                after_seq: before,
                through_seq: committed.max_seq,
                changes,
            });
        }
        Ok(())
    }

    pub fn settle(&self, claimed: &[Claimed], outcome: Settlement) {
        let ids: Vec<_> = claimed.iter().map(|one| one.id).collect();
        self.parts.spool.settle(&ids, outcome);
    }
}

/// Whether the mail was disposed of and does not come back by this way.
fn stays_away(gone: &[DisposedRow], facts: &RecordFacts) -> bool {
    let live = matches!(facts.source, Source::Smtp { .. });
    let found = gone.iter().find(|row| row.record == facts.record);
    found.is_some_and(|row| !comes_back(row.was_erased(), live))
}

/// One line for each batch and source.
fn log_batch(tenant: TenantId, settled: &[Settled]) {
    let mut sources: BTreeMap<SourceId, (u64, u64)> = BTreeMap::new();
    for one in settled {
        let (mails, octets) = sources.entry(one.source.id()).or_default();
        *mails += 1;
        *octets += one.size_bytes;
    }
    for (source, (mails, octets)) in sources {
        tracing::info!(
            target: "mail",
            { tenant.id = %tenant, source.id = %source, mails, octets },
            "batch archived"
        );
    }
}

fn fresh(item: &Item<'_>, row: u64) -> model::IndexDocument {
    let facts = &item.understood.facts;
    let known = Known {
        record: facts.record,
        row,
        received_at: facts.received_at,
        sources: std::slice::from_ref(&facts.source),
        participants: &facts.participants,
    };
    document(&item.understood.view, &known)
}

fn quarantine(tenant: TenantId, item: &Item<'_>, location: Location) -> NewQuarantine {
    let submission = &item.claimed.submission;
    let (code, detail) = match &item.plan {
        Plan::Quarantine(reason) | Plan::Waits(reason, _) => (reason.code(), reason.detail()),
        _ => (DAMAGED_REPORT, ""),
    };
    NewQuarantine {
        id: QuarantineId::of(tenant, item.claimed.content),
        content: item.claimed.content,
        reason_code: code.to_owned(),
        reason_detail: detail.to_owned(),
        originator_org: item.understood.examined.originator_org.clone(),
        received_at: submission.received_at,
        size_bytes: submission.octets.len() as u64,
        source: submission.source.clone(),
        envelope: submission.envelope.clone(),
        location,
    }
}

fn reason_text(code: &str, detail: &str) -> String {
    if detail.is_empty() { code.to_owned() } else { format!("{code} {detail}") }
}
