use model::{EmailAddress, Timestamp};
use serde::{Deserialize, Serialize};

use crate::CatalogError;

/// Mailboxes that one service account reads.
pub const FETCH_MAILBOXES_MAX: usize = 10_000;

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchProtocol {
    /// IMAP where it answers, else POP3.
    #[default]
    Auto,
    Imap,
    Pop3,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchSecurity {
    /// TLS from the start, else STARTTLS; never clear text.
    #[default]
    Auto,
    /// Clear text: the password crosses the network readable.
    None,
    Starttls,
    Tls,
}

/// How the source proves who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchSignIn {
    Oauth,
    #[default]
    Password,
}

/// How a certificate's assertion is signed (RFC 7523).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionKind {
    /// PS256, the certificate named by `x5t#S256`.
    #[default]
    Ps256,
    /// RS256, the certificate named by `x5t`.
    Rs256,
}

/// Client credentials (RFC 6749 §4.4); secret and key stand in [`FetchSecrets`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FetchOauth {
    /// Such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The directory's id or domain; empty for providers without.
    pub tenant: String,
    /// The whole address, where it is not made of authority and tenant.
    pub token_url: Option<String>,
    pub client_id: String,
    pub scope: String,
    pub audience: Option<String>,
    /// PEM; with it the assertion is signed by the key instead of showing a secret.
    pub certificate_pem: Option<String>,
    pub assertion: AssertionKind,
}

impl Default for FetchOauth {
    fn default() -> Self {
        Self {
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: String::new(),
            token_url: None,
            client_id: String::new(),
            scope: "https://outlook.office365.com/.default".to_owned(),
            audience: None,
            certificate_pem: None,
            assertion: AssertionKind::default(),
        }
    }
}

/// How a service account opens the mailboxes of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ServiceAccess {
    /// SASL PLAIN with an authorization id (RFC 4616).
    AuthorizationId,
    /// `mailbox<separator>user` is signed in, as Dovecot's master users are.
    MasterUser { separator: String },
    /// One token of the application opens all of them.
    Oauth,
}

/// A mailbox of others, as the server names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchMailbox {
    /// What is signed in.
    pub user: String,
    /// Whose it is; `None`: `user` is the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<EmailAddress>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum FetchMode {
    /// One folder that gathers copies or journal reports of many people.
    Journal { folder: String },
    /// A person's mailbox with its folders. Its mail is also theirs whom no header names.
    Mailbox { address: EmailAddress },
    /// Many people's mailboxes by one service account.
    Mailboxes {
        by: ServiceAccess,
        #[serde(default)]
        mailboxes: Vec<FetchMailbox>,
        /// Those of all accounts as well, by their addresses.
        #[serde(default)]
        every_account: bool,
    },
}

impl Default for FetchMode {
    fn default() -> Self {
        Self::Journal { folder: "INBOX".to_owned() }
    }
}

/// What becomes of a mail on its server once the archive has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AfterFetch {
    #[default]
    Delete,
    /// It stays; the mailbox fills.
    Keep,
    /// IMAP only.
    Move { folder: String },
}

/// Which mail comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchOrder {
    NewestFirst,
    #[default]
    OldestFirst,
}

/// How a source is reached and what is read. Kept as JSON; what is missing has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FetchConfig {
    pub server: String,
    pub protocol: FetchProtocol,
    /// `None`: the usual one of protocol and security.
    pub port: Option<u16>,
    pub security: FetchSecurity,
    /// PEM certificates of the authorities to trust instead of the system's.
    pub ca_pem: Option<String>,
    /// SHA-256 of the server's certificate in hexadecimal digits; then nothing else is checked.
    pub pinned_sha256: Option<String>,
    pub user: String,
    pub sign_in: FetchSignIn,
    pub oauth: FetchOauth,
    pub mode: FetchMode,
    /// Patterns of folders that are read, with `*` and `%` as in `LIST`; empty: all.
    pub include: Vec<String>,
    /// Patterns of folders that are not read; `\Trash` and its like name special uses.
    pub exclude: Vec<String>,
    pub every_minutes: u32,
    /// New mail is told by the server where it can (RFC 2177).
    pub idle: bool,
    pub after: AfterFetch,
    /// Larger mails stay on the server and are listed; `None`: what the archive takes.
    pub mail_mebibytes_max: Option<u32>,
    pub order: FetchOrder,
    /// Mail that the server received before is not read. To the moment, where the server says when;
    /// POP3 does not, and is read whole.
    pub since: Option<Timestamp>,
    /// Mail that the server received from then on is not read; as `since`.
    pub until: Option<Timestamp>,
    /// How often completeness is checked by itself; `None`: only when a person says so.
    pub reconcile_every_hours: Option<u32>,
    pub enabled: bool,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            server: String::new(),
            protocol: FetchProtocol::default(),
            port: None,
            security: FetchSecurity::default(),
            ca_pem: None,
            pinned_sha256: None,
            user: String::new(),
            sign_in: FetchSignIn::default(),
            oauth: FetchOauth::default(),
            mode: FetchMode::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            every_minutes: 1,
            idle: false,
            after: AfterFetch::default(),
            mail_mebibytes_max: None,
            order: FetchOrder::default(),
            since: None,
            until: None,
            reconcile_every_hours: None,
            enabled: true,
        }
    }
}

