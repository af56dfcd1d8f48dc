use model::{AccountId, DirectoryId, GroupId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::{account, account_row, origin};
use super::codes::{json, uint};
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, tenant_row, tenants};
use crate::{Account, CatalogError, Conflict, GROUP_NAME_CHARS_MAX, GROUPS_MAX, Group, GroupRow};

pub(super) fn add(db: &Connection, group: &Group) -> Result<(), Abort> {
    let name = checked(&group.name)?;
    let tenant = tenant_row(db, group.tenant)?;
    let count: u32 = db
        .prepare_cached("SELECT count(*) FROM account_group WHERE tenant = ?1")?
        .query_row([tenant], |row| row.get(0))?;
    if count >= GROUPS_MAX {
        return Err(CatalogError::Invalid("the number of groups").into());
    }
    db.prepare_cached(
        "INSERT INTO account_group (id, tenant, name, name_key, directory, external_key,
             created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        group.id.as_bytes(),
        tenant,
        name,
        name.to_lowercase(),
        group.origin.as_ref().map(|origin| origin.directory.as_bytes()),
        group.origin.as_ref().map(|origin| &origin.key),
        group.created_at.as_micros(),
    ])
    .map_err(conflict)?;
    Ok(())
}

pub(super) fn rename(db: &Connection, id: GroupId, name: &str) -> Result<(), Abort> {
    let name = checked(name)?;
    let row = group_row(db, id)?;
    db.prepare_cached("UPDATE account_group SET name = ?2, name_key = ?3 WHERE row = ?1")?
        .execute((row, name, name.to_lowercase()))
        .map_err(conflict)?;
    Ok(())
}

pub(super) fn remove(
    db: &Connection,
    tenant: TenantId,
    id: GroupId,
    by: &str,
    at: Timestamp,
) -> Result<bool, Abort> {
    let tenant = tenant_row(db, tenant)?;
    let row: Option<i64> = db
        .prepare_cached("SELECT row FROM account_group WHERE id = ?1 AND tenant = ?2")?
        .query_row((id.as_bytes(), tenant), |row| row.get(0))
        .optional()?;
    let Some(row) = row else { return Ok(false) };
    db.prepare_cached("DELETE FROM group_member WHERE grp = ?1")?.execute([row])?;
    db.prepare_cached(
        "UPDATE access_grant SET revoked_at = ?2, revoked_by = ?3
         WHERE grp = ?1 AND revoked_at IS NULL",
    )?
    .execute((id.as_bytes(), at.as_micros(), by))?;
    db.prepare_cached("DELETE FROM account_group WHERE row = ?1")?.execute([row])?;
    Ok(true)
}

pub(super) fn one(
    engine: &Sqlite,
    tenant: TenantId,
    id: GroupId,
) -> Result<Option<Group>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let found = db
            .prepare_cached("SELECT * FROM account_group WHERE id = ?1 AND tenant = ?2")?
            .query_row((id.as_bytes(), tenant), |row| group(db, row))
            .optional()?;
        Ok(found)
    })
}

