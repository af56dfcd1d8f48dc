use model::{AccountId, DirectoryId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::account;
use super::codes::{Json, Name, Named, int, json, uint};
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, addresses, audit, directory_changes, grants, groups, tenant_row, tenants};
use crate::{
    Account, AuditEvent, CatalogError, Conflict, DIRECTORIES_MAX, Directories, Directory,
    DirectoryChanges, DirectoryEntry, DirectoryLookup, DirectoryRun, KnownAccount, KnownDirectory,
    KnownGroup, Planner, RUNS_KEPT, RunOutcome,
};

/// Longer names of directories are refused.
const NAME_CHARS_MAX: usize = 200;

impl Directories for Sqlite {
    fn add_directory(&self, new: &Directory) -> Result<(), CatalogError> {
        let name = checked(&new.name)?;
        self.write(|db, _| {
            let tenant = tenant_row(db, new.tenant)?;
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM directory WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0))?;
            if uint(count) >= DIRECTORIES_MAX as u64 {
                return Err(CatalogError::Invalid("the number of directories").into());
            }
            db.prepare_cached(
                "INSERT INTO directory (id, tenant, name, name_key, config, password, state,
                     created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                new.id.as_bytes(),
                tenant,
                name,
                name.to_lowercase(),
                json(&new.config),
                new.password,
                json(&new.state),
                new.created_at.as_micros(),
            ])
            .map_err(conflict)?;
            Ok(())
        })
    }

    fn update_directory(&self, changed: &Directory) -> Result<(), CatalogError> {
        let name = checked(&changed.name)?;
        self.write(|db, _| {
            let row = directory_row(db, changed.id)?;
            db.prepare_cached(
                "UPDATE directory SET name = ?2, name_key = ?3, config = ?4, password = ?5
                 WHERE row = ?1",
            )?
            .execute(params![
                row,
                name,
                name.to_lowercase(),
                json(&changed.config),
                changed.password
            ])
            .map_err(conflict)?;
            Ok(())
        })
    }

    fn remove_directory(
        &self,
        tenant: TenantId,
        id: DirectoryId,
        events: &[AuditEvent],
    ) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let row: Option<i64> = db
                .prepare_cached("SELECT row FROM directory WHERE id = ?1 AND tenant = ?2")?
                .query_row((id.as_bytes(), tenant), |row| row.get(0))
                .optional()?;
            let Some(row) = row else { return Ok(false) };
            directory_changes::become_local(db, tenant, id)?;
            db.prepare_cached("DELETE FROM directory_run WHERE directory = ?1")?.execute([row])?;
            db.prepare_cached("DELETE FROM directory_entry WHERE directory = ?1")?
                .execute([row])?;
            db.prepare_cached("DELETE FROM directory WHERE row = ?1")?.execute([row])?;
            audit::append_all(db, events)?;
            Ok(true)
        })
    }

    fn directory(
        &self,
        tenant: TenantId,
        id: DirectoryId,
    ) -> Result<Option<Directory>, CatalogError> {
        self.read(|db| Ok(find(db, id)?.map(|(_, it)| it).filter(|it| it.tenant == tenant)))
    }

    fn directories(&self, tenant: Option<TenantId>) -> Result<Vec<Directory>, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let all = db
                .prepare_cached(
                    "SELECT * FROM directory WHERE ?1 IS NULL OR tenant = ?1 ORDER BY name_key, row",
                )?
                .query_map([tenant], |row| directory(db, row))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn directory_of(
        &self,
        id: AccountId,
    ) -> Result<Option<(Directory, DirectoryEntry)>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached(
                    "SELECT e.*, d.id AS directory_id, ?1 AS account_id
                     FROM account a CROSS JOIN directory_entry e ON e.account = a.row
                     CROSS JOIN directory d ON d.row = e.directory AND d.id = a.directory
                     WHERE a.id = ?1",
                )?
                .query_row([id.as_bytes()], |row| {
                    let directory: [u8; 16] = row.get("directory_id")?;
                    Ok((DirectoryId::from_bytes(directory), entry(row)?))
                })
                .optional()?;
            let Some((directory, entry)) = found else { return Ok(None) };
            Ok(find(db, directory)?.map(|(_, directory)| (directory, entry)))
        })
    }

    fn directory_entries(&self, id: DirectoryId) -> Result<Vec<DirectoryEntry>, CatalogError> {
        self.read(|db| {
            let row = directory_row(db, id)?;
            Ok(entries(db, row)?)
        })
    }

    fn plan_directory(
        &self,
        id: DirectoryId,
        planner: &mut Planner<'_>,
    ) -> Result<(DirectoryChanges, DirectoryRun), CatalogError> {
        self.read(|db| {
            let (row, directory) = required(db, id)?;
            let known = known(db, row, &directory)?;
            Ok(planner(&known, &Lookup { engine: self, db, tenant: directory.tenant })?)
        })
    }

    fn sync_directory(
        &self,
        id: DirectoryId,
        planner: &mut Planner<'_>,
    ) -> Result<DirectoryRun, CatalogError> {
        self.write(|db, _| {
            let (row, directory) = required(db, id)?;
            let known = known(db, row, &directory)?;
            let lookup = Lookup { engine: self, db, tenant: directory.tenant };
            let (changes, run) = planner(&known, &lookup)?;
            if run.outcome == RunOutcome::Applied {
                directory_changes::apply(db, row, &directory, &changes, run.ended_at)?;
            }
            if changes.partial {
                return Ok(run);
            }
            audit::append_all(db, &changes.audit)?;
            add_run(db, row, run)
        })
    }

    fn add_directory_run(
        &self,
        run: DirectoryRun,
        events: &[AuditEvent],
    ) -> Result<DirectoryRun, CatalogError> {
        self.write(|db, _| {
            let row = directory_row(db, run.directory)?;
            audit::append_all(db, events)?;
            add_run(db, row, run)
        })
    }

    fn directory_runs(
        &self,
        id: DirectoryId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DirectoryRun>, CatalogError> {
        self.read(|db| {
            let row = directory_row(db, id)?;
            let runs = db
                .prepare_cached(
                    "SELECT * FROM directory_run WHERE directory = ?1 AND row < ?2
                     ORDER BY row DESC LIMIT ?3",
                )?
                .query_map((row, before.map_or(i64::MAX, int), limit), |row| run(id, row))?
                .collect::<Result<_, _>>()?;
            Ok(runs)
        })
    }
}

