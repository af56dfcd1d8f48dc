//! Writes what a run of a directory changes.

use model::{AccountId, DirectoryId, GroupId, Timestamp};
use rusqlite::{Connection, params};

use super::accounts::{self, account_row};
use super::codes::json;
use super::fault::Abort;
use super::groups::group_row;
use super::{addresses, grants, sessions, tenant_row};
use crate::{
    Account, AccountKind, CatalogError, Directory, DirectoryChanges, DirectoryEntry, GROUPS_MAX,
    Group, Handover,
};

pub(super) fn apply(
    db: &Connection,
    row: i64,
    directory: &Directory,
    changes: &DirectoryChanges,
    at: Timestamp,
) -> Result<(), Abort> {
    for account in &changes.added {
        accounts::insert(db, account, None)?;
    }
    for account in &changes.updated {
        update(db, account)?;
    }
    for id in &changes.adopted {
        // From now on the directory knows the password.
        let row = account_row(db, *id)?;
        db.prepare_cached(
            "UPDATE account SET password_hash = NULL, must_change_password = 0 WHERE row = ?1",
        )?
        .execute([row])?;
        sessions::end_all(db, row, None)?;
    }
    for (account, address) in &changes.ended {
        addresses::end_in(db, *account, address, at)?;
    }
    for (account, address) in &changes.given {
        addresses::give_in(db, *account, address, Handover::Rule, at)?;
    }
    for entry in &changes.entries {
        note(db, row, entry)?;
    }
    for key in &changes.forgotten {
        db.prepare_cached("DELETE FROM directory_entry WHERE directory = ?1 AND key = ?2")?
            .execute((row, key))?;
    }
    groups(db, directory, changes, at)?;
    if let Some(state) = &changes.state {
        db.prepare_cached("UPDATE directory SET state = ?2 WHERE row = ?1")?
            .execute((row, json(state)))?;
    }
    Ok(())
}

/// Replaces what may change, and the kind: a shared mailbox has no password.
fn update(db: &Connection, account: &Account) -> Result<(), Abort> {
    let set_kind = |sql: &str| -> Result<(), Abort> {
        db.prepare_cached(sql)?.execute((account.id.as_bytes(), account.kind.name()))?;
        Ok(())
    };
    match account.kind {
        AccountKind::Person => {
            set_kind("UPDATE account SET kind = ?2 WHERE id = ?1 AND kind <> ?2")?;
            accounts::update(db, account)
        }
        AccountKind::Shared => {
            accounts::update(db, account)?;
            set_kind(
                "UPDATE account SET kind = ?2, password_hash = NULL WHERE id = ?1 AND kind <> ?2",
            )
        }
    }
}

fn note(db: &Connection, row: i64, entry: &DirectoryEntry) -> Result<(), Abort> {
    let account = entry.account.map(|id| account_row(db, id)).transpose()?;
    db.prepare_cached(
        "INSERT INTO directory_entry (directory, key, account, dn, addresses, disabled, stamp)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (directory, key) DO UPDATE SET account = excluded.account, dn = excluded.dn,
             addresses = excluded.addresses, disabled = excluded.disabled, stamp = excluded.stamp",
    )?
    .execute(params![
        row,
        entry.key,
        account,
        entry.dn,
        json(&entry.addresses),
        entry.disabled,
        entry.stamp,
    ])?;
    Ok(())
}

