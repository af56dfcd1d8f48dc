//! POP3 as a [`Mailbox`].

use std::collections::HashMap;
use std::io::{self, Write};

use catalog::MailKey;
use model::Timestamp;

use super::keys::Keys;
use super::mailbox::{Beside, Folder, Listed, Mailbox, MailboxKind, Measured, Opened, Take};
use crate::fetch::FetchError;
use crate::fetch::pop3::{Entry, Session};

/// A mail may have so many octets more than four times what the server says: sizes are often wrong
/// by line ends or encodings, and a mail that never ends must end.
const SURPLUS_OCTETS_MAX: u64 = 64 << 20;

pub(super) struct Pop3Mailbox {
    session: Session,
    entries: HashMap<MailKey, Entry>,
    /// In the order of the server.
    order: Vec<String>,
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
fn name(entry: &Entry) -> String {
    match &entry.uid {
        Some(uid) => uid.to_string(),
        None => format!(" {}", entry.number),
    }
}

fn key(entry: &Entry) -> MailKey {
    MailKey::Uidl(name(entry))
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
        self.order = entries.iter().map(name).collect();
        self.entries = entries.into_iter().map(|entry| (key(&entry), entry)).collect();
        Ok(Opened { mails: self.order.len() as u64, ..Opened::default() })
    }

    fn list(&mut self) -> Result<Keys, FetchError> {
        Ok(Keys::Uidls(self.order.clone()))
    }

    fn within(
        &mut self,
        _: Option<Timestamp>,
        _: Option<Timestamp>,
    ) -> Result<Option<Keys>, FetchError> {
        Ok(None)
    }

    fn sizes(&mut self, keys: &[MailKey]) -> Result<HashMap<MailKey, Measured>, FetchError> {
        let size = |key: &MailKey| {
            let bytes = self.entries.get(key)?.size;
            Some((key.clone(), Measured { bytes, received_at: None }))
        };
        Ok(keys.iter().filter_map(size).collect())
    }

    fn fetch(&mut self, keys: &[MailKey], take: &mut dyn Take) -> Result<(), FetchError> {
        for key in keys {
            let Some(entry) = self.entries.get(key) else { continue };
            if !take.begin(Some(key), Some(entry.size))? {
                continue;
            }
            let mut taking = Taking { take: &mut *take, error: None };
            let most = entry.size.saturating_mul(4).saturating_add(SURPLUS_OCTETS_MAX);
            let most = most.min(self.octets_max);
            let came = self.session.retrieve(entry, most, &mut taking);
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

    fn quit(mut self: Box<Self>) -> Result<Vec<(MailKey, String)>, FetchError> {
        let kept = match self.doomed.is_empty() {
            true => Vec::new(),
            false => self.session.delete(&self.doomed)?,
        };
        self.session.quit()?;
        Ok(kept.into_iter().map(|(entry, why)| (key(&entry), why)).collect())
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
