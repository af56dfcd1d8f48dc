use super::lexer::is_quote;
use super::names::{KINDS, Operator};
use super::{Span, names};

/// Completions offered at most.
pub const COMPLETIONS_MAX: usize = 20;

/// One thing that may be written where the caret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What of the input it replaces, in bytes.
    pub replace: Span,
    pub insert: String,
    pub kind: CompletionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// AND, OR, NOT, NEAR.
    Connective,
    /// `from:` and its kin; the UI's text for it has the key `query.operator.<name>`.
    Operator,
    /// What may stand behind an operator.
    Value,
}

/// The beginning of an address or name that stands at the caret: the catalog knows how it may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPrefix {
    /// What of the input a chosen address replaces, in bytes.
    pub replace: Span,
    pub text: String,
}

/// What may stand at the caret (a byte position; one inside a character counts as before it):
/// operators, their values, connectives.
pub fn suggest(input: &str, caret: usize) -> Vec<Completion> {
    let Some(word) = word_at(input, caret) else { return Vec::new() };
    let mut completions = match word.operator {
        Some((operator, value, at)) => values(operator)
            .filter(|name| name.starts_with(&value.to_lowercase()) && *name != value)
            .map(|name| Completion {
                replace: Span { start: at, end: word.span.end },
                insert: name.to_owned(),
                kind: CompletionKind::Value,
            })
            .collect(),
        None => openings(&word),
    };
    completions.truncate(COMPLETIONS_MAX);
    completions
}

/// The beginning of an address at the caret, behind `from:` and its kin.
pub fn address_at(input: &str, caret: usize) -> Option<AddressPrefix> {
    let word = word_at(input, caret)?;
    let (operator, value, at) = word.operator?;
    let people = matches!(operator, Operator::Field(field) if field.is_people());
    let replace = Span { start: at, end: word.span.end };
    (people && !value.is_empty()).then(|| AddressPrefix { replace, text: value.to_owned() })
}

struct WordAt<'q> {
    /// Without a leading dash.
    span: Span,
    text: &'q str,
    /// The operator before the colon, the text behind it up to the caret, and where that begins.
    operator: Option<(Operator, &'q str, usize)>,
}

/// The word that ends at the caret; `None` inside quotation marks.
fn word_at(input: &str, caret: usize) -> Option<WordAt<'_>> {
    let mut caret = caret.min(input.len());
    while !input.is_char_boundary(caret) {
        caret -= 1;
    }
    let before = &input[..caret];
    if before.chars().filter(|c| is_quote(*c)).count() % 2 == 1 {
        return None;
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c);
    let mut start = before
        .rfind(ends)
        .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
    start += usize::from(before[start..].starts_with('-'));
    let text = &before[start..];
    let operator = text.split_once(':').and_then(|(name, value)| {
        Some((Operator::from_name(name)?, value, start + name.len() + 1))
    });
    Some(WordAt { span: Span { start, end: caret }, text, operator })
}

fn openings(word: &WordAt<'_>) -> Vec<Completion> {
    let typed = word.text.to_lowercase();
    let operators = Operator::all().filter_map(|(operator, names)| {
        let fits = names.iter().any(|name| name.starts_with(&typed));
        fits.then(|| (format!("{}:", operator.name()), CompletionKind::Operator))
    });
    let connectives = ["AND ", "OR ", "NOT ", "NEAR/5 "]
        .into_iter()
        .filter(|name| !word.text.is_empty() && name.starts_with(word.text))
        .map(|name| (name.to_owned(), CompletionKind::Connective));
    let complete = |(insert, kind)| Completion { replace: word.span, insert, kind };
    connectives.chain(operators).map(complete).collect()
}

fn values(operator: Operator) -> Box<dyn Iterator<Item = &'static str>> {
    match operator {
        Operator::After | Operator::Before | Operator::On => {
            Box::new(["today", "yesterday", "7d", "30d", "6m", "1y"].into_iter())
        }
        Operator::Has => Box::new(names::ATTACHMENT_NAMES.into_iter().take(1)),
        Operator::Kind => Box::new(KINDS.into_iter().map(|(_, names)| names[0])),
        Operator::Larger => Box::new(["1M", "5M", "10M", "25M"].into_iter()),
        Operator::Smaller => Box::new(["10K", "100K", "1M"].into_iter()),
        Operator::Source => Box::new(["smtp", "import"].into_iter()),
        Operator::Field(_) | Operator::Id => Box::new(std::iter::empty()),
    }
}
