use model::{AccountId, DirectoryId, GroupId, TenantId, Timestamp};
use policy::OwnedAddress;
use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};

use super::accounts::account;
use super::codes::{json, uint};
use super::fault::{Abort, Fault};
use super::{Sqlite, accounts, addresses, audit, groups, tenant_row};
use crate::{
    ACCOUNT_PAGE_ROWS_MAX, Account, AccountChange, AccountFilter, AccountPage, AccountRow,
    AuditEvent, CatalogError, Group, GroupRow, People,
};

/// Words of a filter that are looked at; who writes more finds no less.
const FILTER_WORDS_MAX: usize = 8;

impl People for Sqlite {
    fn account_page(
        &self,
        tenant: Option<TenantId>,
        filter: &AccountFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AccountPage, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            page(db, tenant, filter, after, limit.min(ACCOUNT_PAGE_ROWS_MAX))
        })
    }

    fn change_accounts(
        &self,
        tenant: Option<TenantId>,
        changes: &[AccountChange],
        events: &[AuditEvent],
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            for change in changes {
                if change.account.tenant != tenant {
                    return Err(CatalogError::NotFound("the account").into());
                }
                accounts::apply(db, change)?;
            }
            for change in changes {
                for address in &change.end {
                    addresses::end_in(db, change.account.id, address, at)?;
                }
            }
            for change in changes {
                for (address, handover) in &change.give {
                    addresses::give_in(db, change.account.id, address, *handover, at)?;
                }
            }
            audit::append_all(db, events)
        })
    }

    fn account_from(
        &self,
        directory: DirectoryId,
        key: &str,
    ) -> Result<Option<Account>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT * FROM account WHERE directory = ?1 AND external_key = ?2")?
                .query_row((directory.as_bytes(), key), |row| account(db, row))
                .optional()?;
            Ok(found)
        })
    }

    fn accounts_from(&self, directory: DirectoryId) -> Result<Vec<AccountRow>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT * FROM account WHERE directory = ?1 ORDER BY external_key")?
                .query_map([directory.as_bytes()], |row| listed(db, row))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(with_addresses(db, found)?)
        })
    }

    fn set_archived(
        &self,
        tenant: TenantId,
        accounts: Option<&[AccountId]>,
        archived: bool,
    ) -> Result<u64, CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let changed = db
                .prepare_cached(
                    "UPDATE account SET archived = ?2 WHERE tenant = ?1 AND archived <> ?2
                         AND (?3 IS NULL OR id IN (SELECT unhex(value) FROM json_each(?3)))",
                )?
                .execute((tenant, archived, accounts.map(|ids| json(&ids))))?;
            Ok(changed as u64)
        })
    }

    fn address_owner(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<(AccountId, OwnedAddress)>, CatalogError> {
        self.read(|db| Ok(addresses::owner(db, tenant_row(db, tenant)?, key)?))
    }

    fn addresses_of(
        &self,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, OwnedAddress)>, CatalogError> {
        self.read(|db| Ok(addresses::of(db, accounts)?))
    }

    fn add_group(&self, group: &Group) -> Result<(), CatalogError> {
        self.write(|db, _| groups::add(db, group))
    }

    fn rename_group(&self, id: GroupId, name: &str) -> Result<(), CatalogError> {
        self.write(|db, _| groups::rename(db, id, name))
    }

    fn remove_group(
        &self,
        tenant: TenantId,
        id: GroupId,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| groups::remove(db, tenant, id, by, at))
    }

    fn group(&self, tenant: TenantId, id: GroupId) -> Result<Option<Group>, CatalogError> {
        groups::one(self, tenant, id)
    }

    fn groups(&self, tenant: TenantId) -> Result<Vec<GroupRow>, CatalogError> {
        groups::all(self, tenant)
    }

    fn groups_from(&self, directory: DirectoryId) -> Result<Vec<Group>, CatalogError> {
        groups::from_directory(self, directory)
    }

    fn group_members(&self, id: GroupId) -> Result<Vec<Account>, CatalogError> {
        groups::members(self, id)
    }

    fn groups_of(&self, account: AccountId) -> Result<Vec<Group>, CatalogError> {
        groups::of(self, account)
    }

    fn set_group_members(
        &self,
        id: GroupId,
        members: &[AccountId],
    ) -> Result<(u64, u64), CatalogError> {
        self.write(|db, _| groups::set_members(db, id, members))
    }

    fn set_group_member(
        &self,
        id: GroupId,
        account: AccountId,
        member: bool,
    ) -> Result<bool, CatalogError> {
        groups::set_member(self, id, account, member)
    }
}

