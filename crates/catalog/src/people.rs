use model::{AccountId, DirectoryId, EmailAddress, GroupId, TenantId, Timestamp};
use policy::{AccountRole, OwnedAddress};

use crate::{Account, AuditEvent, CatalogError, Handover};

/// Accounts that one page lists at most.
pub const ACCOUNT_PAGE_ROWS_MAX: u32 = 500;

/// Longer names of groups are refused.
pub const GROUP_NAME_CHARS_MAX: usize = 200;

/// Groups that one tenant has at most: beyond it no list of them is of use.
pub const GROUPS_MAX: u32 = 20_000;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// Somebody or something that signs in.
    Person,
    /// A shared mailbox or public folder: owns addresses, is opened by grants, never signs in.
    Shared,
}

impl AccountKind {
    pub const ALL: [Self; 2] = [Self::Person, Self::Shared];

    /// The name in the database, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Shared => "shared",
        }
    }
}

/// The text names no kind of account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of account: expected person or shared")]
pub struct ParseAccountKindError;

impl std::str::FromStr for AccountKind {
    type Err = ParseAccountKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(ParseAccountKindError)
    }
}

/// Where an account or a group comes from; who has none was made here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub directory: DirectoryId,
    /// What the directory never changes about an entry, such as `objectGUID`, in hexadecimal
    /// digits. Unique within the directory.
    pub key: String,
}

/// Which accounts to list; `None` leaves a condition out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// All of its words occur in user name, names or a present address, in any case.
    pub text: Option<String>,
    pub role: Option<AccountRole>,
    pub kind: Option<AccountKind>,
    pub disabled: Option<bool>,
    pub archived: Option<bool>,
    /// `Some(None)`: made here.
    pub directory: Option<Option<DirectoryId>>,
    pub group: Option<GroupId>,
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub account: Account,
    /// Those that it owns or owned, by address.
    pub addresses: Vec<OwnedAddress>,
    /// Whether a password can open it.
    pub has_password: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountPage {
    /// How many the filter lets through, on whatever page.
    pub total: u64,
    /// By user name.
    pub rows: Vec<AccountRow>,
}

/// Accounts that mailboxes are opened to together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub tenant: TenantId,
    /// Unique within the tenant, without regard to case, among groups that were made here.
    pub name: String,
    pub origin: Option<Origin>,
    pub created_at: Timestamp,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    pub group: Group,
    pub members: u64,
}

/// What is done to one account in one step; see [`People::change_accounts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// As it is to be.
    pub account: Account,
    /// The account does not exist yet.
    pub new: bool,
    /// A new PHC string; ends the account's sessions. `None`: the password stays.
    pub password_hash: Option<String>,
    /// Addresses whose ownership ends now.
    pub end: Vec<EmailAddress>,
    /// Addresses that are owned from now on, as [`crate::Accounts::give_address`] gives them.
    pub give: Vec<(EmailAddress, Handover)>,
}

/// Lists of accounts, what only directories and imports do to them, and groups.
pub trait People: Send + Sync {
    /// Accounts of the tenant (`None`: operators) by user name, those after the user name `after`,
    /// at most `limit` and [`ACCOUNT_PAGE_ROWS_MAX`].
    fn account_page(
        &self,
        tenant: Option<TenantId>,
        filter: &AccountFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AccountPage, CatalogError>;

    /// Creates and changes accounts and writes down `events`, all in one transaction or not at
    /// all. All ends of ownership come before the first beginning, so that an address may be
    /// handed from one of the accounts to another. Refuses what the single calls refuse; an
    /// account of another tenant does not exist.
    fn change_accounts(
        &self,
        tenant: Option<TenantId>,
        changes: &[AccountChange],
        events: &[AuditEvent],
        at: Timestamp,
    ) -> Result<(), CatalogError>;

    /// The account that came from `directory` under `key`.
    fn account_from(
        &self,
        directory: DirectoryId,
        key: &str,
    ) -> Result<Option<Account>, CatalogError>;

    /// All accounts that came from `directory`, by key.
    fn accounts_from(&self, directory: DirectoryId) -> Result<Vec<AccountRow>, CatalogError>;

    /// Marks accounts of the tenant for "archive only selected accounts", all of them for `None`;
    /// returns how many changed. Ids of others are left alone.
    fn set_archived(
        &self,
        tenant: TenantId,
        accounts: Option<&[AccountId]>,
        archived: bool,
    ) -> Result<u64, CatalogError>;

    /// The account that owns `key` now, or owned it last.
    fn address_owner(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<(AccountId, OwnedAddress)>, CatalogError>;

    /// All spans of all these accounts, with who owns each.
    fn addresses_of(
        &self,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, OwnedAddress)>, CatalogError>;

    /// [`Conflict::GroupName`](crate::Conflict::GroupName), [`Conflict::Id`](crate::Conflict::Id)
    /// and [`Conflict::Origin`](crate::Conflict::Origin) are refused.
    fn add_group(&self, group: &Group) -> Result<(), CatalogError>;

    /// Renames the group.
    fn rename_group(&self, id: GroupId, name: &str) -> Result<(), CatalogError>;

    /// Removes the group and its memberships, and revokes its grants; whether it was there.
    fn remove_group(
        &self,
        tenant: TenantId,
        id: GroupId,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError>;

    fn group(&self, tenant: TenantId, id: GroupId) -> Result<Option<Group>, CatalogError>;

    /// All of the tenant, by name.
    fn groups(&self, tenant: TenantId) -> Result<Vec<GroupRow>, CatalogError>;

    /// All groups that came from `directory`, by key.
    fn groups_from(&self, directory: DirectoryId) -> Result<Vec<Group>, CatalogError>;

    /// Members by user name.
    fn group_members(&self, id: GroupId) -> Result<Vec<Account>, CatalogError>;

    /// The groups that the account is a member of, by name.
    fn groups_of(&self, account: AccountId) -> Result<Vec<Group>, CatalogError>;

    /// Makes exactly these accounts members, in one transaction; returns how many were added and
    /// removed. An account of another tenant is refused ([`CatalogError::NotFound`]).
    fn set_group_members(
        &self,
        id: GroupId,
        members: &[AccountId],
    ) -> Result<(u64, u64), CatalogError>;

    /// Adds (`true`) or removes one member; whether that changed anything.
    fn set_group_member(
        &self,
        id: GroupId,
        account: AccountId,
        member: bool,
    ) -> Result<bool, CatalogError>;
}
