//! What administrators do with providers.

use catalog::{
    AuditEvent, ClientAuthentication, NAME_CHARS_MAX, Provider, ProviderKind, ProviderSettings,
};
use model::{ProviderId, TenantId, Timestamp};
use policy::AccountRole;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::{Refusal, client};
use crate::Identity;
use crate::error::IdentityError;

/// Rules, domains and expected directories of one provider, of each.
const ENTRIES_MAX: usize = 200;

/// Longer values are refused.
const TEXT_CHARS_MAX: usize = 2_000;
const PEM_CHARS_MAX: usize = 64 << 10;

/// A provider as it should be.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    pub enabled: bool,
    pub settings: ProviderSettings,
    /// The client's secret, or its private key in PEM; `None` leaves it as it is.
    pub secret: Option<String>,
}

/// What a look at a provider found.
#[derive(Clone, Debug)]
pub struct Tested {
    /// `None`: all is well, as far as can be seen without a person.
    pub refusal: Option<Refusal>,
    pub issuer: Option<String>,
    /// How many keys it publishes.
    pub keys: usize,
    pub signs_out: bool,
}

impl Identity {
    /// Adds a provider for a tenant, or for the operators.
    ///
    /// # Errors
    /// [`IdentityError::BadProvider`] says what cannot work.
    pub fn add_provider(
        &self,
        tenant: Option<TenantId>,
        draft: &Draft,
        by: &AuditEvent,
        now: Timestamp,
    ) -> Result<Provider, IdentityError> {
        check(tenant, draft, None)?;
        let id = ProviderId::from_bytes(self.draw());
        let provider = Provider {
            id,
            tenant,
            name: draft.name.trim().to_owned(),
            enabled: draft.enabled,
            settings: draft.settings.clone(),
            secret: self.sealed_secret(id, draft.secret.as_deref())?,
            created_at: now,
        };
        self.catalog.add_provider(&provider)?;
        self.note_provider(by, id, json!({ "after": facts(&provider) }))?;
        Ok(provider)
    }

    /// Changes a provider. Sessions go on; people are asked anew at their next sign-in.
    ///
    /// # Errors
    /// [`IdentityError::BadProvider`] says what cannot work.
    pub fn change_provider(
        &self,
        before: &Provider,
        draft: &Draft,
        by: &AuditEvent,
    ) -> Result<Provider, IdentityError> {
        check(before.tenant, draft, before.secret.as_deref())?;
        let secret = match &draft.secret {
            Some(secret) => self.sealed_secret(before.id, Some(secret))?,
            None => before.secret.clone(),
        };
        let after = Provider {
            name: draft.name.trim().to_owned(),
            enabled: draft.enabled,
            settings: draft.settings.clone(),
            secret,
            ..before.clone()
        };
        self.catalog.update_provider(&after)?;
        self.providers.forget(after.id);
        let detail = json!({ "before": facts(before), "after": facts(&after) });
        self.note_provider(by, after.id, detail)?;
        Ok(after)
    }

    /// Removes a provider: who came through it has no way in until an administrator gives one.
    pub fn remove_provider(
        &self,
        provider: &Provider,
        by: &AuditEvent,
    ) -> Result<(), IdentityError> {
        self.catalog.remove_provider(provider.id)?;
        self.providers.forget(provider.id);
        self.note_provider(by, provider.id, json!({ "before": facts(provider) }))
    }

