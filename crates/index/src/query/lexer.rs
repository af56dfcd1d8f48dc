use super::{ErrorCode, QueryError, Span};

/// One piece of a query's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lexeme<'q> {
    pub kind: LexemeKind<'q>,
    pub span: Span,
    /// No white space between the piece before and this one.
    pub joined: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexemeKind<'q> {
    Close,
    Open,
    /// What stands between quotation marks.
    Quoted(&'q str),
    /// Anything else up to white space, a parenthesis or a quotation mark.
    Word(&'q str),
}

pub(super) const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '„' | '“' | '”' | '«' | '»')
}

/// Splits a query. Fails only on a quotation mark that is not closed.
pub(super) fn lex(input: &str) -> Result<Vec<Lexeme<'_>>, QueryError> {
    let mut lexemes = Vec::new();
    let mut at = 0;
    let mut joined = false;
    while let Some(c) = input[at..].chars().next() {
        let start = at;
        at += c.len_utf8();
        let kind = match c {
            _ if c.is_whitespace() => {
                joined = false;
                continue;
            }
            '(' => LexemeKind::Open,
            ')' => LexemeKind::Close,
            _ if is_quote(c) => {
                let Some(length) = input[at..].find(is_quote) else {
                    let span = Span { start, end: input.len() };
                    return Err(QueryError { code: ErrorCode::UnclosedQuote, span });
                };
                let text = &input[at..at + length];
                at += length;
                at += input[at..].chars().next().map_or(0, char::len_utf8);
                LexemeKind::Quoted(text)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c);
                at += input[at..].find(ends).unwrap_or(input.len() - at);
                LexemeKind::Word(&input[start..at])
            }
        };
        lexemes.push(Lexeme { kind, span: Span { start, end: at }, joined });
        joined = true;
    }
    Ok(lexemes)
}
