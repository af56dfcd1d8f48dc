//! From a source's settings to a session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use catalog::{
    AssertionKind, FetchConfig, FetchMode, FetchProtocol, FetchSecurity, FetchSignIn, ServiceAccess,
};
use model::SourceId;

use super::imap_mailbox::ImapMailbox;
use super::mailbox::{Awaited, Mailbox, Opener};
use super::pop3_mailbox::Pop3Mailbox;
use super::{Secrets, Target};
use crate::fetch::imap::{self, Idled};
use crate::fetch::net::{Patience, Security, Server, Trust, parse_fingerprint};
use crate::fetch::oauth::{
    AssertionAlgorithm, ClientKey, TokenClient, TokenSettings, where_others_open,
};
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, Probe, pop3};

/// Octets of a mail that POP3 reads at most; the archive's own limit is lower.
const MAIL_OCTETS_MAX: u64 = 4 << 30;

/// Folders that a test of the connection names.
const FOLDERS_NAMED_MAX: usize = 20;

/// Real servers.
pub struct Servers {
    tokens: TokenClient,
    patience: Patience,
    /// What answered where the settings leave it open.
    found: Mutex<HashMap<SourceId, FetchProtocol>>,
}

impl Servers {
    pub fn new(tokens: TokenClient) -> Self {
        Self { tokens, patience: Patience::default(), found: Mutex::default() }
    }

    /// With another patience; its `stop` does not count.
    #[must_use]
    pub fn patient(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    fn patience(&self, target: &Target) -> Patience {
        Patience { stop: Arc::clone(&target.stop), ..self.patience.clone() }
    }

    fn protocols(&self, target: &Target) -> Vec<FetchProtocol> {
        let config = &target.source.config;
        let one_folder = match &config.mode {
            FetchMode::Journal { folder } => folder.eq_ignore_ascii_case("INBOX"),
            FetchMode::Mailbox { .. } | FetchMode::Mailboxes { .. } => false,
        };
        match config.protocol {
            // POP3 has no other folders.
            FetchProtocol::Auto if !one_folder => vec![FetchProtocol::Imap],
            FetchProtocol::Auto => {
                let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                match found.get(&target.source.source.id) {
                    Some(known) => vec![*known],
                    None => vec![FetchProtocol::Imap, FetchProtocol::Pop3],
                }
            }
            named => vec![named],
        }
    }

    fn session(
        &self,
        protocol: FetchProtocol,
        target: &Target,
    ) -> Result<Box<dyn Mailbox>, FetchError> {
        let config = &target.source.config;
        let server = server(config)?;
        let credentials = credentials(config, &target.mailbox, &target.secrets, &self.tokens)?;
        let patience = self.patience(target);
        let mut probe = Probe::default();
        Ok(match protocol {
            FetchProtocol::Auto | FetchProtocol::Imap => {
                let session = imap::Session::open(&server, &patience, &credentials, &mut probe)?;
                Box::new(ImapMailbox::new(session))
            }
            FetchProtocol::Pop3 => {
                let session = pop3::Session::open(&server, &patience, &credentials, &mut probe)?;
                Box::new(Pop3Mailbox::new(session, MAIL_OCTETS_MAX))
            }
        })
    }

    /// A server refused the sign-in: what was granted meanwhile counts only in a new token.
    fn replace_token(&self, target: &Target) {
        let config = &target.source.config;
        let by_token = match &config.mode {
            FetchMode::Mailboxes { by, .. } => matches!(by, ServiceAccess::Oauth),
            _ => matches!(config.sign_in, FetchSignIn::Oauth),
        };
        if by_token && let Ok(settings) = token_settings(config, &target.secrets) {
            self.tokens.refused(&settings);
        }
    }

    /// Whether another mailbox of the source opened since the start.
    fn others_open(&self, target: &Target) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        !target.mailbox.is_empty() && found.contains_key(&target.source.source.id)
    }
}