/// Answers a planner within its transaction.
struct Lookup<'a> {
    engine: &'a Sqlite,
    db: &'a Connection,
    tenant: TenantId,
}

impl Lookup<'_> {
    fn ask<T>(&self, question: impl FnOnce() -> Result<T, Abort>) -> Result<T, CatalogError> {
        question().map_err(|abort| abort.at(&self.engine.path))
    }
}

impl DirectoryLookup for Lookup<'_> {
    fn account_named(&self, user_name: &str) -> Result<Option<Account>, CatalogError> {
        self.ask(|| {
            let found = self
                .db
                .prepare_cached("SELECT * FROM account WHERE user_key = ?1")?
                .query_row([user_name.trim().to_lowercase()], |row| account(self.db, row))
                .optional()?;
            Ok(found)
        })
    }

    fn address_owner(&self, key: &str) -> Result<Option<AccountId>, CatalogError> {
        self.ask(|| {
            let owner = addresses::owner(self.db, tenant_row(self.db, self.tenant)?, key)?;
            Ok(owner.filter(|(_, span)| span.until.is_none()).map(|(account, _)| account))
        })
    }
}

fn known(db: &Connection, row: i64, directory: &Directory) -> Result<KnownDirectory, Abort> {
    let accounts: Vec<Account> = db
        .prepare_cached("SELECT * FROM account WHERE directory = ?1 ORDER BY external_key")?
        .query_map([directory.id.as_bytes()], |row| account(db, row))?
        .collect::<Result<_, _>>()?;
    let mut owned = std::collections::HashMap::<AccountId, Vec<String>>::new();
    let mut present = db.prepare_cached(
        "SELECT a.id, own.key FROM account a CROSS JOIN account_address own ON own.account = a.row
         WHERE a.directory = ?1 AND own.valid_until IS NULL ORDER BY own.key",
    )?;
    let mut rows = present.query([directory.id.as_bytes()])?;
    while let Some(row) = rows.next()? {
        owned.entry(AccountId::from_bytes(row.get(0)?)).or_default().push(row.get(1)?);
    }
    let accounts = accounts.into_iter().map(|account| KnownAccount {
        addresses: owned.remove(&account.id).unwrap_or_default(),
        account,
    });
    let standing = format!(
        "SELECT {} WHERE g.revoked_at IS NULL AND g.grp IN (
             SELECT id FROM account_group WHERE directory = ?1) ORDER BY g.row",
        grants::COLUMNS
    );
    let grants = db
        .prepare_cached(&standing)?
        .query_map([directory.id.as_bytes()], grants::grant_row)?
        .collect::<Result<_, _>>()?;
    Ok(KnownDirectory {
        accounts: accounts.collect(),
        entries: entries(db, row)?,
        groups: known_groups(db, directory.id)?,
        grants,
    })
}

