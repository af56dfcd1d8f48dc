//! What a scope with many addresses, or with spans of time, shows of a segment: one bit per
//! document, made once and kept, because who types a query asks the same segments again and again.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use model::{Digest, Timestamp};
use policy::{OwnedAddress, Span};
use tantivy::index::SegmentId;
use tantivy::query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

use super::document::clipped;
use super::lock;
use crate::analyzer::{Kind, analyze};
use crate::ask::Ask;

/// Masks that are kept, in bytes: a million documents take 128 KiB.
const MASK_BYTES_MAX: usize = 64 << 20;

/// Lists of addresses that are kept taken apart into words.
const WORDS_KEPT_MAX: usize = 256;

/// Addresses with their spans, and spans in which everything is shown. The digest tells it from
/// all others: nothing less finds a kept mask again.
pub(super) struct Shown {
    addresses: Vec<OwnedAddress>,
    everything: Vec<Span>,
    digest: Digest,
}

impl Shown {
    pub(super) fn new(addresses: &[OwnedAddress], everything: &[Span]) -> Self {
        let mut octets = Vec::with_capacity(64 * (addresses.len() + everything.len() + 1));
        let mut number = |value: i64, text: &str| {
            octets.extend_from_slice(&value.to_be_bytes());
            octets.extend_from_slice(text.as_bytes());
        };
        number(everything.len() as i64, "");
        let keys = addresses.iter().map(|own| (own.span(), own.key.as_str()));
        for (span, key) in everything.iter().map(|span| (*span, "")).chain(keys) {
            for end in [span.from, span.until] {
                number(end.is_some().into(), "");
                number(end.map_or(0, Timestamp::as_micros), "");
            }
            number(key.len() as i64, key);
        }
        let digest = Digest::of(&octets);
        Self { addresses: addresses.to_vec(), everything: everything.to_vec(), digest }
    }

    /// Those of the documents of a segment that it shows, by the addresses in `field`.
    fn mask(&self, reader: &SegmentReader, field: Field) -> tantivy::Result<Mask> {
        let mut mask = Mask::new(reader.max_doc());
        let received = reader.fast_fields().column_first_or_default::<i64>("received")?;
        let at = |doc: DocId| Timestamp::from_micros(received.get_val(doc));
        if !self.everything.is_empty() {
            for doc in 0..reader.max_doc() {
                if self.everything.iter().any(|span| span.covers(at(doc))) {
                    mask.insert(doc);
                }
            }
        }
        let inverted = reader.inverted_index(field)?;
        for own in &self.addresses {
            let term = Term::from_field_text(field, clipped(&own.key));
            let Some(info) = inverted.get_term_info(&term)? else { continue };
            let mut postings =
                inverted.read_block_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            let span = own.span();
            while !postings.docs().is_empty() {
                for doc in postings.docs() {
                    if span.is_always() || span.covers(at(*doc)) {
                        mask.insert(*doc);
                    }
                }
                postings.advance();
            }
        }
        mask.count = mask.words.iter().map(|word| word.count_ones()).sum();
        Ok(mask)
    }
}

/// One bit per document of a segment.
struct Mask {
    words: Vec<u64>,
    count: u32,
}

impl Mask {
    fn new(max_doc: u32) -> Self {
        Self { words: vec![0; max_doc.div_ceil(64) as usize], count: 0 }
    }

    fn insert(&mut self, doc: DocId) {
        if let Some(word) = self.words.get_mut((doc / 64) as usize) {
            *word |= 1 << (doc % 64);
        }
    }

    /// The first document at or after `target`.
    fn next(&self, target: DocId) -> DocId {
        let mut at = (target / 64) as usize;
        let Some(word) = self.words.get(at) else { return TERMINATED };
        let mut word = word & (u64::MAX << (target % 64));
        while word == 0 {
            at += 1;
            match self.words.get(at) {
                Some(next) => word = *next,
                None => return TERMINATED,
            }
        }
        // At most 2³² documents: both fit.
        at as u32 * 64 + word.trailing_zeros()
    }
}

