use std::cell::RefCell;
use std::collections::HashMap;

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

thread_local! {
    static REMEMBERED: RefCell<HashMap<Box<str>, Stems>> = RefCell::default();
}

/// Gives the German and the English stem of a word to `then`. `folded` is what the word was before
/// e was dropped after a, o, u: the English stemmer needs it to see that `issues` is a plural.
pub(crate) fn stems<T>(folded: &str, term: &str, then: impl FnOnce(&Stems) -> T) -> T {
    REMEMBERED.with_borrow_mut(|remembered| {
        if let Some(known) = remembered.get(folded) {
            return then(known);
        }
        let fresh = compute(folded, term);
        let result = then(&fresh);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(folded.into(), fresh);
        result
    })
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
