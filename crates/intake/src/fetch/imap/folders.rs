//! Folders: `LIST`, special use (RFC 6154), namespaces (RFC 2342), names.

use std::collections::BTreeMap;

use super::command::Command;
use super::fetched::NoBodies;
use super::reader::LIST_ITEMS;
use super::response::{ListItem, NamespaceItem, NamespaceKind, Untagged};
use super::talk::Talk;
use super::utf7;
use crate::fetch::{FetchError, Limit};

/// Folders of one mailbox, with those of others that it may see.
pub const FOLDERS: Limit = Limit::new("imap-folders", 100_000);
/// Octets of all names of folders.
pub const FOLDER_NAMES_OCTETS: Limit = Limit::new("imap-folder-names-octets", 16 * 1024 * 1024);

/// What a folder is for (RFC 6154, RFC 8457).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    All,
    Archive,
    Drafts,
    Flagged,
    Important,
    Junk,
    Sent,
    Trash,
}

impl SpecialUse {
    const NAMES: [(&'static str, Self); 8] = [
        ("\\All", Self::All),
        ("\\Archive", Self::Archive),
        ("\\Drafts", Self::Drafts),
        ("\\Flagged", Self::Flagged),
        ("\\Important", Self::Important),
        ("\\Junk", Self::Junk),
        ("\\Sent", Self::Sent),
        ("\\Trash", Self::Trash),
    ];

    /// As servers and patterns spell it, in any case: `\Trash`.
    pub fn parse(attribute: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map(|(_, special_use)| *special_use)
    }

    pub fn name(self) -> &'static str {
        // Every variant stands in the list.
        Self::NAMES.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// One folder as the server lists it. Its name is a text like any other: it is shown and compared,
/// and never becomes a path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// In Unicode, with the server's delimiter.
    pub name: String,
    /// As the server spells it; commands name it so.
    pub raw: Vec<u8>,
    /// As the server spells them, such as `\HasChildren`.
    pub attributes: Vec<String>,
    pub special_use: Option<SpecialUse>,
    pub delimiter: Option<char>,
    pub namespace: NamespaceKind,
}

impl Folder {
    /// Whether it can hold mails.
    pub fn is_selectable(&self) -> bool {
        let never = ["\\Noselect", "\\NonExistent"];
        !self.attributes.iter().any(|it| never.iter().any(|never| never.eq_ignore_ascii_case(it)))
    }

    /// The names from the root to the folder.
    pub fn path(&self) -> Vec<&str> {
        match self.delimiter {
            Some(delimiter) => self.name.split(delimiter).collect(),
            None => vec![&self.name],
        }
    }

    /// A folder that was not listed, such as one that the settings name.
    pub fn named(name: &str, utf8: bool) -> Self {
        let raw = if utf8 { name.to_owned() } else { utf7::encode(name) };
        Self {
            name: name.to_owned(),
            raw: raw.into_bytes(),
            attributes: Vec::new(),
            special_use: None,
            delimiter: None,
            namespace: NamespaceKind::Personal,
        }
    }
}

impl Talk<'_> {
    /// Every folder that the mailbox sees, by name; complete, or an error.
    pub(super) fn folders(&mut self) -> Result<Vec<Folder>, FetchError> {
        let namespaces = self.namespaces()?;
        let mut found: BTreeMap<Vec<u8>, ListItem> = BTreeMap::new();
        self.list(b"*", &mut found)?;
        for namespace in &namespaces {
            let listed = found.keys().any(|raw| raw.starts_with(&namespace.prefix));
            if namespace.kind == NamespaceKind::Personal || namespace.prefix.is_empty() || listed {
                continue;
            }
            // Some servers list the folders of others only when they are asked for.
            let mut pattern = namespace.prefix.clone();
            pattern.push(b'*');
            self.list(&pattern, &mut found)?;
        }
        let utf8 = self.names_are_utf8();
        Ok(found.into_values().map(|item| folder(item, &namespaces, utf8)).collect())
    }

