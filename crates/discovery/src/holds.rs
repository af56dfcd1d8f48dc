//! What a hold freezes: it looks at every event of the ledger, in order, once the index knows the
//! mail that the event is about. What it has not looked at counts as held
//! ([`catalog::Matters::holds_on`]), so a slow or broken index never lets a mail go.

use catalog::{HoldRow, MatterScope};
use index::query::{Expr, Node};
use index::{Calendar, MATCH_RECORDS_MAX, MatchRequest, Query, Span};
use model::{MailKind, TenantId, Timestamp};
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

/// What a matter is about at present, in mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatterFigures {
    /// Fulfil its query.
    pub found: u64,
    /// Of its custodians and its span, not found, and perhaps only because the index does not have
    /// their contents: encrypted mail, and mail with attachments.
    pub unsearchable: u64,
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
            let scope = &hold.facts.scope;
            let query = asked(scope, parse(&scope.query)?);
            let at = hold.facts.placed_at;
            let matching = self.index.matching(
                &scope_of_holds(tenant),
                &request(scope, &query, &Calendar::utc(at), Some(&next.records)),
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

    /// How many mails a matter's scope is about now: figures, for who may see no mail.
    pub fn count_for_matter(
        &self,
        tenant: TenantId,
        scope: &MatterScope,
        now: Timestamp,
    ) -> Result<MatterFigures> {
        let query = parse(&scope.query)?;
        let calendar = Calendar::utc(now);
        let count = |query: &Query| {
            let request = request(scope, query, &calendar, None);
            self.index.matching(&scope_of_holds(tenant), &request).map(|matching| matching.total)
        };
        let missed = Node::And(vec![unsearchable(), node(Node::Not(Box::new(query.root.clone())))]);
        let missed = Query { root: node(missed), notes: Vec::new() };
        Ok(MatterFigures { found: count(&query)?, unsearchable: count(&missed)? })
    }
}

/// What a hold freezes: what the query finds, and what nobody can say of, if it is so placed.
fn asked(scope: &MatterScope, query: Query) -> Query {
    match scope.unsearchable {
        true => {
            Query { root: node(Node::Or(vec![query.root, unsearchable()])), notes: query.notes }
        }
        false => query,
    }
}

/// Encrypted mail, and mail with attachments.
fn unsearchable() -> Expr {
    node(Node::Or(vec![node(Node::Kind(MailKind::Encrypted)), node(Node::HasAttachment)]))
}

/// It stands in no text.
fn node(node: Node) -> Expr {
    Expr { node, span: Span::default() }
}

fn request<'a>(
    scope: &'a MatterScope,
    query: &'a Query,
    calendar: &'a Calendar,
    records: Option<&'a [model::RecordId]>,
) -> MatchRequest<'a> {
    MatchRequest { query, calendar, addresses: &scope.addresses, span: scope.span(), records }
}
