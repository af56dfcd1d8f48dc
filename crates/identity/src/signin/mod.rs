use std::net::IpAddr;

use catalog::{
    Account, AccountKind, AuditEvent, AuditOutcome, Session, SignInMethod, TenantState,
    USER_NAME_CHARS_MAX,
};
use model::{AccountId, Digest, Timestamp};
use policy::AccountRole;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::error::IdentityError;
use crate::random::hex;
use crate::session::{SESSION_SECONDS_MAX, TOKEN_BYTES};

mod brake;

pub(crate) use brake::Guess;

/// Between the password and the second factor.
pub const PENDING_SECONDS_MAX: i64 = 5 * 60;

const PENDING: &str = "pending second factor";

/// Who wants to sign in, as they say.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub user_name: &'a str,
    pub password: &'a str,
    pub ip: Option<IpAddr>,
    /// The browser's name for itself.
    pub agent: &'a str,
}

/// Where a sign-in stands after the password.
pub enum SignIn {
    Complete(Box<SignedIn>),
    SecondFactor(Pending),
}

/// A new session. The token is known to the browser only.
pub struct SignedIn {
    /// 64 hexadecimal digits for the cookie.
    pub token: String,
    pub session: Session,
    pub account: Account,
}

/// The password was right; the account has a second factor, which is still to be shown.
pub struct Pending {
    /// For a cookie; ends after [`PENDING_SECONDS_MAX`].
    pub ticket: String,
    pub totp: bool,
    pub passkeys: bool,
    pub recovery_codes: bool,
}

/// What a pending ticket says.
#[derive(Serialize, Deserialize)]
struct FirstFactor {
    account: AccountId,
    method: SignInMethod,
}

/// Checks passwords of accounts that come from a directory.
pub trait DirectorySignIn: Send + Sync {
    /// Asks the directory of the account. Blocks; bounded in time. The password is never empty,
    /// which a directory would take for anonymous (RFC 4513 §5.1.2).
    fn bind(&self, account: &Account, password: &str) -> DirectoryAnswer;
}

/// What a directory says about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryAnswer {
    /// The account comes from no directory: its own password counts.
    NotMine,
    /// Wrong password, or the account is closed there.
    Refused,
    Taken,
    Unreachable,
}

impl Identity {
    /// Checks user name and password, and opens a session unless a second factor is to be shown
    /// first. Guessing is slowed per account and per network; success and failure stand in the
    /// audit log. An unknown user name costs the same time as a wrong password.
    pub fn sign_in(
        &self,
        credentials: &Credentials<'_>,
        now: Timestamp,
    ) -> Result<SignIn, IdentityError> {
        let Credentials { user_name, password, ip, agent } = *credentials;
        let user_name: String = user_name.trim().chars().take(USER_NAME_CHARS_MAX).collect();
        let account = self.catalog.account_named(&user_name)?;
        let mut method = SignInMethod::Password;
        let guess = Guess::password(&user_name, ip, account.as_ref().map(|account| account.id));
        let tried = self.try_once(&guess, now, || {
            let fits = match self.ask_directory(account.as_ref(), password) {
                DirectoryAnswer::NotMine => self.password_fits(account.as_ref(), password)?,
                DirectoryAnswer::Unreachable => return Err(IdentityError::DirectoryUnreachable),
                answer => {
                    method = SignInMethod::Directory;
                    answer == DirectoryAnswer::Taken
                }
            };
            if !(fits && self.is_open(account.as_ref())?) {
                return Ok(None);
            }
            Ok(account.clone())
        });
        let account = match tried {
            Ok(account) => account,
            Err(error @ IdentityError::BadCredentials) => {
                let event = event("sign-in", &user_name, account.as_ref(), ip, now);
                self.catalog.audit(&[AuditEvent { outcome: AuditOutcome::Failed, ..event }])?;
                return Err(error);
            }
            // A pause follows failures that stand in the log already.
            Err(error) => return Err(error),
        };
        self.after_password(account, &user_name, method, ip, agent, now)
    }

