use std::net::IpAddr;

use catalog::{
    Account, AccountKind, Attempt, AuditEvent, AuditOutcome, Session, TenantState, ThrottleRule,
    USER_NAME_CHARS_MAX,
};
use model::{AccountId, Digest, Timestamp};

use crate::Identity;
use crate::error::IdentityError;
use crate::random::hex;
use crate::session::{SESSION_SECONDS_MAX, TOKEN_BYTES};

/// Wrong guesses that cost nothing: typing errors.
const FREE_ATTEMPTS: u32 = 5;

/// For a whole network or a whole account: many people behind one address, many strangers.
const FREE_ATTEMPTS_SHARED: u32 = 20;

const PAUSE_SECONDS_MAX: i64 = 15 * 60;

/// What strangers can do to an account from elsewhere is short, and nothing where its owner signed
/// in before: guessing slows down, but nobody is locked out.
const PAUSE_SECONDS_MAX_ACCOUNT: i64 = 60;
const PLACE_TRUST_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Who wants to sign in, as they say.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub user_name: &'a str,
    pub password: &'a str,
    pub ip: Option<IpAddr>,
    /// The browser's name for itself.
    pub agent: &'a str,
}

/// A new session. The token is known to the browser only.
pub struct SignedIn {
    /// 64 hexadecimal digits for the cookie.
    pub token: String,
    pub session: Session,
    pub account: Account,
}

impl Identity {
    /// Checks user name and password and opens a session. Guessing is slowed per account and per
    /// network; success and failure stand in the audit log. An unknown user name costs the same
    /// time as a wrong password.
    pub fn sign_in(
        &self,
        credentials: &Credentials<'_>,
        now: Timestamp,
    ) -> Result<SignedIn, IdentityError> {
        let Credentials { user_name, password, ip, agent } = *credentials;
        let user_name: String = user_name.trim().chars().take(USER_NAME_CHARS_MAX).collect();
        let account = self.catalog.account_named(&user_name)?;
        let id = account.as_ref().map(|account| account.id);
        let tried = self.try_once(&user_name, ip, id, now, || {
            let hash = id.map(|id| self.catalog.password_hash(id)).transpose()?.flatten();
            let matches = self.hasher.verify(password, hash.as_deref())?;
            Ok(matches && self.is_open(account.as_ref())?)
        });
        let outcome = match tried {
            Ok(()) => AuditOutcome::Done,
            Err(IdentityError::BadCredentials) => AuditOutcome::Failed,
            // A pause follows failures that stand in the log already.
            Err(error) => return Err(error),
        };
        self.catalog.audit(&[event(&user_name, account.as_ref(), outcome, ip, now)])?;
        let account = account.filter(|_| outcome == AuditOutcome::Done);
        let account = account.ok_or(IdentityError::BadCredentials)?;
        let (token, session) = self.new_session(account.id, ip, agent, now);
        self.catalog.add_session(&session)?;
        Ok(SignedIn { token, session, account })
    }

    /// Runs `check` if the brake allows it, and tells the brake how it went.
    pub(crate) fn try_once(
        &self,
        user_name: &str,
        ip: Option<IpAddr>,
        account: Option<AccountId>,
        now: Timestamp,
        check: impl FnOnce() -> Result<bool, IdentityError>,
    ) -> Result<(), IdentityError> {
        let place = ip.map_or_else(|| "local".to_owned(), network);
        // Names are hashed: people type passwords into the wrong field.
        let name = &Digest::of(user_name.to_lowercase().as_bytes()).to_hex()[..32];
        let pair = format!("pair {name} {place}");
        let shared = format!("place {place}");
        let whole = format!("account {name}");
        let rule = |key: &String, free, pause_seconds_max| ThrottleRule {
            key: key.clone(),
            free,
            pause_seconds_max,
        };
        let mut rules = vec![
            rule(&pair, FREE_ATTEMPTS, PAUSE_SECONDS_MAX),
            rule(&shared, FREE_ATTEMPTS_SHARED, PAUSE_SECONDS_MAX),
        ];
        let since = now.saturating_add_seconds(-PLACE_TRUST_SECONDS);
        let trusted = match account {
            Some(account) => self.catalog.knows_place(account, &place, since)?,
            None => false,
        };
        if !trusted {
            rules.push(rule(&whole, FREE_ATTEMPTS_SHARED, PAUSE_SECONDS_MAX_ACCOUNT));
        }
        if let Attempt::Wait(until) = self.catalog.attempt(&rules, now)? {
            return Err(IdentityError::Throttled { until });
        }
        if !check()? {
            return Err(IdentityError::BadCredentials);
        }
        // The network's counter only loses this attempt: a stranger with an account of their own
        // must not reset it.
        let undo = if trusted { vec![shared] } else { vec![shared, whole] };
        self.catalog.forgive(&[pair], &undo, now)?;
        if let Some(account) = account {
            self.catalog.remember_place(account, &place, now)?;
        }
        Ok(())
    }

    /// Whether the account may sign in at all.
    pub(crate) fn is_open(&self, account: Option<&Account>) -> Result<bool, IdentityError> {
        let signs_in =
            |account: &&Account| !account.disabled && account.kind == AccountKind::Person;
        let Some(account) = account.filter(signs_in) else { return Ok(false) };
        match account.tenant {
            None => Ok(true),
            Some(tenant) => {
                let tenant = self.catalog.tenant(tenant)?;
                Ok(tenant.is_some_and(|tenant| tenant.state == TenantState::Active))
            }
        }
    }

    fn new_session(
        &self,
        account: AccountId,
        ip: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> (String, Session) {
        let token = hex(&self.draw::<TOKEN_BYTES>());
        let session = Session {
            token_hash: Digest::of(token.as_bytes()),
            account,
            csrf: hex(&self.draw::<TOKEN_BYTES>()),
            created_at: now,
            last_seen_at: now,
            expires_at: now.saturating_add_seconds(SESSION_SECONDS_MAX),
            ip,
            agent: agent.to_owned(),
        };
        (token, session)
    }
}

/// Where an address belongs: an IPv4 address, or the /64 of an IPv6 address, which is one
/// customer's (RFC 6177).
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn event(
    user_name: &str,
    account: Option<&Account>,
    outcome: AuditOutcome,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> AuditEvent {
    AuditEvent {
        at: now,
        tenant: account.and_then(|account| account.tenant),
        account: account.map(|account| account.id),
        // A name that is nobody's may be a password in the wrong field.
        who: account.map_or_else(|| "(unknown)".to_owned(), |_| user_name.to_owned()),
        action: "sign-in".to_owned(),
        object: account.map(|account| account.id.to_string()).unwrap_or_default(),
        detail: Default::default(),
        reason: None,
        outcome,
        ip,
    }
}
