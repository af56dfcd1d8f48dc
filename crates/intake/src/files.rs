//! Mail from files: single mails, mbox, maildir and Maildir++, folders of these and zips.
//!
//! What stands in a file is taken as it is: line ends are not changed, nothing is added. Nothing
//! is ever written, so names from archives are only names.

mod kinds;
mod mbox;
mod names;
mod tree;
mod zips;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

pub use mbox::{MboxMail, MboxReader};
pub use tree::FOLDER_DEPTH_MAX;
pub use zips::{ZIP_EXPANSION_MAX, ZIP_OVERHEAD_BYTES_MAX};

/// Items handed over at once, at most.
const BATCH_ITEMS_MAX: usize = 64;
/// Octets handed over at once, about; one mail always fits.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batches that wait for their taker, so that reading runs ahead.
const BATCHES_MAX: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkSettings {
    /// The largest mail that is taken, in bytes; a larger one is reported.
    pub mail_bytes_max: u64,
    pub quoting: Quoting,
}

impl Default for WalkSettings {
    fn default() -> Self {
        Self { mail_bytes_max: 256 << 20, quoting: Quoting::Auto }
    }
}

/// How an mbox guards lines of a body that begin with `From `.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quoting {
    /// Seen from the file. Mails that are ended by their Content-Length: [`Quoting::None`] when
    /// one of them holds a bare `From ` line (mboxcl2), else [`Quoting::Once`] (mboxcl). All
    /// others: [`Quoting::Every`], since it is the one quoting that can be undone exactly, and
    /// `>>From ` hardly occurs in mails that nobody quoted.
    #[default]
    Auto,
    /// mboxrd: `From ` behind any number of `>` got one more.
    Every,
    /// mboxcl2: nothing is quoted.
    None,
    /// mboxo, mboxcl: only `From ` itself was quoted.
    Once,
}

/// What held the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// Apple Mail: a length, the mail, a property list.
    Emlx,
    File,
    Maildir,
    Mbox,
}

/// One mail, exactly as it stands in its container, mbox quoting undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path below what was named, with `#` and a number from 1 within an mbox.
    pub name: String,
    pub octets: Vec<u8>,
    pub container: Container,
    /// The mail folder that the path stands for, such as `INBOX/Projects`; empty at the top.
    pub folder: String,
    /// The letters of a maildir name, such as `RS` (replied, seen).
    pub flags: String,
    /// The `From ` line of an mbox, without its line end: envelope sender and date, as claimed.
    pub from_line: Option<String>,
    /// Bytes behind this walk at this mail, as [`count`] counts them.
    pub read_bytes: u64,
}

/// One thing that could not be read as mail; the walk goes on behind it.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct Unread {
    pub name: String,
    pub reason: Reason,
    pub read_bytes: u64,
}

/// Why; shown to the administrator.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error("encrypted archive entry: unpack it first")]
    Encrypted,
    #[error(
        "archive entry expands beyond {limit_bytes} bytes, more than its archive can honestly hold"
    )]
    ExpandsTooFar { limit_bytes: u64 },
    #[error("folders nested deeper than {limit}")]
    FolderTooDeep { limit: usize },
    #[error("symbolic link, not followed")]
    Link,
    #[error("archive within an archive: unpack the outer one first")]
    NestedArchive,
    #[error("not a mail: it does not begin with a header field")]
    NotAMail,
    #[error("neither file nor folder")]
    NotAFile,
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("damaged archive: {0}")]
    Zip(String),
}

pub type Item = Result<Found, Unread>;

/// Everything below `paths`, in the order of the paths and, within each, by name.
///
/// Reads ahead on its own thread, by at most three batches of 4 MiB or one mail each. One bad
/// item never ends it. Dropping it stops the thread and waits for it.
pub fn walk(paths: Vec<PathBuf>, settings: WalkSettings) -> Walk {
    let (sender, receiver) = sync_channel(BATCHES_MAX);
    let reader = std::thread::spawn(move || {
        let mut batches = Batches { sender, items: Vec::new(), bytes: 0 };
        let _ = visit(&paths, &settings, &mut |item| batches.add(item));
        let _ = batches.send();
    });
    Walk { batch: Vec::new().into_iter(), receiver: Some(receiver), reader: Some(reader) }
}

/// As [`walk`], on this thread: `sink` takes each item and may end it by `Break`.
pub fn visit(
    paths: &[PathBuf],
    settings: &WalkSettings,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut tree = tree::Tree::new(settings, sink);
    paths.iter().try_for_each(|path| tree.named(path))
}

/// What a walk will read, for a progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub files: u64,
    /// Sizes of the files; of a zip, the unpacked sizes that it claims.
    pub bytes: u64,
}

/// Adds up sizes without reading mail; what cannot be read counts nothing.
pub fn count(paths: &[PathBuf]) -> Total {
    tree::count(paths)
}

#[derive(Debug)]
pub struct Walk {
    batch: std::vec::IntoIter<Item>,
    receiver: Option<Receiver<Vec<Item>>>,
    reader: Option<JoinHandle<()>>,
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.batch.next() {
                return Some(item);
            }
            self.batch = self.receiver.as_ref()?.recv().ok()?.into_iter();
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        // The reader sees that nobody takes more.
        self.receiver = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

struct Batches {
    sender: SyncSender<Vec<Item>>,
    items: Vec<Item>,
    bytes: usize,
}

impl Batches {
    fn add(&mut self, item: Item) -> ControlFlow<()> {
        self.bytes += item.as_ref().map_or(0, |found| found.octets.len());
        self.items.push(item);
        if self.items.len() < BATCH_ITEMS_MAX && self.bytes < BATCH_BYTES_MAX {
            return ControlFlow::Continue(());
        }
        self.send()
    }

    fn send(&mut self) -> ControlFlow<()> {
        self.bytes = 0;
        match self.sender.send(std::mem::take(&mut self.items)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// What became of an import; the last five add up to the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Items of the walk, unread ones included.
    pub read: u64,
    /// New records.
    pub archived: u64,
    /// Known mail that brought further recipients.
    pub merged: u64,
    /// Mail that was there already, with everything.
    pub known: u64,
    pub quarantined: u64,
    /// Items that could not be read as mail.
    pub failed: u64,
}

impl ImportReport {
    /// Whether every item has exactly one outcome.
    pub fn adds_up(&self) -> bool {
        let outcomes = [self.archived, self.merged, self.known, self.quarantined, self.failed];
        outcomes.iter().sum::<u64>() == self.read
    }
}

#[cfg(test)]
mod tests;
