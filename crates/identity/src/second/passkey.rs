use std::sync::Arc;

use catalog::{Account, PasskeyRow};
use model::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid,
};

use super::{Confirmed, OFFER_SECONDS_MAX};
use crate::Identity;
use crate::error::IdentityError;
use crate::session::Current;

const REGISTRATION: &str = "new passkey";
const CHALLENGE: &str = "passkey challenge";

/// What the browser is asked: WebAuthn's options as JSON, binary values in Base64url.
pub struct PasskeyOffer {
    /// To be sent back with the authenticator's answer.
    pub ticket: String,
    /// `{"publicKey": …}` for `navigator.credentials.create` or `.get`.
    pub options: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Asked<T> {
    account: AccountId,
    state: T,
}

impl Identity {
    /// Asks for a new passkey.
    ///
    /// # Errors
    /// [`IdentityError::NoSite`] when the server's name is not known: a passkey belongs to a name.
    pub fn offer_passkey(
        &self,
        current: &Current,
        now: Timestamp,
    ) -> Result<PasskeyOffer, IdentityError> {
        let account = self.fresh(current, now)?;
        let keys = self.passkeys(account)?;
        let known = keys.iter().map(|key| key.cred_id().clone()).collect();
        let user = Uuid::from_bytes(*account.id.as_bytes());
        let name = if account.display_name.is_empty() {
            &account.user_name
        } else {
            &account.display_name
        };
        let (options, state) = self
            .webauthn()?
            .start_passkey_registration(user, &account.user_name, name, Some(known))
            .map_err(|_| IdentityError::PasskeyRefused)?;
        self.ask::<PasskeyRegistration, _>(REGISTRATION, account.id, state, &options, now)
    }

    /// The authenticator made a passkey: from now on the account signs in with it.
    ///
    /// # Errors
    /// [`IdentityError::PasskeyRefused`], [`IdentityError::Expired`].
    pub fn confirm_passkey(
        &self,
        current: &Current,
        ticket: &str,
        name: &str,
        credential: &serde_json::Value,
        now: Timestamp,
    ) -> Result<Confirmed, IdentityError> {
        let account = self.fresh(current, now)?;
        let state: PasskeyRegistration = self.asked(REGISTRATION, ticket, account.id, now)?;
        let answer = RegisterPublicKeyCredential::deserialize(credential)
            .map_err(|_| IdentityError::PasskeyRefused)?;
        let key = self
            .webauthn()?
            .finish_passkey_registration(&answer, &state)
            .map_err(|error| refused(&error))?;
        let row = PasskeyRow {
            id: key.cred_id().as_slice().to_vec(),
            name: name.trim().to_owned(),
            credential: written(&key)?,
            created_at: now,
            last_used_at: None,
        };
        self.catalog.add_passkey(account.id, &row)?;
        self.confirmed(current, "passkey", now)
    }

    /// Takes a passkey away; whether the account had it.
    pub fn remove_passkey(
        &self,
        current: &Current,
        id: &[u8],
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let account = self.fresh(current, now)?;
        let removed = self.catalog.remove_passkey(account.id, id)?;
        if removed {
            self.note(current, "second-factor.remove", "passkey", now)?;
        }
        Ok(removed)
    }

    /// Asks for one of the passkeys of the account whose password was right.
    ///
    /// # Errors
    /// [`IdentityError::Expired`] for an old ticket, [`IdentityError::PasskeyRefused`] when it has
    /// none.
    pub fn challenge(&self, pending: &str, now: Timestamp) -> Result<PasskeyOffer, IdentityError> {
        let (account, _) = self.pending(pending, now)?;
        let keys = self.passkeys(&account)?;
        let (options, state) = self
            .webauthn()?
            .start_passkey_authentication(&keys)
            .map_err(|_| IdentityError::PasskeyRefused)?;
        self.ask::<PasskeyAuthentication, _>(CHALLENGE, account.id, state, &options, now)
    }

    /// Whether the answer is that of one of the account's passkeys to the challenge, which counts
    /// once.
    pub(super) fn takes_passkey(
        &self,
        account: &Account,
        ticket: &str,
        credential: &serde_json::Value,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let state: PasskeyAuthentication = self.asked(CHALLENGE, ticket, account.id, now)?;
        let Ok(answer) = PublicKeyCredential::deserialize(credential) else { return Ok(false) };
        let Ok(result) = self.webauthn()?.finish_passkey_authentication(&answer, &state) else {
            return Ok(false);
        };
        // Read anew: the key may have been removed, or its counter moved, since the challenge.
        let keys = self.passkeys(account)?;
        let Some(mut key) = keys.into_iter().find(|key| key.cred_id() == result.cred_id()) else {
            return Ok(false);
        };
        if result.needs_update() {
            key.update_credential(&result);
        }
        let id = key.cred_id().as_slice().to_vec();
        self.catalog.use_passkey(account.id, &id, &written(&key)?, now)?;
        Ok(true)
    }

    fn webauthn(&self) -> Result<Arc<Webauthn>, IdentityError> {
        self.site()?.webauthn().ok_or(IdentityError::NoSite)
    }

    fn passkeys(&self, account: &Account) -> Result<Vec<Passkey>, IdentityError> {
        let rows = self.catalog.second_factors(account.id)?.passkeys;
        rows.iter()
            .map(|row| serde_json::from_str(&row.credential).map_err(|_| IdentityError::Ticket))
            .collect()
    }

    fn ask<T: Serialize, O: Serialize>(
        &self,
        purpose: &str,
        account: AccountId,
        state: T,
        options: &O,
        now: Timestamp,
    ) -> Result<PasskeyOffer, IdentityError> {
        let until = now.saturating_add_seconds(OFFER_SECONDS_MAX);
        let options = serde_json::to_value(options).map_err(|_| IdentityError::Ticket)?;
        let ticket = self.sealed(purpose, Asked { account, state }, until)?;
        Ok(PasskeyOffer { ticket, options })
    }

    /// What was asked of this account; each question is answered once.
    fn asked<T: serde::de::DeserializeOwned>(
        &self,
        purpose: &str,
        ticket: &str,
        account: AccountId,
        now: Timestamp,
    ) -> Result<T, IdentityError> {
        let asked: Asked<T> = self.opened(purpose, ticket, now)?;
        if asked.account != account {
            return Err(IdentityError::Expired);
        }
        self.only_once(ticket, now.saturating_add_seconds(OFFER_SECONDS_MAX))?;
        Ok(asked.state)
    }
}

fn written(key: &Passkey) -> Result<String, IdentityError> {
    serde_json::to_string(key).map_err(|_| IdentityError::Ticket)
}

fn refused(error: &webauthn_rs::prelude::WebauthnError) -> IdentityError {
    tracing::info!(%error, "a passkey was not accepted");
    IdentityError::PasskeyRefused
}