    fn after_password(
        &self,
        account: Account,
        user_name: &str,
        method: SignInMethod,
        ip: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> Result<SignIn, IdentityError> {
        let policy = self.catalog.sign_in_policy(account.tenant)?;
        let runs_things =
            matches!(account.role, AccountRole::Administrator | AccountRole::Operator);
        if policy.local_for_administrators_only && !runs_things {
            let event = AuditEvent {
                outcome: AuditOutcome::Denied,
                detail: serde_json::json!({ "code": "local-sign-in-off" }),
                ..event("sign-in", user_name, Some(&account), ip, now)
            };
            self.catalog.audit(&[event])?;
            return Err(IdentityError::LocalSignInOff);
        }
        let factors = self.catalog.second_factors(account.id)?;
        if factors.any() {
            self.catalog.audit(&[event("sign-in.password", user_name, Some(&account), ip, now)])?;
            let until = now.saturating_add_seconds(PENDING_SECONDS_MAX);
            let first = FirstFactor { account: account.id, method };
            return Ok(SignIn::SecondFactor(Pending {
                ticket: self.sealed(PENDING, first, until)?,
                totp: factors.totp.is_some(),
                passkeys: !factors.passkeys.is_empty(),
                recovery_codes: factors.recovery_codes > 0,
            }));
        }
        let must_enrol = policy.second_factor_roles.contains(&account.role);
        let opening = Opening { method, must_enrol, ip, agent, ..Opening::default() };
        Ok(SignIn::Complete(Box::new(self.open_session(account, opening, now)?)))
    }

    /// Whose password was right, and how it was checked, by the ticket of [`Pending`].
    pub(crate) fn pending(
        &self,
        ticket: &str,
        now: Timestamp,
    ) -> Result<(Account, SignInMethod), IdentityError> {
        let first: FirstFactor = self.opened(PENDING, ticket, now)?;
        let account = self.catalog.account(first.account)?;
        let account = account.ok_or(IdentityError::Expired)?;
        match self.is_open(Some(&account))? {
            true => Ok((account, first.method)),
            false => Err(IdentityError::Expired),
        }
    }

    /// Opens a session for somebody who has shown all that is asked, and writes it down.
    pub(crate) fn open_session(
        &self,
        account: Account,
        opening: Opening<'_>,
        now: Timestamp,
    ) -> Result<SignedIn, IdentityError> {
        let token = hex(&self.draw::<TOKEN_BYTES>());
        let session = Session {
            token_hash: Digest::of(token.as_bytes()),
            account: account.id,
            csrf: hex(&self.draw::<TOKEN_BYTES>()),
            created_at: now,
            last_seen_at: now,
            expires_at: now.saturating_add_seconds(SESSION_SECONDS_MAX),
            ip: opening.ip,
            agent: opening.agent.to_owned(),
            method: opening.method,
            must_enrol: opening.must_enrol,
            provider_session: opening.provider_session,
        };
        let mut detail = serde_json::json!({ "method": opening.method });
        if let (Some(detail), serde_json::Value::Object(more)) =
            (detail.as_object_mut(), opening.detail)
        {
            detail.extend(more);
        }
        let event = event("sign-in", &account.user_name, Some(&account), opening.ip, now);
        self.catalog.audit(&[AuditEvent { detail, ..event }])?;
        self.catalog.add_session(&session)?;
        Ok(SignedIn { token, session, account })
    }

    fn ask_directory(&self, account: Option<&Account>, password: &str) -> DirectoryAnswer {
        match (&self.directory, account) {
            (Some(directory), Some(account)) if !password.is_empty() => {
                directory.bind(account, password)
            }
            _ => DirectoryAnswer::NotMine,
        }
    }

    /// Checks against the stored hash; a hash of older parameters is replaced on the way.
    fn password_fits(
        &self,
        account: Option<&Account>,
        password: &str,
    ) -> Result<bool, IdentityError> {
        let hash = match account {
            Some(account) => self.catalog.password_hash(account.id)?,
            None => None,
        };
        let fits = self.hasher.verify(password, hash.as_deref())?;
        if let (true, Some(account), Some(old)) = (fits, account, hash)
            && !self.hasher.is_current(&old)
        {
            let new = self.hasher.hash(password, &*self.random)?;
            self.catalog.rehash_password(account.id, &old, &new)?;
        }
        Ok(fits)
    }

    /// Whether the account may sign in at all.
    pub(crate) fn is_open(&self, account: Option<&Account>) -> Result<bool, IdentityError> {
        let person = |account: &&Account| !account.disabled && account.kind == AccountKind::Person;
        let Some(account) = account.filter(person) else { return Ok(false) };
        match account.tenant {
            None => Ok(true),
            Some(tenant) => {
                let tenant = self.catalog.tenant(tenant)?;
                Ok(tenant.is_some_and(|tenant| tenant.state == TenantState::Active))
            }
        }
    }
}

/// How a session begins.
#[derive(Default)]
pub(crate) struct Opening<'a> {
    pub method: SignInMethod,
    pub must_enrol: bool,
    pub ip: Option<IpAddr>,
    pub agent: &'a str,
    pub provider_session: Option<String>,
    /// Further facts for the audit log, an object.
    pub detail: serde_json::Value,
}

pub(crate) fn event(
    action: &str,
    user_name: &str,
    account: Option<&Account>,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> AuditEvent {
    AuditEvent {
        at: now,
        tenant: account.and_then(|account| account.tenant),
        account: account.map(|account| account.id),
        // A name that is nobody's may be a password in the wrong field.
        who: account.map_or_else(|| "(unknown)".to_owned(), |_| user_name.to_owned()),
        action: action.to_owned(),
        object: account.map(|account| account.id.to_string()).unwrap_or_default(),
        detail: Default::default(),
        reason: None,
        outcome: AuditOutcome::Done,
        ip,
    }
}
