//! A mail while it arrives: octets go straight into a draft of the spool.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use catalog::{AfterFetch, FetchProgress, LeftMail, LeftReason, MailKey};
use fail::fail_point;
use model::{Fetched, Source};
use spool::{Draft, SpoolError};

use super::flight::Flight;
use super::mailbox::{Beside, Take};
use super::outcome::{Became, Listening, Place};
use super::{Parts, Tally, Target};
use crate::fetch::FetchError;

/// How long a session waits for an outcome before it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(200);

/// How long the archive has for what was read when a connection or the run ends.
const REST: Duration = Duration::from_secs(10);

/// Tries of one mail; then it is left for good.
const TRIES_MAX: u32 = 8;

/// Waits between the tries of one mail, in seconds; the last one repeats.
const RETRY_SECONDS: [i64; 5] = [60, 600, 3600, 6 * 3600, 24 * 3600];

/// Characters of a reason that are kept.
const DETAIL_CHARS_MAX: usize = 500;

/// What happens to the mails of one mailbox in one run.
pub(super) struct Landing<'a> {
    pub(super) parts: &'a Parts,
    pub(super) target: &'a Target,
    pub(super) tally: &'a Tally,
    listening: Listening,
    flight: Flight,
    /// The folder that is read now.
    pub(super) folder: String,
    pub(super) uid_validity: u32,
    mail_bytes_max: u64,
    draft: Option<Draft>,
    /// Mails of this batch whose octets began to come, in that order.
    begun: Vec<MailKey>,
    /// The last that began is counted by now, and its octets are read over.
    skipping: bool,
    /// Mails of this batch that are counted.
    pub(super) came: HashSet<MailKey>,
    /// In the archive, and not saved as such yet; with their sizes.
    pub(super) archived: HashMap<MailKey, u64>,
    sizes: HashMap<MailKey, u64>,
    /// Left mails of the mailbox as the catalog has them.
    left: HashMap<Place, LeftMail>,
    /// What became of each mail, where somebody wants to know.
    outcomes: Option<HashMap<MailKey, &'static str>>,
    /// To be written with the next progress.
    pub(super) progress: FetchProgress,
}

impl<'a> Landing<'a> {
    pub(super) fn new(
        parts: &'a Parts,
        target: &'a Target,
        tally: &'a Tally,
        left: Vec<LeftMail>,
    ) -> Self {
        let of_source = target.source.config.mail_mebibytes_max;
        let of_spool = parts.spool.limits().mail_bytes_max;
        let mail_bytes_max = of_source.map_or(u64::MAX, |it| u64::from(it) << 20).min(of_spool);
        let left = left.into_iter().map(|mail| (place_of(&mail), mail)).collect();
        Self {
            parts,
            target,
            tally,
            listening: parts.outcomes.listen(target.source.source.id, target.owner.as_ref()),
            flight: Flight::default(),
            folder: String::new(),
            uid_validity: 0,
            mail_bytes_max,
            draft: None,
            begun: Vec::new(),
            skipping: false,
            came: HashSet::new(),
            archived: HashMap::new(),
            sizes: HashMap::new(),
            left,
            outcomes: None,
            progress: FetchProgress::default(),
        }
    }

    /// A folder was opened.
    pub(super) fn enter(&mut self, folder: &str, uid_validity: u32) {
        self.folder = folder.to_owned();
        self.uid_validity = uid_validity;
        self.archived.clear();
        self.tally.change(|live| live.folder = folder.to_owned());
    }

    /// Remembers from now on what becomes of each mail.
    pub(super) fn note_outcomes(&mut self) {
        self.outcomes = Some(HashMap::new());
    }

