use std::net::IpAddr;

use model::{AccountId, Digest, EmailAddress, TenantId, Timestamp};
use policy::{AccountRole, OwnedAddress};

use crate::{AccountKind, CatalogError, Origin, SignInMethod};

/// Longer user names are refused.
pub const USER_NAME_CHARS_MAX: usize = 200;

/// One person or machine that can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// `None` for operators.
    pub tenant: Option<TenantId>,
    /// Unique in the whole catalog without regard to case; never changed.
    pub user_name: String,
    pub first_name: String,
    pub last_name: String,
    pub display_name: String,
    pub kind: AccountKind,
    pub role: AccountRole,
    /// Selected for "archive only selected accounts"; means nothing unless the tenant says so.
    pub archived: bool,
    /// `None`: made here.
    pub origin: Option<Origin>,
    /// The password was given by someone else and must be changed at the next sign-in.
    pub must_change_password: bool,
    pub disabled: bool,
    /// The language of the user interface, such as `de`.
    pub language: Option<String>,
    pub created_at: Timestamp,
}

impl Account {
    /// A person without names, enabled and archived, with nothing else set.
    pub fn new(
        id: AccountId,
        tenant: Option<TenantId>,
        user_name: &str,
        role: AccountRole,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant,
            user_name: user_name.to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            display_name: String::new(),
            kind: AccountKind::Person,
            role,
            archived: true,
            origin: None,
            must_change_password: false,
            disabled: false,
            language: None,
            created_at,
        }
    }
}

/// From when on a newly given address opens mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// Everything, also a predecessor's mail: an administrator's decision, with a reason.
    Everything,
    /// The rule: an address that had no owner before opens all its past mail; one that had an
    /// owner opens only from the hand-over on.
    Rule,
}

/// One signed-in browser. The token itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub token_hash: Digest,
    pub account: AccountId,
    pub csrf: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The absolute end.
    pub expires_at: Timestamp,
    pub ip: Option<IpAddr>,
    /// The browser's name for itself.
    pub agent: String,
    pub method: SignInMethod,
    /// Until a second factor is enrolled, nothing else may be done.
    pub must_enrol: bool,
    /// What signing out at the OpenID provider needs, sealed.
    pub provider_session: Option<String>,
}

/// How one counter slows down guessing: the first `free` attempts cost nothing, every further one
/// doubles the pause from one second up to `pause_seconds_max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleRule {
    pub key: String,
    pub free: u32,
    pub pause_seconds_max: i64,
}

impl ThrottleRule {
    /// The pause after `attempts` attempts without success, in seconds.
    pub fn pause_seconds(&self, attempts: u32) -> i64 {
        match attempts.checked_sub(self.free) {
            None | Some(0) => 0,
            Some(beyond) => (1_i64 << (beyond - 1).min(30)).min(self.pause_seconds_max),
        }
    }
}

/// Whether a sign-in may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may, and was counted.
    Allowed,
    /// Not before this moment; nothing was counted.
    Wait(Timestamp),
}

/// Accounts, the addresses they own, their sessions and the brake on guessing.
pub trait Accounts: Send + Sync {
    /// [`Conflict::Id`](crate::Conflict::Id), [`Conflict::Origin`](crate::Conflict::Origin) and
    /// [`Conflict::UserName`](crate::Conflict::UserName) are refused. `password_hash` is a PHC string; `None`: cannot sign in by password.
    fn add_account(
        &self,
        account: &Account,
        password_hash: Option<&str>,
    ) -> Result<(), CatalogError>;

    /// Replaces everything but `id`, tenant, user name, kind and `created_at`. Disabling ends the
    /// account's sessions.
    fn update_account(&self, account: &Account) -> Result<(), CatalogError>;

    fn account(&self, id: AccountId) -> Result<Option<Account>, CatalogError>;

    /// By user name, without regard to case.
    fn account_named(&self, user_name: &str) -> Result<Option<Account>, CatalogError>;

    /// All of a tenant, or all operators for `None`; by user name.
    fn accounts(&self, tenant: Option<TenantId>) -> Result<Vec<Account>, CatalogError>;

    fn password_hash(&self, id: AccountId) -> Result<Option<String>, CatalogError>;

    /// Sets the password's PHC string and ends all sessions but `keep`, in one transaction.
    fn set_password(
        &self,
        id: AccountId,
        password_hash: &str,
        must_change: bool,
        keep: Option<Digest>,
    ) -> Result<(), CatalogError>;

    /// Makes the account own `address` from now (`at`) on, and its past mail as `handover` says.
    /// Owning it already changes nothing; an address that another account of the tenant owns is
    /// refused ([`Conflict::AddressOwned`](crate::Conflict::AddressOwned)). Returns the span.
    fn give_address(
        &self,
        account: AccountId,
        address: &EmailAddress,
        handover: Handover,
        at: Timestamp,
    ) -> Result<OwnedAddress, CatalogError>;

    /// Ends the account's ownership of `address` at `at`; mail received before stays visible to it.
    /// An address that it does not own is left alone.
    fn end_address(
        &self,
        account: AccountId,
        address: &EmailAddress,
        at: Timestamp,
    ) -> Result<(), CatalogError>;

    /// All spans of the account, by address.
    fn addresses(&self, account: AccountId) -> Result<Vec<OwnedAddress>, CatalogError>;

    fn add_session(&self, session: &Session) -> Result<(), CatalogError>;

    /// The session with this token hash and its account, whatever their state: the caller checks
    /// expiry and whether the account is disabled.
    fn session(&self, token_hash: Digest) -> Result<Option<(Session, Account)>, CatalogError>;

    fn touch_session(&self, token_hash: Digest, at: Timestamp) -> Result<(), CatalogError>;

    /// Whether there was one.
    fn end_session(&self, token_hash: Digest) -> Result<bool, CatalogError>;

    /// Ends all sessions of an account; returns how many.
    fn end_sessions(&self, account: AccountId) -> Result<u64, CatalogError>;

    /// Counts an attempt under all `rules`, or none when one of them says to wait. Atomic, so that
    /// parallel guesses count. A counter starts anew 24 hours after its last pause.
    fn attempt(&self, rules: &[ThrottleRule], now: Timestamp) -> Result<Attempt, CatalogError>;

    /// After a success: forgets the counters in `clear` and takes one attempt back from those in
    /// `undo`.
    fn forgive(
        &self,
        clear: &[String],
        undo: &[String],
        now: Timestamp,
    ) -> Result<(), CatalogError>;

    /// Remembers that the account signed in from `place` (a network, not a person's name).
    fn remember_place(
        &self,
        account: AccountId,
        place: &str,
        at: Timestamp,
    ) -> Result<(), CatalogError>;

    /// Whether the account signed in from `place` since `since`.
    fn knows_place(
        &self,
        account: AccountId,
        place: &str,
        since: Timestamp,
    ) -> Result<bool, CatalogError>;

    /// Removes expired sessions, forgotten counters and old places; returns how many rows.
    fn sweep(&self, now: Timestamp) -> Result<u64, CatalogError>;
}
