//! What a browser keeps for us between two steps of a sign-in: sealed, for a purpose, for a while.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Digest, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::error::IdentityError;

/// Longer texts are no tickets of ours.
const TICKET_BYTES_MAX: usize = 32 << 10;

#[derive(Serialize, Deserialize)]
struct Ticket<T> {
    until: Timestamp,
    value: T,
}

impl Identity {
    /// `value`, readable by us alone, and by [`Identity::opened`] for the same purpose only.
    pub(crate) fn sealed<T: Serialize>(
        &self,
        purpose: &str,
        value: T,
        until: Timestamp,
    ) -> Result<String, IdentityError> {
        let ticket =
            serde_json::to_vec(&Ticket { until, value }).map_err(|_| IdentityError::Ticket)?;
        let sealed = self.secrets.seal(purpose, &ticket)?;
        // Letters that need no care in cookies and addresses.
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// # Errors
    /// [`IdentityError::Expired`] for what is no ticket of ours for this purpose, or no longer.
    pub(crate) fn opened<T: DeserializeOwned>(
        &self,
        purpose: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<T, IdentityError> {
        if text.len() > TICKET_BYTES_MAX {
            return Err(IdentityError::Expired);
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| IdentityError::Expired)?;
        let sealed = String::from_utf8(sealed).map_err(|_| IdentityError::Expired)?;
        let octets = self.secrets.open(purpose, &sealed).map_err(|_| IdentityError::Expired)?;
        let ticket: Ticket<T> =
            serde_json::from_slice(&octets).map_err(|_| IdentityError::Expired)?;
        if ticket.until <= now { Err(IdentityError::Expired) } else { Ok(ticket.value) }
    }

    /// Lets `text` pass once until `until`, by which it has ended by itself.
    pub(crate) fn only_once(&self, text: &str, until: Timestamp) -> Result<(), IdentityError> {
        match self.catalog.use_once(Digest::of(text.as_bytes()), until)? {
            true => Ok(()),
            false => Err(IdentityError::Expired),
        }
    }
}
