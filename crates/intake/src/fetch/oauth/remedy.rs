use serde::Serialize;

use crate::fetch::FetchError;
use crate::fetch::sasl::Credentials;

/// What the administrator must do. The codes are those of Microsoft Entra ID
/// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>); other providers
/// say less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    AppDisabled,
    AppUnknown,
    CertificateUnknown,
    ClockWrong,
    ConditionalAccess,
    ConsentMissing,
    CredentialMissing,
    MailboxPermissionMissing,
    /// The token lacks `IMAP.AccessAsApp` or `POP.AccessAsApp`.
    PermissionMissing,
    ProtocolDisabled,
    ResourceUnknown,
    ScopeWrong,
    SecretExpired,
    SecretWrong,
    ServicePrincipalWrong,
    /// Nothing helps but time.
    TemporarilyUnavailable,
    TenantUnknown,
}

impl Remedy {
    pub const ALL: [Self; 17] = [
        Self::AppDisabled,
        Self::AppUnknown,
        Self::CertificateUnknown,
        Self::ClockWrong,
        Self::ConditionalAccess,
        Self::ConsentMissing,
        Self::CredentialMissing,
        Self::MailboxPermissionMissing,
        Self::PermissionMissing,
        Self::ProtocolDisabled,
        Self::ResourceUnknown,
        Self::ScopeWrong,
        Self::SecretExpired,
        Self::SecretWrong,
        Self::ServicePrincipalWrong,
        Self::TemporarilyUnavailable,
        Self::TenantUnknown,
    ];

    /// Stable, for programs and translations.
    pub fn code(self) -> &'static str {
        match self {
            Self::AppDisabled => "app-disabled",
            Self::AppUnknown => "app-unknown",
            Self::CertificateUnknown => "certificate-unknown",
            Self::ClockWrong => "clock-wrong",
            Self::ConditionalAccess => "conditional-access",
            Self::ConsentMissing => "consent-missing",
            Self::CredentialMissing => "credential-missing",
            Self::MailboxPermissionMissing => "mailbox-permission-missing",
            Self::PermissionMissing => "permission-missing",
            Self::ProtocolDisabled => "protocol-disabled",
            Self::ResourceUnknown => "resource-unknown",
            Self::ScopeWrong => "scope-wrong",
            Self::SecretExpired => "secret-expired",
            Self::SecretWrong => "secret-wrong",
            Self::ServicePrincipalWrong => "service-principal-wrong",
            Self::TemporarilyUnavailable => "temporarily-unavailable",
            Self::TenantUnknown => "tenant-unknown",
        }
    }

    /// One sentence in English, without a full stop.
    pub fn advice(self) -> &'static str {
        match self {
            Self::AppDisabled => {
                "the application is disabled: enable it under Enterprise applications"
            }
            Self::AppUnknown => {
                "the directory does not know this application: check client ID and tenant, and \
                 give admin consent in this tenant"
            }
            Self::CertificateUnknown => {
                "the certificate is not that of the application: upload it under App \
                 registrations, Certificates & secrets"
            }
            Self::ClockWrong => "the assertion is too old or too new: set this machine's clock",
            Self::ConditionalAccess => {
                "a conditional access policy blocks the application: exempt its workload identity"
            }
            Self::ConsentMissing => {
                "admin consent is missing: grant it for the application's permissions"
            }
            Self::CredentialMissing => {
                "the provider wants a secret or certificate of the application"
            }
            Self::MailboxPermissionMissing => {
                "the application may not open this mailbox: Add-MailboxPermission -Identity \
                 <mailbox> -User <object ID of the service principal> -AccessRights FullAccess"
            }
            Self::PermissionMissing => {
                "the token lacks the permission: add IMAP.AccessAsApp or POP.AccessAsApp of Office \
                 365 Exchange Online to the application, and give admin consent"
            }
            Self::ProtocolDisabled => {
                "the mailbox is not open by this protocol: Set-CASMailbox <mailbox> -ImapEnabled \
                 $true (or -PopEnabled); else the application lacks permission for the mailbox, or \
                 too many of its sessions linger"
            }
            Self::ResourceUnknown => {
                "the tenant does not know the resource of the scope: check the scope and the cloud"
            }
            Self::ScopeWrong => {
                "the scope is not accepted: for Exchange Online it is \
                 https://outlook.office365.com/.default"
            }
            Self::SecretExpired => "the client secret has expired: create a new one",
            Self::SecretWrong => "the client secret is wrong: enter the secret's value, not its ID",
            Self::ServicePrincipalWrong => {
                "Exchange Online does not know the application: New-ServicePrincipal -AppId \
                 <client ID> -ObjectId <object ID from Enterprise applications, not from App \
                 registrations>, then Add-MailboxPermission"
            }
            Self::TemporarilyUnavailable => "the provider is busy; it is tried again",
            Self::TenantUnknown => "there is no such tenant: check the tenant ID and the cloud",
        }
    }

    /// From the error of a token endpoint (RFC 6749 §5.2) and the codes of Entra ID, which stand
    /// in `error_codes` and in the description as `AADSTS<code>`.
    pub(super) fn of_token_error(error: &str, codes: &[u64], with_secret: bool) -> Option<Self> {
        codes.iter().find_map(|code| Self::of_code(*code)).or(match error {
            "invalid_client" if with_secret => Some(Self::SecretWrong),
            "invalid_client" => Some(Self::CertificateUnknown),
            "invalid_scope" | "invalid_target" => Some(Self::ScopeWrong),
            "unauthorized_client" | "access_denied" | "consent_required" => {
                Some(Self::ConsentMissing)
            }
            "server_error" | "temporarily_unavailable" => Some(Self::TemporarilyUnavailable),
            _ => None,
        })
    }

    fn of_code(code: u64) -> Option<Self> {
        Some(match code {
            70_001 | 700_011 | 700_016 => Self::AppUnknown,
            7_000_112 => Self::AppDisabled,
            50_048 | 50_027 | 700_021 | 700_023 | 700_027 | 700_030 | 5_000_202 => {
                Self::CertificateUnknown
            }
            700_024 => Self::ClockWrong,
            53_000..=53_011 | 530_003 | 530_034 | 530_035 => Self::ConditionalAccess,
            50_105 | 501_051 | 65_001 | 65_004 | 65_005 | 650_056 => Self::ConsentMissing,
            7_000_216 | 7_000_218 => Self::CredentialMissing,
            500_011 | 500_014 | 650_052 | 650_054 | 650_057 => Self::ResourceUnknown,
            28_002 | 28_003 | 70_011 | 1_002_012 => Self::ScopeWrong,
            7_000_222 => Self::SecretExpired,
            70_002 | 7_000_215 => Self::SecretWrong,
            50_033 | 50_196 | 90_006 | 90_024 | 90_033 => Self::TemporarilyUnavailable,
            50_059 | 90_002 | 90_013 | 900_023 => Self::TenantUnknown,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailProtocol {
    Imap,
    Pop3,
}

impl MailProtocol {
    /// The application permission of Office 365 Exchange Online.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Imap => "IMAP.AccessAsApp",
            Self::Pop3 => "POP.AccessAsApp",
        }
    }
}

/// What is known when a mail server refuses a token that the provider gave.
#[derive(Clone, Copy, Debug)]
pub struct SignInFacts<'a> {
    pub protocol: MailProtocol,
    /// The claim `roles` of the token; empty when it says none.
    pub roles: &'a [String],
    /// What the server said.
    pub text: &'a str,
    /// Whether another mailbox was opened with a token of the same application.
    pub others_sign_in: bool,
}

