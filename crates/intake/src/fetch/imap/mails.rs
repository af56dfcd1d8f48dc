//! Mails of the open folder: which there are, what is known of them, their octets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use model::Timestamp;

use super::command::Command;
use super::date;
use super::fetched::{Bodies, Body, FetchItem};
use super::hint;
use super::reader::Read;
use super::response::{Status, Untagged};
use super::session::{FOLDER_MAILS, Session};
use super::set::UidSet;
use super::talk::{Listener, Talk};
use crate::fetch::{FetchError, Limit};

/// Octets of a set in one command; servers limit lines (RFC 7162 §4 recommends 8192).
const SET_OCTETS_MAX: usize = 4000;
/// Mails of one command that asks for facts.
const FACTS_AT_ONCE: u64 = 2000;
/// Flags and headers of all mails of one call.
pub const FACTS_OCTETS: Limit = Limit::new("imap-facts-octets", 32 * 1024 * 1024);
/// Mails of one command that asks for octets.
pub const MAILS_AT_ONCE: u64 = 200;
/// A mail that is read over because who takes mails does not want it.
pub const UNWANTED_OCTETS: Limit = Limit::new("imap-unwanted-mail-octets", 4 << 30);
/// Time zones differ by no more: whole days to either side.
const DAY_SECONDS: i64 = 86_400;

/// What a server says about a mail without its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailFacts {
    pub uid: u32,
    /// As the server says; some only estimate it. Absent when the server cannot tell.
    pub size_bytes: Option<u64>,
    /// When the mail came to the folder.
    pub internal_date: Option<Timestamp>,
    pub flags: Vec<String>,
}

/// What tells a mail without its octets, as the server says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailHead {
    pub uid: u32,
    pub size_bytes: Option<u64>,
    pub internal_date: Option<Timestamp>,
    /// The header block with nothing but `Message-ID` and `Date`, cut at
    /// [`super::HEADER_BYTES_MAX`].
    pub header: Vec<u8>,
}

/// Who takes mails while they are fetched.
pub trait Receiver {
    /// A mail of so many octets begins. `false`: it is not wanted and read over. The UID is known
    /// when the server says it first, which most do. A mail that began and did not end before the
    /// next begins, or before [`Session::fetch`] returns, did not come: throw it away.
    ///
    /// # Errors
    /// [`FetchError::Spool`]; the session is over then.
    fn begin(&mut self, uid: Option<u32>, octets: u64) -> Result<bool, FetchError>;

    /// Some of its octets, in order.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError>;

    /// All octets came, and the answer is complete. Called at most once per UID, and only for those
    /// that were asked for.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn end(&mut self, mail: MailFacts) -> Result<(), FetchError>;
}

/// How a fetch went; every UID that was asked for was handed over or stands here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Mails handed over, or read over because the receiver did not want them.
    pub delivered: u64,
    /// Ascending. The server has them no more: they were removed meanwhile. With a refusal: or they
    /// come after the one that it is about.
    pub absent: Vec<u32>,
    /// The server has them, but not their octets.
    pub unreadable: Vec<u32>,
    /// Why the server did not carry out the command to its end.
    pub refusal: Option<String>,
}

impl Session {
    /// Sizes, dates and flags of those of `uids` that are in the open folder, by UID.
    ///
    /// # Errors
    /// When the answer is not complete, or more than [`FACTS_OCTETS`].
    pub fn sizes(&mut self, uids: &UidSet) -> Result<Vec<MailFacts>, FetchError> {
        let mut found: BTreeMap<u32, MailFacts> = BTreeMap::new();
        self.facts(uids, "UID RFC822.SIZE INTERNALDATE FLAGS", &mut |item, uid| {
            let facts = found.entry(uid).or_default();
            facts.uid = uid;
            facts.size_bytes = item.size_bytes.or(facts.size_bytes);
            facts.internal_date = item.internal_date.or(facts.internal_date);
            if let Some(flags) = item.flags {
                facts.flags = flags;
            }
        })?;
        Ok(found.into_values().collect())
    }

    /// What tells those of `uids` that are in the open folder, by UID; no body is read.
    ///
    /// # Errors
    /// As [`sizes`](Self::sizes).
    pub fn headers(&mut self, uids: &UidSet) -> Result<Vec<MailHead>, FetchError> {
        const ITEMS: &str =
            "UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)]";
        let mut found: BTreeMap<u32, MailHead> = BTreeMap::new();
        self.facts(uids, ITEMS, &mut |item, uid| {
            let head = found.entry(uid).or_default();
            head.uid = uid;
            head.size_bytes = item.size_bytes.or(head.size_bytes);
            head.internal_date = item.internal_date.or(head.internal_date);
            if let Some(header) = item.header {
                head.header = header;
            }
        })?;
        Ok(found.into_values().collect())
    }

