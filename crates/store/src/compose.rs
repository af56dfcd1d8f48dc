//! From octets to a bundle and its parts.

use std::collections::HashSet;
use std::ops::Range;

use model::ContentId;

use crate::base64_body::{self, Decoded};
use crate::bundle::{Piece, PieceSource, SectionKind, Writer};
use crate::entry::{EntryKind, NewEntry};

/// A base64 body that is shorter stays in the skeleton.
pub(crate) const PART_BYTES_MIN: usize = 1024;

/// Octets to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Octets<'a> {
    pub octets: &'a [u8],
    /// The SHA-256 of `octets`; not checked here, but whenever they are put together again.
    pub content: ContentId,
    /// Ranges of base64 bodies within `octets`. Hints: in any order, overlapping or wrong ones do
    /// no harm.
    pub encoded_parts: &'a [Range<usize>],
}

/// Which of the other octets a report contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddedIn {
    Decrypted,
    Mail,
}

/// Says that `range` of a report is the mail (or the decrypted copy). A wrong claim does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedded {
    pub what: EmbeddedIn,
    pub range: Range<usize>,
}

/// A decoded attachment that the bundle refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPart {
    pub content: ContentId,
    pub octets: Vec<u8>,
}

impl NewPart {
    pub fn entry(&self) -> NewEntry<'_> {
        NewEntry { kind: EntryKind::Part, content: self.content, octets: &self.octets }
    }
}

/// A bundle, and the parts that must be in the vault before anybody reads it.
#[derive(Clone, Debug)]
pub struct Composed {
    pub kind: EntryKind,
    /// Of the mail.
    pub content: ContentId,
    pub bundle: Vec<u8>,
    /// In the order of appearance; equal parts once.
    pub parts: Vec<NewPart>,
}

impl Composed {
    pub fn entry(&self) -> NewEntry<'_> {
        NewEntry { kind: self.kind, content: self.content, octets: &self.bundle }
    }
}

