//! Who someone is: local accounts with passwords, the brake on guessing, sessions.
//!
//! Passwords are kept as Argon2id hashes (RFC 9106), session tokens as SHA-256. Every call blocks:
//! on the disk, and [`Identity::sign_in`] for some 30 ms of computing with 19 MiB of memory; the
//! caller bounds how many run at a time and uses `spawn_blocking`.

mod accounts;
mod by;
mod error;
mod grants;
mod password;
mod random;
mod reach;
mod session;
mod signin;
mod tenancy;

use std::sync::Arc;

use catalog::Catalog;

pub use accounts::{NewAccount, display_name};
pub use by::By;
pub use error::{IdentityError, WeakPassword};
pub use grants::{APPROVAL_DAYS_MAX, NewGrant, NewRequest};
pub use password::{OneTimePassword, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, check_password};
pub use random::{Random, SystemRandom};
pub use session::{
    Current, SESSION_IDLE_SECONDS_MAX, SESSION_SECONDS_MAX, TOKEN_BYTES, TOUCH_SECONDS,
};
pub use signin::{Credentials, SignedIn};
pub use tenancy::{FirstTenant, GRACE_SECONDS_MAX};

use password::Hasher;

/// Local accounts on top of the catalog.
pub struct Identity {
    catalog: Arc<dyn Catalog>,
    random: Arc<dyn Random>,
    hasher: Hasher,
}

impl Identity {
    /// Hashes with the parameters that OWASP names as the minimum: 19 MiB, 2 passes, 1 lane.
    pub fn new(catalog: Arc<dyn Catalog>, random: Arc<dyn Random>) -> Result<Self, IdentityError> {
        let hasher = Hasher::new(&*random)?;
        Ok(Self { catalog, random, hasher })
    }

    /// `COUNT` bytes that nobody can guess.
    fn draw<const COUNT: usize>(&self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        self.random.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests;
