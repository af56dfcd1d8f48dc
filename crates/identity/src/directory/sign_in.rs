//! Signing in at the directory that an account came from.

use std::time::{Duration, Instant};

use catalog::{Account, DirectoryConfig};

use super::connect::{Patience, with_any_host};
use super::desk::{DirectoryDesk, lock};
use super::error::DirectoryError;
use super::preset;
use crate::{DirectoryAnswer, DirectorySignIn};

/// A directory that did not answer a sign-in is not asked again for so long: others wait for the
/// same few places where passwords are checked.
const DOWN_SECONDS: u64 = 10;

impl DirectoryDesk {
    /// Whether this account's password is known to a directory, and if so whether this is it.
    /// `None`: the password is kept here.
    ///
    /// # Errors
    /// When the directory cannot be asked now.
    pub fn verify(
        &self,
        account: &Account,
        password: &str,
    ) -> Result<Option<bool>, DirectoryError> {
        if account.origin.is_none() {
            return Ok(None);
        }
        let Some((directory, entry)) = self.catalog.directory_of(account.id)? else {
            // It came from a directory of which no run knows it: nobody can say yes.
            return Ok(Some(false));
        };
        if !directory.config.sign_in {
            return Ok(None);
        }
        // Servers take an empty password for nobody, and say yes (RFC 4513 §5.1.2).
        if !directory.config.enabled || password.is_empty() || entry.dn.is_empty() {
            return Ok(Some(false));
        }
        let now = Instant::now();
        if lock(&self.down).get(&directory.id).is_some_and(|until| now < *until) {
            return Err(DirectoryError::Timeout { seconds: self.patience.as_secs() });
        }
        match self.bind_as(&directory.config, &entry.dn, password) {
            Ok(()) => Ok(Some(true)),
            Err(DirectoryError::Bind(failure)) if !failure.is_passing() => {
                tracing::info!(directory.id = %directory.id, code = failure.code(), "sign-in refused");
                Ok(Some(false))
            }
            Err(error) => {
                let until = Instant::now() + Duration::from_secs(DOWN_SECONDS);
                lock(&self.down).insert(directory.id, until);
                tracing::warn!(directory.id = %directory.id, code = error.code(), "no sign-in at the directory");
                Err(error)
            }
        }
    }

    fn bind_as(
        &self,
        config: &DirectoryConfig,
        dn: &str,
        password: &str,
    ) -> Result<(), DirectoryError> {
        let config = &preset::completed(config);
        let patience = Patience::new(config, self.patience, &self.stop);
        let patience = patience.shared_by(config.hosts.len());
        with_any_host(config, &patience, |client| client.bind(dn, password.as_bytes()))
    }
}

impl DirectorySignIn for DirectoryDesk {
    fn bind(&self, account: &Account, password: &str) -> DirectoryAnswer {
        match self.verify(account, password) {
            Ok(None) => DirectoryAnswer::NotMine,
            Ok(Some(true)) => DirectoryAnswer::Taken,
            Ok(Some(false)) => DirectoryAnswer::Refused,
            Err(_) => DirectoryAnswer::Unreachable,
        }
    }
}
