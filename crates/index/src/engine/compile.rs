use std::ops::Bound;
use std::sync::Arc;

use model::Timestamp;
use policy::{OwnedAddress, Scope, Span};
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, Query, RangeQuery,
    TermQuery, TermSetQuery,
};
use tantivy::schema::{Field as EngineField, IndexRecordOption};

use super::document::clipped;
use super::negation::NotQuery;
use super::positional::{Layout, PositionalQuery};
use super::schema::Fields;
use super::shown::{Masks, Shown, ShownQuery};
use crate::MatchRequest;
use crate::ask::{Ask, ask_phrase, ask_word, near_side};
use crate::query::{Calendar, Expr, Field, Node, kind_name};

/// From so many owned addresses on, a mask per segment is cheaper than single terms.
const MASK_MIN: usize = 24;

/// How much more a word of the subject says than one of the body, in relevance.
const SUBJECT_BOOST: f32 = 3.0;

type BoxedQuery = Box<dyn Query>;

/// Turns questions into the engine's queries. The rights are part of what comes out.
pub(super) struct Compiler<'a> {
    fields: &'a Fields,
    calendar: &'a Calendar,
    masks: &'a Arc<Masks>,
    /// `None`: everything of the tenant.
    view: Option<Limited<'a>>,
}

/// Less than everything.
struct Limited<'a> {
    addresses: &'a [OwnedAddress],
    shown: Arc<Shown>,
    /// The mails that the actor sent, and those of spans in which everything is shown.
    sent: BoxedQuery,
    /// The mails that the actor may see.
    visible: BoxedQuery,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        fields: &'a Fields,
        calendar: &'a Calendar,
        masks: &'a Arc<Masks>,
        scope: &'a Scope,
    ) -> Self {
        let view = scope.view();
        let limited = (!view.is_everything()).then(|| {
            let shown = Arc::new(Shown::new(view.addresses, view.everything));
            let few = view.everything.is_empty() && view.addresses.len() < MASK_MIN;
            let one_of = |field| match few {
                true => one_of(fields, field, view.addresses),
                false => masked(&shown, field, masks),
            };
            let (sent, visible) = (one_of(fields.sender), one_of(fields.owner));
            Limited { addresses: view.addresses, shown, sent, visible }
        });
        Self { fields, calendar, masks, view: limited }
    }

    /// What finds the mails, and those only that the scope shows.
    pub(super) fn query(&self, root: &Expr) -> BoxedQuery {
        let asked = self.expr(root);
        match &self.view {
            None => asked,
            Some(view) => both(asked, view.visible.box_clone()),
        }
    }

    /// What finds those of the request's records that fulfil it.
    pub(super) fn matching(&self, request: &MatchRequest<'_>) -> BoxedQuery {
        let fields = self.fields;
        let mut clauses = vec![(Occur::Must, self.query(&request.query.root))];
        if let Some(records) = request.records {
            let ids = records.iter().map(|id| Term::from_field_bytes(fields.id, id.as_bytes()));
            clauses.push((Occur::Must, Box::new(TermSetQuery::new(ids))));
        }
        if !request.addresses.is_empty() {
            let keys = request.addresses.iter();
            let keys = keys.map(|key| Term::from_field_text(fields.owner, clipped(key)));
            clauses.push((Occur::Must, Box::new(TermSetQuery::new(keys))));
        }
        let Span { from, until } = request.span;
        if !request.span.is_always() {
            let within = |field| date_range(field, from, until);
            clauses.push((Occur::Must, any_of(vec![within(fields.date), within(fields.received)])));
        }
        Box::new(BooleanQuery::new(clauses))
    }

    /// The same mails, with scores: words in their written form count, in the subject most.
    pub(super) fn scored(&self, root: &Expr) -> BoxedQuery {
        let filter = Box::new(ConstScoreQuery::new(self.query(root), 0.0)) as BoxedQuery;
        let mut clauses = vec![(Occur::Must, filter)];
        self.scores(root, &mut clauses);
        Box::new(BooleanQuery::new(clauses))
    }

    fn scores(&self, expr: &Expr, clauses: &mut Vec<(Occur, BoxedQuery)>) {
        let field = match &expr.node {
            Node::And(parts) | Node::Or(parts) => {
                return parts.iter().for_each(|part| self.scores(part, clauses));
            }
            Node::Near { left, right, .. } => {
                self.scores(left, clauses);
                return self.scores(right, clauses);
            }
            Node::Phrase(phrase) => phrase.field,
            Node::Word(word) => word.field,
            _ => return,
        };
        let text = match &expr.node {
            Node::Phrase(phrase) => &phrase.text,
            Node::Word(word) => &word.text,
            _ => return,
        };
        let boosts = [
            (Field::Body, self.fields.body, 1.0),
            (Field::Subject, self.fields.subject, SUBJECT_BOOST),
        ];
        for (of, engine_field, boost) in boosts {
            if field != Field::Any && field != of {
                continue;
            }
            for word in crate::analyzer::asked(text) {
                let term = Term::from_field_text(engine_field, &word.text);
                let query = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
                clauses.push((Occur::Should, Box::new(BoostQuery::new(query, boost))));
            }
        }
    }

    fn expr(&self, expr: &Expr) -> BoxedQuery {
        let fields = self.fields;
        let period = |date| self.calendar.period(date);
        match &expr.node {
            Node::After(date) => date_range(fields.date, Some(period(*date).0), None),
            Node::All => Box::new(AllQuery),
            Node::And(parts) => self.all_of(parts),
            Node::Before(date) => date_range(fields.date, None, Some(period(*date).0)),
            Node::HasAttachment => term(fields.tag, "has:attachment"),
            Node::Id(id) => self.id(id),
            Node::Kind(kind) => term(fields.tag, &format!("kind:{}", kind_name(*kind))),
            Node::Larger(bytes) => match bytes.checked_add(1) {
                Some(bytes) => size_range(fields.size, Bound::Included(bytes), Bound::Unbounded),
                None => Box::new(EmptyQuery),
            },
            Node::Near { left, right, distance } => self.near(left, right, *distance),
            Node::Not(inner) => Box::new(NotQuery(self.expr(inner))),
            Node::On(date) => {
                let (from, until) = period(*date);
                date_range(fields.date, Some(from), Some(until))
            }
            Node::Or(parts) => any_of(parts.iter().map(|part| self.expr(part)).collect()),
            Node::Phrase(phrase) => self.asked(phrase.field, &ask_phrase(phrase)),
            Node::Smaller(0) => Box::new(EmptyQuery),
            Node::Smaller(bytes) => {
                size_range(fields.size, Bound::Unbounded, Bound::Excluded(*bytes))
            }
            Node::Source(source) => term(fields.source, clipped(source)),
            Node::Word(word) => self.asked(word.field, &ask_word(word)),
        }
    }

    fn all_of(&self, parts: &[Expr]) -> BoxedQuery {
        let clauses = parts.iter().map(|part| (Occur::Must, self.expr(part))).collect();
        Box::new(BooleanQuery::new(clauses))
    }

    fn id(&self, id: &str) -> BoxedQuery {
        let message_id = term(self.fields.message_id, clipped(&id.to_lowercase()));
        match id.to_ascii_lowercase().parse::<model::RecordId>() {
            Ok(record) => any_of(vec![message_id, Box::new(record_query(self.fields, record))]),
            Err(_) => message_id,
        }
    }

    fn near(&self, left: &Expr, right: &Expr, distance: u32) -> BoxedQuery {
        let side = |expr: &Expr| match &expr.node {
            Node::Phrase(phrase) => Some((phrase.field, near_side(&phrase.text))),
            Node::Word(word) => Some((word.field, near_side(&word.text))),
            _ => None,
        };
        match (side(left), side(right)) {
            (Some((field, left)), Some((_, right))) => {
                self.asked(field, &Ask::Near(left, right, distance))
            }
            // The parser lets nothing else through.
            _ => Box::new(EmptyQuery),
        }
    }

    fn asked(&self, field: Field, ask: &Ask) -> BoxedQuery {
        let f = self.fields;
        if let Ask::Stem(stems, word) = ask {
            let stem_fields: &[EngineField] = match field {
                Field::Any => &[f.body_stem, f.head_stem],
                Field::Attachment => &[f.attachment_stem],
                Field::Body => &[f.body_stem],
                Field::Subject => &[f.subject_stem],
                Field::Bcc | Field::Cc | Field::From | Field::To | Field::With => {
                    return self.asked(field, &Ask::Term(word.clone()));
                }
            };
            let mut parts: Vec<BoxedQuery> = Vec::new();
            for field in stem_fields {
                parts.extend(stems.iter().map(|stem| term(*field, stem)));
            }
            if field == Field::Any {
                parts.extend(self.blind(&Ask::Term(word.clone())));
            }
            return any_of(parts);
        }
        let (fields, blind): (&[EngineField], bool) = match field {
            Field::Any => (&[f.body, f.head], true),
            Field::Attachment => (&[f.attachment], false),
            Field::Bcc => (&[], true),
            Field::Body => (&[f.body], false),
            Field::Cc => (&[f.cc], false),
            Field::From => (&[f.from], false),
            Field::Subject => (&[f.subject], false),
            Field::To => (&[f.to], false),
            Field::With => (&[f.from, f.to, f.cc, f.others], true),
        };
        let mut parts: Vec<BoxedQuery> = fields.iter().map(|field| in_field(*field, ask)).collect();
        if blind {
            parts.extend(self.blind(ask));
        }
        any_of(parts)
    }

    /// Blind-copy recipients, as far as the actor may know of them (`Scope::sees_blind_copy`):
    /// all of them in mails that the actor sent or that are shown whoever takes part, in others
    /// only the actor's own addresses.
    fn blind(&self, ask: &Ask) -> Option<BoxedQuery> {
        let query = in_field(self.fields.bcc, ask);
        let Some(view) = &self.view else { return Some(query) };
        let words = self.masks.words(&view.shown);
        let own: Vec<OwnedAddress> = view
            .addresses
            .iter()
            .zip(words.iter())
            .filter(|(_, words)| words.answers(ask))
            .map(|(own, _)| own.clone())
            .collect();
        let sent = both(query, view.sent.box_clone());
        Some(match own.len() {
            0 => sent,
            1..MASK_MIN => any_of(vec![sent, one_of(self.fields, self.fields.bcc, &own)]),
            _ => {
                let shown = Arc::new(Shown::new(&own, &[]));
                any_of(vec![sent, masked(&shown, self.fields.bcc, self.masks)])
            }
        })
    }
}

