//! IMAP as a [`Mailbox`].

use std::collections::HashMap;

use catalog::MailKey;
use model::Timestamp;

use super::keys::Keys;
use super::mailbox::{Beside, Folder, Listed, Mailbox, MailboxKind, Measured, Opened, Take};
use crate::fetch::FetchError;
use crate::fetch::imap::{self, FolderPattern, MailFacts, Receiver, Removal, Session, UidSet};

/// Characters of a Message-ID that are looked at.
const MESSAGE_ID_CHARS_MAX: usize = 1_000;

pub(super) struct ImapMailbox {
    session: Session,
    /// Listed ones, by path: they know how the server spells them.
    folders: HashMap<String, imap::Folder>,
    uid_validity: u32,
}

impl ImapMailbox {
    pub(super) fn new(session: Session) -> Self {
        Self { session, folders: HashMap::new(), uid_validity: 0 }
    }

    /// Whether it was not removed meanwhile.
    fn is_there(&mut self, uid: u32) -> Result<bool, FetchError> {
        self.session.poll()?;
        Ok(self.session.uids(uid..=uid, None, None)?.contains(uid))
    }

    fn found(&mut self, folder: &Folder) -> imap::Folder {
        match self.folders.get(&folder.path) {
            Some(found) => found.clone(),
            None => self.session.folder(&folder.name),
        }
    }
}

impl Mailbox for ImapMailbox {
    fn kind(&self) -> MailboxKind {
        MailboxKind::Imap
    }

    fn folders(
        &mut self,
        include: &[String],
        exclude: &[String],
    ) -> Result<Vec<Folder>, FetchError> {
        let all = self.session.folders()?;
        let chosen = imap::choose(&all, &patterns(include)?, &patterns(exclude)?);
        let wanted = all.into_iter().zip(chosen).filter(|(_, it)| *it == imap::Choice::Fetched);
        let mut found = Vec::new();
        for (folder, _) in wanted {
            let mut path = folder.path().join("/");
            // A folder with a slash in its name looks like one below another, and names that are no
            // text may look alike: each is read and remembered by itself.
            while self.folders.get(&path).is_some_and(|known| known.raw != folder.raw) {
                path.push('~');
            }
            found.push(Folder { path: path.clone(), name: folder.name.clone() });
            self.folders.insert(path, folder);
        }
        Ok(found)
    }

    fn open(&mut self, folder: &Folder, change: bool) -> Result<Opened, FetchError> {
        let found = self.found(folder);
        let state =
            if change { self.session.select(&found)? } else { self.session.examine(&found)? };
        self.uid_validity = state.uid_validity;
        Ok(Opened {
            uid_validity: state.uid_validity,
            uid_next: state.uid_next,
            mails: u64::from(state.exists),
            modseq: state.highest_modseq,
        })
    }

    fn list(&mut self) -> Result<Keys, FetchError> {
        Ok(Keys::Uids(self.session.uids(1..=u32::MAX, None, None)?))
    }

