//! Second factors: one-time passwords by time (RFC 6238), passkeys (WebAuthn), recovery codes.

mod passkey;
mod recovery;
mod totp;

use std::net::IpAddr;

use catalog::{Account, AuditEvent, AuditOutcome, SecondFactors};
use model::{AccountId, Timestamp};

use crate::Identity;
use crate::accounts::account_event;
use crate::error::IdentityError;
use crate::session::Current;
use crate::signin::{Guess, Opening, SignedIn, event};

pub use passkey::PasskeyOffer;
pub use recovery::RECOVERY_CODES;
pub use totp::{TOTP_DIGITS, TOTP_STEP_SECONDS, TotpOffer};

/// Second factors are changed only so long after signing in: a browser left open is not enough.
pub const FRESH_SECONDS_MAX: i64 = 15 * 60;

/// Between the offer of a new factor and its confirmation, and for a passkey's challenge.
const OFFER_SECONDS_MAX: i64 = 10 * 60;

/// What is shown besides the password.
pub enum Proof<'a> {
    /// A one-time password of the generator.
    Code(&'a str),
    /// The answer of the authenticator to the challenge in `ticket`, as the browser encodes it.
    Passkey {
        ticket: &'a str,
        credential: &'a serde_json::Value,
    },
    RecoveryCode(&'a str),
}

/// A new factor counts from now on.
#[derive(Debug)]
pub struct Confirmed {
    /// Shown once, with the first factor.
    pub recovery_codes: Option<Vec<String>>,
}

impl Identity {
    /// Completes the sign-in that `ticket` of [`crate::Pending`] stands for. Guessing is slowed;
    /// each code counts once.
    ///
    /// # Errors
    /// [`IdentityError::BadCode`], [`IdentityError::PasskeyRefused`]; [`IdentityError::Expired`]
    /// when the password must be entered anew.
    pub fn second_factor(
        &self,
        ticket: &str,
        proof: &Proof<'_>,
        ip: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> Result<SignedIn, IdentityError> {
        let (account, method) = self.pending(ticket, now)?;
        let kind = match proof {
            Proof::Code(_) => "totp",
            Proof::Passkey { .. } => "passkey",
            Proof::RecoveryCode(_) => "recovery-code",
        };
        let guess = Guess::code(&account.user_name, ip, account.id);
        let shown = self.try_once(&guess, now, || {
            let fits = match proof {
                Proof::Code(code) => self.takes_code(&account, code, now)?,
                Proof::Passkey { ticket, credential } => {
                    self.takes_passkey(&account, ticket, credential, now)?
                }
                Proof::RecoveryCode(code) => self.takes_recovery_code(&account, code)?,
            };
            Ok(fits.then_some(()))
        });
        let detail = serde_json::json!({ "secondFactor": kind });
        match shown {
            Ok(()) => {}
            Err(IdentityError::BadCredentials) => {
                let event = event("sign-in", &account.user_name, Some(&account), ip, now);
                let outcome = AuditOutcome::Failed;
                self.catalog.audit(&[AuditEvent { outcome, detail, ..event }])?;
                return Err(match proof {
                    Proof::Passkey { .. } => IdentityError::PasskeyRefused,
                    _ => IdentityError::BadCode,
                });
            }
            Err(error) => return Err(error),
        }
        let opening = Opening { method, ip, agent, detail, ..Opening::default() };
        self.open_session(account, opening, now)
    }

    pub fn second_factors(&self, account: AccountId) -> Result<SecondFactors, IdentityError> {
        Ok(self.catalog.second_factors(account)?)
    }

    /// Whether the account's role needs a second factor when it signs in by password.
    pub fn second_factor_required(&self, account: &Account) -> Result<bool, IdentityError> {
        let policy = self.catalog.sign_in_policy(account.tenant)?;
        Ok(policy.second_factor_roles.contains(&account.role))
    }

    /// Takes all second factors of the account away and ends its sessions: an administrator's help
    /// for somebody who lost them. Whether there was any.
    pub fn reset_second_factors(
        &self,
        account: &Account,
        by: &AuditEvent,
    ) -> Result<bool, IdentityError> {
        let before = facts(&self.catalog.second_factors(account.id)?);
        let reset = self.catalog.reset_second_factors(account.id)?;
        self.catalog.end_sessions(account.id)?;
        let detail = serde_json::json!({ "before": before });
        self.catalog.audit(&[AuditEvent { detail, ..by.clone() }])?;
        Ok(reset)
    }

    /// The account of a session that is young enough for a change of its factors.
    fn fresh<'c>(
        &self,
        current: &'c Current,
        now: Timestamp,
    ) -> Result<&'c Account, IdentityError> {
        let session = current.session().ok_or(IdentityError::NoSession)?;
        let until = session.created_at.saturating_add_seconds(FRESH_SECONDS_MAX);
        if now < until { Ok(&current.account) } else { Err(IdentityError::NotFresh) }
    }

    /// What follows a new factor: the duty to enrol ends, recovery codes are drawn if there are
    /// none, the log knows.
    fn confirmed(
        &self,
        current: &Current,
        kind: &str,
        now: Timestamp,
    ) -> Result<Confirmed, IdentityError> {
        let account = &current.account;
        let factors = self.catalog.second_factors(account.id)?;
        let recovery_codes = match factors.recovery_codes {
            0 => Some(self.draw_recovery_codes(account.id)?),
            _ => None,
        };
        self.catalog.enrolled(account.id)?;
        self.note(current, "second-factor.add", kind, now)?;
        Ok(Confirmed { recovery_codes })
    }

    fn note(
        &self,
        current: &Current,
        action: &str,
        kind: &str,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let event = account_event(action, &current.account, &current.account.user_name, now);
        let ip = current.session().and_then(|session| session.ip);
        let detail = serde_json::json!({ "kind": kind });
        self.catalog.audit(&[AuditEvent { ip, detail, ..event }])?;
        Ok(())
    }
}

fn facts(factors: &SecondFactors) -> serde_json::Value {
    serde_json::json!({
        "totp": factors.totp.is_some(),
        "passkeys": factors.passkeys.len(),
        "recoveryCodes": factors.recovery_codes,
    })
}
