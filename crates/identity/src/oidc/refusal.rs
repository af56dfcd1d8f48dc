/// Why the answer of a provider opens no session. Each has a code for the page and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the account is disabled")]
    AccountDisabled,
    /// The person, or the account, is linked otherwise at this provider.
    #[error("the account belongs to somebody else at the provider")]
    AlreadyLinked,
    #[error("the provider's answer is not understood")]
    BadAnswer,
    /// Also a key that the provider does not publish.
    #[error("the ID token is not signed by the provider")]
    BadSignature,
    /// The person said no, or the provider did.
    #[error("the provider did not sign in anybody")]
    Cancelled,
    /// The provider takes the code from us not (any more).
    #[error("the provider refused the code")]
    CodeRefused,
    #[error("the sign-in took too long, or began in another browser")]
    Expired,
    /// Entra: somebody of a directory that is not expected.
    #[error("the account belongs to a foreign directory")]
    ForeignTenant,
    /// A rule asks for groups, the token names too many, and the provider does not list them.
    #[error("the groups are not known, and the role depends on them")]
    GroupsUnknown,
    #[error("the ID token lacks a claim that is needed")]
    MissingClaim,
    #[error("no rule gives a role")]
    NoRole,
    #[error("the provider is switched off, or not there")]
    ProviderOff,
    /// An answer counts once.
    #[error("this answer was used before")]
    Replayed,
    #[error("the ID token has expired, or is from the future")]
    TokenExpired,
    #[error("nobody here has this account, and none is made")]
    UnknownAccount,
    #[error("the provider cannot be reached")]
    Unreachable,
    #[error("the ID token is for somebody else")]
    WrongAudience,
    #[error("the answer is from another issuer")]
    WrongIssuer,
    #[error("the ID token answers another question")]
    WrongNonce,
    /// The answer is not one to the question of this browser.
    #[error("the answer does not belong to this browser")]
    WrongState,
}

impl Refusal {
    /// Stable; what pages and translations go by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account-disabled",
            Self::AlreadyLinked => "already-linked",
            Self::BadAnswer => "bad-answer",
            Self::BadSignature => "bad-signature",
            Self::Cancelled => "cancelled",
            Self::CodeRefused => "code-refused",
            Self::Expired => "expired",
            Self::ForeignTenant => "foreign-tenant",
            Self::GroupsUnknown => "groups-unknown",
            Self::MissingClaim => "missing-claim",
            Self::NoRole => "no-role",
            Self::ProviderOff => "provider-off",
            Self::Replayed => "replayed",
            Self::TokenExpired => "token-expired",
            Self::UnknownAccount => "unknown-account",
            Self::Unreachable => "unreachable",
            Self::WrongAudience => "wrong-audience",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongNonce => "wrong-nonce",
            Self::WrongState => "wrong-state",
        }
    }
}
