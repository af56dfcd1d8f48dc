use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

use crate::ask::{Placed, are_near, in_window, occurrences, run_length};

/// How the words of one field must lie to each other.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    Near(Vec<Placed>, Vec<Placed>, u32),
    /// One after the other.
    Sequence(Vec<Placed>),
    /// The last word is a beginning.
    SequencePrefix(Vec<Placed>),
    Window(Vec<String>, u32),
}

impl Layout {
    /// The terms, and whether each is only a beginning.
    fn slots(&self) -> Vec<(&str, bool)> {
        match self {
            Self::Near(left, right, _) => {
                left.iter().chain(right).map(|(_, term)| (term.as_str(), false)).collect()
            }
            Self::Sequence(run) => run.iter().map(|(_, term)| (term.as_str(), false)).collect(),
            Self::SequencePrefix(run) => {
                let last = run.len().saturating_sub(1);
                run.iter().enumerate().map(|(i, (_, term))| (term.as_str(), i == last)).collect()
            }
            Self::Window(terms, _) => terms.iter().map(|term| (term.as_str(), false)).collect(),
        }
    }

    /// Whether words at these positions lie as demanded; one list per slot.
    fn holds(&self, positions: &[Vec<u32>]) -> bool {
        match self {
            Self::Near(left, right, distance) => {
                let (of_left, of_right) = positions.split_at(left.len());
                are_near(
                    (&occurrences(left, of_left), run_length(left)),
                    (&occurrences(right, of_right), run_length(right)),
                    *distance,
                )
            }
            Self::Sequence(run) | Self::SequencePrefix(run) => {
                !occurrences(run, positions).is_empty()
            }
            Self::Window(terms, distance) => in_window(terms, positions, *distance),
        }
    }

    /// The run, if the layout is nothing but one.
    fn run(&self) -> Option<&[Placed]> {
        match self {
            Self::Sequence(run) | Self::SequencePrefix(run) => Some(run),
            Self::Near(..) | Self::Window(..) => None,
        }
    }
}

/// Finds documents whose words lie as a [`Layout`] demands. Exact: no expansion is left out.
#[derive(Clone, Debug)]
pub(super) struct PositionalQuery {
    pub field: Field,
    pub layout: Layout,
}

impl Query for PositionalQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(PositionalWeight(self.clone())))
    }
}

struct PositionalWeight(PositionalQuery);

impl Weight for PositionalWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let index = reader.inverted_index(self.0.field)?;
        let mut slots = Vec::new();
        for (text, is_prefix) in self.0.layout.slots() {
            let option = IndexRecordOption::WithFreqsAndPositions;
            let slot = if is_prefix {
                let mut expansions = Vec::new();
                let end = format!("{text}{}", char::MAX);
                let mut terms = index.terms().range().ge(text).lt(end).into_stream()?;
                while terms.advance() {
                    expansions.push(index.read_postings_from_terminfo(terms.value(), option)?);
                }
                Slot::Many(Expansions::new(expansions))
            } else {
                match index.read_postings(&Term::from_field_text(self.0.field, text), option)? {
                    Some(postings) => Slot::One(Box::new(postings)),
                    None => return Ok(Box::new(EmptyScorer)),
                }
            };
            slots.push(slot);
        }
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|i| slots[*i].size_hint());
        let positions = vec![Vec::new(); slots.len()];
        let layout = self.0.layout.clone();
        let starts = Vec::new();
        let mut scorer =
            PositionalScorer { slots, order, positions, starts, layout, doc: 0, score: boost };
        scorer.find(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.doc() > doc || scorer.seek(doc) != doc {
            return Err(TantivyError::InvalidArgument(format!("document {doc} does not match")));
        }
        Ok(Explanation::new("words lie as demanded", scorer.score()))
    }
}

enum Slot {
    Many(Expansions),
    One(Box<SegmentPostings>),
}

impl Slot {
    fn size_hint(&self) -> u32 {
        match self {
            Self::Many(expansions) => expansions.postings.iter().map(DocSet::size_hint).sum(),
            Self::One(postings) => postings.size_hint(),
        }
    }

    /// The first document at or after `target`.
    fn seek(&mut self, target: DocId) -> DocId {
        match self {
            Self::Many(expansions) => expansions.seek(target),
            Self::One(postings) if postings.doc() >= target => postings.doc(),
            Self::One(postings) => postings.seek(target),
        }
    }

