//! One mailbox, from its first folder to its last.

mod saving;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use catalog::{AfterFetch, CatalogError, FetchCounts, FetchMode, FetchOrder, FolderState, MailKey};
use fail::fail_point;

use super::keys::{Keys, next_piece};
use super::landing::Landing;
use super::mailbox::{Folder, Mailbox, MailboxKind, Measured, Opened};
use super::{Parts, Tally, Target};
use crate::fetch::FetchError;

/// Mails that are asked for at once.
const BATCH_MAILS_MAX: usize = 200;

/// Octets that are asked for at once, as far as the server says how large mails are; one larger
/// mail is asked for alone.
const BATCH_BYTES_MAX: u64 = 16 << 20;

/// Mails whose sizes are asked for at once.
const SIZES_MAX: usize = 2_000;

/// Progress is saved after so many mails, or so long.
const SAVE_MAILS: usize = 1_000;
const SAVE_EVERY: Duration = Duration::from_secs(3);

/// POP3 removes mail only at the end of a session: it ends after so many, and another begins.
const MAILDROP_MAILS_MAX: usize = 1_000;

/// Connections in one run beyond the first that bring no mail: then the run has failed.
const FRUITLESS_MAX: u32 = 2;

/// Connections in a row of which each ends with a mail and brings none: it is not the mails.
const BARREN_MAX: u32 = 10;

/// Left mails of one mailbox that are looked at.
const LEFT_MAX: u32 = 100_000;

/// Reads what is new in a mailbox, and does with it on its server what the source says. Returns
/// when every mail that was read has its outcome; all of it may be repeated.
///
/// # Errors
/// Why it could not be read to its end; what was read before counts.
pub fn read_mailbox(parts: &Parts, target: &Target, tally: &Tally) -> Result<(), FetchError> {
    let mut reading = Reading::new(parts, target, tally)?;
    let done = reading.connect_until_done();
    reading.end();
    done?;
    reading.trouble.map_or(Ok(()), Err)
}

pub(super) struct Reading<'a> {
    pub(super) landing: Landing<'a>,
    folders: HashMap<String, FolderState>,
    /// What the archive has of a maildrop whose mail stays.
    uidls: Option<HashMap<String, u64>>,
    /// Folders that are done in this run.
    read: HashSet<String>,
    /// What kept one folder from being read: the others were.
    trouble: Option<FetchError>,
    /// Mails of the folder were asked for and did not come; they may be gone.
    incomplete: bool,
    /// What this session of POP3 removes at its end.
    doomed: Vec<MailKey>,
}

