//! What a hold freezes: it looks at every event of the ledger, in order, once the index knows the
//! mail that the event is about. What it has not looked at counts as held
//! ([`catalog::Matters::holds_on`]), so a slow or broken index never lets a mail go.

use catalog::{HoldRow, MatterScope};
use index::{Calendar, MATCH_RECORDS_MAX, MatchRequest, Query};
use model::{TenantId, Timestamp};
use policy::scope_of_holds;

use crate::search::parse;
use crate::{Discovery, Result};

/// Events that a hold looks at in one step.
pub const EXAMINED_MAX: u32 = MATCH_RECORDS_MAX as u32;

/// One step of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The hold is complete up to this event.
    pub through_seq: u64,
    pub records: u64,
    pub found: u64,
}

impl Discovery {
    /// Lets a hold look at the next events, as far as the index is, at most [`EXAMINED_MAX`].
    /// `None`: there is nothing to look at now. Durable on return; a crash repeats the step.
    pub fn examine(&self, tenant: TenantId, hold: &HoldRow) -> Result<Option<Examined>> {
        let indexed = self.index.indexed_through(tenant)?;
        let waiting = indexed.saturating_sub(hold.through_seq);
        let limit = u32::try_from(waiting).map_or(EXAMINED_MAX, |it| it.min(EXAMINED_MAX));
        if limit == 0 {
            return Ok(None);
        }
        let next = self.catalog.unexamined(tenant, hold.through_seq, limit)?;
        if next.through_seq <= hold.through_seq {
            return Ok(None);
        }
        let mut found = Vec::new();
        if !next.records.is_empty() {
            let query = parse(&hold.facts.scope.query)?;
            let at = hold.facts.placed_at;
            let matching = self.index.matching(
                &scope_of_holds(tenant),
                &request(&hold.facts.scope, &query, &Calendar::utc(at), Some(&next.records)),
            )?;
            // The index was dropped meanwhile: it is asked again when it is complete.
            if matching.indexed_through < next.through_seq {
                return Ok(None);
            }
            found = matching.records;
        }
        self.catalog.freeze(tenant, hold.facts.id, &found, next.through_seq)?;
        Ok(Some(Examined {
            through_seq: next.through_seq,
            records: next.records.len() as u64,
            found: found.len() as u64,
        }))
    }

    /// How many mails a matter's scope finds now: a figure, for who may see no mail.
    pub fn count_for_matter(
        &self,
        tenant: TenantId,
        scope: &MatterScope,
        now: Timestamp,
    ) -> Result<u64> {
        let query = parse(&scope.query)?;
        let calendar = Calendar::utc(now);
        let request = request(scope, &query, &calendar, None);
        Ok(self.index.matching(&scope_of_holds(tenant), &request)?.total)
    }
}

fn request<'a>(
    scope: &'a MatterScope,
    query: &'a Query,
    calendar: &'a Calendar,
    records: Option<&'a [model::RecordId]>,
) -> MatchRequest<'a> {
    MatchRequest { query, calendar, addresses: &scope.addresses, span: scope.span(), records }
}
