use catalog::{Account, ApiToken, AuditEvent};
use model::{AccountId, ApiTokenId, Digest, Timestamp};
use policy::Permission;

use crate::Identity;
use crate::accounts::account_event;
use crate::error::IdentityError;
use crate::random::hex;
use crate::session::{Access, Current, TOKEN_BYTES, TOUCH_SECONDS};

/// How every token begins, so that people and scanners recognise one.
pub const API_TOKEN_PREFIX: &str = "chy_";

/// The longest life of a token.
pub const API_TOKEN_DAYS_MAX: i64 = 366;

/// Characters of the token that are kept to recognise it.
const SHOWN_CHARS: usize = API_TOKEN_PREFIX.len() + 8;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    pub name: &'a str,
    /// At least one, and none beyond the account's role.
    pub scopes: &'a [Permission],
    pub read_only: bool,
    pub expires_at: Timestamp,
}

impl Identity {
    /// Makes a token for the account; the text is returned once and never stored. `by` is the user
    /// name of who did it, for the audit log.
    ///
    /// # Errors
    /// [`IdentityError::BadToken`] for scopes beyond the account's role and a life of more than
    /// [`API_TOKEN_DAYS_MAX`].
    pub fn create_token(
        &self,
        account: &Account,
        new: &NewToken<'_>,
        by: &str,
        now: Timestamp,
    ) -> Result<(String, ApiToken), IdentityError> {
        let own = policy::permissions(account.role);
        if new.scopes.is_empty() || new.scopes.iter().any(|scope| !own.contains(scope)) {
            return Err(IdentityError::BadToken("give at least one scope, and none you lack"));
        }
        let latest = now.saturating_add_seconds(API_TOKEN_DAYS_MAX * 24 * 60 * 60);
        if new.expires_at <= now || new.expires_at > latest {
            return Err(IdentityError::BadToken("a token ends within a year"));
        }
        let text = format!("{API_TOKEN_PREFIX}{}", hex(&self.draw::<TOKEN_BYTES>()));
        let mut scopes = new.scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        let token = ApiToken {
            id: ApiTokenId::from_bytes(self.draw()),
            token_hash: Digest::of(text.as_bytes()),
            account: account.id,
            name: new.name.trim().to_owned(),
            prefix: text[..SHOWN_CHARS].to_owned(),
            scopes,
            read_only: new.read_only,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        self.catalog.add_api_token(&token)?;
        let detail = serde_json::json!({
            "token": token.id, "name": token.name, "scopes": token.scopes,
            "readOnly": token.read_only, "expiresAt": token.expires_at,
        });
        let event = account_event("token.create", account, by, now);
        self.catalog.audit(&[AuditEvent { detail, ..event }])?;
        Ok((text, token))
    }

    /// Who acts by `token`. `None`: unknown, expired, account disabled or tenant suspended.
    pub fn current_by_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Current>, IdentityError> {
        let digits = token.strip_prefix(API_TOKEN_PREFIX).unwrap_or_default();
        if digits.len() != 2 * TOKEN_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let found = self.catalog.api_token(Digest::of(token.as_bytes()))?;
        let Some((token, account)) = found else { return Ok(None) };
        if token.expires_at <= now || !self.is_open(Some(&account))? {
            return Ok(None);
        }
        let last_used_at = token.last_used_at;
        if last_used_at.is_none_or(|at| at.saturating_add_seconds(TOUCH_SECONDS) <= now) {
            self.catalog.touch_api_token(token.id, now)?;
        }
        let mut actor = self.actor_of(&account, now)?;
        actor.limited_to = Some(token.scopes.clone());
        Ok(Some(Current { access: Access::Token(token), account, actor }))
    }

    /// Ends the token; whether the account had it.
    pub fn revoke_token(
        &self,
        account: &Account,
        id: ApiTokenId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let revoked = self.catalog.remove_api_token(account.id, id)?;
        if revoked {
            let detail = serde_json::json!({ "token": id });
            let event = account_event("token.revoke", account, by, now);
            self.catalog.audit(&[AuditEvent { detail, ..event }])?;
        }
        Ok(revoked)
    }

    /// All tokens of the account that have not ended, oldest first.
    pub fn tokens(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, IdentityError> {
        let mut tokens = self.catalog.api_tokens(account)?;
        tokens.retain(|token| token.expires_at > now);
        Ok(tokens)
    }
}
