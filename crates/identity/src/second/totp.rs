use catalog::{Account, TotpRow};
use model::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

use super::{Confirmed, OFFER_SECONDS_MAX};
use crate::Identity;
use crate::error::IdentityError;
use crate::session::Current;

pub const TOTP_DIGITS: u8 = 6;
pub const TOTP_STEP_SECONDS: u64 = 30;

/// RFC 4226 §4 recommends 160 bits.
const SECRET_BYTES: usize = 20;

/// Clocks may differ by so many steps in both directions (RFC 6238 §5.2).
const SKEW_STEPS: u16 = 1;

const ISSUER: &str = "Chancery";
const OFFER: &str = "new one-time password generator";

/// A generator to be set up.
pub struct TotpOffer {
    /// For [`Identity::confirm_totp`].
    pub ticket: String,
    /// Base32, to be typed where no camera is.
    pub secret: String,
    /// `otpauth://totp/…`
    pub uri: String,
    /// The address as a picture: PNG in Base64.
    pub qr_png: String,
}

#[derive(Serialize, Deserialize)]
struct Offered {
    account: AccountId,
    secret: Vec<u8>,
}

impl Identity {
    /// Draws the secret of a generator; it counts only once it is confirmed.
    pub fn offer_totp(
        &self,
        current: &Current,
        now: Timestamp,
    ) -> Result<TotpOffer, IdentityError> {
        let account = self.fresh(current, now)?;
        let secret = self.draw::<SECRET_BYTES>().to_vec();
        let totp = generator(&secret, &account.user_name)?;
        let until = now.saturating_add_seconds(OFFER_SECONDS_MAX);
        Ok(TotpOffer {
            secret: totp.secret().to_base32(),
            uri: totp.to_url().map_err(|_| IdentityError::Ticket)?,
            qr_png: totp.to_qr_base64().map_err(|_| IdentityError::Ticket)?,
            ticket: self.sealed(OFFER, Offered { account: account.id, secret }, until)?,
        })
    }

    /// The generator of `ticket` gave `code`: from now on the account signs in with it. Replaces
    /// an earlier generator.
    ///
    /// # Errors
    /// [`IdentityError::BadCode`], [`IdentityError::Expired`].
    pub fn confirm_totp(
        &self,
        current: &Current,
        ticket: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Confirmed, IdentityError> {
        let account = self.fresh(current, now)?;
        let offered: Offered = self.opened(OFFER, ticket, now)?;
        if offered.account != account.id {
            return Err(IdentityError::Expired);
        }
        let totp = generator(&offered.secret, &account.user_name)?;
        let step = step_of(&totp, code, now).ok_or(IdentityError::BadCode)?;
        let row = TotpRow {
            secret: self.secrets.seal(&place(account.id), &offered.secret)?,
            last_step: step,
            created_at: now,
        };
        self.catalog.set_totp(account.id, Some(&row))?;
        self.confirmed(current, "totp", now)
    }

    /// Takes the generator away.
    pub fn remove_totp(&self, current: &Current, now: Timestamp) -> Result<(), IdentityError> {
        let account = self.fresh(current, now)?;
        self.catalog.set_totp(account.id, None)?;
        self.note(current, "second-factor.remove", "totp", now)
    }

    /// Whether `code` is the account's one-time password of this time; it counts once.
    pub(super) fn takes_code(
        &self,
        account: &Account,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let Some(row) = self.catalog.second_factors(account.id)?.totp else { return Ok(false) };
        let secret = self.secrets.open(&place(account.id), &row.secret)?;
        let totp = generator(&secret, &account.user_name)?;
        match step_of(&totp, code, now) {
            Some(step) => Ok(self.catalog.use_totp_step(account.id, step)?),
            None => Ok(false),
        }
    }
}

fn place(account: AccountId) -> String {
    format!("account {account} totp")
}

fn generator(secret: &[u8], user_name: &str) -> Result<Totp, IdentityError> {
    // A colon separates issuer and name in the address.
    let name = user_name.replace(':', "_");
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(TOTP_DIGITS)
        .with_step_duration(TOTP_STEP_SECONDS)
        .with_skew(SKEW_STEPS)
        .with_secret(secret.to_vec())
        .with_account_name(name)
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|_| IdentityError::Ticket)
}

/// The time step whose password `code` is, near `now`.
fn step_of(totp: &Totp, code: &str, now: Timestamp) -> Option<u64> {
    let code: String = code.chars().filter(|one| !one.is_whitespace()).collect();
    let digits =
        code.len() == usize::from(TOTP_DIGITS) && code.bytes().all(|it| it.is_ascii_digit());
    let seconds = u64::try_from(now.as_seconds()).ok()?;
    if digits { totp.check(&code, seconds) } else { None }
}