fn groups(
    db: &Connection,
    directory: &Directory,
    changes: &DirectoryChanges,
    at: Timestamp,
) -> Result<(), Abort> {
    let tenant = tenant_row(db, directory.tenant)?;
    let by = format!("directory {}", directory.id);
    let revoke = "UPDATE access_grant SET revoked_at = ?2, revoked_by = ?3
         WHERE revoked_at IS NULL AND tenant = ?4 AND";
    for id in &changes.groups_removed {
        let row = group_row(db, *id)?;
        db.prepare_cached("DELETE FROM group_member WHERE grp = ?1")?.execute([row])?;
        db.prepare_cached(&format!("{revoke} grp = ?1"))?.execute((
            id.as_bytes(),
            at.as_micros(),
            &by,
            tenant,
        ))?;
        db.prepare_cached("DELETE FROM account_group WHERE row = ?1")?.execute([row])?;
    }
    for (id, name) in &changes.groups_renamed {
        db.prepare_cached("UPDATE account_group SET name = ?2, name_key = ?3 WHERE id = ?1")?
            .execute((id.as_bytes(), name, name.to_lowercase()))?;
    }
    for group in &changes.groups_added {
        add_group(db, tenant, group)?;
    }
    for (id, members) in &changes.members {
        set_members(db, *id, members)?;
    }
    for id in &changes.revoked {
        db.prepare_cached(&format!("{revoke} id = ?1"))?.execute((
            id.as_bytes(),
            at.as_micros(),
            &by,
            tenant,
        ))?;
    }
    for grant in &changes.granted {
        grants::add(db, grant)?;
    }
    Ok(())
}

fn add_group(db: &Connection, tenant: i64, group: &Group) -> Result<(), Abort> {
    let count: u32 = db
        .prepare_cached("SELECT count(*) FROM account_group WHERE tenant = ?1")?
        .query_row([tenant], |row| row.get(0))?;
    if count >= GROUPS_MAX {
        return Err(CatalogError::Invalid("the number of groups").into());
    }
    db.prepare_cached(
        "INSERT INTO account_group (id, tenant, name, name_key, directory, external_key, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        group.id.as_bytes(),
        tenant,
        group.name,
        group.name.to_lowercase(),
        group.origin.as_ref().map(|origin| origin.directory.as_bytes()),
        group.origin.as_ref().map(|origin| &origin.key),
        group.created_at.as_micros(),
    ])?;
    Ok(())
}

fn set_members(db: &Connection, id: GroupId, members: &[AccountId]) -> Result<(), Abort> {
    let row = group_row(db, id)?;
    let members = json(&members);
    db.prepare_cached(
        "DELETE FROM group_member WHERE grp = ?1 AND account NOT IN (
             SELECT row FROM account WHERE id IN (SELECT unhex(value) FROM json_each(?2)))",
    )?
    .execute((row, &members))?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO group_member (grp, account)
         SELECT ?1, row FROM account WHERE id IN (SELECT unhex(value) FROM json_each(?2))",
    )?
    .execute((row, &members))?;
    Ok(())
}

/// Accounts and groups of a directory stay when it goes: local, without a password. A group whose
/// name a local one has gets the beginning of its id behind it.
pub(super) fn become_local(db: &Connection, tenant: i64, id: DirectoryId) -> Result<(), Abort> {
    db.prepare_cached(
        "UPDATE account SET directory = NULL, external_key = NULL
         WHERE tenant = ?1 AND directory = ?2",
    )?
    .execute((tenant, id.as_bytes()))?;
    let rows: Vec<(i64, Vec<u8>, String)> = db
        .prepare_cached(
            "SELECT row, id, name FROM account_group WHERE tenant = ?1 AND directory = ?2",
        )?
        .query_map((tenant, id.as_bytes()), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (row, group, name) in rows {
        let taken = db
            .prepare_cached(
                "SELECT 1 FROM account_group
                 WHERE tenant = ?1 AND name_key = ?2 AND directory IS NULL",
            )?
            .exists((tenant, name.to_lowercase()))?;
        let suffix: String = group.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = if taken { format!("{name} {suffix}") } else { name };
        db.prepare_cached(
            "UPDATE account_group SET directory = NULL, external_key = NULL, name = ?2,
                 name_key = ?3
             WHERE row = ?1",
        )?
        .execute((row, &name, name.to_lowercase()))?;
    }
    Ok(())
}