    /// Looks at the provider anew, without a person: metadata, issuer, keys.
    pub fn test_provider(
        &self,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<Tested, IdentityError> {
        match self.providers.discover(provider, now) {
            Ok(known) => {
                let keys = known.keys["keys"].as_array().map_or(0, Vec::len);
                Ok(Tested {
                    refusal: (keys == 0).then_some(Refusal::BadAnswer),
                    issuer: Some(known.metadata.issuer.clone()),
                    keys,
                    signs_out: known.metadata.end_session_endpoint.is_some(),
                })
            }
            Err(IdentityError::Refused(refusal)) => {
                Ok(Tested { refusal: Some(refusal), issuer: None, keys: 0, signs_out: false })
            }
            Err(error) => Err(error),
        }
    }

    /// The providers to offer to somebody who typed `user_name`: those of its domain, those that
    /// are listed, and all of the only tenant.
    pub fn offered_providers(&self, user_name: &str) -> Result<Vec<Provider>, IdentityError> {
        let mut offered = self.catalog.enabled_providers()?;
        let alone = self.catalog.tenants()?.len() == 1;
        let domain = user_name.trim().rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        offered.retain(|provider| {
            let settings = &provider.settings;
            let home = domain.as_ref().is_some_and(|domain| settings.domains.contains(domain));
            home || settings.listed || (alone && provider.tenant.is_some())
        });
        Ok(offered)
    }

    pub(super) fn provider_secret(
        &self,
        provider: &Provider,
    ) -> Result<Option<Zeroizing<String>>, IdentityError> {
        let Some(sealed) = &provider.secret else { return Ok(None) };
        let octets = self.secrets.open(&place(provider.id), sealed)?;
        let text = String::from_utf8(octets.to_vec()).map_err(|_| IdentityError::Ticket)?;
        Ok(Some(Zeroizing::new(text)))
    }

    fn sealed_secret(
        &self,
        id: ProviderId,
        secret: Option<&str>,
    ) -> Result<Option<String>, IdentityError> {
        let secret = secret.map(str::trim).filter(|secret| !secret.is_empty());
        let sealed = secret.map(|secret| self.secrets.seal(&place(id), secret.as_bytes()));
        Ok(sealed.transpose()?)
    }

    fn note_provider(
        &self,
        by: &AuditEvent,
        id: ProviderId,
        detail: Value,
    ) -> Result<(), IdentityError> {
        self.catalog.audit(&[AuditEvent { object: id.to_string(), detail, ..by.clone() }])?;
        Ok(())
    }
}

fn place(id: ProviderId) -> String {
    format!("provider {id} secret")
}

/// For the audit log: everything but the secret.
fn facts(provider: &Provider) -> Value {
    json!({
        "name": provider.name,
        "enabled": provider.enabled,
        "hasSecret": provider.secret.is_some(),
        "settings": provider.settings,
    })
}

fn check(
    tenant: Option<TenantId>,
    draft: &Draft,
    sealed: Option<&str>,
) -> Result<(), IdentityError> {
    let refuse = |what| Err(IdentityError::BadProvider(what));
    let settings = &draft.settings;
    if draft.name.trim().is_empty() || draft.name.chars().count() > NAME_CHARS_MAX {
        return refuse("give a name of at most 200 characters");
    }
    if settings.client_id.trim().is_empty() {
        return refuse("the client id is missing");
    }
    if !is_https(&settings.issuer) {
        return refuse("the issuer must begin with https:// and have no query");
    }
    if settings.groups_url.as_deref().is_some_and(|url| !is_https(url)) {
        return refuse("the address of groups must begin with https://");
    }
    let too_long = |text: &String| text.chars().count() > TEXT_CHARS_MAX;
    let lists = [&settings.scopes, &settings.expected_tenants, &settings.domains];
    let texts = lists.iter().flat_map(|list| list.iter());
    let texts = texts.chain(settings.roles.iter().flat_map(|rule| [&rule.claim, &rule.value]));
    let texts = texts.chain([&settings.issuer, &settings.client_id]);
    let many = lists.iter().any(|list| list.len() > ENTRIES_MAX);
    if many || settings.roles.len() > ENTRIES_MAX || texts.into_iter().any(too_long) {
        return refuse("a value is too long, or there are too many");
    }
    let pems = [&settings.ca_certificates, &settings.client_certificate];
    if pems.into_iter().flatten().any(|pem| {
        pem.chars().count() > PEM_CHARS_MAX || !pem.contains("-----BEGIN CERTIFICATE-----")
    }) {
        return refuse("certificates must be PEM");
    }
    if settings.kind == ProviderKind::Entra && settings.expected_tenants.is_empty() {
        return refuse("name the directory (tenant) ids whose people may sign in");
    }
    let theirs = |role: AccountRole| (role == AccountRole::Operator) == tenant.is_none();
    if !settings.roles.iter().all(|rule| theirs(rule.role) && !rule.claim.trim().is_empty()) {
        return refuse("a rule has no claim, or a role that this provider may not give");
    }
    check_secret(settings, draft.secret.as_deref(), sealed)
}

fn check_secret(
    settings: &ProviderSettings,
    new: Option<&str>,
    sealed: Option<&str>,
) -> Result<(), IdentityError> {
    let new = new.map(str::trim).filter(|secret| !secret.is_empty());
    match (settings.client_authentication, new) {
        (ClientAuthentication::None, _) => Ok(()),
        (ClientAuthentication::PrivateKeyJwt, Some(key)) => client::check_key(key, settings.kind),
        (_, Some(_)) => Ok(()),
        (_, None) if sealed.is_some() => Ok(()),
        (_, None) => Err(IdentityError::BadProvider("the client's secret is missing")),
    }
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    })
}
