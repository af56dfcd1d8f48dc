//! Folders on disk, and what a single file holds.

use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::kinds::{HEAD_BYTES, Kind, emlx_length, kind_of};
use super::mbox::MboxReader;
use super::{Container, Found, Item, Reason, Total, Unread, WalkSettings, names, zips};

/// Folders within folders, at most.
pub const FOLDER_DEPTH_MAX: usize = 64;

pub(super) struct Tree<'a> {
    pub settings: &'a WalkSettings,
    sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    /// What lies behind, as `count` counts it.
    pub read_bytes: u64,
}

/// Where a file stands below what was named.
pub(super) struct Place<'a> {
    pub folders: &'a [&'a str],
    pub file_name: &'a str,
    /// In `cur` or `new` of a maildir: a mail whatever it looks like.
    pub maildir: bool,
}

impl Place<'_> {
    pub(super) fn name(&self) -> String {
        [self.folders, &[self.file_name]].concat().join("/")
    }
}

impl<'a> Tree<'a> {
    pub(super) fn new(
        settings: &'a WalkSettings,
        sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Self {
        Self { settings, sink, read_bytes: 0 }
    }

    /// A path as it was named; a link is followed here and nowhere below.
    pub(super) fn named(&mut self, path: &Path) -> ControlFlow<()> {
        let file_name = path.file_name().map_or_else(OsString::new, OsString::from);
        let file_name = file_name.to_string_lossy();
        let place = Place { folders: &[], file_name: &file_name, maildir: false };
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.folder(path, &[], false),
            Ok(meta) if meta.is_file() => self.file(path, &place),
            Ok(_) => self.unread(place.name(), Reason::NotAFile),
            Err(error) => self.unread(path.display().to_string(), Reason::Read(error)),
        }
    }