/// Longer names of servers, users and folders are refused.
const TEXT_CHARS_MAX: usize = 500;

/// Longer PEM texts are refused.
const PEM_CHARS_MAX: usize = 100_000;

/// Patterns of folders.
const PATTERNS_MAX: usize = 100;

/// A year, in minutes.
const MINUTES_MAX: u32 = 366 * 24 * 60;

/// A year, in hours.
const HOURS_MAX: u32 = 366 * 24;

impl FetchConfig {
    /// # Errors
    /// `Invalid` with what cannot work, whatever the server does.
    pub fn check(&self) -> Result<(), CatalogError> {
        let refuse = |what: &'static str| Err(CatalogError::Invalid(what));
        let fits = |text: &str| text.chars().count() <= TEXT_CHARS_MAX;
        let is_name = |text: &str| !text.trim().is_empty() && fits(text);
        if !is_name(&self.server) || self.server.contains(char::is_whitespace) {
            return refuse("the server");
        }
        if self.port == Some(0) {
            return refuse("the port");
        }
        if !fits(&self.user) {
            return refuse("the user");
        }
        if self.every_minutes == 0 || self.every_minutes > MINUTES_MAX {
            return refuse("the interval");
        }
        if self.reconcile_every_hours.is_some_and(|hours| hours == 0 || hours > HOURS_MAX) {
            return refuse("the interval of reconciliation");
        }
        if self.mail_mebibytes_max.is_some_and(|most| !(1..=100).contains(&most)) {
            return refuse("the largest mail");
        }
        let patterns = [&self.include, &self.exclude];
        let is_pattern = |pattern: &String| is_name(pattern);
        if patterns.iter().any(|all| all.len() > PATTERNS_MAX || !all.iter().all(is_pattern)) {
            return refuse("the patterns of folders");
        }
        if let AfterFetch::Move { folder } = &self.after
            && (!is_name(folder) || self.protocol == FetchProtocol::Pop3)
        {
            return refuse("the folder to move to");
        }
        let pem = [&self.ca_pem, &self.oauth.certificate_pem];
        if pem.iter().any(|pem| pem.as_ref().is_some_and(|pem| pem.len() > PEM_CHARS_MAX)) {
            return refuse("the certificate");
        }
        let oauth = &self.oauth;
        let texts = [&oauth.authority, &oauth.tenant, &oauth.client_id, &oauth.scope];
        if !texts.iter().all(|text| fits(text)) {
            return refuse("the settings of OAuth");
        }
        self.check_mode()
    }

    fn check_mode(&self) -> Result<(), CatalogError> {
        match &self.mode {
            FetchMode::Journal { folder } if folder.trim().is_empty() => {
                Err(CatalogError::Invalid("the folder"))
            }
            FetchMode::Mailbox { address } if !address.as_str().contains('@') => {
                Err(CatalogError::Invalid("the mailbox's address"))
            }
            FetchMode::Mailboxes { mailboxes, every_account, .. } => {
                let known = |it: &FetchMailbox| {
                    let address = it.address.as_ref().map_or(it.user.as_str(), |it| it.as_str());
                    !it.user.trim().is_empty() && address.contains('@')
                };
                let none = mailboxes.is_empty() && !every_account;
                if none || mailboxes.len() > FETCH_MAILBOXES_MAX || !mailboxes.iter().all(known) {
                    return Err(CatalogError::Invalid("the mailboxes"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What is secret of a source, each sealed by [`SecretBox`](crate::SecretBox) for
/// [`FetchSource::secret_place`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FetchSecrets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The private key of the certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
}
