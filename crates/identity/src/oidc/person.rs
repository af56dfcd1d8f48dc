//! Who somebody is, by what the provider says.

use catalog::{ClaimSource, Provider, ProviderKind};
use serde_json::{Value, json};

use super::token::Claims;
use super::{Known, Refusal, WebBody};
use crate::Identity;
use crate::error::IdentityError;

pub(super) const GROUPS: &str = "groups";

/// Microsoft Graph, for people whose token would name too many groups; see
/// <https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects>.
const ENTRA_GROUPS_URL: &str = "https://graph.microsoft.com/v1.0/me/getMemberObjects";

/// Longer subjects are refused (OpenID Connect Core §2 allows 255).
const SUBJECT_CHARS_MAX: usize = 255;

/// A person at a provider, verified.
#[derive(Default)]
pub(super) struct Person {
    /// The key by which the person is known here.
    pub subject: String,
    pub claims: Claims,
    pub user_info: Claims,
    /// The token says that there are groups, but not which, and nobody else says it.
    pub groups_unknown: bool,
}

impl Person {
    /// A claim of the token, or what user info says.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.claims.get(name).or_else(|| self.user_info.get(name));
        found.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The name at the provider; not a key.
    pub fn user_name(&self) -> Option<&str> {
        self.text("preferred_username").or_else(|| self.text("upn")).or_else(|| self.text("email"))
    }

    /// The address, if the provider says that it verified that it is this person's.
    pub fn verified_email(&self, kind: ProviderKind) -> Option<&str> {
        // Entra puts addresses there that anybody may have typed, unless `xms_edov` says that the
        // domain's owner stands behind it.
        let claim = match kind {
            ProviderKind::Entra => "xms_edov",
            ProviderKind::Generic => "email_verified",
        };
        let source = [&self.claims, &self.user_info].into_iter();
        let mut source = source.filter(|claims| claims.contains_key("email"));
        let claims = source.next()?;
        let verified = match claims.get(claim)? {
            Value::Bool(verified) => *verified,
            Value::String(text) => text == "true" || text == "1",
            Value::Number(number) => number.as_u64() == Some(1),
            _ => false,
        };
        let email = claims.get("email").and_then(Value::as_str).map(str::trim);
        email.filter(|email| verified && email.contains('@'))
    }
}

impl Identity {
    /// Completes what the token says: user info and groups, where they are needed.
    pub(super) fn person(
        &self,
        provider: &Provider,
        known: &Known,
        claims: Claims,
        access_token: Option<&str>,
    ) -> Result<Person, IdentityError> {
        let settings = &provider.settings;
        let mut person = Person { subject: subject(provider, &claims)?, ..Person::default() };
        let asked = |source| settings.roles.iter().any(|rule| rule.source == source);
        if settings.ask_user_info || asked(ClaimSource::UserInfo) {
            person.user_info = self.user_info(provider, known, &claims, access_token)?;
        }
        person.groups_unknown = has_more_groups(&claims);
        person.claims = claims;
        if person.groups_unknown
            && settings.roles.iter().any(|rule| rule.claim == GROUPS)
            && let Some(groups) = self.groups(provider, access_token)
        {
            person.claims.insert(GROUPS.to_owned(), groups);
            person.groups_unknown = false;
        }
        Ok(person)
    }

    /// OpenID Connect Core §5.3.
    fn user_info(
        &self,
        provider: &Provider,
        known: &Known,
        claims: &Claims,
        access_token: Option<&str>,
    ) -> Result<Claims, IdentityError> {
        let (Some(url), Some(token)) = (&known.metadata.userinfo_endpoint, access_token) else {
            return Err(Refusal::BadAnswer.into());
        };
        let authorization = format!("Bearer {token}");
        let answer = self.providers.get(provider, url.as_str(), Some(&authorization))?;
        let Value::Object(info) = answer else { return Err(Refusal::BadAnswer.into()) };
        // §5.3.2: else it is about somebody else.
        if info.get("sub").is_none() || info.get("sub") != claims.get("sub") {
            return Err(Refusal::BadAnswer.into());
        }
        Ok(info)
    }

    /// The ids of the groups; `None` when nobody says them.
    fn groups(&self, provider: &Provider, access_token: Option<&str>) -> Option<Value> {
        let settings = &provider.settings;
        let url = match (&settings.groups_url, settings.kind) {
            (Some(url), _) => url,
            (None, ProviderKind::Entra) => ENTRA_GROUPS_URL,
            (None, ProviderKind::Generic) => return None,
        };
        let authorization = format!("Bearer {}", access_token?);
        let body = json!({ "securityEnabledOnly": false });
        let body = Some(WebBody::Json(&body));
        let answer = self.providers.send(provider, url, body, Some(&authorization));
        match answer {
            Ok((200, mut answer)) => Some(answer["value"].take()).filter(Value::is_array),
            Ok((status, _)) => {
                tracing::warn!(provider.id = %provider.id, status, "groups are not given");
                None
            }
            Err(_) => None,
        }
    }
}

/// Too many groups for a token: it only says where they are
/// (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim>).
fn has_more_groups(claims: &Claims) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(|names| names.get(GROUPS)).is_some();
    let flag = claims.get("hasgroups").is_some_and(|value| match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text == "true",
        _ => false,
    });
    !claims.contains_key(GROUPS) && (elsewhere || flag)
}

fn subject(provider: &Provider, claims: &Claims) -> Result<String, Refusal> {
    let text = |name: &str| {
        let found = claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        found.filter(|text| text.chars().count() <= SUBJECT_CHARS_MAX).ok_or(Refusal::MissingClaim)
    };
    match provider.settings.kind {
        ProviderKind::Entra => {
            Ok(format!("{} {}", text("tid")?, text("oid")?).to_ascii_lowercase())
        }
        ProviderKind::Generic => Ok(format!("{} {}", text("iss")?, text("sub")?)),
    }
}
