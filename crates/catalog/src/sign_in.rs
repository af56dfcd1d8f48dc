use model::{AccountId, ApiTokenId, Digest, ProviderId, TenantId, Timestamp};
use policy::{AccountRole, Permission};
use serde::{Deserialize, Serialize};

use crate::{Account, CatalogError, Session};

/// Longer names of providers, passkeys and tokens are refused.
pub const NAME_CHARS_MAX: usize = 200;

/// Passkeys of one account.
pub const PASSKEYS_MAX: u32 = 10;

/// API tokens of one account.
pub const API_TOKENS_MAX: u32 = 50;

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// By password, checked by a directory.
    Directory,
    /// By a passkey alone.
    Passkey,
    #[default]
    Password,
    /// By an OpenID provider.
    Provider,
}

/// How the accounts of a tenant, or the operators, sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "snake_case")]
pub struct SignInPolicy {
    /// Passwords are for administrators only: the way in when the provider fails.
    pub local_for_administrators_only: bool,
    /// Who signs in by password in one of these roles needs a second factor.
    pub second_factor_roles: Vec<AccountRole>,
}

/// What kind of OpenID provider, where they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Microsoft Entra ID: accounts are known by tenant and object id.
    Entra,
    #[default]
    Generic,
}

/// How we show the provider who we are (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// A public client; PKCE alone.
    None,
    PrivateKeyJwt,
    ClientSecretBasic,
    #[default]
    ClientSecretPost,
}

/// How somebody whom the provider names for the first time finds an account that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkBy {
    #[default]
    Never,
    /// The user name at the provider is the account's.
    UserName,
    /// The account owns the e-mail address, and the provider says that it verified it.
    VerifiedEmail,
}

/// Where a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    /// A claim of the ID token.
    IdToken,
    /// A claim that the user-info endpoint gives.
    UserInfo,
}

/// How a claim is compared, without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimOperator {
    /// A list has the value among its elements; a text has it somewhere within.
    Contains,
    EndsWith,
    Equals,
    /// Is one of the values that stand between commas.
    In,
    StartsWith,
}

/// If the claim fits, the account has the role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRule {
    pub source: ClaimSource,
    /// The claim's name; dots lead into objects, such as `realm_access.roles`.
    pub claim: String,
    pub operator: ClaimOperator,
    pub value: String,
    pub role: AccountRole,
}

/// What an administrator says about a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderSettings {
    pub kind: ProviderKind,
    /// Without `/.well-known/openid-configuration`.
    pub issuer: String,
    pub client_id: String,
    pub client_authentication: ClientAuthentication,
    /// The client's certificate in PEM, named by thumbprint in assertions; Entra asks for it.
    pub client_certificate: Option<String>,
    /// PEM: authorities that sign the provider's certificate, besides those of the system.
    pub ca_certificates: Option<String>,
    /// Asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Entra: the directory (tenant) ids whose people may sign in.
    pub expected_tenants: Vec<String>,
    /// Who types a name in one of these domains is sent to this provider.
    pub domains: Vec<String>,
    /// Offered to everybody on the sign-in page, not only for its domains.
    pub listed: bool,
    /// Sent as `domain_hint`.
    pub domain_hint: Option<String>,
    pub link: LinkBy,
    /// Somebody without an account gets one at the first sign-in, if a rule gives a role.
    pub create_accounts: bool,
    /// A new account owns the verified address that the provider names, if it is nobody's.
    pub addresses_from_claims: bool,
    /// First match wins, no match is no role. Decides at each sign-in about accounts that this
    /// provider made; others keep their role.
    pub roles: Vec<RoleRule>,
    pub ask_user_info: bool,
    /// Where the groups are asked for when the token names too many; Microsoft Graph's when absent.
    pub groups_url: Option<String>,
    /// Signing out here signs out at the provider.
    pub sign_out_there: bool,
}

/// One OpenID provider of a tenant, or of the operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub id: ProviderId,
    /// `None`: operators sign in through it.
    pub tenant: Option<TenantId>,
    /// For people, on the sign-in page.
    pub name: String,
    pub enabled: bool,
    pub settings: ProviderSettings,
    /// The client's secret or private key, sealed.
    pub secret: Option<String>,
    pub created_at: Timestamp,
}

/// Who an account is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub provider: ProviderId,
    /// The key of the person there: the subject; for Entra, tenant and object id.
    pub subject: String,
    pub account: AccountId,
    /// The account was made at the first sign-in through this provider.
    pub created: bool,
    pub linked_at: Timestamp,
}

/// A confirmed generator of one-time passwords (RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpRow {
    /// Sealed.
    pub secret: String,
    /// The last time step whose password was used: none up to it is taken again.
    pub last_step: u64,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRow {
    /// The credential id, as the authenticator drew it.
    pub id: Vec<u8>,
    pub name: String,
    /// Public key and counter, as JSON of the library.
    pub credential: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// What an account can show besides its password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactors {
    pub totp: Option<TotpRow>,
    /// Oldest first.
    pub passkeys: Vec<PasskeyRow>,
    pub recovery_codes: u32,
}

