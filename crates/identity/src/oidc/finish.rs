use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use catalog::{AuditEvent, AuditOutcome, Provider, Session, SignInMethod};
use model::{ProviderId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::start::{QUESTION, Question};
use super::{Known, Refusal, WebBody, client};
use crate::Identity;
use crate::error::IdentityError;
use crate::session::SESSION_SECONDS_MAX;
use crate::signin::{Opening, SignedIn};

/// Between leaving for the provider and coming back.
pub const PROVIDER_SECONDS_MAX: i64 = 15 * 60;

const PROVIDER_SESSION: &str = "session at a provider";

/// What the browser brings back (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Copy, Default)]
pub struct Answer<'a> {
    pub code: Option<&'a str>,
    pub state: Option<&'a str>,
    pub error: Option<&'a str>,
    pub issuer: Option<&'a str>,
}

/// What signing out at the provider needs.
#[derive(Serialize, Deserialize)]
struct ProviderSession {
    end_session_endpoint: Url,
    id_token: String,
    client_id: String,
}

impl Identity {
    /// Ends a sign-in that began in this browser with `ticket`: opens a session, and says which
    /// page to go to. Whatever is refused stands in the audit log of the provider's tenant.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] says why.
    pub fn finish_at_provider(
        &self,
        id: ProviderId,
        ticket: Option<&str>,
        answer: &Answer<'_>,
        ip: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> Result<(SignedIn, String), IdentityError> {
        let finished = self.finish(id, ticket, answer, ip, agent, now);
        if let Err(IdentityError::Refused(refusal)) = &finished {
            let provider = self.catalog.provider(id)?;
            let name = provider.as_ref().map_or("(unknown)", |provider| &provider.name);
            tracing::info!(provider.id = %id, code = refusal.code(), "a sign-in was refused");
            self.catalog.audit(&[AuditEvent {
                at: now,
                tenant: provider.as_ref().and_then(|provider| provider.tenant),
                account: None,
                who: format!("({name})"),
                action: "sign-in".to_owned(),
                object: id.to_string(),
                detail: serde_json::json!({ "method": "provider", "code": refusal.code() }),
                reason: None,
                outcome: AuditOutcome::Failed,
                ip,
            }])?;
        }
        finished
    }

    fn finish(
        &self,
        id: ProviderId,
        ticket: Option<&str>,
        answer: &Answer<'_>,
        ip: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> Result<(SignedIn, String), IdentityError> {
        let question = self.question(id, ticket, answer, now)?;
        let provider = self.open_provider(id)?;
        let known = self.providers.known(&provider, now)?;
        if answer.error.is_some() {
            return Err(Refusal::Cancelled.into());
        }
        let metadata = &known.metadata;
        let named = match answer.issuer {
            Some(issuer) => issuer == metadata.issuer || is_entra_issuer(&provider, issuer),
            None => !metadata.authorization_response_iss_parameter_supported,
        };
        if !named {
            return Err(Refusal::WrongIssuer.into());
        }
        let code = answer.code.ok_or(Refusal::BadAnswer)?;
        let tokens = self.redeem(&provider, &known, code, &question.verifier, now)?;
        let id_token = tokens["id_token"].as_str().ok_or(Refusal::BadAnswer)?;
        let claims = self.verified(&provider, &known, id_token, &question.nonce, now)?;
        let access_token = tokens["access_token"].as_str();
        let person = self.person(&provider, &known, claims, access_token)?;
        let account = self.account_of(&provider, &person, now)?;
        let opening = Opening {
            method: SignInMethod::Provider,
            ip,
            agent,
            provider_session: self.provider_session(&provider, &known, id_token, now)?,
            detail: serde_json::json!({ "provider": id }),
            ..Opening::default()
        };
        Ok((self.open_session(account, opening, now)?, question.return_to))
    }

    /// What this browser asked, if the answer is to that, and the first.
    fn question(
        &self,
        id: ProviderId,
        ticket: Option<&str>,
        answer: &Answer<'_>,
        now: Timestamp,
    ) -> Result<Question, IdentityError> {
        let ticket = ticket.ok_or(Refusal::WrongState)?;
        let question: Question =
            self.opened(QUESTION, ticket, now).map_err(|_| Refusal::Expired)?;
        let state = answer.state.unwrap_or_default();
        let same = verify_slices_are_equal(question.state.as_bytes(), state.as_bytes()).is_ok();
        if question.provider != id || !same {
            return Err(Refusal::WrongState.into());
        }
        let until = now.saturating_add_seconds(PROVIDER_SECONDS_MAX);
        match self.only_once(&question.state, until) {
            Err(IdentityError::Expired) => Err(Refusal::Replayed.into()),
            Err(error) => Err(error),
            Ok(()) => Ok(question),
        }
    }

    /// Changes the code for tokens (RFC 6749 §4.1.3).
    fn redeem(
        &self,
        provider: &Provider,
        known: &Known,
        code: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Value, IdentityError> {
        let secret = self.provider_secret(provider)?;
        let endpoint = known.metadata.token_endpoint.as_str();
        let id = crate::random::hex(&self.draw::<16>());
        let secret = secret.as_deref().map(String::as_str);
        let shown = client::show(&provider.settings, secret, endpoint, &id, now)?;
        let redirect_uri = self.redirect_uri(provider.id)?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ];
        fields.extend(shown.fields.iter().map(|(name, value)| (*name, value.as_str())));
        let body = Some(WebBody::Form(&fields));
        let authorization = shown.authorization.as_deref();
        match self.providers.send(provider, endpoint, body, authorization)? {
            (200, tokens) => Ok(tokens),
            (400..=403, said) => {
                // The error's name (RFC 6749 §5.2) says whether the code or the secret is wrong.
                let error = said["error"].as_str().unwrap_or("?");
                let error: String = error.chars().take(60).collect();
                tracing::warn!(provider.id = %provider.id, error, "a provider refused a code");
                Err(Refusal::CodeRefused.into())
            }
            _ => Err(Refusal::BadAnswer.into()),
        }
    }

    fn provider_session(
        &self,
        provider: &Provider,
        known: &Known,
        id_token: &str,
        now: Timestamp,
    ) -> Result<Option<String>, IdentityError> {
        let endpoint = known.metadata.end_session_endpoint.clone();
        let Some(endpoint) = endpoint.filter(|_| provider.settings.sign_out_there) else {
            return Ok(None);
        };
        let session = ProviderSession {
            end_session_endpoint: endpoint,
            id_token: id_token.to_owned(),
            client_id: provider.settings.client_id.clone(),
        };
        let until = now.saturating_add_seconds(SESSION_SECONDS_MAX);
        Ok(Some(self.sealed(PROVIDER_SESSION, session, until)?))
    }

    /// Where a browser goes to sign out at the provider as well (OpenID Connect RP-Initiated
    /// Logout 1.0 §2); `None` when that is not wanted.
    pub fn sign_out_location(&self, session: &Session, now: Timestamp) -> Option<String> {
        let sealed = session.provider_session.as_deref()?;
        let there: ProviderSession = self.opened(PROVIDER_SESSION, sealed, now).ok()?;
        let origin = self.site().ok()?.origin();
        let mut location = there.end_session_endpoint;
        location
            .query_pairs_mut()
            .append_pair("id_token_hint", &there.id_token)
            .append_pair("client_id", &there.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{origin}/"));
        Some(location.into())
    }
}

/// Entra names the issuer of the person's directory, also where the metadata is a template.
fn is_entra_issuer(provider: &Provider, issuer: &str) -> bool {
    let settings = &provider.settings;
    settings.kind == catalog::ProviderKind::Entra
        && settings
            .expected_tenants
            .iter()
            .any(|tenant| issuer.to_ascii_lowercase().contains(&tenant.to_ascii_lowercase()))
        && Url::parse(issuer).ok().map(|url| url.origin())
            == Url::parse(&settings.issuer).ok().map(|url| url.origin())
}