    pub(super) fn names_are_utf8(&self) -> bool {
        let rev2_only = self.state.offers("IMAP4REV2") && !self.state.offers("IMAP4REV1");
        rev2_only || ["UTF8=ACCEPT", "IMAP4REV2"].iter().any(|it| self.state.has_enabled(it))
    }

    fn list(
        &mut self,
        pattern: &[u8],
        found: &mut BTreeMap<Vec<u8>, ListItem>,
    ) -> Result<(), FetchError> {
        let plain = Command::new("LIST", "LIST \"\" ").string(pattern);
        let special =
            self.state.offers_or_rev2("LIST-EXTENDED") && self.state.offers_or_rev2("SPECIAL-USE");
        if special {
            let extended = plain.clone().text(" RETURN (SPECIAL-USE)");
            match self.list_by(&extended, found) {
                // Offered and not understood: the names count more.
                Err(FetchError::Refused { .. }) => {}
                outcome => return outcome,
            }
        }
        self.list_by(&plain, found)
    }

    fn list_by(
        &mut self,
        command: &Command,
        found: &mut BTreeMap<Vec<u8>, ListItem>,
    ) -> Result<(), FetchError> {
        let mut octets: u64 = found.keys().map(|raw| raw.len() as u64).sum();
        self.ask(command, &mut |untagged| {
            let item = match untagged {
                Untagged::List(item) if !item.raw.is_empty() => item,
                // A folder that is left out in silence would never be missed.
                Untagged::Malformed { kind, what } if kind == "LIST" => {
                    let text = format!("a folder in its list cannot be read: {what}");
                    return Err(FetchError::Protocol(text));
                }
                _ => return Ok(()),
            };
            octets += item.raw.len() as u64;
            if octets > FOLDER_NAMES_OCTETS.max {
                return Err(FetchError::LimitExceeded(FOLDER_NAMES_OCTETS));
            }
            if found.len() as u64 >= FOLDERS.max {
                return Err(FetchError::LimitExceeded(FOLDERS));
            }
            match found.get_mut(&item.raw) {
                Some(known) => {
                    let new = item.attributes.into_iter();
                    let new: Vec<_> = new.filter(|it| !known.attributes.contains(it)).collect();
                    let room = (LIST_ITEMS.max as usize).saturating_sub(known.attributes.len());
                    known.attributes.extend(new.into_iter().take(room));
                }
                None => drop(found.insert(item.raw.clone(), item)),
            }
            Ok(())
        })?;
        Ok(())
    }

    /// None where they are not offered, or not told.
    fn namespaces(&mut self) -> Result<Vec<NamespaceItem>, FetchError> {
        let mut found = Vec::new();
        if self.state.offers_or_rev2("NAMESPACE") {
            let command = Command::new("NAMESPACE", "NAMESPACE");
            self.run(&command, &mut NoBodies, &mut |untagged| {
                if let Untagged::Namespace(items) = untagged {
                    found = items;
                }
                Ok(())
            })?;
        }
        Ok(found)
    }
}

fn folder(item: ListItem, namespaces: &[NamespaceItem], utf8: bool) -> Folder {
    let decoded = match utf8 {
        true => String::from_utf8(item.raw.clone()).ok(),
        false => utf7::decode(&item.raw),
    };
    let of = namespaces.iter().filter(|it| item.raw.starts_with(&it.prefix));
    let namespace =
        of.max_by_key(|it| it.prefix.len()).map_or(NamespaceKind::Personal, |it| it.kind);
    Folder {
        name: decoded.unwrap_or_else(|| String::from_utf8_lossy(&item.raw).into_owned()),
        special_use: item.attributes.iter().find_map(|it| SpecialUse::parse(it)),
        raw: item.raw,
        attributes: item.attributes,
        delimiter: item.delimiter,
        namespace,
    }
}
