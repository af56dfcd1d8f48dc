//! What changes a mailbox: removing, moving, bringing back. Nothing here can remove a mail that
//! was not named.

use model::Timestamp;

use super::command::{Command, flag_list};
use super::date;
use super::fetched::NoBodies;
use super::folders::Folder;
use super::hint;
use super::response::Status;
use super::session::{Session, refuse_zero};
use super::set::UidSet;
use super::talk::Completion;
use crate::fetch::FetchError;

/// Mails of one command that removes or moves.
const CHANGED_AT_ONCE: u64 = 1000;
/// Octets of a set in one command.
const SET_OCTETS_MAX: usize = 4000;
/// What is sent at once, each within the patience of the connection.
const PIECE_OCTETS: usize = 64 * 1024;

/// Whether mails were removed from a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The folder is open for reading only.
    NotPossibleReadOnly,
    /// The server offers neither UIDPLUS nor MOVE. A plain EXPUNGE would also remove what others
    /// marked; so the mails stay.
    NotPossibleWithoutUidplus,
    /// They are not in the folder any more.
    Removed,
}

/// Where a mail was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub uid_validity: u32,
    pub uid: u32,
}

impl Session {
    /// Removes `uids` from the open folder for good, and no other mail (RFC 4315). Those that are
    /// gone already are no error: it may be repeated.
    ///
    /// # Errors
    /// [`FetchError::Refused`] when the server refuses; some may be removed and some marked then.
    pub fn remove(&mut self, uids: &UidSet, uid_validity: u32) -> Result<Removal, FetchError> {
        self.check_validity(uid_validity)?;
        if !self.can_remove() {
            return Ok(Removal::NotPossibleWithoutUidplus);
        }
        if self.state.read_only {
            return Ok(Removal::NotPossibleReadOnly);
        }
        for piece in uids.pieces(CHANGED_AT_ONCE, SET_OCTETS_MAX) {
            self.mark_and_expunge(&piece)?;
        }
        Ok(Removal::Removed)
    }

    /// Moves `uids` from the open folder to `folder`, which is made when it does not exist. Those
    /// that are gone already are no error. Without MOVE (RFC 6851) they are copied and then
    /// removed: a break in between leaves them in both folders, and a repetition copies them again.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn move_to(
        &mut self,
        uids: &UidSet,
        uid_validity: u32,
        folder: &Folder,
    ) -> Result<Removal, FetchError> {
        self.check_validity(uid_validity)?;
        refuse_zero(&folder.raw)?;
        if !self.can_move() {
            return Ok(Removal::NotPossibleWithoutUidplus);
        }
        if self.state.read_only {
            return Ok(Removal::NotPossibleReadOnly);
        }
        let atomic = self.state.offers_or_rev2("MOVE");
        let verb = if atomic { "MOVE" } else { "COPY" };
        for piece in uids.pieces(CHANGED_AT_ONCE, SET_OCTETS_MAX) {
            let text = format!("UID {verb} {piece} ");
            self.bring_into(folder, &Command::new(verb, text).string(&folder.raw))?;
            if !atomic {
                self.mark_and_expunge(&piece)?;
            }
        }
        Ok(Removal::Removed)
    }

    /// Puts a mail into `folder`, which is made when it does not exist. Where it lies, when the
    /// server tells (RFC 4315). Not idempotent: when the connection ends the mail may be there. A
    /// mail with octets of zero goes as binary (RFC 3516 §4.4), where the server offers that.
    ///
    /// # Errors
    /// [`FetchError::Refused`] when the server refuses it, or cannot take it.
    pub fn append(
        &mut self,
        folder: &Folder,
        flags: &[String],
        date: Option<Timestamp>,
        octets: &[u8],
    ) -> Result<Option<Appended>, FetchError> {
        refuse_zero(&folder.raw)?;
        let mut rest = String::from(" ");
        let flags = flag_list(flags);
        if flags.len() > 2 {
            rest = format!(" {flags} ");
        }
        if let Some(date) = date {
            rest.push_str(&format!("\"{}\" ", date::format(date)));
        }
        let binary = memchr::memchr(0, octets).is_some();
        if binary && !self.state.offers_or_rev2("BINARY") {
            let text = "the mail holds octets of zero, and the server takes none (no BINARY)";
            return Err(FetchError::Refused { command: "APPEND", text: text.to_owned() });
        }
        rest.push_str(&format!("{}{{{}}}", if binary { "~" } else { "" }, octets.len()));
        let head = Command::new("APPEND", "APPEND ").string(&folder.raw).text(&rest);
        let mut done = self.append_once(&head, octets)?;
        if done.status == Status::No && done.text.code == "TRYCREATE" {
            self.create(folder)?;
            done = self.append_once(&head, octets)?;
        }
        if done.status != Status::Ok {
            return Err(hint::refusal("APPEND", &done.text));
        }
        let appended = done.text.appended();
        Ok(appended.map(|(uid_validity, uid)| Appended { uid_validity, uid }))
    }

    fn append_once(&mut self, head: &Command, octets: &[u8]) -> Result<Completion, FetchError> {
        self.talk().guard(|talk| {
            let tag = talk.next_tag();
            // The command ends with the announcement of the mail; its line end asks for leave.
            let refused = match talk.send(&tag, head)? {
                None => talk.leave(&tag)?,
                early => early,
            };
            if let Some(refused) = refused {
                return Ok(refused);
            }
            for piece in octets.chunks(PIECE_OCTETS) {
                talk.connection.write(piece)?;
            }
            talk.connection.write(b"\r\n")?;
            talk.answers(&tag, &mut NoBodies, &mut |_| Ok(()))
        })
    }

    fn mark_and_expunge(&mut self, uids: &UidSet) -> Result<(), FetchError> {
        let mark = format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)");
        self.talk().command(&Command::new("STORE", mark))?;
        // Marked and not removed after a crash here: the next run does both again.
        self.talk().command(&Command::new("EXPUNGE", format!("UID EXPUNGE {uids}")))?;
        Ok(())
    }

    /// Carries out a command that brings mails into `folder`.
    fn bring_into(&mut self, folder: &Folder, command: &Command) -> Result<(), FetchError> {
        let done = self.talk().run(command, &mut NoBodies, &mut |_| Ok(()))?;
        match done.status {
            Status::Ok => Ok(()),
            _ if done.text.code == "TRYCREATE" => {
                self.create(folder)?;
                self.talk().command(command).map(drop)
            }
            _ => Err(hint::refusal(command.name, &done.text)),
        }
    }

    fn create(&mut self, folder: &Folder) -> Result<(), FetchError> {
        let command = Command::new("CREATE", "CREATE ").string(&folder.raw);
        self.talk().command(&command).map(drop)
    }

    /// The caller's UIDs are of the folder as it was; in another they would be other mails.
    fn check_validity(&self, uid_validity: u32) -> Result<(), FetchError> {
        match self.state.uid_validity == Some(uid_validity) {
            true => Ok(()),
            false => {
                let text = "the folder is not the one in which the mails were seen".to_owned();
                Err(FetchError::Refused { command: "the change", text })
            }
        }
    }
}