fn page(
    db: &Connection,
    tenant: Option<i64>,
    filter: &AccountFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<AccountPage, Abort> {
    let (condition, mut values) = condition(tenant, filter);
    let total = db
        .prepare_cached(&format!("SELECT count(*) FROM account a WHERE {condition}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))
        .map(uint)?;
    values.push(Value::Text(after.unwrap_or_default().to_lowercase()));
    values.push(Value::Integer(i64::from(limit)));
    let count = values.len();
    let sql = format!(
        "SELECT * FROM account a WHERE {condition} AND a.user_key > ?{} ORDER BY a.user_key
         LIMIT ?{count}",
        count - 1
    );
    let found = db
        .prepare_cached(&sql)?
        .query_map(params_from_iter(&values), |row| listed(db, row))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(AccountPage { total, rows: with_addresses(db, found)? })
}

/// The SQL of a filter, for accounts `a`, and its values.
fn condition(tenant: Option<i64>, filter: &AccountFilter) -> (String, Vec<Value>) {
    let mut values = vec![tenant.map_or(Value::Null, Value::Integer)];
    let mut sql = "a.tenant IS ?1".to_owned();
    let mut and = |text: &str, value: Value| {
        values.push(value);
        sql.push_str(&format!(" AND {}", text.replace('?', &format!("?{}", values.len()))));
    };
    let words = filter.text.as_deref().unwrap_or_default().split_whitespace();
    for word in words.take(FILTER_WORDS_MAX) {
        and(
            "(instr(a.search_key, ?) > 0 OR EXISTS (SELECT 1 FROM account_address own
                 WHERE own.account = a.row AND own.valid_until IS NULL AND instr(own.key, ?) > 0))",
            Value::Text(word.to_lowercase()),
        );
    }
    if let Some(role) = filter.role {
        and("a.role = ?", Value::Text(role.name().to_owned()));
    }
    if let Some(kind) = filter.kind {
        and("a.kind = ?", Value::Text(kind.name().to_owned()));
    }
    if let Some(disabled) = filter.disabled {
        and("a.disabled = ?", Value::Integer(disabled.into()));
    }
    if let Some(archived) = filter.archived {
        and("a.archived = ?", Value::Integer(archived.into()));
    }
    if let Some(directory) = filter.directory {
        let directory = directory.map(|id| Value::Blob(id.as_bytes().to_vec()));
        and("a.directory IS ?", directory.unwrap_or(Value::Null));
    }
    if let Some(group) = filter.group {
        and(
            "EXISTS (SELECT 1 FROM account_group g JOIN group_member m ON m.grp = g.row
                 WHERE g.id = ? AND m.account = a.row)",
            Value::Blob(group.as_bytes().to_vec()),
        );
    }
    (sql, values)
}

fn listed(db: &Connection, row: &rusqlite::Row<'_>) -> Result<AccountRow, Fault> {
    let hash: Option<String> = row.get("password_hash")?;
    Ok(AccountRow {
        account: account(db, row)?,
        addresses: Vec::new(),
        has_password: hash.is_some(),
    })
}

fn with_addresses(db: &Connection, mut rows: Vec<AccountRow>) -> Result<Vec<AccountRow>, Fault> {
    let ids: Vec<AccountId> = rows.iter().map(|row| row.account.id).collect();
    let mut owned = std::collections::HashMap::<AccountId, Vec<OwnedAddress>>::new();
    for (account, own) in addresses::of(db, &ids)? {
        owned.entry(account).or_default().push(own);
    }
    for row in &mut rows {
        row.addresses = owned.remove(&row.account.id).unwrap_or_default();
    }
    Ok(rows)
}