    fn within(
        &mut self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Keys>, FetchError> {
        Ok(Some(Keys::Uids(self.session.uids(1..=u32::MAX, since, until)?)))
    }

    fn sizes(&mut self, keys: &[MailKey]) -> Result<HashMap<MailKey, Measured>, FetchError> {
        let facts = self.session.sizes(&uids(keys))?;
        let sizes = facts.into_iter().map(|it| {
            // One that the server cannot measure is measured while it comes.
            let bytes = it.size_bytes.unwrap_or(0);
            (MailKey::Uid(it.uid), Measured { bytes, received_at: it.internal_date })
        });
        Ok(sizes.collect())
    }

    fn fetch(&mut self, keys: &[MailKey], take: &mut dyn Take) -> Result<(), FetchError> {
        let fetched = self.session.fetch(&uids(keys), &mut Taking(take))?;
        unreadable(&fetched.unreadable, take)?;
        if fetched.refusal.is_none() {
            return Ok(());
        }
        // One of them is refused: each by itself, so that it holds up no other.
        for uid in fetched.absent {
            let alone = self.session.fetch(&UidSet::from(uid..=uid), &mut Taking(&mut *take))?;
            unreadable(&alone.unreadable, take)?;
            if let Some(refusal) = alone.refusal
                && self.is_there(uid)?
            {
                take.failed(&MailKey::Uid(uid), &refusal)?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[MailKey]) -> Result<(), FetchError> {
        removed(self.session.remove(&uids(keys), self.uid_validity)?)
    }

    fn move_to(&mut self, keys: &[MailKey], folder: &str) -> Result<(), FetchError> {
        let folder = match self.folders.get(folder) {
            Some(found) => found.clone(),
            None => self.session.folder(folder),
        };
        removed(self.session.move_to(&uids(keys), self.uid_validity, &folder)?)
    }

    fn describe(&mut self, keys: &[MailKey]) -> Result<Vec<Listed>, FetchError> {
        let heads = self.session.headers(&uids(keys))?;
        let listed = heads.into_iter().map(|head| Listed {
            key: MailKey::Uid(head.uid),
            message_id: message_id(&head.header),
            size_bytes: head.size_bytes.unwrap_or(0),
            received_at: head.internal_date,
        });
        Ok(listed.collect())
    }

    fn quit(self: Box<Self>) -> Result<Vec<(MailKey, String)>, FetchError> {
        self.session.log_out();
        Ok(Vec::new())
    }
}

struct Taking<'a>(&'a mut dyn Take);

impl Receiver for Taking<'_> {
    fn begin(&mut self, uid: Option<u32>, octets: u64) -> Result<bool, FetchError> {
        self.0.begin(uid.map(MailKey::Uid).as_ref(), Some(octets))
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        self.0.octets(run)
    }

    fn end(&mut self, mail: MailFacts) -> Result<(), FetchError> {
        let beside = Beside { received_at: mail.internal_date, flags: mail.flags };
        self.0.end(&MailKey::Uid(mail.uid), beside)
    }
}

fn unreadable(uids: &[u32], take: &mut dyn Take) -> Result<(), FetchError> {
    uids.iter().try_for_each(|uid| {
        take.failed(&MailKey::Uid(*uid), "the server has the mail, but not its octets")
    })
}

fn removed(removal: Removal) -> Result<(), FetchError> {
    let text = match removal {
        Removal::Removed => return Ok(()),
        Removal::NotPossibleReadOnly => "the folder is open for reading only: mails stay",
        Removal::NotPossibleWithoutUidplus => {
            "without UIDPLUS other people's deletions would be removed as well: mails stay"
        }
    };
    Err(FetchError::Refused { command: "UID EXPUNGE", text: text.to_owned() })
}

fn patterns(texts: &[String]) -> Result<Vec<FolderPattern>, FetchError> {
    let pattern =
        |text: &String| FolderPattern::parse(text).map_err(|wrong| FetchError::Config(wrong.0));
    texts.iter().map(pattern).collect()
}

fn uids(keys: &[MailKey]) -> UidSet {
    let number = |key: &MailKey| match key {
        MailKey::Uid(uid) => Some(*uid),
        MailKey::Uidl(_) => None,
    };
    keys.iter().filter_map(number).collect()
}

/// The Message-ID of a header block, without its angle brackets.
fn message_id(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    let mut lines = text.split("\r\n").flat_map(|line| line.split('\n')).peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if !name.trim().eq_ignore_ascii_case("message-id") {
            continue;
        }
        let mut value = value.trim().to_owned();
        // RFC 5322 §2.2.3: long ones are folded.
        while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            value.push_str(more.trim());
        }
        let bare = value.trim_matches(|letter| letter == '<' || letter == '>');
        return (!bare.is_empty()).then(|| bare.chars().take(MESSAGE_ID_CHARS_MAX).collect());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_read_in_every_spelling() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(message_id(header.as_bytes()).as_deref(), expected, "{header:?}");
        };
        check("Message-ID: <a@b.example>\r\nDate: x\r\n\r\n", Some("a@b.example"));
        check("Date: x\r\nmessage-id:\r\n <a@b.example>\r\n\r\n", Some("a@b.example"));
        check("MESSAGE-ID : a@b.example\n\n", Some("a@b.example"));
        check("Date: x\r\n\r\n", None);
        check("Message-ID: <>\r\n\r\n", None);
    }
}
