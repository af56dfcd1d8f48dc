use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::{Provider, ProviderKind};
use model::{ProviderId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::finish::PROVIDER_SECONDS_MAX;
use crate::Identity;
use crate::error::IdentityError;

pub(super) const QUESTION: &str = "sign-in through a provider";

/// Longer hints are left out.
const HINT_CHARS_MAX: usize = 300;

/// Longer addresses to come back to are left out.
const RETURN_CHARS_MAX: usize = 2_000;

/// The way to the provider.
pub struct Begun {
    /// Where the browser goes.
    pub location: String,
    /// For a cookie; ends after [`PROVIDER_SECONDS_MAX`].
    pub ticket: String,
}

/// What was asked, by this browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    pub provider: ProviderId,
    pub state: String,
    pub nonce: String,
    /// RFC 7636.
    pub verifier: String,
    pub return_to: String,
}

impl Identity {
    /// Begins a sign-in at a provider.
    ///
    /// # Errors
    /// [`Refusal::ProviderOff`], [`Refusal::Unreachable`]; [`IdentityError::NoSite`].
    pub fn begin_at_provider(
        &self,
        id: ProviderId,
        login_hint: Option<&str>,
        return_to: Option<&str>,
        now: Timestamp,
    ) -> Result<Begun, IdentityError> {
        let provider = self.open_provider(id)?;
        let redirect_uri = self.redirect_uri(id)?;
        let known = self.providers.known(&provider, now)?;
        let question = Question {
            provider: id,
            state: self.unguessable(),
            nonce: self.unguessable(),
            verifier: self.unguessable(),
            return_to: local(return_to),
        };
        let challenge =
            URL_SAFE_NO_PAD.encode(digest(&SHA256, question.verifier.as_bytes()).as_ref());
        let settings = &provider.settings;
        let mut location = known.metadata.authorization_endpoint.clone();
        let mut scope = "openid".to_owned();
        for more in settings.scopes.iter().filter(|more| *more != "openid") {
            scope = format!("{scope} {more}");
        }
        {
            let mut query = location.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &settings.client_id)
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("scope", &scope)
                .append_pair("state", &question.state)
                .append_pair("nonce", &question.nonce)
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if let Some(hint) = login_hint
                .map(str::trim)
                .filter(|hint| !hint.is_empty() && hint.chars().count() <= HINT_CHARS_MAX)
            {
                query.append_pair("login_hint", hint);
            }
            if let Some(hint) = &settings.domain_hint {
                let key = if settings.kind == ProviderKind::Entra { "domain_hint" } else { "hd" };
                query.append_pair(key, hint);
            }
        }
        let until = now.saturating_add_seconds(PROVIDER_SECONDS_MAX);
        let ticket = self.sealed(QUESTION, question, until)?;
        Ok(Begun { location: location.into(), ticket })
    }

    /// Where the provider sends browsers back to; to be registered there.
    pub fn redirect_uri(&self, id: ProviderId) -> Result<String, IdentityError> {
        let origin = self.site()?.origin();
        Ok(format!("{origin}/api/v1/sign-in/providers/{id}/callback"))
    }

    /// The provider, if it and its tenant are in service.
    pub(super) fn open_provider(&self, id: ProviderId) -> Result<Provider, IdentityError> {
        let all = self.catalog.enabled_providers()?;
        let found = all.into_iter().find(|provider| provider.id == id);
        found.ok_or_else(|| Refusal::ProviderOff.into())
    }

    /// 256 bits in letters that need no care in addresses.
    fn unguessable(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.draw::<32>())
    }
}

/// A page of ours, or the first one.
fn local(return_to: Option<&str>) -> String {
    let fits = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/api/")
            && path.len() <= RETURN_CHARS_MAX
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    return_to.filter(fits).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_pages_of_ours_are_come_back_to() {
        for page in ["/", "/search?q=a%20b", "/records/1#x"] {
            assert_eq!(local(Some(page)), page);
        }
        for other in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/api/v1/x", "/a b", ""]
        {
            assert_eq!(local(Some(other)), "/", "{other}");
        }
        assert_eq!(local(None), "/");
    }
}
