use super::lexer::{Lexeme, LexemeKind, lex};
use super::names::{ATTACHMENT_NAMES, Connective, Operator, connective, kind_from_name, size};
use super::{
    DEPTH_MAX, DISTANCE_MAX, DateSpec, ErrorCode, Expr, Field, LENGTH_MAX, Node, Note, NoteCode,
    PREFIX_CHARS_MIN, Phrase, Query, QueryError, Span, TERMS_MAX, Word,
};
use crate::analyzer::{Asked, Kind, asked};

/// What `NEAR` without a number means.
pub(super) const NEAR_DEFAULT: u32 = 10;

/// Reads a query. An empty one finds everything.
///
/// OR binds least, then AND, which may be left out, then NOT. Limits: [`LENGTH_MAX`],
/// [`TERMS_MAX`], [`DEPTH_MAX`]; beyond them it is an error, never cut.
pub fn parse(input: &str) -> Result<Query, QueryError> {
    let whole = Span { start: 0, end: input.len() };
    if input.chars().count() > LENGTH_MAX {
        return Err(QueryError { code: ErrorCode::TooLong, span: whole });
    }
    let mut parser =
        Parser { lexemes: lex(input)?, at: 0, end: input.len(), depth: 0, terms: 0, notes: vec![] };
    let root = if parser.lexemes.is_empty() { None } else { parser.any_of(Field::Any)? };
    if let Some(left) = parser.peek() {
        // Only a closing parenthesis ends a group that was never opened.
        return Err(QueryError { code: ErrorCode::UnexpectedParenthesis, span: left.span });
    }
    let root = root.unwrap_or(Expr { node: Node::All, span: whole });
    Ok(Query { root, notes: parser.notes })
}

struct Parser<'q> {
    lexemes: Vec<Lexeme<'q>>,
    at: usize,
    end: usize,
    depth: usize,
    terms: usize,
    notes: Vec<Note>,
}

/// `None`: understood, but nothing to search for (signs only).
type Parsed = Result<Option<Expr>, QueryError>;

