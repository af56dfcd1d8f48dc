use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use foldhash::fast::RandomState;
use frostem::{Algorithm, Stemmer};

/// Words whose stems a thread remembers; about 8 MB.
const REMEMBERED_MAX: usize = 50_000;

/// Longer words are no words of a language.
const STEMMED_BYTES_MAX: usize = 64;

/// The stems under which a word is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stems {
    pub german: Box<str>,
    /// Only when it differs.
    pub english: Option<Box<str>>,
}

impl Stems {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.german).chain(self.english.as_deref())
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.iter().any(|a| other.iter().any(|b| a == b))
    }
}

/// The stems of words, and the text in which each was met last.
type Remembered = HashMap<Box<str>, (Stems, u64), RandomState>;

thread_local! {
    static REMEMBERED: RefCell<Remembered> = RefCell::default();
    static TEXTS: Cell<u64> = const { Cell::new(0) };
}

/// A number for one text on this thread, for [`stems_once`].
pub(crate) fn next_text() -> u64 {
    TEXTS.set(TEXTS.get() + 1);
    TEXTS.get()
}

/// Gives the German and the English stem of a word to `then`. `folded` is what the word was before
/// e was dropped after a, o, u: the English stemmer needs it to see that `issues` is a plural.
pub(crate) fn stems<T>(folded: &str, term: &str, then: impl FnOnce(&Stems) -> T) -> T {
    REMEMBERED.with_borrow_mut(|remembered| then(&recall(remembered, folded, term).0))
}

/// The same for the first time that the word is met in `text`. Once in a while a word comes twice.
pub(crate) fn stems_once(folded: &str, term: &str, text: u64, then: impl FnOnce(&Stems)) {
    REMEMBERED.with_borrow_mut(|remembered| {
        let (stems, last) = recall(remembered, folded, term);
        if std::mem::replace(last, text) != text {
            then(stems);
        }
    });
}

fn recall<'r>(remembered: &'r mut Remembered, folded: &str, term: &str) -> &'r mut (Stems, u64) {
    if !remembered.contains_key(folded) {
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(folded.into(), (compute(folded, term), 0));
    }
    // It was there, or was put there just now.
    remembered.get_mut(folded).unwrap_or_else(|| unreachable!("the word was just remembered"))
}

fn compute(folded: &str, term: &str) -> Stems {
    let plain = folded.len() <= STEMMED_BYTES_MAX && folded.bytes().all(|o| o.is_ascii_lowercase());
    if !plain {
        return Stems { german: term.into(), english: None };
    }
    let german = Stemmer::new(Algorithm::German).stem(term).into_owned();
    let mut english = String::new();
    super::conflate(&Stemmer::new(Algorithm::English).stem(folded), &mut english);
    let differs = english != german;
    Stems { german: german.into(), english: differs.then(|| english.into()) }
}
