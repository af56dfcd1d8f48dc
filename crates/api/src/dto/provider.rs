use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AccountRole;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SignInMethodsParams {
    /// What was typed as user name so far; its domain may have a provider of its own.
    #[serde(default)]
    pub user_name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderStart {
    /// The user name, if one was typed.
    pub login_hint: Option<String>,
    /// The page to come back to, such as `/search?q=x`.
    pub return_to: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Where the browser goes now.
    pub location: String,
}

/// What the provider sends the browser back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProviderAnswer {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
    pub iss: Option<String>,
}

/// An OpenID Connect provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    pub id: String,
    pub name: String,
    pub enabled: bool,
    /// A client secret or a private key is set; it is never shown.
    pub has_secret: bool,
    pub settings: ProviderSettings,
    /// To be registered at the provider; null while `http.public_url` is not configured.
    #[schema(required)]
    pub redirect_uri: Option<String>,
    pub created_at: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderDraft {
    pub name: String,
    pub enabled: bool,
    /// The client's secret, or its private key (PKCS#8 in PEM); absent leaves it as it is.
    pub secret: Option<String>,
    pub settings: ProviderSettings,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSettings {
    pub kind: ProviderKind,
    /// Without `/.well-known/openid-configuration`.
    pub issuer: String,
    pub client_id: String,
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// PEM; its thumbprint goes into signed assertions.
    #[serde(default)]
    pub client_certificate: Option<String>,
    /// PEM: authorities that sign the provider's certificate, besides those of the system.
    #[serde(default)]
    pub ca_certificates: Option<String>,
    /// Asked for besides `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Entra: the directory (tenant) ids whose people may sign in.
    #[serde(default)]
    pub expected_tenants: Vec<String>,
    /// Who types a name in one of these domains is sent to this provider.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Offered to everybody on the sign-in page.
    #[serde(default)]
    pub listed: bool,
    #[serde(default)]
    pub domain_hint: Option<String>,
    /// How somebody who comes for the first time finds an account that exists.
    #[serde(default)]
    pub link: LinkBy,
    /// Somebody without an account gets one, if a rule gives a role.
    #[serde(default)]
    pub create_accounts: bool,
    /// A new account owns the verified address that the provider names, if it lies in the tenant's
    /// domains and is nobody's.
    #[serde(default)]
    pub addresses_from_claims: bool,
    /// First match wins; no match is no role. About accounts that this provider made.
    #[serde(default)]
    pub roles: Vec<RoleRule>,
    #[serde(default)]
    pub ask_user_info: bool,
    /// Where groups are asked for when the token names too many; Microsoft Graph when absent.
    #[serde(default)]
    pub groups_url: Option<String>,
    /// Signing out here signs out at the provider.
    #[serde(default)]
    pub sign_out_there: bool,
}

fn usual_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

macro_rules! mirrored {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant),+ }

        impl From<catalog::$name> for $name {
            fn from(value: catalog::$name) -> Self {
                match value { $(catalog::$name::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for catalog::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

mirrored!(ProviderKind { Entra, Generic });
mirrored!(
    /// OpenID Connect Core §9.
    ClientAuthentication { None, PrivateKeyJwt, ClientSecretBasic, ClientSecretPost }
);
mirrored!(LinkBy { Never, UserName, VerifiedEmail });
impl Default for ClientAuthentication {
    fn default() -> Self {
        catalog::ClientAuthentication::default().into()
    }
}

impl Default for LinkBy {
    fn default() -> Self {
        catalog::LinkBy::default().into()
    }
}

mirrored!(ClaimSource { IdToken, UserInfo });
mirrored!(
    /// Compared without regard to case.
    ClaimOperator { Contains, EndsWith, Equals, In, StartsWith }
);

/// If the claim fits, the account has the role.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    pub source: ClaimSource,
    /// Dots lead into objects, such as `realm_access.roles`.
    pub claim: String,
    pub operator: ClaimOperator,
    pub value: String,
    pub role: AccountRole,
}

/// What a look at a provider found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderTest {
    pub ok: bool,
    /// Why not, such as `unreachable`, `wrong-issuer`.
    #[schema(required)]
    pub code: Option<String>,
    #[schema(required)]
    pub detail: Option<String>,
    /// The issuer as the provider names it.
    #[schema(required)]
    pub issuer: Option<String>,
    /// How many keys it publishes.
    pub keys: usize,
    /// It offers to sign out there.
    pub signs_out: bool,
}

/// Who an account is at a provider.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderLink {
    /// `<issuer> <sub>`; for Entra `<tid> <oid>`, in lower case.
    pub subject: String,
}

/// Who an account is at a provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountLink {
    pub provider: String,
    pub provider_name: String,
    /// `<issuer> <sub>`; for Entra `<tid> <oid>`.
    pub subject: String,
    /// The account was made at the first sign-in through this provider.
    pub created: bool,
    #[schema(value_type = String, format = DateTime)]
    pub linked_at: String,
}

