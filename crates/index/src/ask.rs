//! What a word or phrase of a query asks of the words of a text; one answer for engine and
//! highlighter.

use crate::analyzer::{Asked, Kind, Stems, address_prefix, asked, stems, whole_address};
use crate::query::{Phrase, Word};

/// Words between the words of a quoted name: `from:"Müller, Dieter"` also finds Dieter Müller.
const NAME_DISTANCE: u32 = 8;

/// A term and its place after the first word.
pub(crate) type Placed = (u32, String);

/// One demand on the words of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Two runs of words with at most so many words between them, in either order.
    Near(Vec<Placed>, Vec<Placed>, u32),
    /// A word that begins like this.
    Prefix(String),
    /// These words, one after the other.
    Sequence(Vec<Placed>),
    /// The same, of the last word only the beginning.
    SequencePrefix(Vec<Placed>),
    /// A word with one of these stems; beside it the word itself, for fields without stems.
    Stem(Stems, String),
    /// This very term.
    Term(String),
    /// All of these words, in any order, with at most so many other words among them.
    Window(Vec<String>, u32),
}

pub(crate) fn ask_word(word: &Word) -> Ask {
    if let Some(address) = address(&word.text, word.prefix) {
        return address;
    }
    let words = asked(&word.text);
    if word.prefix {
        return prefix(words);
    }
    match &words[..] {
        [one] if one.kind == Kind::Single => Ask::Prefix(one.text.clone()),
        [one] => Ask::Stem(stems(&one.folded, &one.text, Stems::clone), one.text.clone()),
        _ => Ask::Sequence(placed(words)),
    }
}

pub(crate) fn ask_phrase(phrase: &Phrase) -> Ask {
    if let Some(address) = address(&phrase.text, phrase.prefix) {
        return address;
    }
    let words = asked(&phrase.text);
    if phrase.prefix {
        return prefix(words);
    }
    match (&words[..], phrase.distance) {
        ([one], _) if one.kind == Kind::Single => Ask::Prefix(one.text.clone()),
        ([one], _) => Ask::Term(one.text.clone()),
        (_, Some(distance)) => Ask::Window(texts(words), distance),
        (_, None) if phrase.field.is_people() => Ask::Window(texts(words), NAME_DISTANCE),
        _ => Ask::Sequence(placed(words)),
    }
}

/// The words of one side of NEAR.
pub(crate) fn near_side(text: &str) -> Vec<Placed> {
    placed(asked(text))
}

fn address(text: &str, is_prefix: bool) -> Option<Ask> {
    if is_prefix {
        return address_prefix(text).map(Ask::Prefix);
    }
    let domain = || address_prefix(text).filter(|text| text.starts_with('@'));
    whole_address(text).or_else(domain).map(Ask::Term)
}

fn prefix(mut words: Vec<Asked>) -> Ask {
    match words.len() {
        1 => Ask::Prefix(words.remove(0).text),
        _ => Ask::SequencePrefix(placed(words)),
    }
}

fn placed(words: Vec<Asked>) -> Vec<Placed> {
    let first = words.first().map_or(0, |word| word.position);
    words.into_iter().map(|word| (word.position - first, word.text)).collect()
}

fn texts(words: Vec<Asked>) -> Vec<String> {
    words.into_iter().map(|word| word.text).collect()
}

/// Whether some choice of one position per term, a different one for each, leaves at most
/// `distance` other words among them. `positions` are those of each term, ascending; equal terms
/// have equal lists.
pub(crate) fn in_window(terms: &[String], positions: &[Vec<u32>], distance: u32) -> bool {
    let mut needs: Vec<(usize, usize)> = Vec::new();
    for (i, term) in terms.iter().enumerate() {
        match needs.iter_mut().find(|(first, _)| terms[*first] == *term) {
            Some((_, count)) => *count += 1,
            None => needs.push((i, 1)),
        }
    }
    let mut all: Vec<(u32, usize)> = Vec::new();
    for (need, (first, _)) in needs.iter().enumerate() {
        all.extend(positions[*first].iter().map(|position| (*position, need)));
    }
    all.sort_unstable();
    let mut have = vec![0; needs.len()];
    let mut met = 0;
    let mut left = 0;
    for &(position, need) in &all {
        have[need] += 1;
        met += usize::from(have[need] == needs[need].1);
        while met == needs.len() {
            let (first, leaving) = all[left];
            if (position - first + 1).saturating_sub(terms.len() as u32) <= distance {
                return true;
            }
            met -= usize::from(have[leaving] == needs[leaving].1);
            have[leaving] -= 1;
            left += 1;
        }
    }
    false
}

/// Whether an occurrence of one run and a different one of the other have at most `distance`
/// words between them. The lists give where each occurrence begins, ascending.
pub(crate) fn are_near(left: (&[u32], u32), right: (&[u32], u32), distance: u32) -> bool {
    let ((starts, length), (others, other_length)) = (left, right);
    let same = starts == others && length == other_length;
    let gap = |first: u32, first_length: u32, second: u32| {
        i64::from(second) - i64::from(first) - i64::from(first_length)
    };
    starts.iter().any(|&start| {
        let upto = others.partition_point(|other| *other < start);
        let from = others.partition_point(|other| *other < start + u32::from(same));
        let before = upto.checked_sub(1).map(|i| gap(others[i], other_length, start));
        let after = others.get(from).map(|other| gap(start, length, *other));
        before.into_iter().chain(after).any(|gap| gap <= i64::from(distance))
    })
}

/// Where the run occurs: starts such that every word stands at its place.
pub(crate) fn occurrences(run: &[Placed], positions: &[Vec<u32>]) -> Vec<u32> {
    let Some((first, rest)) = positions.split_first() else { return Vec::new() };
    let stands = |start: u32| {
        rest.iter()
            .zip(&run[1..])
            .all(|(list, (offset, _))| list.binary_search(&(start + offset)).is_ok())
    };
    first.iter().copied().filter(|start| stands(*start)).collect()
}

/// Words from the first to the last of a run.
pub(crate) fn run_length(run: &[Placed]) -> u32 {
    run.last().map_or(0, |(offset, _)| offset + 1)
}
