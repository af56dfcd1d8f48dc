//! A client of IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) for servers that nobody here trusts.
//!
//! It blocks, holds one buffer and one response, and hands the octets of mails on as they come.
//! Every number, list, line, literal and time that a server could draw out has a named limit.
//!
//! ```text
//! Session::open ─▶ folders ─▶ examine / select ─▶ uids ─▶ sizes ─▶ fetch ─▶ remove / move_to
//! ```

mod change;
mod command;
mod date;
mod dialect;
mod fetched;
mod folders;
pub(crate) mod fuzz;
mod hint;
mod idle;
mod mails;
mod pattern;
mod reader;
mod response;
mod session;
mod set;
mod sign_in;
mod talk;
#[cfg(test)]
mod tests;
mod utf7;

pub use change::{Appended, Removal};
pub use dialect::{Imap, PORTS};
pub use fetched::HEADER_BYTES_MAX;
pub use folders::{FOLDER_NAMES_OCTETS, FOLDERS, Folder, SpecialUse};
pub use idle::{IDLE_RENEWAL, Idled};
pub use mails::{
    FACTS_OCTETS, Fetched, MAILS_AT_ONCE, MailFacts, MailHead, Receiver, UNWANTED_OCTETS,
};
pub use pattern::{Choice, FolderPattern, PATTERN_LETTERS_MAX, PATTERNS_MAX, WrongPattern, choose};
pub use reader::{
    LINE_OCTETS, LIST_ITEMS, LITERAL_OCTETS, NESTING, RESPONSE_OCTETS, SKIPPED_OCTETS,
};
pub use response::{FOLDER_NAME_BYTES_MAX, NamespaceKind};
pub use session::{FOLDER_MAILS, FolderState, Session};
pub use set::{SPANS, UidSet};
pub use talk::{COMMAND_TIME_MAX, RESPONSES};
