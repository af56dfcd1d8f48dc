//! Signing in: PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), XOAUTH2 (Google, Microsoft)
//! and OAUTHBEARER (RFC 7628), with the dialogues by which they fail.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{FetchError, Limit};

/// A challenge in base64: all that these mechanisms know is a short text.
pub const CHALLENGE: Limit = Limit::new("sasl-challenge-octets", 12 * 1024);

/// Challenges of one exchange; LOGIN needs two, a failure one more.
pub const CHALLENGES: Limit = Limit::new("sasl-challenges", 6);

/// Who signs in, and by what.
#[derive(Clone)]
pub enum Credentials {
    Bearer {
        /// The mailbox.
        user: String,
        /// An OAuth 2 access token.
        token: Zeroizing<String>,
    },
    Password {
        user: String,
        password: Zeroizing<String>,
        /// Whose mailbox, when a service account signs in (SASL authorization identity); only
        /// PLAIN can say it.
        act_as: Option<String>,
    },
}

impl Credentials {
    pub fn user(&self) -> &str {
        match self {
            Self::Bearer { user, .. } | Self::Password { user, .. } => user,
        }
    }

    /// What must never be shown.
    pub fn secret(&self) -> &str {
        match self {
            Self::Bearer { token, .. } => token,
            Self::Password { password, .. } => password,
        }
    }
}

impl fmt::Debug for Credentials {
    /// Without secrets and names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer { .. } => "Credentials::Bearer",
            Self::Password { .. } => "Credentials::Password",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    Login,
    OauthBearer,
    Plain,
    Xoauth2,
}

impl Mechanism {
    /// As the protocols name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The best one for these credentials of those that the server offers, `None` when it offers
    /// none. For tokens XOAUTH2 comes first: it is what Exchange Online knows, and where both are
    /// offered they do the same.
    pub fn choose(credentials: &Credentials, offers: impl Fn(&str) -> bool) -> Option<Self> {
        let wanted: &[Self] = match credentials {
            Credentials::Bearer { .. } => &[Self::Xoauth2, Self::OauthBearer],
            Credentials::Password { act_as: Some(_), .. } => &[Self::Plain],
            Credentials::Password { act_as: None, .. } => &[Self::Plain, Self::Login],
        };
        wanted.iter().copied().find(|mechanism| offers(mechanism.name()))
    }
}

/// One run of a mechanism; the protocols carry its texts in base64.
pub struct Exchange {
    mechanism: Mechanism,
    /// What is still to be said, the next last.
    left: Vec<Zeroizing<Vec<u8>>>,
    /// The server's challenge behind the last word: why it refuses.
    refusal: Option<String>,
    challenges: u64,
}

impl Exchange {
    /// `host` and `port` are those of the server; OAUTHBEARER names them.
    ///
    /// # Errors
    /// When user, password or token hold what the mechanism cannot carry.
    pub fn new(
        mechanism: Mechanism,
        credentials: &Credentials,
        host: &str,
        port: u16,
    ) -> Result<Self, FetchError> {
        let left = match (mechanism, credentials) {
            (Mechanism::Plain, Credentials::Password { user, password, act_as }) => {
                vec![plain(act_as.as_deref().unwrap_or(""), user, password)?]
            }
            (Mechanism::Login, Credentials::Password { user, password, .. }) => {
                vec![octets(password), octets(user)]
            }
            (Mechanism::Xoauth2, Credentials::Bearer { user, token }) => {
                vec![xoauth2(user, token)?]
            }
            (Mechanism::OauthBearer, Credentials::Bearer { user, token }) => {
                vec![oauthbearer(user, token, host, port)?]
            }
            (mechanism, _) => {
                let text = format!("{} does not go with these credentials", mechanism.name());
                return Err(FetchError::Config(text));
            }
        };
        Ok(Self { mechanism, left, refusal: None, challenges: 0 })
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// What can be said with the command itself (SASL-IR, RFC 4959), in base64; `None` for LOGIN,
    /// where the server speaks first. Once taken it is not said again.
    pub fn initial(&mut self) -> Option<Zeroizing<String>> {
        if self.mechanism == Mechanism::Login {
            return None;
        }
        self.left.pop().map(|octets| encode(&octets))
    }

    /// What to answer to a challenge (the text behind `+ `), in base64; an empty line is an answer
    /// as well.
    ///
    /// # Errors
    /// When the server does not come to an end.
    pub fn answer(&mut self, challenge: &[u8]) -> Result<Zeroizing<String>, FetchError> {
        self.challenges += 1;
        if self.challenges > CHALLENGES.max {
            return Err(FetchError::LimitExceeded(CHALLENGES));
        }
        if challenge.len() as u64 > CHALLENGE.max {
            return Err(FetchError::LimitExceeded(CHALLENGE));
        }
        if let Some(octets) = self.left.pop() {
            return Ok(encode(&octets));
        }
        // Everything was said: the server says why it refuses, and wants an answer before it ends.
        let reason = STANDARD.decode(challenge.trim_ascii()).unwrap_or_default();
        let reason = String::from_utf8_lossy(&reason).into_owned();
        if !reason.is_empty() {
            self.refusal = Some(reason);
        }
        Ok(match self.mechanism {
            // RFC 7628 §3.2.3: a dummy response of one %x01.
            Mechanism::OauthBearer => encode(b"\x01"),
            _ => Zeroizing::new(String::new()),
        })
    }

    /// Why the server refuses, such as `{"status":"401",…}`; not cleaned for showing.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }
}

fn octets(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn encode(octets: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(octets))
}

fn without(text: &str, octets: &[u8], what: &str) -> Result<(), FetchError> {
    match text.bytes().any(|octet| octets.contains(&octet)) {
        true => Err(FetchError::Config(format!("{what} holds a character that cannot be sent"))),
        false => Ok(()),
    }
}

/// RFC 4616 §2.
fn plain(act_as: &str, user: &str, password: &str) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    without(act_as, b"\0", "the mailbox")?;
    without(user, b"\0", "the user name")?;
    without(password, b"\0", "the password")?;
    Ok(Zeroizing::new(format!("{act_as}\0{user}\0{password}").into_bytes()))
}

/// <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>.
fn xoauth2(user: &str, token: &str) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    without(user, b"\x01\0", "the user name")?;
    without(token, b"\x01\0\r\n", "the token")?;
    Ok(Zeroizing::new(format!("user={user}\x01auth=Bearer {token}\x01\x01").into_bytes()))
}

/// RFC 7628 §3.1, with the GS2 header of RFC 5801 §4.
fn oauthbearer(
    user: &str,
    token: &str,
    host: &str,
    port: u16,
) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    without(user, b"\x01\0", "the user name")?;
    without(host, b"\x01\0", "the server's name")?;
    without(token, b"\x01\0\r\n", "the token")?;
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let text = format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
    Ok(Zeroizing::new(text.into_bytes()))
}