    pub(super) fn take_outcomes(&mut self) -> HashMap<MailKey, &'static str> {
        self.outcomes.take().unwrap_or_default()
    }

    pub(super) fn place(&self, key: &MailKey) -> Place {
        Place { folder: self.folder.clone(), uid_validity: self.uid_validity, key: key.clone() }
    }

    /// Whether the mail was left and is not to be tried now.
    pub(super) fn rests(&self, key: &MailKey) -> bool {
        // A name that is good for one session says nothing about an earlier one.
        if matches!(key, MailKey::Uidl(uidl) if uidl.starts_with(' ')) {
            return false;
        }
        let now = self.parts.clock.now();
        self.left.get(&self.place(key)).is_some_and(|mail| mail.next_at.is_none_or(|at| at > now))
    }

    /// Whether one of the folder's left mails is to be tried now.
    pub(super) fn has_due(&self) -> bool {
        let now = self.parts.clock.now();
        self.left
            .values()
            .any(|mail| mail.folder == self.folder && mail.next_at.is_some_and(|at| at <= now))
    }

    /// Forgets left mails of the folder that are not there any more.
    pub(super) fn forget_left(&mut self, is_there: impl Fn(&MailKey) -> bool) {
        let (folder, validity) = (&self.folder, self.uid_validity);
        let keeps = self.target.source.config.after == AfterFetch::Keep;
        let gone = |mail: &LeftMail| {
            let may_stay = keeps && mail.reason == LeftReason::NotRemoved;
            let other = mail.uid_validity != validity;
            mail.folder == *folder && (other || may_stay || !is_there(&mail.key))
        };
        let over = &mut self.progress.left_over;
        self.left.retain(|_, mail| {
            let keep = !gone(mail);
            if !keep && mail.row > 0 {
                over.push(mail.row);
            }
            keep
        });
    }

    /// Whether the mail is larger than is taken; then it is left.
    pub(super) fn is_too_large(&mut self, key: &MailKey, bytes: u64) -> bool {
        let too_large = bytes > self.mail_bytes_max;
        if too_large {
            // What was counted on the way and not told is not known.
            self.sizes.insert(key.clone(), if bytes == u64::MAX { 0 } else { bytes });
            self.tally.seen(0);
            self.became(&self.place(key), Became::TooLarge);
        }
        too_large
    }

    /// A mail that could not be read.
    pub(super) fn broke(&mut self, key: &MailKey, reason: &str) {
        self.tally.seen(0);
        self.became(&self.place(key), Became::Refused(reason.to_owned()));
    }

    /// Takes outcomes: those that are there, or with `wait` until `enough`.
    pub(super) fn hear(&mut self, enough: impl Fn(&Flight) -> bool) -> Result<(), FetchError> {
        loop {
            while let Ok((place, became)) = self.listening.receiver.try_recv() {
                self.heard(&place, became);
            }
            if enough(&self.flight) {
                return Ok(());
            }
            self.target.go_on()?;
            if let Ok((place, became)) = self.listening.receiver.recv_timeout(LOOK) {
                self.heard(&place, became);
            }
        }
    }

    /// Waits until every mail that was read has its outcome.
    pub(super) fn hear_all(&mut self) -> Result<(), FetchError> {
        self.hear(Flight::is_empty)
    }

    /// Waits a while for what is on its way, also when the run is to stop.
    pub(super) fn hear_rest(&mut self) {
        let end = Instant::now() + REST;
        while !self.flight.is_empty() && Instant::now() < end {
            if let Ok((place, became)) = self.listening.receiver.recv_timeout(LOOK) {
                self.heard(&place, became);
            }
        }
    }

    /// Nobody waits any more: what is on its way is counted as failed, and read again.
    pub(super) fn give_up(&mut self) {
        self.hear_rest();
        for _ in 0..self.flight.give_up() {
            self.tally.became(&Became::Refused(String::new()));
        }
    }

    /// A session of POP3 ended in order: `doomed` are gone from the server, but for those that it
    /// `kept`, for these reasons. They are in the archive, and are tried again after a while.
    pub(super) fn removed_but(&mut self, doomed: &[MailKey], kept: Vec<(MailKey, String)>) {
        let kept: HashMap<MailKey, String> = kept.into_iter().collect();
        for key in doomed.iter().filter(|key| !kept.contains_key(*key)) {
            if let Some(left) = self.left.remove(&self.place(key)).filter(|left| left.row > 0) {
                self.progress.left_over.push(left.row);
            }
        }
        for (key, why) in kept {
            self.leave(&self.place(&key), LeftReason::NotRemoved, shortened(&why));
        }
    }

    fn heard(&mut self, place: &Place, became: Became) {
        if self.flight.end(place) {
            self.became(place, became);
        }
    }

    fn became(&mut self, place: &Place, became: Became) {
        let reason = match &became {
            Became::Archived | Became::Known | Became::Merged | Became::Quarantined => None,
            Became::NotSelected => Some((LeftReason::NotSelected, String::new())),
            Became::Refused(reason) => Some((LeftReason::Failed, shortened(reason))),
            Became::TooLarge => Some((LeftReason::TooLarge, String::new())),
        };
        match reason {
            None => {
                // One that its server would not remove is left until it does.
                let is_over = |left: &LeftMail| left.reason != LeftReason::NotRemoved;
                if self.left.get(place).is_some_and(is_over)
                    && let Some(left) = self.left.remove(place).filter(|left| left.row > 0)
                {
                    self.progress.left_over.push(left.row);
                }
                if place.folder == self.folder {
                    let bytes = self.sizes.remove(&place.key).unwrap_or(0);
                    self.archived.insert(place.key.clone(), bytes);
                }
            }
            Some((reason, detail)) => self.leave(place, reason, detail),
        }
        if let Some(outcomes) = &mut self.outcomes {
            outcomes.insert(place.key.clone(), became.name());
        }
        self.tally.became(&became);
    }

    fn leave(&mut self, place: &Place, reason: LeftReason, detail: String) {
        let now = self.parts.clock.now();
        let before = self.left.get(place);
        let tries = before.map_or(0, |left| left.tries) + 1;
        let retried = matches!(reason, LeftReason::Failed | LeftReason::NotRemoved);
        let last = retried && tries >= TRIES_MAX;
        let given_up = last && reason == LeftReason::Failed;
        let wait = RETRY_SECONDS[(tries as usize - 1).min(RETRY_SECONDS.len() - 1)];
        let left = LeftMail {
            row: before.map_or(0, |left| left.row),
            mailbox: self.target.mailbox.clone(),
            folder: place.folder.clone(),
            uid_validity: place.uid_validity,
            key: place.key.clone(),
            size_bytes: self.sizes.remove(&place.key).unwrap_or(0),
            reason: if given_up { LeftReason::GivenUp } else { reason },
            detail,
            tries,
            first_at: before.map_or(now, |left| left.first_at),
            next_at: (retried && !last).then(|| now.saturating_add_seconds(wait)),
        };
        tracing::warn!(
            target: "mail",
            {
                tenant.id = %self.target.source.source.tenant,
                source.id = %self.target.source.source.id,
                mail = %place.key,
                reason = ?left.reason,
                tries,
            },
            "mail left on its server"
        );
        self.progress.left.push(left.clone());
        self.left.insert(place.clone(), left);
    }

    fn spooled(&mut self, key: &MailKey, draft: Draft) {
        let place = self.place(key);
        let bytes = draft.size_bytes();
        self.sizes.insert(key.clone(), bytes);
        self.flight.begin(place.clone(), bytes);
        self.tally.seen(bytes);
        fail_point!("fetch.spool.before");
        let sender = self.listening.sender.clone();
        self.parts.spool.accept(draft, move |accepted| {
            let became = match accepted {
                // The archive says what becomes of it.
                Ok(_) => return,
                Err(SpoolError::TooLarge { .. }) => Became::TooLarge,
                Err(error) => Became::Refused(error.to_string()),
            };
            let _ = sender.send((place, became));
        });
        fail_point!("fetch.spool.after");
    }

    fn source(&self, key: &MailKey, beside: Beside) -> Source {
        let (uid, uidl) = match key {
            MailKey::Uid(uid) => (*uid, None),
            MailKey::Uidl(uidl) => (0, Some(uidl.clone())),
        };
        Source::Fetched(Box::new(Fetched {
            id: self.target.source.source.id,
            mailbox: self.target.owner.clone(),
            folder: self.folder.clone(),
            uid_validity: self.uid_validity,
            uid,
            uidl,
            received_at: beside.received_at,
            flags: beside.flags,
        }))
    }
}