/// What to do when a mail server refuses a token. Exchange Online says the same for different
/// mistakes: `AUTHENTICATE failed` for a missing or wrong service principal and for a missing
/// permission; `User is authenticated but not connected` for a protocol that is switched off.
/// Whether other mailboxes of the application open tells the first two apart.
pub fn explain_sign_in(facts: &SignInFacts<'_>) -> Remedy {
    let named = facts.roles.iter().any(|role| role == facts.protocol.permission());
    if !facts.roles.is_empty() && !named {
        return Remedy::PermissionMissing;
    }
    let text = facts.text.to_ascii_lowercase();
    if text.contains("authenticated but not connected")
        || (text.contains("disabled") && !text.contains("account"))
    {
        return Remedy::ProtocolDisabled;
    }
    match facts.others_sign_in {
        true => Remedy::MailboxPermissionMissing,
        false => Remedy::ServicePrincipalWrong,
    }
}

/// Domains of Exchange Online in Microsoft's clouds.
const EXCHANGE_ONLINE: [&str; 5] =
    ["office365.com", "office365.us", "office.com", "outlook.com", "outlook.cn"];

/// A refused token with what to do, where that can be told: for any server that its application
/// lacks the permission, for Exchange Online also what else its words mean.
pub fn explained(
    error: FetchError,
    protocol: MailProtocol,
    credentials: &Credentials,
    host: &str,
) -> FetchError {
    let (FetchError::SignInRefused { remedy: None, text }, Credentials::Bearer { token, .. }) =
        (&error, credentials)
    else {
        return error;
    };
    let roles = super::client::roles(token);
    let facts = SignInFacts { protocol, roles: &roles, text, others_sign_in: false };
    let host = host.to_ascii_lowercase();
    let within = |domain: &&str| {
        host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let remedy = explain_sign_in(&facts);
    let told = remedy == Remedy::PermissionMissing || EXCHANGE_ONLINE.iter().any(within);
    FetchError::SignInRefused { remedy: told.then_some(remedy), text: text.clone() }
}

/// The refusal of one mailbox where others of the same application open: then Exchange Online knows
/// the application, and it is this mailbox's permission that is missing.
pub fn where_others_open(error: FetchError) -> FetchError {
    match error {
        FetchError::SignInRefused { remedy: Some(Remedy::ServicePrincipalWrong), text } => {
            FetchError::SignInRefused { remedy: Some(Remedy::MailboxPermissionMissing), text }
        }
        error => error,
    }
}