    /// Positions in the document that was found.
    fn positions(&mut self, positions: &mut Vec<u32>) {
        match self {
            Self::Many(expansions) => expansions.positions(positions),
            Self::One(postings) => postings.positions(positions),
        }
    }
}

/// All terms with one beginning; those that stand at the smallest document come first.
struct Expansions {
    postings: Vec<SegmentPostings>,
    next: BinaryHeap<Reverse<(DocId, usize)>>,
}

impl Expansions {
    fn new(postings: Vec<SegmentPostings>) -> Self {
        let next = postings.iter().enumerate().map(|(i, one)| Reverse((one.doc(), i))).collect();
        Self { postings, next }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        while let Some(mut first) = self.next.peek_mut() {
            let Reverse((doc, i)) = *first;
            if doc >= target {
                return doc;
            }
            first.0.0 = self.postings[i].seek(target);
        }
        TERMINATED
    }

    fn positions(&mut self, positions: &mut Vec<u32>) {
        positions.clear();
        let Some(&Reverse((doc, _))) = self.next.peek() else { return };
        while let Some(&Reverse((other, i))) = self.next.peek() {
            if other != doc {
                break;
            }
            self.next.pop();
            self.postings[i].append_positions_with_offset(0, positions);
            // Its next document is found when the search goes on.
            let after = self.postings[i].advance();
            self.next.push(Reverse((after, i)));
        }
        positions.sort_unstable();
    }
}

struct PositionalScorer {
    slots: Vec<Slot>,
    /// The slots, the rarest first.
    order: Vec<usize>,
    positions: Vec<Vec<u32>>,
    /// Where the run may begin.
    starts: Vec<u32>,
    layout: Layout,
    doc: DocId,
    score: Score,
}

impl PositionalScorer {
    /// Goes to the first matching document at or after `target`.
    fn find(&mut self, target: DocId) -> DocId {
        let mut target = target;
        loop {
            self.doc = self.meet(target);
            if self.doc == TERMINATED {
                return TERMINATED;
            }
            if self.lies_right() {
                return self.doc;
            }
            target = self.doc + 1;
        }
    }

    /// Whether the words of the document that was found lie as demanded.
    fn lies_right(&mut self) -> bool {
        let Some(run) = self.layout.run() else {
            for (slot, positions) in self.slots.iter_mut().zip(&mut self.positions) {
                slot.positions(positions);
            }
            return self.layout.holds(&self.positions);
        };
        // The rarest word says where the run may begin; frequent ones are often not read at all.
        let Some((first, others)) = self.order.split_first() else { return false };
        let starts = &mut self.starts;
        self.slots[*first].positions(starts);
        let offset = run[*first].0;
        starts.retain_mut(|at| at.checked_sub(offset).map(|start| *at = start).is_some());
        for i in others {
            if starts.is_empty() {
                return false;
            }
            let positions = &mut self.positions[*i];
            self.slots[*i].positions(positions);
            let mut rest = positions.as_slice();
            starts.retain(|start| {
                let wanted = start + run[*i].0;
                while let [at, behind @ ..] = rest
                    && *at < wanted
                {
                    rest = behind;
                }
                rest.first() == Some(&wanted)
            });
        }
        !starts.is_empty()
    }

    /// The first document at or after `target` in which all slots occur.
    fn meet(&mut self, target: DocId) -> DocId {
        let mut target = target;
        'again: loop {
            if target >= TERMINATED {
                return TERMINATED;
            }
            for i in &self.order {
                let doc = self.slots[*i].seek(target);
                if doc > target {
                    target = doc;
                    continue 'again;
                }
            }
            return target;
        }
    }
}

impl DocSet for PositionalScorer {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED {
            return TERMINATED;
        }
        self.find(self.doc + 1)
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc >= target { self.doc } else { self.find(target) }
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.order.first().map_or(0, |rarest| self.slots[*rarest].size_hint())
    }

    fn cost(&self) -> u64 {
        // Positions are read for every candidate: other conditions of an AND go first.
        u64::from(self.size_hint()).saturating_mul(10)
    }
}

impl Scorer for PositionalScorer {
    fn score(&mut self) -> Score {
        self.score
    }
}
