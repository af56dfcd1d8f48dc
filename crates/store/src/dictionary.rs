//! A tenant's zstd dictionary, and what it is trained on.
//!
//! A dictionary outlives the mails that it was made from, so it must not hold anything of a single
//! mail: samples are stripped down to what at least two different mails have in common.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use model::ContentId;
use zstd::zstd_safe::{CDict, DDict};

use crate::bundle::Bundle;
use crate::compression::LEVEL;

/// A dictionary is trained when so many different mails were seen.
pub(crate) const SAMPLES: usize = 500;
const SAMPLE_BYTES_MAX: usize = 24 << 10;
/// What the samples of all tenants may take in memory.
const SAMPLES_BYTES_MAX: usize = 64 << 20;
const DICTIONARY_BYTES_MAX: usize = 256 << 10;
/// Below this there is nothing to gain.
const DICTIONARY_BYTES_MIN: usize = 4 << 10;
/// What a word or a line must be found in to enter a dictionary.
const MAILS_MIN: u32 = 2;

static SAMPLES_BYTES: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Dictionary {
    pub id: u32,
    octets: Vec<u8>,
    pub encoder: CDict<'static>,
    pub decoder: DDict<'static>,
}

impl Dictionary {
    pub(crate) fn new(id: u32, octets: Vec<u8>) -> Option<Self> {
        let encoder = CDict::try_create(&octets, LEVEL)?;
        let decoder = DDict::try_create(&octets)?;
        Some(Self { id, octets, encoder, decoder })
    }

    /// The plaintext of a dictionary entry.
    pub(crate) fn plain(&self) -> Vec<u8> {
        [&self.id.to_le_bytes()[..], &self.octets].concat()
    }

    pub(crate) fn parse(plain: &[u8]) -> Option<Self> {
        let (id, octets) = plain.split_first_chunk::<4>()?;
        Self::new(u32::from_le_bytes(*id), octets.to_vec())
    }
}

/// Bundles of different mails, kept in memory until there are enough.
#[derive(Default)]
pub(crate) struct Samples {
    seen: HashSet<ContentId>,
    samples: Vec<Vec<u8>>,
    bytes: usize,
}

impl Samples {
    pub(crate) fn add(&mut self, content: ContentId, bundle: &[u8]) {
        if self.is_enough() || !self.seen.insert(content) {
            return;
        }
        let sample = sample_of(bundle);
        if SAMPLES_BYTES.load(Ordering::Relaxed) + sample.len() > SAMPLES_BYTES_MAX {
            return;
        }
        SAMPLES_BYTES.fetch_add(sample.len(), Ordering::Relaxed);
        self.bytes += sample.len();
        self.samples.push(sample);
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.samples.len() >= SAMPLES
    }

    /// Trains a dictionary; `None` when the mails have too little in common.
    pub(crate) fn train(&self, id: u32) -> Option<Dictionary> {
        let common = common(&self.samples);
        let common: Vec<Vec<u8>> = common.into_iter().filter(|sample| sample.len() >= 8).collect();
        let octets = zstd::dict::from_samples(&common, DICTIONARY_BYTES_MAX).ok()?;
        (octets.len() >= DICTIONARY_BYTES_MIN).then(|| Dictionary::new(id, octets)).flatten()
    }
}

impl Drop for Samples {
    fn drop(&mut self) {
        SAMPLES_BYTES.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The beginning of a bundle, with the facts (one long line of JSON) broken into lines.
fn sample_of(bundle: &[u8]) -> Vec<u8> {
    let facts = Bundle::parse(bundle).map(|bundle| bundle.facts().len()).unwrap_or(0);
    let head = &bundle[..bundle.len().min(SAMPLE_BYTES_MAX)];
    let mut sample = Vec::with_capacity(head.len() + 64);
    for (at, byte) in head.iter().enumerate() {
        sample.push(*byte);
        if at < facts && *byte == b',' {
            sample.push(b'\n');
        }
    }
    sample
}

/// The samples without what only one of them has: a line that another one has too is kept, of other
/// lines the words at the beginning that another one has too.
fn common(samples: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let hasher = RandomState::new();
    let mut lines = Counter::default();
    let mut words = Counter::default();
    for (number, sample) in samples.iter().enumerate() {
        for line in sample.split(|byte| *byte == b'\n') {
            lines.count(hasher.hash_one(line), number);
            for word in line.split(|byte| *byte == b' ') {
                words.count(hasher.hash_one(word), number);
            }
        }
    }
    let shared = |sample: &Vec<u8>| {
        let mut kept = Vec::with_capacity(sample.len());
        for line in sample.split(|byte| *byte == b'\n') {
            if lines.is_common(hasher.hash_one(line)) {
                kept.extend_from_slice(line);
                kept.push(b'\n');
                continue;
            }
            for word in line.split(|byte| *byte == b' ') {
                if !words.is_common(hasher.hash_one(word)) {
                    break;
                }
                kept.extend_from_slice(word);
                kept.push(b' ');
            }
        }
        kept
    };
    samples.iter().map(shared).collect()
}

/// In how many samples something occurs.
#[derive(Default)]
struct Counter(HashMap<u64, (usize, u32)>);

impl Counter {
    fn count(&mut self, hash: u64, sample: usize) {
        let (last, count) = self.0.entry(hash).or_insert((sample, 1));
        if *last != sample {
            *last = sample;
            *count += 1;
        }
    }

    fn is_common(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some_and(|(_, count)| *count >= MAILS_MIN)
    }
}