impl SecondFactors {
    /// Whether there is a factor to ask for; recovery codes alone are none.
    pub fn any(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// A program's right to act as an account. The token itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    /// SHA-256 of the token.
    pub token_hash: Digest,
    pub account: AccountId,
    pub name: String,
    /// Its first characters, by which people recognise it.
    pub prefix: String,
    /// It may do what both these and the account's role allow.
    pub scopes: Vec<Permission>,
    /// Only what changes nothing.
    pub read_only: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// How accounts sign in: policies, providers, second factors, tokens, sessions.
pub trait SignIns: Send + Sync {
    /// The default when none was set. `None`: the operators'.
    fn sign_in_policy(&self, tenant: Option<TenantId>) -> Result<SignInPolicy, CatalogError>;

    fn set_sign_in_policy(
        &self,
        tenant: Option<TenantId>,
        policy: &SignInPolicy,
    ) -> Result<(), CatalogError>;

    /// [`Conflict::Id`](crate::Conflict::Id) is refused.
    fn add_provider(&self, provider: &Provider) -> Result<(), CatalogError>;

    /// Replaces name, state, settings and secret.
    fn update_provider(&self, provider: &Provider) -> Result<(), CatalogError>;

    /// With all its links, in one transaction; whether there was one.
    fn remove_provider(&self, id: ProviderId) -> Result<bool, CatalogError>;

    fn provider(&self, id: ProviderId) -> Result<Option<Provider>, CatalogError>;

    /// All of a tenant, or the operators' for `None`; oldest first.
    fn providers(&self, tenant: Option<TenantId>) -> Result<Vec<Provider>, CatalogError>;

    /// All that are enabled, of all tenants that are active; oldest first.
    fn enabled_providers(&self) -> Result<Vec<Provider>, CatalogError>;

    /// [`Conflict::Linked`](crate::Conflict::Linked) when the subject or the account is linked
    /// otherwise; linking the same again changes nothing.
    fn link(&self, link: &Link) -> Result<(), CatalogError>;

    fn linked(&self, provider: ProviderId, subject: &str) -> Result<Option<Link>, CatalogError>;

    /// All links of an account.
    fn links(&self, account: AccountId) -> Result<Vec<Link>, CatalogError>;

    /// Whether there was a link.
    fn unlink(&self, provider: ProviderId, account: AccountId) -> Result<bool, CatalogError>;

    fn second_factors(&self, account: AccountId) -> Result<SecondFactors, CatalogError>;

    /// Sets or takes away the generator. With the last factor recovery codes end.
    fn set_totp(&self, account: AccountId, totp: Option<&TotpRow>) -> Result<(), CatalogError>;

    /// Marks the time step as used; `false` when it or a later one was used before. Atomic.
    fn use_totp_step(&self, account: AccountId, step: u64) -> Result<bool, CatalogError>;

    /// Replaces all recovery codes, given as hashes.
    fn set_recovery_codes(&self, account: AccountId, hashes: &[Digest])
    -> Result<(), CatalogError>;

    /// Takes the code away; whether it was there. Atomic.
    fn use_recovery_code(&self, account: AccountId, hash: Digest) -> Result<bool, CatalogError>;

    /// [`Conflict::Id`](crate::Conflict::Id) when any account has a passkey of this id; more than
    /// [`PASSKEYS_MAX`] are refused.
    fn add_passkey(&self, account: AccountId, passkey: &PasskeyRow) -> Result<(), CatalogError>;

    /// Notes a use: the credential with its new counter, and when.
    fn use_passkey(
        &self,
        account: AccountId,
        id: &[u8],
        credential: &str,
        at: Timestamp,
    ) -> Result<(), CatalogError>;

    /// Whether there was one. With the last factor recovery codes end.
    fn remove_passkey(&self, account: AccountId, id: &[u8]) -> Result<bool, CatalogError>;

    /// Takes generator, passkeys and recovery codes away, in one transaction; whether there was
    /// any.
    fn reset_second_factors(&self, account: AccountId) -> Result<bool, CatalogError>;

    /// More than [`API_TOKENS_MAX`] are refused.
    fn add_api_token(&self, token: &ApiToken) -> Result<(), CatalogError>;

    /// The token and its account, whatever their state: the caller checks expiry and whether the
    /// account is disabled.
    fn api_token(&self, token_hash: Digest) -> Result<Option<(ApiToken, Account)>, CatalogError>;

    /// All of the account, oldest first.
    fn api_tokens(&self, account: AccountId) -> Result<Vec<ApiToken>, CatalogError>;

    fn touch_api_token(&self, id: ApiTokenId, at: Timestamp) -> Result<(), CatalogError>;

    /// Whether the account had it.
    fn remove_api_token(&self, account: AccountId, id: ApiTokenId) -> Result<bool, CatalogError>;

    /// All of the account; returns how many.
    fn remove_api_tokens(&self, account: AccountId) -> Result<u64, CatalogError>;

    /// The account's sessions, whatever their state, latest use first.
    fn sessions(&self, account: AccountId) -> Result<Vec<Session>, CatalogError>;

    /// Ends all sessions of the account but `keep`; returns how many.
    fn end_other_sessions(
        &self,
        account: AccountId,
        keep: Option<Digest>,
    ) -> Result<u64, CatalogError>;

    /// Takes the duty to enrol from all sessions of the account.
    fn enrolled(&self, account: AccountId) -> Result<(), CatalogError>;

    /// Replaces the hash of a password that was just checked; sessions go on. Nothing happens when
    /// the password was changed meanwhile.
    fn rehash_password(
        &self,
        account: AccountId,
        old_hash: &str,
        new_hash: &str,
    ) -> Result<(), CatalogError>;

    /// Remembers `key` until `until`; `false` when it is remembered already. Atomic.
    fn use_once(&self, key: Digest, until: Timestamp) -> Result<bool, CatalogError>;
}
