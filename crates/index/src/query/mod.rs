//! The query language: words, "phrases", `from:` and its kin, AND OR NOT, parentheses, `rech*`,
//! `"a b"~5`, `a NEAR/5 b`.

mod complete;
mod date;
mod lexer;
mod names;
mod parser;
mod print;

use model::MailKind;

pub use complete::{
    AddressPrefix, COMPLETIONS_MAX, Completion, CompletionKind, address_at, suggest,
};
pub use date::{Calendar, DateSpec, Unit};
pub(crate) use names::kind_name;
pub use parser::parse;

#[cfg(test)]
mod tests;

/// Characters (Unicode scalar values) of one query.
pub const LENGTH_MAX: usize = 4096;
/// Words of one query, counted as the index splits them.
pub const TERMS_MAX: usize = 256;
/// Parentheses and NOTs inside each other.
pub const DEPTH_MAX: usize = 32;
/// Words between the words of a proximity search.
pub const DISTANCE_MAX: u32 = 200;
/// Letters before the star of a prefix, at least. Characters of scripts without spaces need none.
pub const PREFIX_CHARS_MIN: usize = 2;

/// A part of the query's text, in bytes of its UTF-8 form; `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The same part in UTF-16 code units, as browsers count.
    pub fn to_utf16(self, input: &str) -> Self {
        let units = |to: usize| {
            input.char_indices().take_while(|(at, _)| *at < to).map(|(_, c)| c.len_utf16()).sum()
        };
        Self { start: units(self.start), end: units(self.end) }
    }

    /// The byte position of a place given in UTF-16 code units.
    pub fn byte_of_utf16(input: &str, unit: usize) -> usize {
        let mut units = 0;
        for (at, c) in input.char_indices() {
            if units >= unit {
                return at;
            }
            units += c.len_utf16();
        }
        input.len()
    }
}

/// A query that was understood.
#[derive(Clone, Debug)]
pub struct Query {
    pub root: Expr,
    /// What was passed over or taken for something else than it may look like.
    pub notes: Vec<Note>,
}

impl Query {
    /// The query that finds everything.
    pub fn all() -> Self {
        Self { root: Expr { node: Node::All, span: Span::default() }, notes: Vec::new() }
    }

    /// Whether both ask the same, wherever it stood in their texts.
    pub fn same_as(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

/// A remark on a query that was understood; not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub code: NoteCode,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteCode {
    /// Signs without a letter or digit, which no mail can be found by.
    IgnoredSigns,
    /// Looks like an operator, but there is none of this name; searched as words.
    UnknownOperator,
}

impl NoteCode {
    /// The key of the text that the UI shows.
    pub const fn key(self) -> &'static str {
        match self {
            Self::IgnoredSigns => "query.ignored_signs",
            Self::UnknownOperator => "query.unknown_operator",
        }
    }
}

/// Where words are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Everywhere.
    Any,
    Attachment,
    Bcc,
    Body,
    Cc,
    From,
    Subject,
    To,
    /// Anybody who took part.
    With,
}

impl Field {
    pub(crate) const fn is_people(self) -> bool {
        matches!(self, Self::Bcc | Self::Cc | Self::From | Self::To | Self::With)
    }
}

/// A node of the tree and where it stands. Equality ignores the place.
#[derive(Clone, Debug)]
pub struct Expr {
    pub node: Node,
    pub span: Span,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Dates on or after the first moment of it.
    After(DateSpec),
    All,
    /// Two or more.
    And(Vec<Expr>),
    /// Dates before the first moment of it.
    Before(DateSpec),
    HasAttachment,
    /// A Message-ID without angle brackets, or a record's id.
    Id(String),
    Kind(MailKind),
    /// More bytes than this.
    Larger(u64),
    /// Both, with at most `distance` words between them, in either order.
    Near {
        left: Box<Expr>,
        right: Box<Expr>,
        distance: u32,
    },
    Not(Box<Expr>),
    On(DateSpec),
    /// Two or more.
    Or(Vec<Expr>),
    Phrase(Phrase),
    /// Fewer bytes than this.
    Smaller(u64),
    /// The kind or the id of a source.
    Source(String),
    Word(Word),
}

/// One unquoted word; finds its inflected forms, unless signs split it into several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub field: Field,
    pub text: String,
    /// `rech*`: whatever begins like this.
    pub prefix: bool,
}

/// Words in quotes: these forms, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub field: Field,
    pub text: String,
    /// The last word is only the beginning of one.
    pub prefix: bool,
    /// `~5`: in any order, with at most so many other words among them.
    pub distance: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    BadDate,
    BadDistance,
    BadKind,
    BadSize,
    BadValue,
    EmptyValue,
    MissingOperand,
    NearOperand,
    PrefixTooShort,
    TooDeep,
    TooLong,
    TooManyTerms,
    UnclosedParenthesis,
    UnclosedQuote,
    UnexpectedParenthesis,
    WildcardInside,
}

impl ErrorCode {
    /// The key of the text that the UI shows.
    pub const fn key(self) -> &'static str {
        match self {
            Self::BadDate => "query.bad_date",
            Self::BadDistance => "query.bad_distance",
            Self::BadKind => "query.bad_kind",
            Self::BadSize => "query.bad_size",
            Self::BadValue => "query.bad_value",
            Self::EmptyValue => "query.empty_value",
            Self::MissingOperand => "query.missing_operand",
            Self::NearOperand => "query.near_operand",
            Self::PrefixTooShort => "query.prefix_too_short",
            Self::TooDeep => "query.too_deep",
            Self::TooLong => "query.too_long",
            Self::TooManyTerms => "query.too_many_terms",
            Self::UnclosedParenthesis => "query.unclosed_parenthesis",
            Self::UnclosedQuote => "query.unclosed_quote",
            Self::UnexpectedParenthesis => "query.unexpected_parenthesis",
            Self::WildcardInside => "query.wildcard_inside",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::BadDate => "not a date: write 2024, 2024-03, 2024-03-01, 1.3.2024, today or 7d",
            Self::BadDistance => "not a distance: write a number from 0 to 200",
            Self::BadKind => "not a kind: write mail, calendar, report or encrypted",
            Self::BadSize => "not a size: write a number with K, M or G, such as 10M",
            Self::BadValue => "this operator does not know the value",
            Self::EmptyValue => "a value is missing here",
            Self::MissingOperand => "something to search for is missing here",
            Self::NearOperand => "NEAR stands between two words or phrases of the same field",
            Self::PrefixTooShort => "write at least two letters before the star",
            Self::TooDeep => "more than 32 parentheses or NOTs inside each other",
            Self::TooLong => "the query is longer than 4096 characters",
            Self::TooManyTerms => "the query has more than 256 words",
            Self::UnclosedParenthesis => "this parenthesis is not closed",
            Self::UnclosedQuote => "this quotation mark is not closed",
            Self::UnexpectedParenthesis => "this parenthesis closes nothing",
            Self::WildcardInside => "a star may only stand at the end of a word",
        }
    }
}

/// A query that was not understood, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} (at {} to {})", code.detail(), span.start, span.end)]
pub struct QueryError {
    pub code: ErrorCode,
    pub span: Span,
}

impl QueryError {
    /// One English sentence for programs and logs; people get the text of [`ErrorCode::key`].
    pub const fn detail(&self) -> &'static str {
        self.code.detail()
    }
}
