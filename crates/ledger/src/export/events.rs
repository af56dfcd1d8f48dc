//! The other events of an export's batches, and what it may claim of its mails.

use std::collections::{BTreeMap, HashSet};

use catalog::{LedgerEvent, LedgerKind};
use evidence::export::{DamagedEvent, ExportedMail, events_path};
use evidence::ledger::Batch;
use model::TenantId;

use super::{Export, Target};
use crate::{Ledger, Result};

/// Events that are read from the catalog at once.
const PAGE: u32 = 1000;

/// The batches that concern the mails of an export.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub first: u64,
    pub last: u64,
}

/// What an export may say of itself.
pub(super) struct Claims {
    pub complete: bool,
    pub complete_until: Option<u64>,
    pub last_batch: u64,
}

impl Ledger {
    /// Whether the mails are all of these batches but those that were disposed of, and up to which batch
    /// the deletion certificates reach.
    pub(super) fn claims(
        &self,
        export: &Export<'_>,
        range: Range,
        mails: &[ExportedMail],
    ) -> Result<Claims> {
        let nothing = Claims { complete: false, complete_until: None, last_batch: range.last };
        let here: HashSet<u64> =
            mails.iter().flat_map(|mail| &mail.deliveries).map(|it| it.seq).collect();
        let batches = |number: u64| self.catalog.sealed_batches(export.tenant, number - 1, 1);
        let (first, last) = (batches(range.first)?, batches(range.last)?);
        let (Some(first), Some(last)) = (first.first(), last.first()) else { return Ok(nothing) };
        if here.is_empty() {
            return Ok(nothing);
        }
        let mut disposed = HashSet::new();
        for event in self.events_from(export.tenant, first.first_seq) {
            let event = event?;
            if event.seq > last.last_seq {
                break;
            }
            match (event.mail, event.kept) {
                (true, _) if here.contains(&event.seq) => {}
                (true, Some(_)) => drop(disposed.insert(event.seq)),
                (true, None) => return Ok(nothing),
                (false, _) => {}
            }
        }
        if disposed.is_empty() {
            return Ok(Claims { complete: true, ..nothing });
        }
        let Some(certified) = self.certified(export, first.first_seq, disposed)? else {
            return Ok(nothing);
        };
        let Some(row) = self.catalog.sealed_batch_of(export.tenant, certified)? else {
            // The certificate waits for its seal.
            return Ok(nothing);
        };
        let last_batch = row.number.max(range.last);
        let complete_until = (last_batch > range.last).then_some(range.last);
        Ok(Claims { complete: true, complete_until, last_batch })
    }

    /// The last event that certifies one of these disposals; `None` when one is not certified, or not
    /// to be seen.
    fn certified(
        &self,
        export: &Export<'_>,
        from: u64,
        mut disposed: HashSet<u64>,
    ) -> Result<Option<u64>> {
        let kind = LedgerKind::Disposed.name();
        for event in self.events_from(export.tenant, from) {
            let event = event?;
            if event.kind != kind || !(export.shows)(kind, event.at) {
                continue;
            }
            let Ok(Some((note, _))) = self.note(export.tenant, &event) else { continue };
            let before = disposed.len();
            for kept in &note.kept {
                disposed.remove(&kept.seq);
            }
            if disposed.is_empty() && before > 0 {
                return Ok(Some(event.seq));
            }
        }
        Ok(None)
    }

    /// Writes the notes of a batch's other events that may be seen.
    pub(super) fn export_events(
        &self,
        export: &Export<'_>,
        batch: &Batch,
        damaged: &mut Vec<DamagedEvent>,
        target: &mut Target<'_>,
    ) -> Result<()> {
        let is_mail = |kind: &str| matches!(kind, "archived" | "merged");
        let mut page: BTreeMap<u64, LedgerEvent> = BTreeMap::new();
        let mut lines = Vec::new();
        for leaf in batch.leaves.iter().filter(|leaf| !is_mail(&leaf.kind)) {
            if !(export.shows)(&leaf.kind, leaf.at) {
                target.all_events = false;
                continue;
            }
            if !page.contains_key(&leaf.seq) {
                let events = self.catalog.ledger_events(export.tenant, leaf.seq - 1, PAGE)?;
                page = events.into_iter().map(|event| (event.seq, event)).collect();
            }
            let read = match page.get(&leaf.seq) {
                Some(event) => self.note(export.tenant, event),
                None => Ok(None),
            };
            match read {
                Ok(Some((_, octets))) if !octets.contains(&b'\n') => {
                    lines.extend_from_slice(&octets);
                    lines.push(b'\n');
                }
                Err(error) if !error.is_damage() => return Err(error),
                Ok(_) => damaged.push(lost(leaf.seq, "its note is not in the archive")),
                Err(error) => damaged.push(lost(leaf.seq, &error.to_string())),
            }
        }
        match lines.is_empty() {
            true => Ok(()),
            false => target.write(events_path(batch.number), &lines),
        }
    }

    /// All events from a number on.
    fn events_from(
        &self,
        tenant: TenantId,
        from: u64,
    ) -> impl Iterator<Item = Result<LedgerEvent>> + '_ {
        let mut after = from.saturating_sub(1);
        let mut page = Vec::new().into_iter();
        std::iter::from_fn(move || {
            if page.len() == 0 {
                match self.catalog.ledger_events(tenant, after, PAGE) {
                    Ok(events) => page = events.into_iter(),
                    Err(error) => return Some(Err(error.into())),
                }
            }
            let event: LedgerEvent = page.next()?;
            after = event.seq;
            Some(Ok(event))
        })
    }
}

fn lost(seq: u64, why: &str) -> DamagedEvent {
    DamagedEvent { seq, why: why.to_owned() }
}