impl Opener for Servers {
    fn open(&self, target: &Target) -> Result<Box<dyn Mailbox>, FetchError> {
        let mut first = None;
        for protocol in self.protocols(target) {
            match self.session(protocol, target) {
                Ok(session) => {
                    let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.insert(target.source.source.id, protocol);
                    return Ok(session);
                }
                // Only where nothing answers the other protocol is tried.
                Err(error @ FetchError::NoConnection { .. }) => {
                    first.get_or_insert(error);
                }
                Err(error) => {
                    if matches!(error, FetchError::SignInRefused { .. }) {
                        self.replace_token(target);
                    }
                    return Err(match self.others_open(target) {
                        true => where_others_open(error),
                        false => error,
                    });
                }
            }
        }
        let nothing = || FetchError::Config("no protocol".to_owned());
        Err(first.unwrap_or_else(nothing))
    }

    fn wait_for_mail(
        &self,
        target: &Target,
        folder: &str,
        seen: Option<u32>,
        until: Instant,
    ) -> Result<Awaited, FetchError> {
        let config = &target.source.config;
        if self.protocols(target) != [FetchProtocol::Imap] {
            return Ok(Awaited::NotOffered);
        }
        let credentials = credentials(config, &target.mailbox, &target.secrets, &self.tokens)?;
        let patience = self.patience(target);
        let server = server(config)?;
        let mut probe = Probe::default();
        let mut session = imap::Session::open(&server, &patience, &credentials, &mut probe)?;
        if !session.offers_idle() {
            session.log_out();
            return Ok(Awaited::NotOffered);
        }
        let folder = session.folder(folder);
        let opened = session.examine(&folder)?;
        if let (Some(seen), Some(next)) = (seen, opened.uid_next)
            && next != seen
        {
            session.log_out();
            return Ok(Awaited::Missed(next));
        }
        let idled = session.idle(until)?;
        session.log_out();
        Ok(match idled {
            Idled::Changed => Awaited::News,
            Idled::TimedOut => Awaited::Nothing,
        })
    }
}

/// A session with a mailbox of a source, by IMAP: to bring mail back.
///
/// # Errors
/// Why there is none; of POP3, which takes no mail.
pub fn imap_session(
    target: &Target,
    tokens: &TokenClient,
    patience: &Patience,
) -> Result<imap::Session, FetchError> {
    let config = &target.source.config;
    if config.protocol == FetchProtocol::Pop3 {
        return Err(FetchError::Config("POP3 takes no mail back".to_owned()));
    }
    let credentials = credentials(config, &target.mailbox, &target.secrets, tokens)?;
    imap::Session::open(&server(config)?, patience, &credentials, &mut Probe::default())
}

/// Tries everything that a run needs, and says how each step went. Changes nothing. Of many
/// mailboxes it takes the one that is named.
pub fn probe(
    config: &FetchConfig,
    mailbox: &str,
    secrets: &Secrets,
    tokens: &TokenClient,
) -> Probe {
    let mut steps = Probe::default();
    let prepared = steps.run("settings", || {
        let server = server(config)?;
        let credentials = credentials(config, mailbox, secrets, tokens)?;
        Ok(((server, credentials), config.server.clone()))
    });
    let Ok((server, credentials)) = prepared else { return steps };
    let patience = Patience::default();
    let by_imap = || probe_imap(&server, &patience, &credentials);
    let by_pop3 = || pop3::probe(&server, &patience, &credentials);
    let found = match config.protocol {
        FetchProtocol::Imap => by_imap(),
        FetchProtocol::Pop3 => by_pop3(),
        FetchProtocol::Auto => {
            let first = by_imap();
            let unreachable = first.steps.last().is_some_and(|step| step.code == "no-connection");
            if unreachable {
                steps.steps.extend(first.steps);
                by_pop3()
            } else {
                first
            }
        }
    };
    steps.steps.extend(found.steps);
    steps
}

