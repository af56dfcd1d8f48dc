use std::ops::Bound;

use model::Timestamp;
use policy::{OwnedAddress, Scope, View};
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
use crate::analyzer::{Kind, analyze};
use crate::ask::{Ask, ask_phrase, ask_word, near_side};
use crate::query::{Calendar, Expr, Field, Node, kind_name};

/// From so many owned addresses on, one pass over the dictionary is cheaper than single terms.
const TERM_SET_MIN: usize = 24;

/// How much more a word of the subject says than one of the body, in relevance.
const SUBJECT_BOOST: f32 = 3.0;

type BoxedQuery = Box<dyn Query>;

/// Turns questions into the engine's queries. The rights are part of what comes out.
pub(super) struct Compiler<'a> {
    fields: &'a Fields,
    calendar: &'a Calendar,
    /// `None`: everything of the tenant.
    owned: Option<&'a [OwnedAddress]>,
    /// The mails that the actor sent.
    sent: Option<BoxedQuery>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(fields: &'a Fields, calendar: &'a Calendar, scope: &'a Scope) -> Self {
        let owned = match scope.view() {
            View::Addresses(owned) => Some(owned),
            View::Everything => None,
        };
        let sent = owned.map(|owned| one_of(fields, fields.sender, owned));
        Self { fields, calendar, owned, sent }
    }

    /// What finds the mails, and those only that the scope shows.
    pub(super) fn query(&self, root: &Expr) -> BoxedQuery {
        let asked = self.expr(root);
        match self.owned {
            None => asked,
            Some(owned) => both(asked, one_of(self.fields, self.fields.owner, owned)),
        }
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
    /// all of them in mails that the actor sent, in others only the actor's own addresses.
    fn blind(&self, ask: &Ask) -> Option<BoxedQuery> {
        let query = in_field(self.fields.bcc, ask);
        let (Some(owned), Some(sent)) = (self.owned, &self.sent) else { return Some(query) };
        let mut parts = vec![both(query, sent.box_clone())];
        for own in owned.iter().filter(|own| address_answers(&own.key, ask)) {
            parts.push(self.own(self.fields.bcc, own));
        }
        Some(any_of(parts))
    }

    fn own(&self, field: EngineField, own: &OwnedAddress) -> BoxedQuery {
        owned_term(self.fields, field, own)
    }
}

/// Whether a bare address has the words that are asked for.
fn address_answers(key: &str, ask: &Ask) -> bool {
    let mut words: Vec<(u32, String)> = Vec::new();
    let mut terms = vec![key.to_owned()];
    if let Some((_, domain)) = key.rsplit_once('@') {
        terms.push(format!("@{domain}"));
    }
    analyze(key, &mut |token| {
        if !matches!(token.kind, Kind::Address | Kind::Domain) {
            words.push((token.position, token.text.to_owned()));
        }
    });
    terms.extend(words.iter().map(|(_, word)| word.clone()));
    crate::highlight::satisfied(ask, &words, &terms)
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
    let (always, spans): (Vec<_>, Vec<_>) =
        owned.iter().partition(|own| own.from.is_none() && own.until.is_none());
    let mut parts: Vec<BoxedQuery> =
        spans.iter().map(|own| owned_term(fields, field, own)).collect();
    if always.len() >= TERM_SET_MIN {
        let terms = always.iter().map(|own| Term::from_field_text(field, clipped(&own.key)));
        parts.push(Box::new(TermSetQuery::new(terms)));
    } else {
        parts.extend(always.iter().map(|own| term(field, clipped(&own.key))));
    }
    any_of(parts)
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