fn known_groups(db: &Connection, id: DirectoryId) -> Result<Vec<KnownGroup>, Fault> {
    let rows: Vec<(i64, crate::Group)> = db
        .prepare_cached("SELECT * FROM account_group WHERE directory = ?1 ORDER BY external_key")?
        .query_map([id.as_bytes()], |row| Ok((row.get("row")?, groups::group(db, row)?)))?
        .collect::<Result<_, _>>()?;
    let mut members = db.prepare_cached(
        "SELECT a.id FROM group_member m CROSS JOIN account a ON a.row = m.account
         WHERE m.grp = ?1 ORDER BY a.id",
    )?;
    rows.into_iter()
        .map(|(row, group)| {
            let members = members
                .query_map([row], |row| row.get(0).map(AccountId::from_bytes))?
                .collect::<Result<_, _>>()?;
            Ok(KnownGroup { group, members })
        })
        .collect()
}

fn entries(db: &Connection, row: i64) -> Result<Vec<DirectoryEntry>, Fault> {
    db.prepare_cached(
        "SELECT e.*, a.id AS account_id FROM directory_entry e
         LEFT JOIN account a ON a.row = e.account WHERE e.directory = ?1 ORDER BY e.key",
    )?
    .query_map([row], entry)?
    .collect()
}

fn entry(row: &Row<'_>) -> Result<DirectoryEntry, Fault> {
    Ok(DirectoryEntry {
        key: row.get("key")?,
        account: row.get::<_, Option<_>>("account_id")?.map(AccountId::from_bytes),
        dn: row.get("dn")?,
        addresses: row.get::<_, Json<_>>("addresses")?.0,
        disabled: row.get("disabled")?,
        stamp: row.get("stamp")?,
    })
}

fn add_run(db: &Connection, row: i64, run: DirectoryRun) -> Result<DirectoryRun, Abort> {
    db.prepare_cached(
        "INSERT INTO directory_run (directory, begun_at, ended_at, \"trigger\", \"full\", outcome,
             counts, problems, problems_total, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        row,
        run.begun_at.as_micros(),
        run.ended_at.as_micros(),
        run.trigger.name(),
        run.full,
        run.outcome.name(),
        json(&run.counts),
        json(&run.problems),
        run.problems_total,
        run.detail,
    ])?;
    let added = uint(db.last_insert_rowid());
    db.prepare_cached(
        "DELETE FROM directory_run WHERE directory = ?1 AND row <= (
             SELECT row FROM directory_run WHERE directory = ?1
             ORDER BY row DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute((row, RUNS_KEPT))?;
    Ok(DirectoryRun { row: added, ..run })
}

fn run(directory: DirectoryId, row: &Row<'_>) -> Result<DirectoryRun, Fault> {
    Ok(DirectoryRun {
        row: uint(row.get("row")?),
        directory,
        begun_at: Timestamp::from_micros(row.get("begun_at")?),
        ended_at: Timestamp::from_micros(row.get("ended_at")?),
        trigger: row.get::<_, Named<_>>("trigger")?.0,
        full: row.get("full")?,
        outcome: row.get::<_, Named<_>>("outcome")?.0,
        counts: row.get::<_, Json<_>>("counts")?.0,
        problems: row.get::<_, Json<_>>("problems")?.0,
        problems_total: row.get("problems_total")?,
        detail: row.get("detail")?,
    })
}

fn required(db: &Connection, id: DirectoryId) -> Result<(i64, Directory), Abort> {
    Ok(find(db, id)?.ok_or(CatalogError::NotFound("the directory"))?)
}

fn directory_row(db: &Connection, id: DirectoryId) -> Result<i64, Abort> {
    Ok(required(db, id)?.0)
}

fn find(db: &Connection, id: DirectoryId) -> Result<Option<(i64, Directory)>, Fault> {
    db.prepare_cached("SELECT * FROM directory WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| Ok((row.get("row")?, directory(db, row)?)))
        .optional()
}

fn directory(db: &Connection, row: &Row<'_>) -> Result<Directory, Fault> {
    Ok(Directory {
        id: DirectoryId::from_bytes(row.get("id")?),
        tenant: tenants::tenant_id(db, row.get("tenant")?)?,
        name: row.get("name")?,
        config: row.get::<_, Json<_>>("config")?.0,
        password: row.get("password")?,
        state: row.get::<_, Json<_>>("state")?.0,
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

fn checked(name: &str) -> Result<&str, CatalogError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if fits { Ok(name) } else { Err(CatalogError::Invalid("the directory's name")) }
}

fn conflict(error: Fault) -> Abort {
    if is_unique_violation(&error, "directory.id") {
        CatalogError::Conflict(Conflict::Id).into()
    } else if is_unique_violation(&error, "directory.tenant") {
        CatalogError::Conflict(Conflict::DirectoryName).into()
    } else {
        error.into()
    }
}
