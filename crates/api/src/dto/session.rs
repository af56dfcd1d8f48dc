use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    pub user_name: String,
    pub password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    pub current: String,
    pub new: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub account: Account,
    /// To be sent as `X-CSRF-Token` with every request that changes something.
    pub csrf_token: String,
    /// Until the password is changed, everything but changing it and signing out is refused.
    pub must_change_password: bool,
    /// Until a second factor is set up at `/me/second-factors`, everything but that, the password
    /// and signing out is refused.
    pub must_enrol_second_factor: bool,
    pub method: super::SignInMethod,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub id: String,
    pub user_name: String,
    pub first_name: String,
    pub last_name: String,
    pub display_name: String,
    pub role: AccountRole,
    /// What the account may do; `docs/roles.md` explains the names.
    pub permissions: Vec<String>,
    /// Null for operators.
    #[schema(required)]
    pub tenant: Option<Tenant>,
    /// The addresses whose mail the account sees, or saw.
    pub addresses: Vec<String>,
    pub language: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    User,
    Auditor,
    Officer,
    Administrator,
    Operator,
}

impl From<policy::AccountRole> for AccountRole {
    fn from(role: policy::AccountRole) -> Self {
        match role {
            policy::AccountRole::Administrator => Self::Administrator,
            policy::AccountRole::Auditor => Self::Auditor,
            policy::AccountRole::Officer => Self::Officer,
            policy::AccountRole::Operator => Self::Operator,
            policy::AccountRole::User => Self::User,
        }
    }
}

impl From<AccountRole> for policy::AccountRole {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Administrator => Self::Administrator,
            AccountRole::Auditor => Self::Auditor,
            AccountRole::Officer => Self::Officer,
            AccountRole::Operator => Self::Operator,
            AccountRole::User => Self::User,
        }
    }
}
