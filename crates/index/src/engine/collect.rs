use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use model::RecordId;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::cursor::{Cursor, Key};
use super::document::{FACET_CODES, YEAR_FIRST};
use crate::search::{FACET_SENDERS, FacetCount, Facets, Hit, KINDS, SizeClass, Sort, kind_code};

/// Documents that the engine hands over at once.
const BLOCK: usize = 64;

/// Counts everything, keeps the best rows after the cursor, counts facets: one pass.
pub(super) struct Collect {
    pub sort: Sort,
    pub cursor: Option<Cursor>,
    /// One more than is shown, to know whether there is a next page.
    pub keep: usize,
    pub facets: bool,
}

/// A row that was found, with the key that it is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub key: Key,
    pub hit: Hit,
}

#[derive(Default)]
pub(super) struct Collected {
    pub total: u64,
    /// Best first, at most `keep`.
    pub rows: Vec<Row>,
    pub facets: Option<Facets>,
}

/// What one segment gives.
#[derive(Default)]
pub(super) struct Part {
    total: u64,
    rows: Vec<Row>,
    /// Mails by [`super::document`]'s facet code.
    codes: Vec<(u16, u32)>,
    senders: Vec<SenderCount>,
    sender_names: Option<StrColumn>,
}

struct SenderCount {
    hash: u64,
    count: u32,
    ord: u64,
}

impl Collector for Collect {
    type Fruit = Collected;
    type Child = SegmentCollect;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentCollect> {
        SegmentCollect::new(self, segment)
    }

    fn requires_scoring(&self) -> bool {
        self.sort == Sort::Relevance && self.keep > 0
    }

    fn merge_fruits(&self, parts: Vec<tantivy::Result<Part>>) -> tantivy::Result<Collected> {
        let mut collected = Collected::default();
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            let mut part = part?;
            collected.total += part.total;
            collected.rows.append(&mut part.rows);
            all.push(part);
        }
        collected.rows.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        collected.rows.truncate(self.keep);
        if self.facets {
            collected.facets = Some(merge_facets(&all)?);
        }
        Ok(collected)
    }
}