impl<'q> Parser<'q> {
    fn peek(&self) -> Option<Lexeme<'q>> {
        self.lexemes.get(self.at).cloned()
    }

    fn connective(&self) -> Option<Connective> {
        match self.peek()?.kind {
            LexemeKind::Word(word) => connective(word),
            _ => None,
        }
    }

    fn fail<T>(&self, code: ErrorCode, span: Span) -> Result<T, QueryError> {
        Err(QueryError { code, span })
    }

    /// Where something is missing: the next piece, or the end.
    fn here(&self) -> Span {
        self.peek().map_or(Span { start: self.end, end: self.end }, |lexeme| lexeme.span)
    }

    fn any_of(&mut self, field: Field) -> Parsed {
        let mut parts = Vec::new();
        loop {
            parts.extend(self.all_of(field)?);
            match self.connective() {
                Some(Connective::Or) => self.at += 1,
                _ => return Ok(join(parts, Node::Or)),
            }
        }
    }

    fn all_of(&mut self, field: Field) -> Parsed {
        let mut parts = Vec::new();
        loop {
            parts.extend(self.unary(field)?);
            match (self.connective(), self.peek().map(|lexeme| lexeme.kind)) {
                (Some(Connective::And), _) => self.at += 1,
                (Some(Connective::Or), _) | (_, None | Some(LexemeKind::Close)) => {
                    return Ok(join(parts, Node::And));
                }
                _ => {}
            }
        }
    }

    fn unary(&mut self, field: Field) -> Parsed {
        let Some(lexeme) = self.peek() else {
            return self.fail(ErrorCode::MissingOperand, self.here());
        };
        if let Some(Connective::Not) = self.connective() {
            self.at += 1;
            return self.negated(lexeme.span.start, field);
        }
        if let LexemeKind::Word(word) = lexeme.kind
            && let Some(rest) = word.strip_prefix('-')
        {
            // `-word`, `-"some words"` and `-(…)`; a dash that stands alone is a sign.
            let follows = self.lexemes.get(self.at + 1).is_some_and(|next| next.joined);
            if rest.starts_with(|c: char| c != '-') {
                let span = Span { start: lexeme.span.start + 1, ..lexeme.span };
                self.lexemes[self.at] = Lexeme { kind: LexemeKind::Word(rest), span, joined: true };
                return self.negated(lexeme.span.start, field);
            }
            if rest.is_empty() && follows {
                self.at += 1;
                return self.negated(lexeme.span.start, field);
            }
        }
        self.near(field)
    }

    fn negated(&mut self, start: usize, field: Field) -> Parsed {
        self.deeper(start)?;
        let inner = self.unary(field)?;
        self.depth -= 1;
        Ok(inner.map(|inner| {
            let span = Span { start, end: inner.span.end };
            Expr { node: Node::Not(Box::new(inner)), span }
        }))
    }

    fn deeper(&mut self, start: usize) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail(ErrorCode::TooDeep, Span { start, end: self.end });
        }
        Ok(())
    }

    /// `a NEAR/5 b`; a chain means each with its neighbour.
    fn near(&mut self, field: Field) -> Parsed {
        let Some(mut left) = self.primary(field)? else { return Ok(None) };
        let mut pairs = Vec::new();
        while let Some(Connective::Near(distance)) = self.connective() {
            let span = self.here();
            let Some(distance) = distance.filter(|distance| *distance <= DISTANCE_MAX) else {
                return self.fail(ErrorCode::BadDistance, span);
            };
            self.at += 1;
            let after = self.here();
            let Some(right) = self.primary(field)? else {
                return self.fail(ErrorCode::MissingOperand, after);
            };
            match (near_field(&left.node), near_field(&right.node)) {
                (Some(a), Some(b)) if a == b => {}
                (None, _) => return self.fail(ErrorCode::NearOperand, left.span),
                _ => return self.fail(ErrorCode::NearOperand, right.span),
            }
            let span = Span { start: left.span.start, end: right.span.end };
            let node =
                Node::Near { left: Box::new(left), right: Box::new(right.clone()), distance };
            pairs.push(Expr { node, span });
            left = right;
        }
        Ok(if pairs.is_empty() { Some(left) } else { join(pairs, Node::And) })
    }

    fn primary(&mut self, field: Field) -> Parsed {
        let Some(lexeme) = self.peek() else {
            return self.fail(ErrorCode::MissingOperand, self.here());
        };
        match lexeme.kind {
            LexemeKind::Close => {
                // `()` and `(a OR)` lack something; `a)` has one too many.
                let code = match self.depth {
                    0 => ErrorCode::UnexpectedParenthesis,
                    _ => ErrorCode::MissingOperand,
                };
                self.fail(code, lexeme.span)
            }
            LexemeKind::Open => {
                self.at += 1;
                self.group(lexeme.span.start, field)
            }
            LexemeKind::Quoted(text) => {
                self.at += 1;
                self.phrase(field, text, lexeme.span).map(Some)
            }
            LexemeKind::Word(word) if connective(word).is_some() => {
                self.fail(ErrorCode::MissingOperand, lexeme.span)
            }
            LexemeKind::Word(word) => {
                self.at += 1;
                match word.split_once(':') {
                    Some((name, value)) => self.named(field, name, value, word, lexeme.span),
                    None => self.word(field, word, lexeme.span),
                }
            }
        }
    }

    fn group(&mut self, start: usize, field: Field) -> Parsed {
        self.deeper(start)?;
        let inner = self.any_of(field)?;
        self.depth -= 1;
        match self.peek() {
            Some(Lexeme { kind: LexemeKind::Close, span, .. }) => {
                self.at += 1;
                let span = Span { start, end: span.end };
                Ok(inner.map(|inner| Expr { span, ..inner }))
            }
            _ => self.fail(ErrorCode::UnclosedParenthesis, Span { start, end: start + 1 }),
        }
    }

    fn named(
        &mut self,
        field: Field,
        name: &str,
        value: &'q str,
        word: &'q str,
        span: Span,
    ) -> Parsed {
        let Some(operator) = Operator::from_name(name) else {
            let looks_like_one = name.len() > 1
                && name.chars().all(char::is_alphabetic)
                && !value.is_empty()
                && !value.starts_with('/');
            if looks_like_one {
                self.notes.push(Note { code: NoteCode::UnknownOperator, span });
            }
            return self.word(field, word, span);
        };
        let start = span.start;
        if !value.is_empty() {
            let at = Span { start: start + name.len() + 1, end: span.end };
            return self.value(operator, Value::Word(value), at, start);
        }
        // The value may stand apart, as people write: `from: anna`.
        let Some(next) = self.peek() else {
            return self.fail(ErrorCode::EmptyValue, span);
        };
        self.at += 1;
        match (next.kind, operator) {
            (LexemeKind::Open, Operator::Field(field)) => self.group(next.span.start, field),
            (LexemeKind::Quoted(text), _) => {
                self.value(operator, Value::Quoted(text), next.span, start)
            }
            (LexemeKind::Word(text), _) if next.joined || connective(text).is_none() => {
                self.value(operator, Value::Word(text), next.span, start)
            }
            _ => self.fail(ErrorCode::EmptyValue, span),
        }
    }

    /// The value of an operator, which stands at `span`; the operator begins at `start`.
    fn value(&mut self, operator: Operator, value: Value<'_>, span: Span, start: usize) -> Parsed {
        let text = match value {
            Value::Quoted(text) | Value::Word(text) => text.trim(),
        };
        let whole = Span { start, end: span.end };
        if text.is_empty() {
            return self.fail(ErrorCode::EmptyValue, whole);
        }
        let bad = |code| QueryError { code, span };
        let date = || DateSpec::parse(text).ok_or(bad(ErrorCode::BadDate));
        let size = || size(text).ok_or(bad(ErrorCode::BadSize));
        let node = match operator {
            Operator::After => Node::After(date()?),
            Operator::Before => Node::Before(date()?),
            Operator::Field(field) => {
                let expr = match value {
                    Value::Quoted(text) => Some(self.phrase(field, text, span)?),
                    Value::Word(text) => self.word(field, text, span)?,
                };
                let Some(expr) = expr else { return self.fail(ErrorCode::EmptyValue, whole) };
                let span = Span { start, end: expr.span.end };
                return Ok(Some(Expr { span, ..expr }));
            }
            Operator::Has => match ATTACHMENT_NAMES.contains(&text.to_lowercase().as_str()) {
                true => Node::HasAttachment,
                false => return Err(bad(ErrorCode::BadValue)),
            },
            Operator::Id => {
                let bare = |c: char| c.is_whitespace() || matches!(c, '<' | '>');
                Node::Id(text.trim_matches(bare).to_owned())
            }
            Operator::Kind => Node::Kind(kind_from_name(text).ok_or(bad(ErrorCode::BadKind))?),
            Operator::Larger => Node::Larger(size()?),
            Operator::On => Node::On(date()?),
            Operator::Smaller => Node::Smaller(size()?),
            Operator::Source => Node::Source(text.to_lowercase()),
        };
        if matches!(&node, Node::Id(text) if text.is_empty()) {
            return Err(bad(ErrorCode::EmptyValue));
        }
        self.count(1, span)?;
        Ok(Some(Expr { node, span: whole }))
    }

    fn word(&mut self, field: Field, word: &str, span: Span) -> Parsed {
        let text = word.trim_end_matches('*');
        let prefix = text.len() < word.len();
        if text.is_empty() && field == Field::Any {
            return Ok(Some(Expr { node: Node::All, span }));
        }
        if text.contains('*') {
            return self.fail(ErrorCode::WildcardInside, span);
        }
        let words = asked(text);
        if words.is_empty() {
            if field != Field::Any {
                return self.fail(ErrorCode::EmptyValue, span);
            }
            self.notes.push(Note { code: NoteCode::IgnoredSigns, span });
            return Ok(None);
        }
        if prefix {
            self.check_prefix(text, &words, span)?;
        }
        self.count(words.len(), span)?;
        let node = Node::Word(Word { field, text: text.to_owned(), prefix });
        Ok(Some(Expr { node, span }))
    }

    /// What follows quotation marks: `*` makes the last word a beginning, `~5` gives a distance.
    fn phrase(&mut self, field: Field, text: &str, span: Span) -> Result<Expr, QueryError> {
        let mut span = span;
        let mut text = text.trim();
        let bare = text.trim_end_matches('*');
        let mut prefix = bare.len() < text.len();
        text = bare.trim_end();
        let mut distance = None;
        if let Some(Lexeme { kind: LexemeKind::Word(tail), span: tail_span, joined: true }) =
            self.peek()
        {
            if tail == "*" {
                prefix = true;
                self.at += 1;
                span.end = tail_span.end;
            } else if let Some(number) = tail.strip_prefix('~') {
                match number.parse().ok().filter(|number| *number <= DISTANCE_MAX) {
                    Some(number) => distance = Some(number),
                    None => return self.fail(ErrorCode::BadDistance, tail_span),
                }
                self.at += 1;
                span.end = tail_span.end;
            }
        }
        if text.contains('*') {
            return self.fail(ErrorCode::WildcardInside, span);
        }
        let words = asked(text);
        if words.is_empty() {
            return self.fail(ErrorCode::EmptyValue, span);
        }
        if prefix {
            if distance.is_some() {
                return self.fail(ErrorCode::WildcardInside, span);
            }
            self.check_prefix(text, &words, span)?;
        }
        self.count(words.len(), span)?;
        let text = text.to_owned();
        Ok(Expr { node: Node::Phrase(Phrase { field, text, prefix, distance }), span })
    }

    fn check_prefix(&self, text: &str, words: &[Asked], span: Span) -> Result<(), QueryError> {
        let long = words.last().is_some_and(|word| {
            word.kind != Kind::Word || word.text.chars().count() >= PREFIX_CHARS_MIN
        });
        if long || crate::analyzer::address_prefix(text).is_some() {
            return Ok(());
        }
        self.fail(ErrorCode::PrefixTooShort, span)
    }

    fn count(&mut self, terms: usize, span: Span) -> Result<(), QueryError> {
        self.terms += terms;
        if self.terms > TERMS_MAX {
            return self.fail(ErrorCode::TooManyTerms, span);
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Value<'q> {
    Quoted(&'q str),
    Word(&'q str),
}

/// One part stands for itself.
fn join(mut parts: Vec<Expr>, node: fn(Vec<Expr>) -> Node) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let span = Span { start: parts[0].span.start, end: parts[parts.len() - 1].span.end };
    Some(Expr { node: node(parts), span })
}

/// The field in which a word or phrase can be near another.
fn near_field(node: &Node) -> Option<Field> {
    match node {
        Node::Phrase(Phrase { field, prefix: false, distance: None, .. })
        | Node::Word(Word { field, prefix: false, .. }) => Some(*field),
        _ => None,
    }
}
