use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{EmailAddress, SourceId, TenantId, Timestamp};

/// What the SMTP dialogue said about a mail (RFC 5321 §2.3.1), or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The reverse path; `None` is the null sender `<>`.
    pub reverse_path: Option<EmailAddress>,
    /// The forward paths in the order of the `RCPT` commands.
    pub forward_paths: Vec<EmailAddress>,
    pub peer: Option<IpAddr>,
    /// The argument of `EHLO`, as claimed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub helo: String,
    /// The TLS version of the connection, such as `TLSv1_3`; `None` is clear text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

/// Where a submission came from. Names are part of the archive's format: never rename one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A mailbox that was read from its server.
    Fetched(Box<Fetched>),
    /// A file that an administrator imported; `name` is the path below what was named, or the
    /// message's place in a container, such as `2019.mbox#1742`.
    Import { id: SourceId, name: String, mailbox: Option<EmailAddress> },
    /// The SMTP listener; `id` is the journal address's.
    Smtp { id: SourceId },
}

impl Source {
    pub fn id(&self) -> SourceId {
        match self {
            Self::Fetched(fetched) => fetched.id,
            Self::Import { id, .. } | Self::Smtp { id } => *id,
        }
    }
}

/// Where a mail lay when it was fetched, as the server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    pub id: SourceId,
    /// Whose mailbox it is; `None`: a folder that gathers many people's mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<EmailAddress>,
    /// Its name in Unicode; `INBOX` for POP3.
    pub folder: String,
    /// UIDVALIDITY and UID (RFC 9051 §2.3.1.1); both 0 for POP3.
    #[serde(default)]
    pub uid_validity: u32,
    #[serde(default)]
    pub uid: u32,
    /// What POP3 calls the mail (RFC 1939 §7); at most 70 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uidl: Option<String>,
    /// When it came into the mailbox (INTERNALDATE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Such as `\Seen`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// One header that names the envelope recipients of a plain copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderRule {
    /// A header of the administrator's choice, by name.
    Custom(String),
    DeliveredTo,
    /// The sub-address of the RCPT: `archive+user=domain.example@…` names `user@domain.example`.
    RcptSubaddress,
    /// `X-Envelope-To`, with `X-Envelope-From`.
    XEnvelopeTo,
    XGmOriginalTo,
    XOriginalTo,
}

/// How a source reads the envelope of what comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRules {
    /// Whether Microsoft journal reports are recognised and unwrapped.
    pub journal_reports: bool,
    /// The headers that are believed, all of them together; without a hit From, To and Cc are
    /// taken and marked as coming from headers.
    pub rules: Vec<HeaderRule>,
    /// The archive's own addresses, in lower case: never taken for a recipient.
    pub own_domains: Vec<String>,
    /// Values of `X-OriginatorOrg` that are the tenant's; empty accepts every organisation.
    pub organisations: Vec<String>,
}

impl Default for HeaderRules {
    fn default() -> Self {
        Self {
            journal_reports: true,
            rules: vec![
                HeaderRule::RcptSubaddress,
                HeaderRule::XEnvelopeTo,
                HeaderRule::XGmOriginalTo,
                HeaderRule::XOriginalTo,
            ],
            own_domains: Vec::new(),
            organisations: Vec::new(),
        }
    }
}

/// One mail on its way into the archive of one tenant.
#[derive(Clone, Debug)]
pub struct Submission {
    pub tenant: TenantId,
    pub source: Source,
    /// `None` for an import: a file has no SMTP dialogue.
    pub envelope: Option<Envelope>,
    pub received_at: Timestamp,
    /// A decision of an administrator that lifts the organisation check (release from quarantine).
    pub released: bool,
    pub octets: Arc<Vec<u8>>,
}