fn probe_imap(server: &Server, patience: &Patience, credentials: &Credentials) -> Probe {
    let mut probe = Probe::default();
    // What fails stands in the last step.
    let Ok(mut session) = imap::Session::open(server, patience, credentials, &mut probe) else {
        return probe;
    };
    let folders = probe.run("folders", || {
        let folders = session.folders()?;
        let names: Vec<&str> =
            folders.iter().take(FOLDERS_NAMED_MAX).map(|it| it.name.as_str()).collect();
        Ok(((), format!("{} folders: {}", folders.len(), names.join(", "))))
    });
    if folders.is_ok() {
        let _ = probe.run("messages", || {
            let inbox = session.folder("INBOX");
            let state = session.examine(&inbox)?;
            Ok(((), format!("{} mails in INBOX", state.exists)))
        });
    }
    if !session.can_remove() {
        probe.warn("messages", "without UIDPLUS archived mail cannot be removed: it stays");
    }
    session.log_out();
    probe
}

fn server(config: &FetchConfig) -> Result<Server, FetchError> {
    let trust = match (&config.pinned_sha256, &config.ca_pem) {
        (Some(pin), _) => match parse_fingerprint(pin) {
            Some(pin) => Trust::Pinned(pin),
            None => {
                return Err(FetchError::Config("the pinned certificate is no SHA-256".to_owned()));
            }
        },
        (None, Some(pem)) => Trust::Authorities(pem.clone()),
        (None, None) => Trust::System,
    };
    Ok(Server {
        host: config.server.trim().to_owned(),
        port: config.port,
        security: match config.security {
            FetchSecurity::Auto => Security::Automatic,
            FetchSecurity::None => Security::Clear,
            FetchSecurity::Starttls => Security::StartTls,
            FetchSecurity::Tls => Security::ImplicitTls,
        },
        allow_clear: false,
        trust,
    })
}

/// Who signs in to open `mailbox` (empty: the source's own).
fn credentials(
    config: &FetchConfig,
    mailbox: &str,
    secrets: &Secrets,
    tokens: &TokenClient,
) -> Result<Credentials, FetchError> {
    let password = || {
        let missing = || FetchError::Config("the password is missing".to_owned());
        secrets.password.clone().ok_or_else(missing)
    };
    let bearer = |user: &str| {
        let token = tokens.token(&token_settings(config, secrets)?)?;
        Ok(Credentials::Bearer { user: user.to_owned(), token: token.secret })
    };
    let own = config.user.trim();
    let FetchMode::Mailboxes { by, .. } = &config.mode else {
        return match config.sign_in {
            FetchSignIn::Oauth => bearer(own),
            FetchSignIn::Password => Ok(Credentials::Password {
                user: own.to_owned(),
                password: password()?,
                act_as: None,
            }),
        };
    };
    match by {
        ServiceAccess::AuthorizationId => Ok(Credentials::Password {
            user: own.to_owned(),
            password: password()?,
            act_as: Some(mailbox.to_owned()),
        }),
        ServiceAccess::MasterUser { separator } => Ok(Credentials::Password {
            user: format!("{mailbox}{separator}{own}"),
            password: password()?,
            act_as: None,
        }),
        ServiceAccess::Oauth => bearer(mailbox),
    }
}

fn token_settings(config: &FetchConfig, secrets: &Secrets) -> Result<TokenSettings, FetchError> {
    let oauth = &config.oauth;
    let key = match (&oauth.certificate_pem, &secrets.client_key, &secrets.client_secret) {
        (Some(certificate), Some(key), _) => ClientKey::Certificate {
            certificate_pem: certificate.clone(),
            key_pem: key.clone(),
            algorithm: match oauth.assertion {
                AssertionKind::Ps256 => AssertionAlgorithm::Ps256,
                AssertionKind::Rs256 => AssertionAlgorithm::Rs256,
            },
        },
        (_, _, Some(secret)) => ClientKey::Secret(secret.clone()),
        _ => return Err(FetchError::Config("the client secret is missing".to_owned())),
    };
    let token_url = oauth.token_url.clone().unwrap_or_else(|| {
        let authority = oauth.authority.trim_end_matches('/');
        format!("{authority}/{}/oauth2/v2.0/token", oauth.tenant)
    });
    Ok(TokenSettings {
        token_url,
        client_id: oauth.client_id.clone(),
        key,
        scope: Some(oauth.scope.clone()).filter(|scope| !scope.is_empty()),
        audience: oauth.audience.clone(),
        assertion_audience: None,
        authorities_pem: config.ca_pem.clone(),
    })
}