impl Take for Landing<'_> {
    fn begin(&mut self, key: Option<&MailKey>, octets: Option<u64>) -> Result<bool, FetchError> {
        self.draft = None;
        self.skipping = false;
        if let Some(key) = key {
            if self.came.contains(key) {
                // Said twice: once is enough.
                return Ok(false);
            }
            self.begun.push(key.clone());
        }
        self.hear(|flight| !flight.is_full())?;
        let bytes = octets.unwrap_or(0);
        if bytes > self.mail_bytes_max {
            if let Some(key) = key {
                self.came.insert(key.clone());
                self.is_too_large(key, bytes);
                self.skipping = true;
            }
            return Ok(false);
        }
        self.parts.spool.admit(bytes).map_err(refused)?;
        let tenant = self.target.source.source.tenant;
        let unknown = self.source(key.unwrap_or(&MailKey::Uid(0)), Beside::default());
        self.draft = Some(self.parts.spool.draft(tenant, unknown, None, self.parts.clock.now()));
        Ok(true)
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        // Without a draft it grew too large on its way.
        let Some(draft) = &mut self.draft else { return Ok(()) };
        if draft.size_bytes() + run.len() as u64 > self.mail_bytes_max {
            self.draft = None;
            return Ok(());
        }
        draft.write(run).map_err(refused)
    }

    fn end(&mut self, key: &MailKey, beside: Beside) -> Result<(), FetchError> {
        self.skipping = false;
        if !self.came.insert(key.clone()) {
            self.draft = None;
            return Ok(());
        }
        match self.draft.take() {
            Some(mut draft) => {
                draft.set_source(self.source(key, beside));
                self.spooled(key, draft);
            }
            None => {
                self.is_too_large(key, u64::MAX);
            }
        }
        Ok(())
    }

    fn failed(&mut self, key: &MailKey, reason: &str) -> Result<(), FetchError> {
        self.draft = None;
        self.skipping = false;
        if self.came.insert(key.clone()) {
            self.broke(key, reason);
        }
        Ok(())
    }
}

impl Landing<'_> {
    pub(super) fn begin_batch(&mut self) {
        self.draft = None;
        self.skipping = false;
        self.begun.clear();
        self.came.clear();
    }

    /// Whether what ended the session came while a mail was read over that is counted already.
    pub(super) fn was_skipping(&self) -> bool {
        self.skipping
    }

    /// Mails of the batch that began and did not end.
    pub(super) fn broken_off(&mut self) -> Vec<MailKey> {
        self.draft = None;
        let begun = std::mem::take(&mut self.begun);
        begun.into_iter().filter(|key| !self.came.contains(key)).collect()
    }
}

fn place_of(mail: &LeftMail) -> Place {
    Place { folder: mail.folder.clone(), uid_validity: mail.uid_validity, key: mail.key.clone() }
}

fn refused(error: SpoolError) -> FetchError {
    FetchError::Spool(io::Error::other(error))
}

fn shortened(text: &str) -> String {
    text.chars().take(DETAIL_CHARS_MAX).collect()
}