    /// Hands over the octets of `uids` as they come, without marking them as read. Asks for at most
    /// [`MAILS_AT_ONCE`] with one command. Stops after the first command that the server does not
    /// carry out: then the mails that are absent are to be asked for one by one, so that one that
    /// the server cannot read does not hold up the others.
    ///
    /// # Errors
    /// When the session is over; what was handed over by [`Receiver::end`] is good.
    pub fn fetch(
        &mut self,
        uids: &UidSet,
        receiver: &mut dyn Receiver,
    ) -> Result<Fetched, FetchError> {
        let mut fetched = Fetched::default();
        for piece in uids.pieces(MAILS_AT_ONCE, SET_OCTETS_MAX) {
            let items = "(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[])";
            let command = Command::new("FETCH", format!("UID FETCH {piece} {items}"));
            let mut bodies = Receiving {
                receiver: &mut *receiver,
                missing: piece.iter().collect(),
                unreadable: Vec::new(),
                delivered: 0,
                wanted: false,
            };
            let done = self.talk().run(&command, &mut bodies, &mut |_| Ok(()));
            let Receiving { missing, unreadable, delivered, .. } = bodies;
            fetched.delivered += delivered;
            fetched.unreadable.extend(unreadable);
            fetched.absent.extend(missing);
            let done = done?;
            if done.status != Status::Ok {
                if let Some(busy) = hint::busy(&done.text) {
                    return Err(busy);
                }
                fetched.refusal = Some(hint::said(&done.text));
                break;
            }
        }
        if fetched.refusal.is_some() {
            // Those that were not asked for any more.
            let asked =
                fetched.delivered + (fetched.absent.len() + fetched.unreadable.len()) as u64;
            let rest = uids.iter().skip(usize::try_from(asked).unwrap_or(usize::MAX));
            fetched.absent.extend(rest);
        }
        let none_left_out = fetched.refusal.is_some() || fetched.absent.is_empty();
        if !none_left_out || !fetched.unreadable.is_empty() {
            self.tell_removed(&mut fetched)?;
        }
        Ok(fetched)
    }

    /// Which mails did not come because they were removed, and which although they are there:
    /// Dovecot also answers with `NIL` for removed ones, and an answer that breaks the grammar is
    /// left out.
    fn tell_removed(&mut self, fetched: &mut Fetched) -> Result<(), FetchError> {
        self.talk().command(&Command::new("NOOP", "NOOP"))?;
        let mut asked = std::mem::take(&mut fetched.unreadable);
        if fetched.refusal.is_none() {
            asked.append(&mut fetched.absent);
        }
        let there = self.there(&asked.iter().copied().collect())?;
        let (unreadable, removed): (Vec<u32>, Vec<u32>) =
            asked.into_iter().partition(|uid| there.contains(uid));
        fetched.unreadable = unreadable;
        fetched.absent.extend(removed);
        fetched.unreadable.sort_unstable();
        fetched.absent.sort_unstable();
        Ok(())
    }

