//! What an administrator does on the command line.

pub mod account;
pub mod audit;
pub mod backup;
pub mod compact;
pub mod directory;
pub mod disposal;
pub mod domain;
pub mod evidence;
mod evidence_lists;
pub mod fetch;
pub mod grant;
pub mod group;
pub mod import;
pub mod maintain;
pub mod matter;
pub mod order;
pub mod people;
pub mod procedure;
pub mod quarantine;
pub mod retention;
pub mod running;
pub mod settings;
pub mod sign_in;
pub mod source;
pub mod takeout;
pub mod tenant;
pub mod token;

use std::io::Write as _;

/// Writes an answer to standard output. A reader that went away ends nothing.
pub fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