/// Composes the record of a mail: its octets, the decrypted copy and the journal report that
/// brought it. Pure CPU work, linear in the octets.
pub fn compose_record(
    facts: &[u8],
    mail: Octets<'_>,
    decrypted: Option<Octets<'_>>,
    report: Option<(Octets<'_>, &[Embedded])>,
) -> Composed {
    let mut composer = Composer::default();
    composer.add(SectionKind::Mail, mail, &[]);
    if let Some(decrypted) = decrypted {
        composer.add(SectionKind::Decrypted, decrypted, &[]);
    }
    if let Some((report, embedded)) = report {
        composer.add(SectionKind::Report, report, embedded);
    }
    composer.finish(EntryKind::Record, mail.content, facts)
}

/// Composes a further report about a `mail` that has a record: the mail is referred to, not
/// stored again.
pub fn compose_report(
    facts: &[u8],
    mail: Octets<'_>,
    decrypted: Option<Octets<'_>>,
    report: (Octets<'_>, &[Embedded]),
) -> Composed {
    let mut composer = Composer { record_mail: Some(mail), ..Composer::default() };
    if let Some(decrypted) = decrypted {
        composer.add(SectionKind::Decrypted, decrypted, &[]);
    }
    composer.add(SectionKind::Report, report.0, report.1);
    composer.finish(EntryKind::Report, mail.content, facts)
}

/// Composes a further delivery of a `mail` that has a record, without a journal report: the facts
/// alone.
pub fn compose_delivery(facts: &[u8], mail: ContentId) -> Composed {
    Composer::default().finish(EntryKind::Report, mail, facts)
}

/// Composes a submission that waits for a decision; it is found as the section `Mail`.
pub fn compose_quarantine(facts: &[u8], submission: Octets<'_>) -> Composed {
    let mut composer = Composer::default();
    composer.add(SectionKind::Mail, submission, &[]);
    composer.finish(EntryKind::Quarantine, submission.content, facts)
}

#[derive(Default)]
struct Composer<'a> {
    /// The mail that is not a section, but has a record of its own.
    record_mail: Option<Octets<'a>>,
    sections: Vec<(SectionKind, Octets<'a>, Vec<Piece<'a>>)>,
    parts: Vec<NewPart>,
    seen: HashSet<ContentId>,
}

impl<'a> Composer<'a> {
    fn add(&mut self, kind: SectionKind, octets: Octets<'a>, embedded: &[Embedded]) {
        let mut pieces = Vec::new();
        let mut at = 0;
        for (range, piece) in self.replacements(octets, embedded) {
            if range.start > at {
                pieces.push(Piece::Literal(&octets.octets[at..range.start]));
            }
            at = range.end;
            pieces.push(piece);
        }
        if at < octets.octets.len() {
            pieces.push(Piece::Literal(&octets.octets[at..]));
        }
        self.sections.push((kind, octets, pieces));
    }

    /// What is not stored literally, in order and without overlap.
    fn replacements(
        &mut self,
        octets: Octets<'a>,
        embedded: &[Embedded],
    ) -> Vec<(Range<usize>, Piece<'a>)> {
        let mut found: Vec<(Range<usize>, Piece<'a>)> = Vec::new();
        for Embedded { what, range } in embedded {
            let Some((source, known)) = self.known(*what) else { continue };
            if octets.octets.get(range.clone()) == Some(known) && !known.is_empty() {
                let length = known.len() as u64;
                found.push((range.clone(), Piece::Octets { source, start: 0, length }));
            }
        }
        without_overlap(&mut found);
        let mut hints = octets.encoded_parts.to_vec();
        hints.sort_by_key(|range| (range.start, range.end));
        let mut encoded = Vec::new();
        let mut at = 0;
        for hint in hints {
            // Each octet is decoded at most once, whatever the hints are.
            let apart =
                found.iter().all(|(range, _)| range.end <= hint.start || hint.end <= range.start);
            let Some(body) = octets.octets.get(hint.clone()) else { continue };
            if hint.start < at || body.len() < PART_BYTES_MIN || !apart {
                continue;
            }
            at = hint.end;
            if let Some(Decoded { range, layout, octets }) = base64_body::decode(body) {
                let source = self.source_of(octets);
                let range = hint.start + range.start..hint.start + range.end;
                encoded.push((range, Piece::Base64 { source, layout }));
            }
        }
        found.append(&mut encoded);
        found.sort_by_key(|(range, _)| range.start);
        found
    }

    fn known(&self, what: EmbeddedIn) -> Option<(PieceSource, &'a [u8])> {
        let kind = match what {
            EmbeddedIn::Decrypted => SectionKind::Decrypted,
            EmbeddedIn::Mail => SectionKind::Mail,
        };
        if let Some(index) = self.sections.iter().position(|(known, ..)| *known == kind) {
            return Some((PieceSource::Section(index), self.sections[index].1.octets));
        }
        let mail = self.record_mail.filter(|_| kind == SectionKind::Mail)?;
        Some((PieceSource::RecordMail(mail.content), mail.octets))
    }

    /// Where decoded octets are to be found: a section, if it is a whole mail, else a part.
    fn source_of(&mut self, octets: Vec<u8>) -> PieceSource {
        for what in [EmbeddedIn::Mail, EmbeddedIn::Decrypted] {
            if let Some((source, known)) = self.known(what)
                && known == octets
            {
                return source;
            }
        }
        let (content, length) = (ContentId::of(&octets), octets.len() as u64);
        if self.seen.insert(content) {
            self.parts.push(NewPart { content, octets });
        }
        PieceSource::Part { content, length }
    }

    fn finish(self, kind: EntryKind, content: ContentId, facts: &[u8]) -> Composed {
        let literal: usize =
            self.sections.iter().flat_map(|(.., pieces)| pieces).map(literal_bytes).sum();
        let capacity = facts.len() + literal + 128 * self.sections.len() + 64;
        let mut writer = Writer::new(self.sections.len(), facts, capacity);
        for (kind, octets, pieces) in &self.sections {
            writer.section(*kind, (octets.content, octets.octets.len()), pieces);
        }
        Composed { kind, content, bundle: writer.0, parts: self.parts }
    }
}

fn literal_bytes(piece: &Piece<'_>) -> usize {
    match piece {
        Piece::Literal(octets) => octets.len() + 8,
        Piece::Base64 { .. } | Piece::Octets { .. } => 64,
    }
}

fn without_overlap(found: &mut Vec<(Range<usize>, Piece<'_>)>) {
    found.sort_by_key(|(range, _)| range.start);
    let mut at = 0;
    found.retain(|(range, _)| {
        let apart = range.start >= at;
        if apart {
            at = range.end;
        }
        apart
    });
}
