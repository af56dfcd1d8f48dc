use model::{AccountId, Digest, DirectoryId, EmailAddress, TenantId, Timestamp};
use policy::{AccountRole, OwnedAddress};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codes::Parsed;
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, addresses, sessions, tenant_row, tenants, tokens};
use crate::{
    Account, AccountChange, AccountKind, Accounts, Attempt, CatalogError, Conflict, Handover,
    Origin, Session, ThrottleRule, USER_NAME_CHARS_MAX,
};

impl Accounts for Sqlite {
    fn add_account(
        &self,
        account: &Account,
        password_hash: Option<&str>,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| insert(db, account, password_hash))
    }

    fn update_account(&self, account: &Account) -> Result<(), CatalogError> {
        self.write(|db, _| update(db, account))
    }

    fn account(&self, id: AccountId) -> Result<Option<Account>, CatalogError> {
        self.read(|db| Ok(find(db, id)?.map(|(_, account)| account)))
    }

    fn account_named(&self, user_name: &str) -> Result<Option<Account>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT * FROM account WHERE user_key = ?1")?
                .query_row([user_name.trim().to_lowercase()], |row| account(db, row))
                .optional()?;
            Ok(found)
        })
    }

    fn accounts(&self, tenant: Option<TenantId>) -> Result<Vec<Account>, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let all = db
                .prepare_cached("SELECT * FROM account WHERE tenant IS ?1 ORDER BY user_key")?
                .query_map([tenant], |row| account(db, row))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn password_hash(&self, id: AccountId) -> Result<Option<String>, CatalogError> {
        self.read(|db| {
            let found: Option<Option<String>> = db
                .prepare_cached("SELECT password_hash FROM account WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            Ok(found.flatten())
        })
    }

    fn set_password(
        &self,
        id: AccountId,
        password_hash: &str,
        must_change: bool,
        keep: Option<Digest>,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| set_password(db, id, password_hash, must_change, keep))
    }

    fn give_address(
        &self,
        account: AccountId,
        address: &EmailAddress,
        handover: Handover,
        at: Timestamp,
    ) -> Result<OwnedAddress, CatalogError> {
        addresses::give(self, account, address, handover, at)
    }

    fn end_address(
        &self,
        account: AccountId,
        address: &EmailAddress,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        addresses::end(self, account, address, at)
    }

    fn addresses(&self, account: AccountId) -> Result<Vec<OwnedAddress>, CatalogError> {
        addresses::all(self, account)
    }

    fn add_session(&self, session: &Session) -> Result<(), CatalogError> {
        sessions::add(self, session)
    }

    fn session(&self, token_hash: Digest) -> Result<Option<(Session, Account)>, CatalogError> {
        sessions::one(self, token_hash)
    }

    fn touch_session(&self, token_hash: Digest, at: Timestamp) -> Result<(), CatalogError> {
        sessions::touch(self, token_hash, at)
    }

    fn end_session(&self, token_hash: Digest) -> Result<bool, CatalogError> {
        sessions::end(self, token_hash)
    }

    fn end_sessions(&self, account: AccountId) -> Result<u64, CatalogError> {
        self.write(|db, _| Ok(sessions::end_all(db, account_row(db, account)?, None)? as u64))
    }

    fn attempt(&self, rules: &[ThrottleRule], now: Timestamp) -> Result<Attempt, CatalogError> {
        sessions::attempt(self, rules, now)
    }

    fn forgive(
        &self,
        clear: &[String],
        undo: &[String],
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        sessions::forgive(self, clear, undo, now)
    }

    fn remember_place(
        &self,
        account: AccountId,
        place: &str,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        sessions::remember_place(self, account, place, at)
    }

    fn knows_place(
        &self,
        account: AccountId,
        place: &str,
        since: Timestamp,
    ) -> Result<bool, CatalogError> {
        sessions::knows_place(self, account, place, since)
    }

    fn sweep(&self, now: Timestamp) -> Result<u64, CatalogError> {
        sessions::sweep(self, now)
    }
}

fn check(account: &Account) -> Result<(), CatalogError> {
    let name = account.user_name.trim();
    if name.is_empty()
        || name.chars().count() > USER_NAME_CHARS_MAX
        || name.chars().any(char::is_control)
    {
        return Err(CatalogError::Invalid("the user name"));
    }
    if account.tenant.is_none() != (account.role == AccountRole::Operator) {
        return Err(CatalogError::Invalid("the tenant of the account"));
    }
    if account.kind == AccountKind::Shared && account.role != AccountRole::User {
        return Err(CatalogError::Invalid("the role of a shared mailbox"));
    }
    check_names(account)
}

fn check_names(account: &Account) -> Result<(), CatalogError> {
    let names = [&account.first_name, &account.last_name, &account.display_name];
    let fits = |name: &&String| name.chars().count() <= USER_NAME_CHARS_MAX;
    if names.iter().all(fits) { Ok(()) } else { Err(CatalogError::Invalid("the person's name")) }
}

/// What lists are filtered by.
fn search_key(account: &Account) -> String {
    let Account { user_name, first_name, last_name, display_name, .. } = account;
    format!("{user_name} {first_name} {last_name} {display_name}").to_lowercase()
}

