//! Who someone is: local accounts with passwords and second factors, OpenID providers, API tokens,
//! the brake on guessing, sessions.
//!
//! Passwords are kept as Argon2id hashes (RFC 9106), tokens as SHA-256, other secrets sealed. Every
//! call blocks: on the disk, [`Identity::sign_in`] for some 30 ms of computing with 19 MiB of
//! memory, calls to providers on the network; the caller bounds how many run at a time and uses
//! `spawn_blocking`.

mod accounts;
mod by;
pub mod directory;
mod error;
mod grants;
mod groups;
mod manage;
pub mod oidc;
mod password;
mod random;
mod reach;
mod second;
mod session;
mod sheet;
mod signin;
mod site;
mod tenancy;
mod ticket;
mod token;

use std::sync::{Arc, PoisonError, RwLock};

use catalog::{Catalog, SecretBox};
use zeroize::Zeroizing;

pub use accounts::{NewAccount, display_name};
pub use by::By;
pub use error::{IdentityError, WeakPassword};
pub use grants::{APPROVAL_DAYS_MAX, NewGrant, NewRequest};
pub use manage::{ACCOUNT_ADDRESSES_MAX, AccountDraft, AccountEdit};
pub use password::{
    OneTimePassword, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, check_password, hash_passwords,
};
pub use random::{Random, SystemRandom};
pub use second::{
    Confirmed, FRESH_SECONDS_MAX, PasskeyOffer, Proof, RECOVERY_CODES, TOTP_DIGITS,
    TOTP_STEP_SECONDS, TotpOffer,
};
pub use session::{
    Access, Current, SESSION_IDLE_SECONDS_MAX, SESSION_SECONDS_MAX, TOKEN_BYTES, TOUCH_SECONDS,
    session_id,
};
pub use sheet::{
    Finding, ImportPlan, LineEffect, PlannedLine, SHEET_BYTES_MAX, SHEET_LINES_MAX,
    SHEET_PASSWORDS_MAX,
};
pub use signin::{
    Credentials, DirectoryAnswer, DirectorySignIn, PENDING_SECONDS_MAX, Pending, SignIn, SignedIn,
};
pub use site::{Site, SiteError};
pub use tenancy::{FirstTenant, GRACE_SECONDS_MAX};
pub use token::{API_TOKEN_DAYS_MAX, API_TOKEN_PREFIX, NewToken};

use password::Hasher;

/// Accounts, and all ways in which they show who they are, on top of the catalog.
pub struct Identity {
    catalog: Arc<dyn Catalog>,
    random: Arc<dyn Random>,
    hasher: Hasher,
    secrets: SecretBox,
    directory: Option<Arc<dyn DirectorySignIn>>,
    site: RwLock<Option<Site>>,
    providers: oidc::Providers,
}

impl Identity {
    /// Hashes with the parameters that OWASP names as the minimum: 19 MiB, 2 passes, 1 lane.
    ///
    /// Alone it knows passwords and sessions; what it seals, only itself opens. The methods
    /// `with_…` add the rest.
    pub fn new(catalog: Arc<dyn Catalog>, random: Arc<dyn Random>) -> Result<Self, IdentityError> {
        let hasher = Hasher::new(&*random)?;
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut *key);
        Ok(Self {
            catalog,
            random,
            hasher,
            secrets: SecretBox::new(&key)?,
            directory: None,
            site: RwLock::default(),
            providers: oidc::Providers::default(),
        })
    }

    /// Seals under the key that is the same at every start.
    #[must_use]
    pub fn with_secrets(mut self, secrets: SecretBox) -> Self {
        self.secrets = secrets;
        self
    }

    /// Accounts that come from a directory sign in by its password.
    #[must_use]
    pub fn with_directory(mut self, directory: Arc<dyn DirectorySignIn>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Under which address browsers reach the server: passkeys and OpenID providers need it.
    #[must_use]
    pub fn with_site(self, site: Option<Site>) -> Self {
        self.set_site(site);
        self
    }

    /// As [`Identity::with_site`], while the server runs.
    pub fn set_site(&self, site: Option<Site>) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = site;
    }

    /// # Errors
    /// [`IdentityError::NoSite`] when it is not known.
    pub fn site(&self) -> Result<Site, IdentityError> {
        let site = self.site.read().unwrap_or_else(PoisonError::into_inner);
        site.clone().ok_or(IdentityError::NoSite)
    }

    /// OpenID providers are reached through `web`.
    #[must_use]
    pub fn with_web(mut self, web: Arc<dyn oidc::Web>) -> Self {
        self.providers = oidc::Providers::new(web);
        self
    }

    /// `COUNT` bytes that nobody can guess.
    /// For an id that nobody can guess.
    pub fn draw_id(&self) -> [u8; 16] {
        self.draw()
    }

    fn draw<const COUNT: usize>(&self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        self.random.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests;
