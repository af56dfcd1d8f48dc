use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AccountRole;

/// The password was right; a second factor is to be shown at `POST /session/second-factor`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorNeeded {
    /// A generator of one-time passwords is set up.
    pub totp: bool,
    pub passkeys: bool,
    pub recovery_codes: bool,
    /// Then the password must be entered anew.
    pub expires_in_seconds: i64,
}

/// One of these.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecondFactorProof {
    /// The six digits of the generator.
    pub code: Option<String>,
    pub recovery_code: Option<String>,
    pub passkey: Option<PasskeyAnswer>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// As it came with the options.
    pub ticket: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    pub credential: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyOptions {
    /// To be sent back with the answer; counts once.
    pub ticket: String,
    /// `{"publicKey": …}`; `PublicKeyCredential.parse…OptionsFromJSON(options.publicKey)`.
    #[schema(value_type = Object)]
    pub options: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactors {
    pub totp: bool,
    /// Since when there is a generator of one-time passwords.
    #[schema(required)]
    pub totp_since: Option<String>,
    pub passkeys: Vec<Passkey>,
    /// How many are left.
    pub recovery_codes: u32,
    /// The account's role needs a second factor.
    pub required: bool,
    /// Factors can be changed in this session; else sign in again first.
    pub can_change: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    pub id: String,
    pub name: String,
    pub created_at: String,
    #[schema(required)]
    pub last_used_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpOffer {
    /// To be sent back with the first code.
    pub ticket: String,
    /// Base32, to be typed where no camera is.
    pub secret: String,
    /// `otpauth://totp/…`
    pub uri: String,
    /// The address as a QR code: PNG in Base64.
    pub qr_png: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TotpConfirmation {
    pub ticket: String,
    pub code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPasskey {
    pub ticket: String,
    /// For people, such as "Notebook".
    pub name: String,
    /// `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Object)]
    pub credential: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorAdded {
    /// Shown once, with the first factor: each opens the account once in place of the factor.
    #[schema(required)]
    pub recovery_codes: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// A signed-in browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    pub id: String,
    pub created_at: String,
    pub last_seen_at: String,
    pub expires_at: String,
    #[schema(required)]
    pub ip: Option<String>,
    /// The browser's name for itself.
    pub agent: String,
    pub method: SignInMethod,
    /// It is the one that asks.
    pub current: bool,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    Directory,
    Passkey,
    Password,
    Provider,
}

impl From<catalog::SignInMethod> for SignInMethod {
    fn from(method: catalog::SignInMethod) -> Self {
        match method {
            catalog::SignInMethod::Directory => Self::Directory,
            catalog::SignInMethod::Passkey => Self::Passkey,
            catalog::SignInMethod::Password => Self::Password,
            catalog::SignInMethod::Provider => Self::Provider,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    pub ended: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiTokens {
    pub tokens: Vec<ApiToken>,
    /// What the account could give to a token.
    pub scopes: Vec<String>,
    /// The longest life of a token.
    pub days_max: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    pub id: String,
    pub name: String,
    /// How the token begins.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub read_only: bool,
    pub created_at: String,
    pub expires_at: String,
    #[schema(required)]
    pub last_used_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiToken {
    pub name: String,
    /// Names of rights, such as `read_status`; none beyond the account's.
    pub scopes: Vec<String>,
    /// Only what changes nothing.
    #[serde(default)]
    pub read_only: bool,
    /// RFC 3339; within a year.
    pub expires_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiToken {
    /// `chy_…`, shown once; sent as `Authorization: Bearer chy_…`.
    pub token: String,
    pub details: ApiToken,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReasonGiven {
    pub reason: String,
}

/// How somebody may sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInMethods {
    /// In the order in which they are offered. The password is always offered: administrators sign
    /// in by it whatever the settings.
    pub providers: Vec<OfferedProvider>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfferedProvider {
    pub id: String,
    pub name: String,
}

/// How the accounts of the tenant, or the operators, sign in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignInPolicy {
    /// Passwords are for administrators only: the way in when the provider fails.
    pub local_for_administrators_only: bool,
    /// Who signs in by password in one of these roles needs a second factor.
    pub second_factor_roles: Vec<AccountRole>,
}