fn masked(shown: &Arc<Shown>, field: EngineField, masks: &Arc<Masks>) -> BoxedQuery {
    let (shown, masks) = (Arc::clone(shown), Arc::clone(masks));
    Box::new(ShownQuery { shown, field, masks })
}

fn in_field(field: EngineField, ask: &Ask) -> BoxedQuery {
    let layout = match ask {
        Ask::Prefix(prefix) => return prefix_range(field, prefix),
        Ask::Stem(_, word) => return term(field, word),
        Ask::Term(text) => return term(field, clipped(text)),
        Ask::Near(left, right, distance) => Layout::Near(left.clone(), right.clone(), *distance),
        Ask::Sequence(run) => Layout::Sequence(run.clone()),
        Ask::SequencePrefix(run) => Layout::SequencePrefix(run.clone()),
        Ask::Window(terms, distance) => Layout::Window(terms.clone(), *distance),
    };
    Box::new(PositionalQuery { field, layout })
}

fn term(field: EngineField, text: &str) -> BoxedQuery {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

pub(super) fn record_query(fields: &Fields, record: model::RecordId) -> TermQuery {
    TermQuery::new(Term::from_field_bytes(fields.id, record.as_bytes()), IndexRecordOption::Basic)
}

/// All terms with the beginning; each is read, however many there are.
fn prefix_range(field: EngineField, prefix: &str) -> BoxedQuery {
    let end = format!("{prefix}{}", char::MAX);
    Box::new(RangeQuery::new(
        Bound::Included(Term::from_field_text(field, prefix)),
        Bound::Excluded(Term::from_field_text(field, &end)),
    ))
}

fn date_range(field: EngineField, from: Option<Timestamp>, until: Option<Timestamp>) -> BoxedQuery {
    let moment = |at: Timestamp| Term::from_field_i64(field, at.as_micros());
    let from = from.map_or(Bound::Unbounded, |at| Bound::Included(moment(at)));
    let until = until.map_or(Bound::Unbounded, |at| Bound::Excluded(moment(at)));
    match (&from, &until) {
        (Bound::Unbounded, Bound::Unbounded) => Box::new(AllQuery),
        _ => Box::new(RangeQuery::new(from, until)),
    }
}

fn size_range(field: EngineField, from: Bound<u64>, until: Bound<u64>) -> BoxedQuery {
    let size = |bytes| Term::from_field_u64(field, bytes);
    Box::new(RangeQuery::new(from.map(size), until.map(size)))
}

/// Mails with one of the addresses in `field`, each within its span.
fn one_of(fields: &Fields, field: EngineField, owned: &[OwnedAddress]) -> BoxedQuery {
    any_of(owned.iter().map(|own| owned_term(fields, field, own)).collect())
}

fn owned_term(fields: &Fields, field: EngineField, own: &OwnedAddress) -> BoxedQuery {
    let address = term(field, clipped(&own.key));
    if own.from.is_none() && own.until.is_none() {
        return address;
    }
    both(address, date_range(fields.received, own.from, own.until))
}

fn any_of(mut parts: Vec<BoxedQuery>) -> BoxedQuery {
    match parts.len() {
        0 => Box::new(EmptyQuery),
        1 => parts.remove(0),
        _ => Box::new(BooleanQuery::new(
            parts.into_iter().map(|part| (Occur::Should, part)).collect(),
        )),
    }
}

fn both(a: BoxedQuery, b: BoxedQuery) -> BoxedQuery {
    Box::new(BooleanQuery::new(vec![(Occur::Must, a), (Occur::Must, b)]))
}
