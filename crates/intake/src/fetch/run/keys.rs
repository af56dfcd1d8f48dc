use std::collections::HashSet;

use catalog::MailKey;

use crate::fetch::imap::UidSet;

/// Mails of a folder, oldest first. Numbers take memory by their gaps, not by their count: a server
/// that names five million mails fills none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    Uidls(Vec<String>),
    Uids(UidSet),
}

/// Looks mails up in a [`Keys`].
pub(super) enum Finder<'a> {
    Uidls(HashSet<&'a str>),
    Uids(&'a UidSet),
}

impl Keys {
    pub fn len(&self) -> u64 {
        match self {
            Self::Uidls(all) => all.len() as u64,
            Self::Uids(all) => all.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Uidls(all) => all.is_empty(),
            Self::Uids(all) => all.is_empty(),
        }
    }

    pub fn iter(&self) -> Box<dyn Iterator<Item = MailKey> + '_> {
        match self {
            Self::Uidls(all) => Box::new(all.iter().cloned().map(MailKey::Uidl)),
            Self::Uids(all) => Box::new(all.iter().map(MailKey::Uid)),
        }
    }

    pub(super) fn newest_first(&self) -> Box<dyn Iterator<Item = MailKey> + '_> {
        match self {
            Self::Uidls(all) => Box::new(all.iter().rev().cloned().map(MailKey::Uidl)),
            Self::Uids(all) => Box::new(all.iter().rev().map(MailKey::Uid)),
        }
    }

    /// In pieces of at most `most`, oldest first.
    pub(super) fn pieces(&self, most: usize) -> impl Iterator<Item = Vec<MailKey>> + '_ {
        let mut rest = self.iter();
        std::iter::from_fn(move || next_piece(&mut *rest, most))
    }

    pub(super) fn finder(&self) -> Finder<'_> {
        match self {
            Self::Uidls(all) => Finder::Uidls(all.iter().map(String::as_str).collect()),
            Self::Uids(all) => Finder::Uids(all),
        }
    }

    /// Those for which `keep` says so.
    pub(super) fn filter(&self, keep: impl Fn(&MailKey) -> bool) -> Self {
        match self {
            Self::Uidls(all) => {
                let kept = all.iter().filter(|uidl| keep(&MailKey::Uidl((*uidl).clone())));
                Self::Uidls(kept.cloned().collect())
            }
            Self::Uids(all) => Self::Uids(all.filter(|uid| keep(&MailKey::Uid(uid)))),
        }
    }
}

impl Finder<'_> {
    pub(super) fn contains(&self, key: &MailKey) -> bool {
        match (self, key) {
            (Self::Uidls(all), MailKey::Uidl(uidl)) => all.contains(uidl.as_str()),
            (Self::Uids(all), MailKey::Uid(uid)) => all.contains(*uid),
            _ => false,
        }
    }
}

/// The next `most` of them; `None` when there is none.
pub(super) fn next_piece(
    rest: &mut dyn Iterator<Item = MailKey>,
    most: usize,
) -> Option<Vec<MailKey>> {
    let piece: Vec<MailKey> = rest.take(most).collect();
    (!piece.is_empty()).then_some(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_million_numbers_are_kept_by_their_gaps() {
        let all = Keys::Uids(UidSet::from(1..=5_000_000));
        let some = all.filter(|key| *key != MailKey::Uid(7));
        assert_eq!(some.len(), 4_999_999);
        let Keys::Uids(uids) = &some else { panic!("numbers") };
        assert_eq!(uids.to_string(), "1:6,8:5000000");
        let finder = some.finder();
        assert!(finder.contains(&MailKey::Uid(8)) && !finder.contains(&MailKey::Uid(7)));
        let last: Vec<MailKey> = some.newest_first().take(1).collect();
        assert_eq!(last, [MailKey::Uid(5_000_000)]);
        let pieces: Vec<usize> =
            Keys::Uids(UidSet::from(1..=5)).pieces(2).map(|it| it.len()).collect();
        assert_eq!(pieces, [2, 2, 1]);
    }
}
