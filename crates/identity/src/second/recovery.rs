use catalog::Account;
use model::{AccountId, Digest, Timestamp};

use crate::Identity;
use crate::error::IdentityError;
use crate::password::OneTimePassword;
use crate::session::Current;

/// Codes that are drawn at a time.
pub const RECOVERY_CODES: usize = 10;

impl Identity {
    /// Draws new recovery codes; the old ones end. Shown once.
    pub fn new_recovery_codes(
        &self,
        current: &Current,
        now: Timestamp,
    ) -> Result<Vec<String>, IdentityError> {
        let account = self.fresh(current, now)?;
        if !self.catalog.second_factors(account.id)?.any() {
            return Err(IdentityError::Expired);
        }
        let codes = self.draw_recovery_codes(account.id)?;
        self.note(current, "second-factor.recovery-codes", "recovery-code", now)?;
        Ok(codes)
    }

    pub(super) fn draw_recovery_codes(
        &self,
        account: AccountId,
    ) -> Result<Vec<String>, IdentityError> {
        let codes: Vec<String> = (0..RECOVERY_CODES)
            .map(|_| OneTimePassword::draw(&*self.random).reveal().to_owned())
            .collect();
        let hashes: Vec<Digest> = codes.iter().map(|code| hash(account, code)).collect();
        self.catalog.set_recovery_codes(account, &hashes)?;
        Ok(codes)
    }

    /// Whether `code` is one of the account's; it counts once.
    pub(super) fn takes_recovery_code(
        &self,
        account: &Account,
        code: &str,
    ) -> Result<bool, IdentityError> {
        Ok(self.catalog.use_recovery_code(account.id, hash(account.id, code))?)
    }
}

/// A code has 100 random bits: a plain hash cannot be searched.
fn hash(account: AccountId, code: &str) -> Digest {
    let letters: String = code
        .chars()
        .filter(|one| one.is_ascii_alphanumeric())
        .map(|one| one.to_ascii_lowercase())
        .collect();
    Digest::of(format!("recovery code {account} {letters}").as_bytes())
}