pub(super) fn all(engine: &Sqlite, tenant: TenantId) -> Result<Vec<GroupRow>, CatalogError> {
    engine.read(|db| {
        let tenant = tenant_row(db, tenant)?;
        let all = db
            .prepare_cached(
                "SELECT g.*, (SELECT count(*) FROM group_member m WHERE m.grp = g.row) AS members
                 FROM account_group g WHERE g.tenant = ?1 ORDER BY g.name_key, g.row",
            )?
            .query_map([tenant], |row| {
                Ok(GroupRow { group: group(db, row)?, members: uint(row.get("members")?) })
            })?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn from_directory(
    engine: &Sqlite,
    directory: DirectoryId,
) -> Result<Vec<Group>, CatalogError> {
    engine.read(|db| {
        let all = db
            .prepare_cached(
                "SELECT * FROM account_group WHERE directory = ?1 ORDER BY external_key",
            )?
            .query_map([directory.as_bytes()], |row| group(db, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn members(engine: &Sqlite, id: GroupId) -> Result<Vec<Account>, CatalogError> {
    engine.read(|db| {
        let row = group_row(db, id)?;
        let all = db
            .prepare_cached(
                "SELECT a.* FROM group_member m CROSS JOIN account a ON a.row = m.account
                 WHERE m.grp = ?1 ORDER BY a.user_key",
            )?
            .query_map([row], |row| account(db, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn of(engine: &Sqlite, member: AccountId) -> Result<Vec<Group>, CatalogError> {
    engine.read(|db| {
        let member = account_row(db, member)?;
        let all = db
            .prepare_cached(
                "SELECT g.* FROM group_member m CROSS JOIN account_group g ON g.row = m.grp
                 WHERE m.account = ?1 ORDER BY g.name_key, g.row",
            )?
            .query_map([member], |row| group(db, row))?
            .collect::<Result<_, _>>()?;
        Ok(all)
    })
}

pub(super) fn set_members(
    db: &Connection,
    id: GroupId,
    members: &[AccountId],
) -> Result<(u64, u64), Abort> {
    let members = json(&members);
    let row = group_row(db, id)?;
    let strangers = db
        .prepare_cached(
            "SELECT 1 FROM json_each(?2) wanted WHERE NOT EXISTS (
                 SELECT 1 FROM account a CROSS JOIN account_group g ON g.row = ?1
                 WHERE a.id = unhex(wanted.value) AND a.tenant = g.tenant)",
        )?
        .exists((row, &members))?;
    if strangers {
        return Err(CatalogError::NotFound("the account").into());
    }
    let removed = db
        .prepare_cached(
            "DELETE FROM group_member WHERE grp = ?1 AND account NOT IN (
                 SELECT row FROM account
                 WHERE id IN (SELECT unhex(value) FROM json_each(?2)))",
        )?
        .execute((row, &members))?;
    let added = db
        .prepare_cached(
            "INSERT OR IGNORE INTO group_member (grp, account)
             SELECT ?1, row FROM account
             WHERE id IN (SELECT unhex(value) FROM json_each(?2))",
        )?
        .execute((row, &members))?;
    Ok((added as u64, removed as u64))
}

pub(super) fn set_member(
    engine: &Sqlite,
    id: GroupId,
    member: AccountId,
    wanted: bool,
) -> Result<bool, CatalogError> {
    engine.write(|db, _| {
        let row = group_row(db, id)?;
        let sql = match wanted {
            true => {
                "INSERT OR IGNORE INTO group_member (grp, account)
                 SELECT g.row, a.row FROM account a CROSS JOIN account_group g
                     ON g.row = ?1 AND g.tenant = a.tenant
                 WHERE a.id = ?2"
            }
            false => {
                "DELETE FROM group_member
                 WHERE grp = ?1 AND account = (SELECT row FROM account WHERE id = ?2)"
            }
        };
        let changed = db.prepare_cached(sql)?.execute((row, member.as_bytes()))?;
        Ok(changed > 0)
    })
}

pub(super) fn group_row(db: &Connection, id: GroupId) -> Result<i64, Abort> {
    let found = db
        .prepare_cached("SELECT row FROM account_group WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.ok_or(CatalogError::NotFound("the group"))?)
}

pub(super) fn group(db: &Connection, row: &Row<'_>) -> Result<Group, Fault> {
    Ok(Group {
        id: GroupId::from_bytes(row.get("id")?),
        tenant: tenants::tenant_id(db, row.get("tenant")?)?,
        name: row.get("name")?,
        origin: origin(row)?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

fn checked(name: &str) -> Result<&str, CatalogError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= GROUP_NAME_CHARS_MAX;
    if fits { Ok(name) } else { Err(CatalogError::Invalid("the group's name")) }
}

fn conflict(error: Fault) -> Abort {
    if is_unique_violation(&error, "account_group.id") {
        CatalogError::Conflict(Conflict::Id).into()
    } else if is_unique_violation(&error, "account_group.directory") {
        CatalogError::Conflict(Conflict::Origin).into()
    } else if is_unique_violation(&error, "account_group.tenant") {
        CatalogError::Conflict(Conflict::GroupName).into()
    } else {
        error.into()
    }
}
