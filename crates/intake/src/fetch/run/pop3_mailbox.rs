//! POP3 as a [`Mailbox`].

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use catalog::MailKey;
use model::Timestamp;

use super::mailbox::{Beside, Folder, Listed, Mailbox, MailboxKind, Opened, Take};
use crate::fetch::FetchError;
use crate::fetch::pop3::{Entry, Session};

pub(super) struct Pop3Mailbox {
    session: Session,
    entries: HashMap<MailKey, Entry>,
    /// In the order of the server.
    order: Vec<MailKey>,
    /// What goes with [`Mailbox::quit`]: deleting in between would make every number be checked
    /// again.
    doomed: Vec<Entry>,
    octets_max: u64,
}

impl Pop3Mailbox {
    pub(super) fn new(session: Session, octets_max: u64) -> Self {
        Self { session, entries: HashMap::new(), order: Vec::new(), doomed: Vec::new(), octets_max }
    }
}

/// A mail without a unique-id has a name of ours, for this session only; the space tells it from
/// all of the server's (RFC 1939 §7).
fn key(entry: &Entry) -> MailKey {
    match &entry.uid {
        Some(uid) => MailKey::Uidl(uid.to_string()),
        None => MailKey::Uidl(format!(" {}", entry.number)),
    }
}

impl Mailbox for Pop3Mailbox {
    fn kind(&self) -> MailboxKind {
        MailboxKind::Pop3
    }

    fn folders(&mut self, _: &[String], _: &[String]) -> Result<Vec<Folder>, FetchError> {
        Ok(vec![super::reading::inbox()])
    }

    fn open(&mut self, _: &Folder, _: bool) -> Result<Opened, FetchError> {
        let entries = self.session.list()?;
        self.order = entries.iter().map(key).collect();
        self.entries = entries.into_iter().map(|entry| (key(&entry), entry)).collect();
        Ok(Opened { mails: self.order.len() as u64, ..Opened::default() })
    }

    fn list(&mut self) -> Result<Vec<MailKey>, FetchError> {
        Ok(self.order.clone())
    }

    fn within(
        &mut self,
        _: Option<Timestamp>,
        _: Option<Timestamp>,
    ) -> Result<Option<HashSet<MailKey>>, FetchError> {
        Ok(None)
    }

    fn sizes(&mut self, keys: &[MailKey]) -> Result<HashMap<MailKey, u64>, FetchError> {
        let size = |key: &MailKey| Some((key.clone(), self.entries.get(key)?.size));
        Ok(keys.iter().filter_map(size).collect())
    }

    fn fetch(&mut self, keys: &[MailKey], take: &mut dyn Take) -> Result<(), FetchError> {
        for key in keys {
            let Some(entry) = self.entries.get(key) else { continue };
            if !take.begin(Some(key), Some(entry.size))? {
                continue;
            }
            let mut taking = Taking { take: &mut *take, error: None };
            let came = self.session.retrieve(entry, self.octets_max, &mut taking);
            let kept = taking.error;
            match came {
                Ok(_) => take.end(key, Beside::default())?,
                Err(FetchError::CorruptMail(reason)) => take.failed(key, &reason)?,
                Err(error) => return Err(kept.unwrap_or(error)),
            }
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[MailKey]) -> Result<(), FetchError> {
        self.doomed.extend(keys.iter().filter_map(|key| self.entries.get(key)).cloned());
        Ok(())
    }

    fn move_to(&mut self, _: &[MailKey], _: &str) -> Result<(), FetchError> {
        Err(FetchError::Config("POP3 has no folders: mails cannot be moved".to_owned()))
    }

    fn describe(&mut self, keys: &[MailKey]) -> Result<Vec<Listed>, FetchError> {
        let listed = keys.iter().filter_map(|key| self.entries.get(key)).map(|entry| Listed {
            key: key(entry),
            message_id: None,
            size_bytes: entry.size,
            received_at: None,
        });
        Ok(listed.collect())
    }

    fn quit(mut self: Box<Self>) -> Result<(), FetchError> {
        if !self.doomed.is_empty() {
            self.session.delete(&self.doomed)?;
        }
        self.session.quit()
    }
}

/// Octets of one mail; keeps the error that [`Write`] cannot carry.
struct Taking<'a> {
    take: &'a mut dyn Take,
    error: Option<FetchError>,
}

impl Write for Taking<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self.take.octets(octets) {
            Ok(()) => Ok(octets.len()),
            Err(error) => {
                self.error = Some(error);
                Err(io::Error::other("the archive does not take it"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
