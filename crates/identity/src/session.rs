use catalog::{Account, Session};
use model::{Digest, Timestamp};
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

/// A session that holds at this moment.
#[derive(Clone, Debug)]
pub struct Current {
    pub session: Session,
    /// With `must_change_password` set nothing but changing the password and signing out is
    /// allowed.
    pub account: Account,
    /// For `policy`: with own addresses and what grants open at this moment.
    pub actor: Actor,
}

impl Current {
    /// Whether `token` is the session's CSRF token; compares in constant time.
    pub fn csrf_matches(&self, token: &str) -> bool {
        let (own, token) = (self.session.csrf.as_bytes(), token.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(own, token).is_ok()
    }
}

impl Identity {
    /// The session that `token` opens. `None`: unknown, expired, idle for too long, account
    /// disabled or tenant suspended; such a session is removed.
    pub fn current(&self, token: &str, now: Timestamp) -> Result<Option<Current>, IdentityError> {
        let Some(token_hash) = token_hash(token) else { return Ok(None) };
        let Some((session, account)) = self.catalog.session(token_hash)? else { return Ok(None) };
        let idle_until = session.last_seen_at.saturating_add_seconds(SESSION_IDLE_SECONDS_MAX);
        let alive = now < session.expires_at && now < idle_until;
        if !alive || !self.is_open(Some(&account))? {
            self.catalog.end_session(token_hash)?;
            return Ok(None);
        }
        if session.last_seen_at.saturating_add_seconds(TOUCH_SECONDS) <= now {
            self.catalog.touch_session(token_hash, now)?;
        }
        let actor = self.actor_of(&account, now)?;
        Ok(Some(Current { session, account, actor }))
    }

    /// Who acts in the session that `token` opens, for `policy`. `None` also while the password
    /// must be changed first.
    pub fn actor(&self, token: &str, now: Timestamp) -> Result<Option<Actor>, IdentityError> {
        let current = self.current(token, now)?;
        let ready = current.filter(|current| !current.account.must_change_password);
        Ok(ready.map(|current| current.actor))
    }

    /// Ends the session; one that is unknown has ended already.
    pub fn sign_out(&self, token: &str) -> Result<(), IdentityError> {
        if let Some(token_hash) = token_hash(token) {
            self.catalog.end_session(token_hash)?;
        }
        Ok(())
    }
}

/// `None` for what cannot be a token.
fn token_hash(token: &str) -> Option<Digest> {
    let fits = token.len() == 2 * TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| Digest::of(token.as_bytes()))
}