/// Creates or changes the account, but for its addresses.
pub(super) fn apply(db: &Connection, change: &AccountChange) -> Result<(), Abort> {
    let AccountChange { account, password_hash, .. } = change;
    if change.new {
        return insert(db, account, password_hash.as_deref());
    }
    update(db, account)?;
    match password_hash {
        Some(hash) => set_password(db, account.id, hash, account.must_change_password, None),
        None => Ok(()),
    }
}

fn set_password(
    db: &Connection,
    id: AccountId,
    password_hash: &str,
    must_change: bool,
    keep: Option<Digest>,
) -> Result<(), Abort> {
    let row = account_row(db, id)?;
    db.prepare_cached(
        "UPDATE account SET password_hash = ?2, must_change_password = ?3 WHERE row = ?1",
    )?
    .execute((row, password_hash, must_change))
    .map_err(|error| match is_unique_violation(&error, "CHECK") {
        true => CatalogError::Invalid("the password of a shared mailbox").into(),
        false => Abort::from(error),
    })?;
    sessions::end_all(db, row, keep)?;
    Ok(())
}

pub(super) fn insert(
    db: &Connection,
    account: &Account,
    password_hash: Option<&str>,
) -> Result<(), Abort> {
    check(account)?;
    if account.kind == AccountKind::Shared && password_hash.is_some() {
        return Err(CatalogError::Invalid("the password of a shared mailbox").into());
    }
    let tenant = account.tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
    let name = account.user_name.trim();
    db.prepare_cached(
        "INSERT INTO account (id, tenant, user_name, user_key, first_name, last_name,
             display_name, search_key, kind, role, archived, directory, external_key,
             password_hash, must_change_password, disabled, language, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
    .execute(params![
        account.id.as_bytes(),
        tenant,
        name,
        name.to_lowercase(),
        account.first_name,
        account.last_name,
        account.display_name,
        search_key(account),
        account.kind.name(),
        account.role.name(),
        account.archived,
        account.origin.as_ref().map(|origin| origin.directory.as_bytes()),
        account.origin.as_ref().map(|origin| &origin.key),
        password_hash,
        account.must_change_password,
        account.disabled,
        account.language,
        account.created_at.as_micros(),
    ])
    .map_err(conflict)?;
    Ok(())
}

/// Replaces what may change.
pub(super) fn update(db: &Connection, account: &Account) -> Result<(), Abort> {
    check_names(account)?;
    let stored = find(db, account.id)?.filter(|(_, stored)| stored.tenant == account.tenant);
    let (row, _) = stored.ok_or(CatalogError::NotFound("the account"))?;
    db.prepare_cached(
        "UPDATE account SET first_name = ?2, last_name = ?3, display_name = ?4, search_key = ?5,
             role = ?6, archived = ?7, directory = ?8, external_key = ?9,
             must_change_password = ?10, disabled = ?11, language = ?12
         WHERE row = ?1",
    )?
    .execute(params![
        row,
        account.first_name,
        account.last_name,
        account.display_name,
        search_key(account),
        account.role.name(),
        account.archived,
        account.origin.as_ref().map(|origin| origin.directory.as_bytes()),
        account.origin.as_ref().map(|origin| &origin.key),
        account.must_change_password,
        account.disabled,
        account.language,
    ])
    .map_err(|error| match is_unique_violation(&error, "CHECK") {
        true => CatalogError::Invalid("the role of the account").into(),
        false => conflict(error),
    })?;
    if account.disabled {
        sessions::end_all(db, row, None)?;
        tokens::remove_all(db, row)?;
    }
    Ok(())
}

pub(super) fn find(db: &Connection, id: AccountId) -> Result<Option<(i64, Account)>, Fault> {
    db.prepare_cached("SELECT * FROM account WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| Ok((row.get("row")?, account(db, row)?)))
        .optional()
}

pub(super) fn account_row(db: &Connection, id: AccountId) -> Result<i64, Abort> {
    let found = find(db, id)?.ok_or(CatalogError::NotFound("the account"))?;
    Ok(found.0)
}

pub(super) fn account(db: &Connection, row: &Row<'_>) -> Result<Account, Fault> {
    let tenant: Option<i64> = row.get("tenant")?;
    Ok(Account {
        id: AccountId::from_bytes(row.get("id")?),
        tenant: tenant.map(|tenant| tenants::tenant_id(db, tenant)).transpose()?,
        user_name: row.get("user_name")?,
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        display_name: row.get("display_name")?,
        kind: row.get::<_, Parsed<_>>("kind")?.0,
        archived: row.get("archived")?,
        origin: origin(row)?,
        role: row.get::<_, Parsed<_>>("role")?.0,
        must_change_password: row.get("must_change_password")?,
        disabled: row.get("disabled")?,
        language: row.get("language")?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

/// Where an account or a group comes from.
pub(super) fn origin(row: &Row<'_>) -> Result<Option<Origin>, Fault> {
    let directory: Option<[u8; 16]> = row.get("directory")?;
    let key: Option<String> = row.get("external_key")?;
    let origin = directory.zip(key);
    Ok(origin.map(|(directory, key)| Origin { directory: DirectoryId::from_bytes(directory), key }))
}

fn conflict(error: Fault) -> Abort {
    if is_unique_violation(&error, "account.user_key") {
        CatalogError::Conflict(Conflict::UserName).into()
    } else if is_unique_violation(&error, "account.id") {
        CatalogError::Conflict(Conflict::Id).into()
    } else if is_unique_violation(&error, "account.directory") {
        CatalogError::Conflict(Conflict::Origin).into()
    } else {
        error.into()
    }
}
