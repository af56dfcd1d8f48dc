use std::fmt::{self, Display, Formatter};

use super::names::{field_name, kind_name};
use super::{Expr, Node, Phrase, Query, Word};

/// Writes the query in its canonical form; parsing that gives the same tree.
impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::After(date) => write!(f, "after:{date}"),
            Node::All => f.write_str("*"),
            Node::And(parts) => {
                list(f, parts, " ", |node| matches!(node, Node::And(_) | Node::Or(_)))
            }
            Node::Before(date) => write!(f, "before:{date}"),
            Node::HasAttachment => f.write_str("has:attachment"),
            Node::Id(id) => write!(f, "id:\"{id}\""),
            Node::Kind(kind) => write!(f, "kind:{}", kind_name(*kind)),
            Node::Larger(bytes) => write!(f, "larger:{}", Size(*bytes)),
            Node::Near { left, right, distance } => write!(f, "{left} NEAR/{distance} {right}"),
            Node::Not(inner) => match inner.node {
                Node::And(_) | Node::Near { .. } | Node::Or(_) => write!(f, "NOT ({inner})"),
                _ => write!(f, "NOT {inner}"),
            },
            Node::On(date) => write!(f, "on:{date}"),
            Node::Or(parts) => list(f, parts, " OR ", |node| matches!(node, Node::Or(_))),
            Node::Phrase(phrase) => phrase.fmt(f),
            Node::Smaller(bytes) => write!(f, "smaller:{}", Size(*bytes)),
            Node::Source(source) => write!(f, "source:\"{source}\""),
            Node::Word(word) => word.fmt(f),
        }
    }
}

fn list(
    f: &mut Formatter<'_>,
    parts: &[Expr],
    between: &str,
    bracketed: fn(&Node) -> bool,
) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        match bracketed(&part.node) {
            true => write!(f, "({part})")?,
            false => part.fmt(f)?,
        }
    }
    Ok(())
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = field_name(self.field) {
            write!(f, "{name}:")?;
        }
        f.write_str(&self.text)?;
        if self.prefix { f.write_str("*") } else { Ok(()) }
    }
}

impl Display for Phrase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = field_name(self.field) {
            write!(f, "{name}:")?;
        }
        write!(f, "\"{}{}\"", self.text, if self.prefix { "*" } else { "" })?;
        match self.distance {
            Some(distance) => write!(f, "~{distance}"),
            None => Ok(()),
        }
    }
}

/// A size in the largest unit that divides it.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(30, 'G'), (20, 'M'), (10, 'K')] {
            if self.0 > 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        self.0.fmt(f)
    }
}
