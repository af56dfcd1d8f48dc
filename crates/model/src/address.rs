use std::fmt;

use serde::{Deserialize, Serialize};

/// An e-mail address as it was written (RFC 5321 §4.1.2 Mailbox, also RFC 6531), without angle
/// brackets or display name. Never validated beyond that: an archive keeps what it was told.
///
/// Two addresses are the same person's when their [`EmailAddress::key`]s are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Takes the text as it is, less surrounding white space and one pair of angle brackets.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let bare = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        Self(bare.unwrap_or(text).trim().to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What addresses are compared by: the whole address in lower case (Unicode).
    ///
    /// RFC 5321 §2.4 lets a host tell local parts apart by case; no mail system in use does.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The part behind the last `@` in lower case; `None` when there is none.
    pub fn domain(&self) -> Option<String> {
        let (_, domain) = self.0.rsplit_once('@')?;
        (!domain.is_empty()).then(|| domain.to_lowercase())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// An address with the display name that a header gave it (RFC 5322 §3.4); either may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub address: EmailAddress,
}

impl Mailbox {
    pub fn bare(address: EmailAddress) -> Self {
        Self { name: String::new(), address }
    }
}