/// How a session ended.
#[derive(PartialEq, Eq)]
enum End {
    Complete,
    /// There is more, for another session.
    More,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        parts: &'a Parts,
        target: &'a Target,
        tally: &'a Tally,
    ) -> Result<Self, FetchError> {
        let (id, mailbox) = (target.source.source.id, target.mailbox.as_str());
        let left = parts.catalog.left_mails(id, Some(mailbox), 0, LEFT_MAX).map_err(broken)?;
        Ok(Self {
            landing: Landing::new(parts, target, tally, left),
            folders: by_name(parts.catalog.fetch_folders(id, mailbox).map_err(broken)?),
            uidls: None,
            read: HashSet::new(),
            trouble: None,
            incomplete: false,
            doomed: Vec::new(),
        })
    }

    /// Nobody waits any more for what is on its way; what was left is written down.
    pub(super) fn end(&mut self) {
        self.landing.give_up();
        if let Err(error) = self.save_left() {
            let id = self.landing.target.source.source.id;
            tracing::warn!(source.id = %id, %error, "it is not written down what was left");
        }
    }

    /// Reads these mails of the opened folder; nothing is remembered as read or removed.
    pub(super) fn bring(
        &mut self,
        session: &mut dyn Mailbox,
        keys: &[MailKey],
    ) -> Result<(), FetchError> {
        for some in keys.chunks(SIZES_MAX) {
            let sizes = session.sizes(some)?;
            let mut rest = some;
            while !rest.is_empty() {
                self.landing.target.go_on()?;
                let (batch, taken) = self.next_batch(&sizes, rest);
                rest = &rest[taken..];
                self.fetch(session, &batch)?;
            }
        }
        self.landing.hear_all()?;
        self.landing.archived.clear();
        self.save_left()
    }

    fn connect_until_done(&mut self) -> Result<(), FetchError> {
        let (mut fruitless, mut barren) = (0, 0);
        loop {
            let before = self.landing.tally.live().counts;
            let mut session = self.landing.parts.opener.open(self.landing.target)?;
            let maildrop = session.kind() == MailboxKind::Pop3;
            self.doomed.clear();
            let end = self.all_folders(&mut *session).and_then(|end| {
                fail_point!("fetch.quit.before");
                let kept = session.quit()?;
                fail_point!("fetch.quit.after");
                self.landing.removed_but(&std::mem::take(&mut self.doomed), kept);
                Ok(end)
            });
            match end {
                Ok(End::Complete) => return Ok(()),
                Ok(End::More) => {}
                Err(error) => {
                    if maildrop {
                        // Nothing was removed: it comes again.
                        self.read.clear();
                    }
                    let now = self.landing.tally.live().counts;
                    let came = |counts: FetchCounts| counts.seen.saturating_sub(counts.failed);
                    (fruitless, barren) = match (came(now) > came(before), now.seen > before.seen) {
                        (true, _) => (0, 0),
                        (false, true) => (0, barren + 1),
                        (false, false) => (fruitless + 1, barren),
                    };
                    let hopeless = fruitless > FRUITLESS_MAX || barren >= BARREN_MAX;
                    if !may_go_on(&error) || hopeless {
                        return Err(error);
                    }
                    tracing::info!(
                        source.id = %self.landing.target.source.source.id,
                        error = error.kind().code(),
                        "the connection is made anew"
                    );
                }
            }
        }
    }

    fn all_folders(&mut self, session: &mut dyn Mailbox) -> Result<End, FetchError> {
        let folders = self.wanted(session)?;
        for folder in &folders {
            self.landing.target.go_on()?;
            if self.read.contains(&folder.path) {
                continue;
            }
            match self.folder(session, folder) {
                Ok(End::More) => return Ok(End::More),
                Ok(End::Complete) => {
                    self.read.insert(folder.path.clone());
                }
                // One folder never stops the others.
                Err(error) if error.leaves_session_usable() => {
                    tracing::warn!(
                        source.id = %self.landing.target.source.source.id,
                        error = error.kind().code(),
                        "a folder is not read"
                    );
                    self.read.insert(folder.path.clone());
                    self.trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(End::Complete)
    }

    pub(super) fn wanted(&self, session: &mut dyn Mailbox) -> Result<Vec<Folder>, FetchError> {
        let config = &self.landing.target.source.config;
        if session.kind() == MailboxKind::Pop3 {
            return Ok(vec![inbox()]);
        }
        if let FetchMode::Journal { folder } = &config.mode {
            return Ok(vec![Folder { path: folder.clone(), name: folder.clone() }]);
        }
        let mut folders = session.folders(&config.include, &config.exclude)?;
        if let AfterFetch::Move { folder: done } = &config.after {
            folders.retain(|folder| folder.path != *done && folder.name != *done);
        }
        Ok(folders)
    }

    fn folder(&mut self, session: &mut dyn Mailbox, folder: &Folder) -> Result<End, FetchError> {
        let changes = self.landing.target.source.config.after != AfterFetch::Keep;
        let opened = session.open(folder, changes)?;
        let maildrop = session.kind() == MailboxKind::Pop3;
        self.landing.enter(&folder.path, opened.uid_validity);
        self.incomplete = false;
        let state = self.folders.remove(&folder.path).filter(|it| {
            // Another value: the numbers mean other mails; all is read again, known by content.
            it.uid_validity == opened.uid_validity
        });
        let state = state.unwrap_or_else(|| FolderState {
            folder: folder.path.clone(),
            uid_validity: opened.uid_validity,
            ..FolderState::default()
        });
        if !maildrop && is_unchanged(&state, &opened) && !self.landing.has_due() {
            self.folders.insert(folder.path.clone(), state);
            return Ok(End::Complete);
        }
        let listed = session.list()?;
        let mut pass = Pass { listed, state, maildrop, saved_at: Instant::now(), removed: 0 };
        let end = self.pass(session, &mut pass);
        // What is archived is remembered also when the connection is gone, and what is on its way
        // is not read once more meanwhile.
        self.landing.hear_rest();
        if matches!(end, Ok(End::Complete)) && !maildrop && !self.incomplete {
            pass.state.uid_next = opened.uid_next;
            pass.state.modseq = opened.modseq;
        }
        let saved = self.save(&mut pass);
        self.folders.insert(folder.path.clone(), pass.state);
        let end = end?;
        saved.map(|()| end)
    }

    fn changes(&self) -> bool {
        self.landing.target.source.config.after != AfterFetch::Keep
    }

    /// Reads what is to be read of the opened folder.
    fn pass(&mut self, session: &mut dyn Mailbox, pass: &mut Pass) -> Result<End, FetchError> {
        let there = pass.listed.finder();
        self.landing.forget_left(|key| there.contains(key));
        self.remember_maildrop(pass)?;
        self.remove_archived_before(session, pass)?;
        let wanted = self.wanted_mails(session, pass)?;
        self.landing.tally.change(|live| live.to_read += wanted.len());
        let newest_first = self.landing.target.source.config.order == FetchOrder::NewestFirst;
        let mut rest = if newest_first { wanted.newest_first() } else { wanted.iter() };
        let mut end = End::Complete;
        while end == End::Complete
            && let Some(some) = next_piece(&mut *rest, SIZES_MAX)
        {
            self.landing.target.go_on()?;
            let sizes = session.sizes(&some)?;
            let mut some = some.as_slice();
            while !some.is_empty() {
                self.landing.target.go_on()?;
                let (batch, taken) = self.next_batch(&sizes, some);
                some = &some[taken..];
                self.fetch(session, &batch)?;
                self.landing.hear(|_| true)?;
                let full = self.landing.archived.len() >= SAVE_MAILS;
                if full || pass.saved_at.elapsed() >= SAVE_EVERY {
                    self.save_and_remove(session, pass)?;
                }
                if pass.maildrop && self.changes() && pass.removed >= MAILDROP_MAILS_MAX {
                    if !some.is_empty() || rest.next().is_some() {
                        end = End::More;
                    }
                    break;
                }
            }
        }
        self.landing.hear_all()?;
        self.save_and_remove(session, pass)?;
        Ok(end)
    }

    /// What the archive has of a maildrop. Only where mail stays: a server that gives old names to
    /// new mail must not make it be removed unread.
    fn remember_maildrop(&mut self, pass: &Pass) -> Result<(), FetchError> {
        if !pass.maildrop || self.changes() {
            return Ok(());
        }
        let target = self.landing.target;
        if self.uidls.is_none() {
            let known = &self.landing.parts.catalog;
            let known = known.fetch_uidls(target.source.source.id, &target.mailbox);
            self.uidls = Some(known.map_err(broken)?);
        }
        let there: HashSet<&str> = match &pass.listed {
            Keys::Uidls(all) => all.iter().map(String::as_str).collect(),
            Keys::Uids(_) => HashSet::new(),
        };
        let known = self.uidls.iter().flat_map(HashMap::keys);
        let gone: Vec<String> =
            known.filter(|uidl| !there.contains(uidl.as_str())).cloned().collect();
        if let Some(known) = &mut self.uidls {
            gone.iter().for_each(|uidl| {
                known.remove(uidl);
            });
        }
        self.landing.progress.uidls_gone = gone;
        Ok(())
    }

    /// Mail that an earlier run archived and could not remove any more.
    fn remove_archived_before(
        &mut self,
        session: &mut dyn Mailbox,
        pass: &mut Pass,
    ) -> Result<(), FetchError> {
        if pass.maildrop || !self.changes() {
            return Ok(());
        }
        let done = pass.listed.filter(|key| pass.is_done(key));
        for some in done.pieces(SAVE_MAILS) {
            self.remove(session, pass, &some)?;
        }
        Ok(())
    }

    fn wanted_mails(&mut self, session: &mut dyn Mailbox, pass: &Pass) -> Result<Keys, FetchError> {
        let mut wanted = pass.listed.filter(|key| !pass.is_done(key) && !self.landing.rests(key));
        if let Some(known) = &self.uidls
            && pass.maildrop
        {
            // A known name with another size is another mail.
            let all: Vec<MailKey> = wanted.iter().collect();
            let sizes = session.sizes(&all)?;
            wanted = wanted.filter(|key| match key {
                MailKey::Uid(_) => true,
                MailKey::Uidl(uidl) => known
                    .get(uidl)
                    .is_none_or(|known| sizes.get(key).is_some_and(|it| it.bytes != *known)),
            });
        }
        let config = &self.landing.target.source.config;
        if (config.since.is_some() || config.until.is_some())
            && !wanted.is_empty()
            && let Some(within) = session.within(config.since, config.until)?
        {
            let within = within.finder();
            wanted = wanted.filter(|key| within.contains(key));
        }
        Ok(wanted)
    }

    /// The next mails that are asked for at once, and how many of `rest` that uses up.
    fn next_batch(
        &mut self,
        sizes: &HashMap<MailKey, Measured>,
        rest: &[MailKey],
    ) -> (Vec<MailKey>, usize) {
        let most = &rest[..rest.len().min(BATCH_MAILS_MAX)];
        let (mut batch, mut bytes) = (Vec::with_capacity(most.len()), 0);
        for (taken, key) in most.iter().enumerate() {
            // Without a size it is gone; should it be there, it comes with the next run.
            let Some(found) = sizes.get(key) else {
                self.incomplete = true;
                continue;
            };
            if !self.is_in_time(found) {
                self.landing.tally.change(|live| live.to_read = live.to_read.saturating_sub(1));
                continue;
            }
            if !batch.is_empty() && bytes + found.bytes > BATCH_BYTES_MAX {
                return (batch, taken);
            }
            if !self.landing.is_too_large(key, found.bytes) {
                bytes += found.bytes;
                batch.push(key.clone());
            }
        }
        (batch, most.len())
    }

    /// Whether the mail came in the time that the settings name: servers compare whole days, in time
    /// zones of their own.
    fn is_in_time(&self, found: &Measured) -> bool {
        let config = &self.landing.target.source.config;
        found.received_at.is_none_or(|at| {
            config.since.is_none_or(|since| at >= since)
                && config.until.is_none_or(|until| at < until)
        })
    }

    fn fetch(&mut self, session: &mut dyn Mailbox, batch: &[MailKey]) -> Result<(), FetchError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.landing.begin_batch();
        let fetched = session.fetch(batch, &mut self.landing);
        let broken_off = self.landing.broken_off();
        let Err(error) = fetched else {
            for key in broken_off {
                self.landing.broke(&key, "it broke off");
            }
            self.incomplete |= batch.iter().any(|key| !self.landing.came.contains(key));
            return Ok(());
        };
        if may_go_on(&error) && !self.landing.was_skipping() {
            // Whatever ended the session while this mail came, or was about to: it waits, so that
            // it cannot keep the others from coming.
            let next = || batch.iter().find(|key| !self.landing.came.contains(*key)).cloned();
            if let Some(key) = broken_off.last().cloned().or_else(next) {
                self.landing.broke(&key, &error.to_string());
            }
        }
        Err(error)
    }
}

/// One folder in one session.
struct Pass {
    /// All its mails.
    listed: Keys,
    state: FolderState,
    maildrop: bool,
    saved_at: Instant,
    /// Mails that were removed or moved.
    removed: usize,
}

impl Pass {
    fn is_done(&self, key: &MailKey) -> bool {
        number(key).is_some_and(|uid| self.state.done.contains(uid))
    }
}

pub(super) fn inbox() -> Folder {
    Folder { path: "INBOX".to_owned(), name: "INBOX".to_owned() }
}

fn number(key: &MailKey) -> Option<u32> {
    match key {
        MailKey::Uid(uid) => Some(*uid),
        MailKey::Uidl(_) => None,
    }
}

/// Numbers only grow: without a new one nothing came since all of it was done. A server that does
/// not name the next one may say that nothing changed at all (RFC 7162).
fn is_unchanged(state: &FolderState, opened: &Opened) -> bool {
    match opened.uid_next {
        Some(next) => state.uid_next == Some(next),
        None => opened.modseq.is_some() && state.modseq == opened.modseq,
    }
}

/// Whether another connection may bring more.
fn may_go_on(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::CorruptMail(_)
            | FetchError::LimitExceeded(_)
            | FetchError::NoConnection { .. }
            | FetchError::Protocol(_)
    )
}

pub(super) fn broken(error: CatalogError) -> FetchError {
    FetchError::Spool(std::io::Error::other(error))
}

fn by_name(folders: Vec<FolderState>) -> HashMap<String, FolderState> {
    folders.into_iter().map(|folder| (folder.folder.clone(), folder)).collect()
}