    /// Those of `uids` that are in the open folder.
    fn there(&mut self, uids: &UidSet) -> Result<BTreeSet<u32>, FetchError> {
        let mut there = BTreeSet::new();
        for piece in uids.pieces(FACTS_AT_ONCE, SET_OCTETS_MAX) {
            let command = Command::new("FETCH", format!("UID FETCH {piece} (UID)"));
            self.talk().ask(&command, &mut |untagged| {
                match untagged {
                    Untagged::Fetch(FetchItem { uid: Some(uid), .. }) if piece.contains(uid) => {
                        there.insert(uid);
                    }
                    Untagged::Malformed { kind, what } if kind == "FETCH" => {
                        let text = format!("which mails there are cannot be read: {what}");
                        return Err(FetchError::Protocol(text));
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(there)
    }

    /// Calls `take` for each mail that is there, also when its facts cannot be read: one that is
    /// left out in silence would never be missed.
    fn facts(
        &mut self,
        uids: &UidSet,
        items: &str,
        take: &mut dyn FnMut(FetchItem, u32),
    ) -> Result<(), FetchError> {
        let mut octets = 0;
        for piece in uids.pieces(FACTS_AT_ONCE, SET_OCTETS_MAX) {
            let mut missing: BTreeSet<u32> = piece.iter().collect();
            let mut malformed = false;
            let command = Command::new("FETCH", format!("UID FETCH {piece} ({items})"));
            self.talk().ask(&command, &mut |untagged| {
                match untagged {
                    // Others are news that came in between.
                    Untagged::Fetch(item) => {
                        if let Some(uid) = item.uid.filter(|uid| piece.contains(*uid)) {
                            missing.remove(&uid);
                            octets += item.kept_octets();
                            if octets > FACTS_OCTETS.max {
                                return Err(FetchError::LimitExceeded(FACTS_OCTETS));
                            }
                            take(item, uid);
                        }
                    }
                    Untagged::Malformed { .. } => malformed = true,
                    _ => {}
                }
                Ok(())
            })?;
            if malformed {
                for uid in self.there(&missing.into_iter().collect())? {
                    take(FetchItem { uid: Some(uid), ..FetchItem::default() }, uid);
                }
            }
        }
        Ok(())
    }
}

impl Talk<'_> {
    pub(super) fn uids(
        &mut self,
        range: RangeInclusive<u32>,
        since: Option<Timestamp>,
        before: Option<Timestamp>,
    ) -> Result<UidSet, FetchError> {
        let extended = self.state.offers_or_rev2("ESEARCH");
        let verb = if extended { "UID SEARCH RETURN (ALL)" } else { "UID SEARCH" };
        let last = match *range.end() {
            // The server's last one, whatever it is.
            u32::MAX => "*".to_owned(),
            last => last.to_string(),
        };
        let mut text = format!("{verb} UID {}:{last}", (*range.start()).max(1));
        if let Some(since) = since {
            text.push_str(" SINCE ");
            text.push_str(&date::day(since.saturating_add_seconds(-DAY_SECONDS)));
        }
        if let Some(before) = before {
            text.push_str(" BEFORE ");
            text.push_str(&date::day(before.saturating_add_seconds(2 * DAY_SECONDS)));
        }
        let mut found: Option<UidSet> = None;
        let listener: Listener<'_> = &mut |untagged| {
            match untagged {
                Untagged::Search(uids) => {
                    found = Some(match found.take() {
                        None => uids,
                        Some(other) => other.and(&uids),
                    });
                }
                // Mails that are left out in silence would never be missed.
                Untagged::Malformed { kind, what } if kind.ends_with("SEARCH") => {
                    let text = format!("its list of mails cannot be read: {what}");
                    return Err(FetchError::Protocol(text));
                }
                _ => {}
            }
            Ok(())
        };
        self.ask(&Command::new("SEARCH", text), listener)?;
        // "9:*" names the last mail even when its UID is smaller (RFC 9051 §6.4.8).
        let found = found.unwrap_or_default().within(range);
        match found.len() > FOLDER_MAILS.max {
            true => Err(FetchError::LimitExceeded(FOLDER_MAILS)),
            false => Ok(found),
        }
    }
}

/// Bodies of the mails that were asked for, on their way to who takes them.
struct Receiving<'a> {
    receiver: &'a mut dyn Receiver,
    missing: BTreeSet<u32>,
    unreadable: Vec<u32>,
    delivered: u64,
    /// Whether the receiver wants the body that comes.
    wanted: bool,
}

impl Bodies for Receiving<'_> {
    fn begin(&mut self, uid: Option<u32>, octets: u64) -> Result<bool, FetchError> {
        self.wanted = false;
        if uid.is_some_and(|uid| !self.missing.contains(&uid)) {
            return Ok(false);
        }
        self.wanted = self.receiver.begin(uid, octets)?;
        if !self.wanted && octets > UNWANTED_OCTETS.max {
            return Err(FetchError::LimitExceeded(UNWANTED_OCTETS));
        }
        // One that is too large for the receiver is read over here, so that the session goes on.
        Ok(true)
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        if self.wanted { self.receiver.octets(run) } else { Ok(()) }
    }

    fn complete(&mut self, item: &FetchItem) -> Read<()> {
        let Some(uid) = item.uid else { return Ok(()) };
        let readable = match item.body {
            Body::Absent => return Ok(()),
            Body::Missing => false,
            // A mail without an octet is none, unless the server says that it is so.
            Body::Octets { count } => count > 0 || item.size_bytes == Some(0),
        };
        if !self.missing.remove(&uid) {
            return Ok(());
        }
        if !readable {
            self.unreadable.push(uid);
            return Ok(());
        }
        self.delivered += 1;
        if self.wanted {
            self.receiver.end(MailFacts {
                uid,
                size_bytes: item.size_bytes,
                internal_date: item.internal_date,
                flags: item.flags.clone().unwrap_or_default(),
            })?;
        }
        Ok(())
    }
}
