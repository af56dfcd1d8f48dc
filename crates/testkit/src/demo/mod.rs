//! A demo company and its mail: Musterbau GmbH, its subsidiary, customers and suppliers.
//!
//! Deterministic: the same [`Settings`] give the same octets on every machine. Everything is made
//! up and written for this project; the domains end in `.example` (RFC 2606).

mod calendar;
mod directory;
mod documents;
mod exchange;
mod files;
mod html;
mod letter;
mod list;
mod mime;
mod play;
mod scene;
mod story;

use std::collections::VecDeque;
use std::ops::Range;

use model::{ContentId, EmailAddress, JournalRecipient, Timestamp};
use serde::{Deserialize, Serialize};

pub use directory::{
    COMPANY, DOMAIN, DOMAIN_SUBSIDIARY, Directory, ORGANISATION, Party, PartyKind, SUBSIDIARY,
};

use crate::Random;
use files::{File, Pool};
use story::Library;

/// How far back the first mail lies.
const SPAN_SECONDS: i64 = 3 * 365 * 86_400;

/// What kind of mail the company writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Every other mail has files: 60 kB in the median, up to 4 MB.
    AttachmentRich,
    /// A believable mixture with small files; for people to look at.
    Demo,
    /// Discussions in plain text: reports of 6 to 13 kB.
    ListMail,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub seed: u64,
    /// No mail is dated later.
    pub end: Timestamp,
    pub profile: Profile,
}

/// What must come out of the archive for one report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Truth {
    /// The company's own addresses that must find the mail through this report; lower case, sorted.
    pub owners: Vec<EmailAddress>,
    /// The envelope lines of the report.
    pub recipients: Vec<JournalRecipient>,
    pub sender: EmailAddress,
    pub on_behalf_of: Option<EmailAddress>,
    pub subject: String,
    /// A word that stands in the body of this mail and of no other.
    pub body_token: String,
    /// Names of the attachments, inline pictures left out.
    pub attachments: Vec<String>,
    /// With its angle brackets.
    pub message_id: String,
    /// Of the original's octets as enclosed.
    pub content: ContentId,
    pub sent_at: Timestamp,
    pub language: String,
    /// Reports of the same original: this one's place, and how many there are.
    pub fork: u32,
    pub forks: u32,
    /// The same octets as the report before: a repeated delivery.
    pub duplicate: bool,
}

/// One journal report, as Exchange Online would deliver it.
#[derive(Clone, Debug)]
pub struct DemoReport {
    /// The reverse path.
    pub mail_from: EmailAddress,
    pub octets: Vec<u8>,
    /// Where the original lies in `octets`.
    pub inner: Range<usize>,
    pub truth: Truth,
}

impl DemoReport {
    pub fn inner_octets(&self) -> &[u8] {
        &self.octets[self.inner.clone()]
    }

    /// The digest of the original in hexadecimal.
    pub fn inner_sha256(&self) -> String {
        self.truth.content.0.to_hex()
    }
}

/// The company: people, templates and shared files, ready to write.
pub struct Company {
    settings: Settings,
    directory: Directory,
    library: Library,
    pool: Pool,
}

impl Company {
    pub fn new(settings: Settings) -> Self {
        let mut random = Random::fork(settings.seed, u64::MAX);
        let library = Library::new();
        let pool = Pool::new(&library, settings.profile, &mut random);
        Self { settings, directory: Directory::new(), library, pool }
    }

    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub fn profile(&self) -> Profile {
        self.settings.profile
    }

    /// The first `count` reports, in about the order of their dates, which end at
    /// [`Settings::end`]. Memory does not grow with `count`.
    pub fn reports(&self, count: usize) -> Reports<'_> {
        Reports { company: self, count, emitted: 0, story: 0, waiting: VecDeque::new() }
    }

    fn logo(&self, sender: usize) -> &File {
        let subsidiary = self.directory.parties[sender].company == SUBSIDIARY;
        if subsidiary { &self.pool.logo_subsidiary } else { &self.pool.logo }
    }
}

/// See [`Company::reports`].
pub struct Reports<'a> {
    company: &'a Company,
    count: usize,
    emitted: usize,
    story: u64,
    waiting: VecDeque<DemoReport>,
}

impl Iterator for Reports<'_> {
    type Item = DemoReport;

    fn next(&mut self) -> Option<DemoReport> {
        if self.emitted == self.count {
            return None;
        }
        while self.waiting.is_empty() {
            let gone = SPAN_SECONDS as f64 * self.emitted as f64 / self.count as f64;
            let start = self.company.settings.end.as_seconds() - SPAN_SECONDS + gone as i64;
            self.waiting.extend(play::story(self.company, self.story, start));
            self.story += 1;
        }
        self.emitted += 1;
        self.waiting.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.emitted;
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests;