impl Collect {
    /// Sorts ascending into the order that is shown.
    fn order<'r>(&self, row: &'r Row) -> (Reverse<u64>, Option<TextOrder<'r>>, Reverse<u64>) {
        match &row.key {
            Key::Number(key) => (Reverse(*key), None, Reverse(row.hit.row)),
            Key::Text(text) => {
                let text = match self.sort {
                    Sort::SenderDescending | Sort::SubjectDescending => {
                        TextOrder::Down(Reverse(text))
                    }
                    _ => TextOrder::Up(text),
                };
                (Reverse(0), Some(text), Reverse(row.hit.row))
            }
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum TextOrder<'r> {
    Down(Reverse<&'r String>),
    Up(&'r String),
}

fn merge_facets(parts: &[Part]) -> tantivy::Result<Facets> {
    let mut facets = Facets::default();
    let mut years: HashMap<i16, u64> = HashMap::new();
    let mut kinds = [0; KINDS.len()];
    let mut sizes = [0; SizeClass::ALL.len()];
    let mut senders: HashMap<u64, (u64, usize, u64)> = HashMap::new();
    for (i, part) in parts.iter().enumerate() {
        for &(code, count) in &part.codes {
            let count = u64::from(count);
            *years.entry(YEAR_FIRST + (code >> 7) as i16).or_default() += count;
            let kind = KINDS.iter().position(|kind| kind_code(*kind) == u64::from(code >> 4 & 7));
            kind.into_iter().for_each(|kind| kinds[kind] += count);
            facets.with_attachment += count * u64::from(code >> 3 & 1);
            if let Some(size) = sizes.get_mut(usize::from(code & 7)) {
                *size += count;
            }
        }
        for sender in &part.senders {
            senders.entry(sender.hash).or_insert((0, i, sender.ord)).0 += u64::from(sender.count);
        }
    }
    let counted = |value, count| FacetCount { value, count };
    facets.years = years.into_iter().map(|(year, count)| counted(year, count)).collect();
    facets.years.sort_unstable_by_key(|year| Reverse(year.value));
    let some = |count: &u64| *count > 0;
    facets.kinds = KINDS
        .into_iter()
        .zip(kinds)
        .filter(|(_, count)| some(count))
        .map(|(value, count)| FacetCount { value, count })
        .collect();
    facets.sizes = SizeClass::ALL
        .into_iter()
        .zip(sizes)
        .filter(|(_, count)| some(count))
        .map(|(value, count)| FacetCount { value, count })
        .collect();
    facets.senders_total = senders.len() as u64;
    facets.senders = most_frequent(parts, senders.into_values().collect())?;
    Ok(facets)
}

/// The most frequent senders with their names; among equals, in the order of the names.
fn most_frequent(
    parts: &[Part],
    mut senders: Vec<(u64, usize, u64)>,
) -> tantivy::Result<Vec<FacetCount<String>>> {
    senders.sort_unstable_by_key(|(count, ..)| Reverse(*count));
    let least = senders.get(FACET_SENDERS - 1).map_or(0, |(count, ..)| *count);
    // Equals of the last one are named too, but not without end.
    let candidates =
        senders.iter().take_while(|(count, ..)| *count >= least).take(8 * FACET_SENDERS);
    let mut named = Vec::new();
    for &(count, part, ord) in candidates {
        let mut value = String::new();
        if let Some(names) = &parts[part].sender_names {
            names.ord_to_str(ord, &mut value)?;
        }
        named.push(FacetCount { value, count });
    }
    named.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    named.truncate(FACET_SENDERS);
    Ok(named)
}

type Column<T> = Arc<dyn ColumnValues<T>>;

/// Where the sort keys of a segment come from; larger keys come first.
enum Keys {
    Date(Column<i64>, bool),
    Score,
    Size(Column<u64>, bool),
    /// Ordinals in the segment's dictionary, times two plus one: even numbers lie between.
    Text(StrColumn, Column<u64>, bool),
}

pub(super) struct SegmentCollect {
    total: u64,
    keep: usize,
    keys: Keys,
    rows: Column<u64>,
    ids: [Column<u64>; 2],
    /// Only rows behind this (key, row) are kept.
    after: Option<(u64, u64)>,
    /// The worst of the best on top.
    best: BinaryHeap<Reverse<(u64, u64, DocId)>>,
    facets: Option<SegmentFacets>,
    block: [u64; BLOCK],
}

struct SegmentFacets {
    codes: Column<u64>,
    code_counts: Vec<u32>,
    names: StrColumn,
    ords: Column<u64>,
    ord_counts: Vec<u32>,
    /// One document of each sender.
    samples: Vec<DocId>,
    hashes: Column<u64>,
}

fn text_column(segment: &SegmentReader, name: &str) -> tantivy::Result<(StrColumn, Column<u64>)> {
    let missing = || tantivy::TantivyError::FieldNotFound(name.to_owned());
    let column = segment.fast_fields().str(name)?.ok_or_else(missing)?;
    let ords = column.ords().clone().first_or_default_col(0);
    Ok((column, ords))
}

impl SegmentCollect {
    fn new(collect: &Collect, segment: &SegmentReader) -> tantivy::Result<Self> {
        let fast = segment.fast_fields();
        let number = |name: &str| fast.column_first_or_default::<u64>(name);
        let keys = match collect.sort {
            Sort::DateAscending => Keys::Date(fast.column_first_or_default("date")?, false),
            Sort::DateDescending => Keys::Date(fast.column_first_or_default("date")?, true),
            Sort::Relevance => Keys::Score,
            Sort::SizeAscending => Keys::Size(number("size")?, false),
            Sort::SizeDescending => Keys::Size(number("size")?, true),
            sort => {
                let sender = matches!(sort, Sort::SenderAscending | Sort::SenderDescending);
                let name = if sender { "sender_sort" } else { "subject_sort" };
                let (column, ords) = text_column(segment, name)?;
                let down = matches!(sort, Sort::SenderDescending | Sort::SubjectDescending);
                Keys::Text(column, ords, down)
            }
        };
        let after = match &collect.cursor {
            None => None,
            Some(cursor) => Some((keys.place(&cursor.key)?, cursor.row)),
        };
        let facets = match collect.facets {
            true => Some(SegmentFacets::new(segment)?),
            false => None,
        };
        Ok(Self {
            total: 0,
            keep: collect.keep,
            keys,
            rows: number("row")?,
            ids: [number("id_high")?, number("id_low")?],
            after,
            best: BinaryHeap::with_capacity(collect.keep + 1),
            facets,
            block: [0; BLOCK],
        })
    }

    fn offer(&mut self, key: u64, doc: DocId) {
        if self.after.is_some_and(|(after, _)| key > after) {
            return;
        }
        let full = self.best.len() >= self.keep;
        if full && self.best.peek().is_none_or(|Reverse((worst, ..))| key < *worst) {
            return;
        }
        let row = self.rows.get_val(doc);
        if self.after.is_some_and(|after| (key, row) >= after) {
            return;
        }
        self.best.push(Reverse((key, row, doc)));
        if full {
            self.best.pop();
        }
    }

    fn rows(&mut self) -> tantivy::Result<Vec<Row>> {
        let best = std::mem::take(&mut self.best).into_sorted_vec();
        best.into_iter()
            .map(|Reverse((key, row, doc))| {
                let [high, low] = [0, 1].map(|i| u128::from(self.ids[i].get_val(doc)));
                let record = RecordId::from_bytes((high << 64 | low).to_be_bytes());
                let score = match self.keys {
                    Keys::Score => f32::from_bits(key as u32),
                    _ => 0.0,
                };
                Ok(Row { key: self.keys.shown(key)?, hit: Hit { record, row, score } })
            })
            .collect()
    }
}

impl Keys {
    /// The key of every document of the block.
    fn fill(&self, docs: &[DocId], keys: &mut [u64]) {
        match self {
            Self::Date(column, down) => {
                for (key, doc) in keys.iter_mut().zip(docs) {
                    let date = tantivy::i64_to_u64(column.get_val(*doc));
                    *key = if *down { date } else { !date };
                }
            }
            Self::Score => {}
            Self::Size(column, down) => {
                column.get_vals(docs, keys);
                if !down {
                    keys.iter_mut().for_each(|key| *key = !*key);
                }
            }
            Self::Text(_, column, down) => {
                column.get_vals(docs, keys);
                keys.iter_mut().for_each(|key| *key = text_place(2 * *key + 1, *down));
            }
        }
    }

    /// Where a key of a cursor stands among this segment's.
    fn place(&self, key: &Key) -> tantivy::Result<u64> {
        Ok(match (self, key) {
            (Self::Text(column, _, down), Key::Text(text)) => {
                let place = match column.dictionary().term_ord(text)? {
                    Some(ord) => 2 * ord + 1,
                    None => 2 * ord_after(column, text)?,
                };
                text_place(place, *down)
            }
            (_, Key::Number(key)) => *key,
            // Cursors are checked against the sort before.
            (_, Key::Text(_)) => 0,
        })
    }

    fn shown(&self, key: u64) -> tantivy::Result<Key> {
        let Self::Text(column, _, down) = self else { return Ok(Key::Number(key)) };
        let mut text = String::new();
        column.ord_to_str((text_place(key, *down) - 1) / 2, &mut text)?;
        Ok(Key::Text(text))
    }
}

/// Ascending text has its keys turned round; its own inverse.
const fn text_place(place: u64, down: bool) -> u64 {
    if down { place } else { !place }
}

/// How many terms of the dictionary come before a text that is not in it.
fn ord_after(column: &StrColumn, text: &str) -> tantivy::Result<u64> {
    let (mut low, mut high) = (0, column.num_terms() as u64);
    let mut term = String::new();
    while low < high {
        let middle = (low + high) / 2;
        column.ord_to_str(middle, &mut term)?;
        if term.as_str() < text {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

impl SegmentFacets {
    fn new(segment: &SegmentReader) -> tantivy::Result<Self> {
        let fast = segment.fast_fields();
        let (names, ords) = text_column(segment, "sender_sort")?;
        let terms = names.num_terms();
        Ok(Self {
            codes: fast.column_first_or_default("facets")?,
            code_counts: vec![0; FACET_CODES],
            names,
            ords,
            ord_counts: vec![0; terms],
            samples: vec![0; terms],
            hashes: fast.column_first_or_default("sender_hash")?,
        })
    }

    fn count(&mut self, docs: &[DocId], values: &mut [u64]) {
        self.codes.get_vals(docs, values);
        for code in values.iter() {
            self.code_counts[*code as usize % FACET_CODES] += 1;
        }
        self.ords.get_vals(docs, values);
        for (ord, doc) in values.iter().zip(docs) {
            if let Some(count) = self.ord_counts.get_mut(*ord as usize) {
                *count += 1;
                self.samples[*ord as usize] = *doc;
            }
        }
    }

    fn finish(self, part: &mut Part) {
        let counted = self.code_counts.iter().enumerate().filter(|(_, count)| **count > 0);
        part.codes = counted.map(|(code, count)| (code as u16, *count)).collect();
        for (ord, count) in self.ord_counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let hash = self.hashes.get_val(self.samples[ord]);
            part.senders.push(SenderCount { hash, count: *count, ord: ord as u64 });
        }
        part.sender_names = Some(self.names);
    }
}

impl SegmentCollector for SegmentCollect {
    type Fruit = tantivy::Result<Part>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.total += 1;
        if self.keep > 0 {
            let mut key = [0];
            match self.keys {
                // Scores are not negative: their bits sort like they do.
                Keys::Score => key[0] = u64::from(score.max(0.0).to_bits()),
                _ => self.keys.fill(&[doc], &mut key),
            }
            self.offer(key[0], doc);
        }
        if let Some(facets) = &mut self.facets {
            facets.count(&[doc], &mut self.block[..1]);
        }
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        for docs in docs.chunks(BLOCK) {
            self.total += docs.len() as u64;
            if self.keep > 0 {
                let mut keys = [0; BLOCK];
                self.keys.fill(docs, &mut keys[..docs.len()]);
                for (doc, key) in docs.iter().zip(keys) {
                    self.offer(key, *doc);
                }
            }
            if let Some(facets) = &mut self.facets {
                facets.count(docs, &mut self.block[..docs.len()]);
            }
        }
    }

    fn harvest(mut self) -> tantivy::Result<Part> {
        let mut part = Part { total: self.total, rows: self.rows()?, ..Part::default() };
        if let Some(facets) = self.facets {
            facets.finish(&mut part);
        }
        Ok(part)
    }
}