impl From<catalog::ProviderSettings> for ProviderSettings {
    fn from(settings: catalog::ProviderSettings) -> Self {
        Self {
            kind: settings.kind.into(),
            issuer: settings.issuer,
            client_id: settings.client_id,
            client_authentication: settings.client_authentication.into(),
            client_certificate: settings.client_certificate,
            ca_certificates: settings.ca_certificates,
            scopes: settings.scopes,
            expected_tenants: settings.expected_tenants,
            domains: settings.domains,
            listed: settings.listed,
            domain_hint: settings.domain_hint,
            link: settings.link.into(),
            create_accounts: settings.create_accounts,
            addresses_from_claims: settings.addresses_from_claims,
            roles: settings.roles.into_iter().map(Into::into).collect(),
            ask_user_info: settings.ask_user_info,
            groups_url: settings.groups_url,
            sign_out_there: settings.sign_out_there,
        }
    }
}

impl From<ProviderSettings> for catalog::ProviderSettings {
    fn from(settings: ProviderSettings) -> Self {
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let tidy = |texts: Vec<String>| -> Vec<String> {
            let texts = texts.into_iter().map(|text| text.trim().to_owned());
            texts.filter(|text| !text.is_empty()).collect()
        };
        Self {
            kind: settings.kind.into(),
            issuer: settings.issuer.trim().to_owned(),
            client_id: settings.client_id.trim().to_owned(),
            client_authentication: settings.client_authentication.into(),
            client_certificate: some(settings.client_certificate),
            ca_certificates: some(settings.ca_certificates),
            scopes: tidy(settings.scopes),
            expected_tenants: tidy(settings.expected_tenants),
            domains: tidy(settings.domains).iter().map(|name| name.to_lowercase()).collect(),
            listed: settings.listed,
            domain_hint: some(settings.domain_hint),
            link: settings.link.into(),
            create_accounts: settings.create_accounts,
            addresses_from_claims: settings.addresses_from_claims,
            roles: settings.roles.into_iter().map(Into::into).collect(),
            ask_user_info: settings.ask_user_info,
            groups_url: some(settings.groups_url),
            sign_out_there: settings.sign_out_there,
        }
    }
}

impl From<catalog::RoleRule> for RoleRule {
    fn from(rule: catalog::RoleRule) -> Self {
        let catalog::RoleRule { source, claim, operator, value, role } = rule;
        let (source, operator, role) = (source.into(), operator.into(), role.into());
        Self { source, claim, operator, value, role }
    }
}

impl From<RoleRule> for catalog::RoleRule {
    fn from(rule: RoleRule) -> Self {
        let RoleRule { source, claim, operator, value, role } = rule;
        let (source, operator, role) = (source.into(), operator.into(), role.into());
        Self { source, claim: claim.trim().to_owned(), operator, value, role }
    }
}