/// An address as words, for questions about blind copies.
pub(super) struct AddressWords {
    words: Vec<(u32, String)>,
    terms: Vec<String>,
}

impl AddressWords {
    fn new(key: &str) -> Self {
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
        Self { words, terms }
    }

    /// Whether the bare address has the words that are asked for.
    pub(super) fn answers(&self, ask: &Ask) -> bool {
        crate::highlight::satisfied(ask, &self.words, &self.terms)
    }
}

/// Keeps masks and words while they are asked for; the oldest go first. A segment never changes,
/// and what was removed from it is left out by who collects.
#[derive(Default)]
pub(super) struct Masks {
    kept: Mutex<Kept<(SegmentId, Field, Digest), Mask>>,
    words: Mutex<Kept<Digest, Vec<AddressWords>>>,
}

struct Kept<K, V> {
    values: HashMap<K, Arc<V>>,
    order: VecDeque<(K, usize)>,
    size: usize,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), size: 0 }
    }
}

impl<K: Clone + Eq + std::hash::Hash, V> Kept<K, V> {
    fn keep(&mut self, key: K, value: &Arc<V>, size: usize, size_max: usize) {
        if self.values.insert(key.clone(), Arc::clone(value)).is_none() {
            self.order.push_back((key, size));
            self.size += size;
        }
        while self.size > size_max {
            let Some((oldest, size)) = self.order.pop_front() else { break };
            self.values.remove(&oldest);
            self.size -= size;
        }
    }
}

impl Masks {
    fn mask(
        &self,
        shown: &Shown,
        reader: &SegmentReader,
        field: Field,
    ) -> tantivy::Result<Arc<Mask>> {
        let key = (reader.segment_id(), field, shown.digest);
        if let Some(mask) = lock(&self.kept).values.get(&key) {
            return Ok(Arc::clone(mask));
        }
        let mask = Arc::new(shown.mask(reader, field)?);
        let bytes = 8 * mask.words.len() + size_of::<Mask>();
        lock(&self.kept).keep(key, &mask, bytes, MASK_BYTES_MAX);
        Ok(mask)
    }

    /// The addresses as words, in their order.
    pub(super) fn words(&self, shown: &Shown) -> Arc<Vec<AddressWords>> {
        if let Some(words) = lock(&self.words).values.get(&shown.digest) {
            return Arc::clone(words);
        }
        let words = shown.addresses.iter().map(|own| AddressWords::new(&own.key)).collect();
        let words = Arc::new(words);
        lock(&self.words).keep(shown.digest, &words, 1, WORDS_KEPT_MAX);
        words
    }
}

/// The documents that are shown, by the addresses in `field`.
#[derive(Clone)]
pub(super) struct ShownQuery {
    pub shown: Arc<Shown>,
    pub field: Field,
    pub masks: Arc<Masks>,
}

impl fmt::Debug for ShownQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownQuery")
    }
}

impl Query for ShownQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for ShownQuery {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mask = self.masks.mask(&self.shown, reader, self.field)?;
        let doc = mask.next(0);
        Ok(Box::new(ConstScorer::new(MaskDocs { mask, doc }, boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.doc() > doc || scorer.seek(doc) != doc {
            return Err(TantivyError::InvalidArgument(format!("document {doc} does not match")));
        }
        Ok(Explanation::new("shown", scorer.score()))
    }
}

struct MaskDocs {
    mask: Arc<Mask>,
    doc: DocId,
}

impl DocSet for MaskDocs {
    fn advance(&mut self) -> DocId {
        if self.doc != TERMINATED {
            self.doc = self.mask.next(self.doc + 1);
        }
        self.doc
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            self.doc = self.mask.next(target);
        }
        self.doc
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.mask.count
    }
}