    fn folder(&mut self, path: &Path, folders: &[&str], maildir: bool) -> ControlFlow<()> {
        if folders.len() > FOLDER_DEPTH_MAX {
            let reason = Reason::FolderTooDeep { limit: FOLDER_DEPTH_MAX };
            return self.unread(folders.join("/"), reason);
        }
        let listing = match Listing::of(path) {
            Ok(listing) => listing,
            Err(error) => {
                let name =
                    if folders.is_empty() { path.display().to_string() } else { folders.join("/") };
                return self.unread(name, Reason::Read(error));
            }
        };
        for (name, file_type) in &listing.entries {
            let below = path.join(name);
            let text = name.to_string_lossy();
            let place = Place { folders, file_name: &text, maildir };
            if listing.passes_over(&text, maildir) {
                continue;
            }
            if file_type.is_dir() {
                let inside = [folders, &[&text]].concat();
                self.folder(&below, &inside, listing.is_mail_folder(&text))?;
            } else if file_type.is_file() {
                self.file(&below, &place)?;
            } else if file_type.is_symlink() {
                self.unread(place.name(), Reason::Link)?;
            } else {
                self.unread(place.name(), Reason::NotAFile)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn file(&mut self, path: &Path, place: &Place<'_>) -> ControlFlow<()> {
        let opened = File::open(path).and_then(|mut file| {
            let size_bytes = file.metadata()?.len();
            Ok((head(&mut file)?, file, size_bytes))
        });
        match opened {
            Err(error) => self.unread(place.name(), Reason::Read(error)),
            Ok((head, ..)) if !place.maildir && kind_of(place.file_name, &head) == Kind::Zip => {
                zips::visit(self, path, place)
            }
            Ok((head, file, size_bytes)) => {
                let end = self.read_bytes + size_bytes;
                self.octets(&head, file, place)?;
                self.read_bytes = end;
                ControlFlow::Continue(())
            }
        }
    }

    /// What one file or archive entry holds. `head` was read from it already.
    pub(super) fn octets(
        &mut self,
        head: &[u8],
        reader: impl Read,
        place: &Place<'_>,
    ) -> ControlFlow<()> {
        let kind = if place.maildir { Kind::Mail } else { kind_of(place.file_name, head) };
        let all = head.chain(reader);
        match kind {
            Kind::Mbox => self.mbox(all, place),
            Kind::Emlx => {
                let (length, start) = emlx_length(head).unwrap_or((0, 0));
                let mail = Skip { count: start as u64, reader: all };
                self.mail(mail, Some(length), place, Container::Emlx)
            }
            Kind::Mail if place.maildir => self.mail(all, None, place, Container::Maildir),
            Kind::Mail => self.mail(all, None, place, Container::File),
            // An empty mbox is an empty folder.
            Kind::Other if head.is_empty() => ControlFlow::Continue(()),
            Kind::Other => self.unread(place.name(), Reason::NotAMail),
            Kind::Zip => self.unread(place.name(), Reason::NestedArchive),
        }
    }

    fn mail(
        &mut self,
        reader: impl Read,
        length: Option<u64>,
        place: &Place<'_>,
        container: Container,
    ) -> ControlFlow<()> {
        let limit_bytes = self.settings.mail_bytes_max;
        if length.is_some_and(|length| length > limit_bytes) {
            return self.unread(place.name(), Reason::TooLarge { limit_bytes });
        }
        let mut octets = Vec::new();
        let wanted = length.unwrap_or(limit_bytes.saturating_add(1));
        let read = reader.take(wanted).read_to_end(&mut octets);
        self.read_bytes += octets.len() as u64;
        if let Err(error) = read {
            return self.unread(place.name(), reason_of(error));
        }
        if octets.len() as u64 > limit_bytes {
            return self.unread(place.name(), Reason::TooLarge { limit_bytes });
        }
        let flags = if place.maildir { names::flags(place.file_name) } else { "" };
        (self.sink)(Ok(Found {
            name: place.name(),
            octets,
            container,
            folder: names::mail_folder(place.folders, place.maildir),
            flags: flags.to_owned(),
            from_line: None,
            read_bytes: self.read_bytes,
        }))
    }

    fn mbox(&mut self, reader: impl Read, place: &Place<'_>) -> ControlFlow<()> {
        let (name, began) = (place.name(), self.read_bytes);
        let folder = names::mbox_folder(place.folders, place.file_name);
        let mut mails = MboxReader::new(reader, self.settings);
        let mut number = 0u64;
        while let Some(mail) = mails.next_mail() {
            number += 1;
            let name = format!("{name}#{number}");
            self.read_bytes = began + mails.consumed_bytes();
            match mail {
                Ok(mail) => (self.sink)(Ok(Found {
                    name,
                    octets: mail.octets,
                    container: Container::Mbox,
                    folder: folder.clone(),
                    flags: String::new(),
                    from_line: Some(String::from_utf8_lossy(&mail.from_line).into_owned()),
                    read_bytes: self.read_bytes,
                }))?,
                Err(Reason::Read(error)) => self.unread(name, reason_of(error))?,
                Err(reason) => self.unread(name, reason)?,
            }
        }
        ControlFlow::Continue(())
    }

    pub(super) fn unread(&mut self, name: String, reason: Reason) -> ControlFlow<()> {
        (self.sink)(Err(Unread { name, reason, read_bytes: self.read_bytes }))
    }
}

/// Readers of archives say by an error of their own why they stopped.
fn reason_of(error: io::Error) -> Reason {
    match error.downcast::<Reason>() {
        Ok(reason) => reason,
        Err(error) => Reason::Read(error),
    }
}

pub(super) fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Leaves out the first octets.
struct Skip<R> {
    count: u64,
    reader: R,
}

impl<R: Read> Read for Skip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.count > 0 {
            io::copy(&mut (&mut self.reader).take(self.count), &mut io::sink())?;
            self.count = 0;
        }
        self.reader.read(buffer)
    }
}

/// A folder's entries by name.
struct Listing {
    entries: Vec<(OsString, FileType)>,
    maildir: bool,
}

impl Listing {
    fn of(path: &Path) -> io::Result<Self> {
        let mut entries = fs::read_dir(path)?
            .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let has = |wanted: &str| entries.iter().any(|(name, kind)| name == wanted && kind.is_dir());
        let maildir = has("cur") && (has("new") || has("tmp"));
        Ok(Self { entries, maildir })
    }

    fn is_mail_folder(&self, name: &str) -> bool {
        self.maildir && matches!(name, "cur" | "new")
    }

    /// Half-delivered mail and what only keeps house.
    fn passes_over(&self, name: &str, within_maildir: bool) -> bool {
        (self.maildir && name == "tmp") || (!within_maildir && names::keeps_house(name))
    }
}

pub(super) fn count(paths: &[PathBuf]) -> Total {
    let mut total = Total::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => count_folder(path, 0, false, &mut total),
            Ok(meta) if meta.is_file() => count_file(path, meta.len(), &mut total),
            _ => {}
        }
    }
    total
}

fn count_folder(path: &Path, depth: usize, maildir: bool, total: &mut Total) {
    let Ok(listing) = Listing::of(path) else { return };
    for (name, file_type) in &listing.entries {
        let text = name.to_string_lossy();
        if listing.passes_over(&text, maildir) {
            continue;
        }
        let below = path.join(name);
        if file_type.is_dir() && depth < FOLDER_DEPTH_MAX {
            count_folder(&below, depth + 1, listing.is_mail_folder(&text), total);
        } else if file_type.is_file()
            && let Ok(meta) = fs::symlink_metadata(&below)
        {
            count_file(&below, meta.len(), total);
        }
    }
}

fn count_file(path: &Path, size_bytes: u64, total: &mut Total) {
    let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    match is_zip.then(|| zips::count(path)).flatten() {
        Some(inside) => {
            total.files += inside.files;
            total.bytes += inside.bytes;
        }
        None => {
            total.files += 1;
            total.bytes += size_bytes;
        }
    }
}
