use catalog::{Account, ApiToken, Session};
use model::{AccountId, Digest, Timestamp};
use policy::Actor;

use crate::Identity;
use crate::error::IdentityError;

/// 256 bits.
pub const TOKEN_BYTES: usize = 32;

/// A session that nobody uses ends.
pub const SESSION_IDLE_SECONDS_MAX: i64 = 8 * 60 * 60;

/// Every session ends.
pub const SESSION_SECONDS_MAX: i64 = 24 * 60 * 60;

/// How exactly the last use is written down: not every request costs a write.
pub const TOUCH_SECONDS: i64 = 60;

/// By what somebody is let in.
#[derive(Clone, Debug)]
pub enum Access {
    /// A person in a browser.
    Session(Session),
    /// A program.
    Token(ApiToken),
}

/// Who is let in at this moment, by what.
#[derive(Clone, Debug)]
pub struct Current {
    pub access: Access,
    /// With `must_change_password` set nothing but changing the password and signing out is
    /// allowed.
    pub account: Account,
    /// For `policy`: with own addresses and what grants open at this moment.
    pub actor: Actor,
}

impl Current {
    /// `None` for a program.
    pub fn session(&self) -> Option<&Session> {
        match &self.access {
            Access::Session(session) => Some(session),
            Access::Token(_) => None,
        }
    }

    /// Whether `token` is the session's CSRF token; compares in constant time.
    pub fn csrf_matches(&self, token: &str) -> bool {
        let Some(session) = self.session() else { return false };
        let (own, token) = (session.csrf.as_bytes(), token.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(own, token).is_ok()
    }

    /// Whether something else must be done first: a new password, a second factor.
    pub fn is_ready(&self) -> bool {
        !self.account.must_change_password && !self.must_enrol()
    }

    /// Whether a second factor must be enrolled first.
    pub fn must_enrol(&self) -> bool {
        self.session().is_some_and(|session| session.must_enrol)
    }
}

/// The public name of a session: tells it from others, opens nothing.
pub fn session_id(session: &Session) -> String {
    Digest::of(session.token_hash.as_bytes()).to_hex()[..32].to_owned()
}

impl Identity {
    /// The session that `token` opens. `None`: unknown, expired, idle for too long, account
    /// disabled or tenant suspended; such a session is removed.
    pub fn current(&self, token: &str, now: Timestamp) -> Result<Option<Current>, IdentityError> {
        let Some(token_hash) = token_hash(token) else { return Ok(None) };
        let Some((session, account)) = self.catalog.session(token_hash)? else { return Ok(None) };
        if !is_alive(&session, now) || !self.is_open(Some(&account))? {
            self.catalog.end_session(token_hash)?;
            return Ok(None);
        }
        if session.last_seen_at.saturating_add_seconds(TOUCH_SECONDS) <= now {
            self.catalog.touch_session(token_hash, now)?;
        }
        let actor = self.actor_of(&account, now)?;
        Ok(Some(Current { access: Access::Session(session), account, actor }))
    }

    /// Who acts in the session that `token` opens, for `policy`. `None` also while something must
    /// be done first.
    pub fn actor(&self, token: &str, now: Timestamp) -> Result<Option<Actor>, IdentityError> {
        let ready = self.current(token, now)?.filter(Current::is_ready);
        Ok(ready.map(|current| current.actor))
    }

    /// Ends the session; one that is unknown has ended already.
    pub fn sign_out(&self, token: &str) -> Result<(), IdentityError> {
        if let Some(token_hash) = token_hash(token) {
            self.catalog.end_session(token_hash)?;
        }
        Ok(())
    }

    /// The account's sessions that hold, latest use first.
    pub fn sessions(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Session>, IdentityError> {
        let mut sessions = self.catalog.sessions(account)?;
        sessions.retain(|session| is_alive(session, now));
        Ok(sessions)
    }

    /// Ends the session of the account that [`session_id`] names so; whether there was one.
    pub fn end_session(&self, account: AccountId, id: &str) -> Result<bool, IdentityError> {
        let sessions = self.catalog.sessions(account)?;
        match sessions.iter().find(|session| session_id(session) == id) {
            Some(session) => Ok(self.catalog.end_session(session.token_hash)?),
            None => Ok(false),
        }
    }
}

fn is_alive(session: &Session, now: Timestamp) -> bool {
    let idle_until = session.last_seen_at.saturating_add_seconds(SESSION_IDLE_SECONDS_MAX);
    now < session.expires_at && now < idle_until
}

/// `None` for what cannot be a token.
fn token_hash(token: &str) -> Option<Digest> {
    let fits = token.len() == 2 * TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| Digest::of(token.as_bytes()))
}
