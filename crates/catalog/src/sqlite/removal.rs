//! The rows of a tenant go table by table: whatever refers to it, and whatever refers to that.
//!
//! The tables are asked for their references, so that a table that is added later is not
//! forgotten. The tenant's own row and the audit log stay.

use model::{TenantId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::codes::{Json, json};
use super::fault::{Abort, Fault};
use super::intern::Interned;
use super::reads::figures;
use super::{Sqlite, tenant_row};
use crate::{CatalogError, Conflict, Removal, RemovalFacts, Removals};

/// Rows of one table that are removed in one statement.
const CHUNK_ROWS: usize = 500;

/// Rows that one transaction removes, about: others write in between.
const TRANSACTION_ROWS: usize = 5_000;

/// References from table to table that are followed; more is a circle.
const DEPTH_MAX: usize = 8;

/// Tables that outlive the tenant.
const KEPT: [&str; 1] = ["audit"];

impl Removals for Sqlite {
    fn begin_removal(
        &self,
        tenant: TenantId,
        by: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<Removal, CatalogError> {
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            let (name, state, begun): (String, String, Option<Json<RemovalFacts>>) = db
                .prepare_cached("SELECT name, state, removal FROM tenant WHERE row = ?1")?
                .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            if let Some(Json(facts)) = begun {
                return Ok(Removal { tenant, name, facts });
            }
            if state != "suspended" {
                return Err(CatalogError::Invalid("the state").into());
            }
            if super::matters::has_active(db, row, None)? {
                return Err(CatalogError::Conflict(Conflict::Held).into());
            }
            let held = figures(db, row)?;
            let facts = RemovalFacts {
                by: by.to_owned(),
                reason: reason.to_owned(),
                begun_at: at,
                ended_at: None,
                records: held.records,
                mail_bytes: held.mail_bytes,
            };
            db.prepare_cached("UPDATE tenant SET state = 'removing', removal = ?2 WHERE row = ?1")?
                .execute((row, json(&facts)))?;
            Ok(Removal { tenant, name, facts })
        })
    }

    fn remove_rows(&self, tenant: TenantId) -> Result<bool, CatalogError> {
        self.write(|db, interned| {
            let row = tenant_row(db, tenant)?;
            let removing = db
                .prepare_cached("SELECT 1 FROM tenant WHERE row = ?1 AND state = 'removing'")?
                .exists([row])?;
            if !removing {
                return Err(CatalogError::Invalid("the state").into());
            }
            // What is remembered of addresses names rows that go.
            *interned = Interned::default();
            let references = references(db)?;
            let mut left = TRANSACTION_ROWS;
            remove_referring(db, &references, "tenant", vec![Value::Integer(row)], &mut left, 0)?;
            Ok(left == 0)
        })
    }

    fn end_removal(&self, tenant: TenantId, at: Timestamp) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let row = tenant_row(db, tenant)?;
            let Json(mut facts): Json<RemovalFacts> = db
                .prepare_cached("SELECT removal FROM tenant WHERE row = ?1 AND state = 'removing'")?
                .query_row([row], |row| row.get(0))?;
            facts.ended_at = Some(at);
            db.prepare_cached(
                "UPDATE tenant SET state = 'removed', name_key = ?2, removal = ?3,
                     organisations = '[]', archive_domains = '[]', settings = '{}'
                 WHERE row = ?1",
            )?
            .execute((row, format!("removed:{tenant}"), json(&facts)))?;
            Ok(())
        })
    }

    fn removals(&self) -> Result<Vec<Removal>, CatalogError> {
        self.read(|db| {
            let mut all: Vec<Removal> = db
                .prepare_cached(
                    "SELECT id, name, removal FROM tenant WHERE state IN ('removed', 'removing')",
                )?
                .query_map([], |row| {
                    Ok(Removal {
                        tenant: TenantId::from_bytes(row.get(0)?),
                        name: row.get(1)?,
                        facts: row.get::<_, Json<_>>(2)?.0,
                    })
                })?
                .collect::<Result<_, _>>()?;
            all.sort_by_key(|one| std::cmp::Reverse(one.facts.begun_at));
            Ok(all)
        })
    }

    fn is_removed(&self, tenant: TenantId) -> Result<bool, CatalogError> {
        self.read(|db| {
            let sql = "SELECT 1 FROM tenant WHERE id = ?1 AND state IN ('removed', 'removing')";
            Ok(db.prepare_cached(sql)?.exists([tenant.as_bytes()])?)
        })
    }
}

/// A column that refers to another table's column.
struct Reference {
    table: String,
    column: String,
    parent: String,
    parent_column: String,
    /// What names a row of `table`: its primary key, or its row id.
    key: String,
}

fn references(db: &Connection) -> Result<Vec<Reference>, Fault> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for table in tables.iter().filter(|table| !KEPT.contains(&table.as_str())) {
        let key = key(db, table)?;
        let mut statement = db.prepare("SELECT * FROM pragma_foreign_key_list(?1)")?;
        let mut rows = statement.query([table])?;
        while let Some(row) = rows.next()? {
            let parent: String = row.get("table")?;
            let named: Option<String> = row.get("to")?;
            let parent_column = match named {
                Some(column) => column,
                None => primary_key(db, &parent)?.join(", "),
            };
            let (table, column) = (table.clone(), row.get("from")?);
            all.push(Reference { table, column, parent, parent_column, key: key.clone() });
        }
    }
    // Records first: through them most of the rest is found by an index.
    all.sort_by_key(|one| one.table != "record");
    Ok(all)
}

fn primary_key(db: &Connection, table: &str) -> Result<Vec<String>, Fault> {
    db.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

fn key(db: &Connection, table: &str) -> Result<String, Fault> {
    let without_rowid: bool = db
        .prepare("SELECT wr FROM pragma_table_list WHERE name = ?1 AND schema = 'main'")?
        .query_row([table], |row| row.get(0))?;
    if without_rowid { Ok(primary_key(db, table)?.join(", ")) } else { Ok("rowid".to_owned()) }
}

/// Removes what refers to the rows of `parent` that `values` name, deepest first, until `left` rows
/// are gone.
fn remove_referring(
    db: &Connection,
    references: &[Reference],
    parent: &str,
    values: Vec<Value>,
    left: &mut usize,
    depth: usize,
) -> Result<(), Abort> {
    if depth >= DEPTH_MAX {
        return Err(CatalogError::Invalid("the order of the tables").into());
    }
    for reference in references.iter().filter(|one| one.parent == parent) {
        remove_rows(db, references, reference, &values, left, depth)?;
        if *left == 0 {
            break;
        }
    }
    Ok(())
}

fn remove_rows(
    db: &Connection,
    references: &[Reference],
    reference: &Reference,
    values: &[Value],
    left: &mut usize,
    depth: usize,
) -> Result<(), Abort> {
    let Reference { table, column, key, .. } = reference;
    let mut below: Vec<&str> = references
        .iter()
        .filter(|one| one.parent == *table)
        .map(|one| one.parent_column.as_str())
        .collect();
    below.sort_unstable();
    below.dedup();
    let rows = format!("FROM {table} WHERE {column} IN ({}) LIMIT {CHUNK_ROWS}", marks(values));
    while *left > 0 {
        let removed = if below.is_empty() {
            let sql = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} {rows})");
            db.prepare_cached(&sql)?.execute(params_from_iter(values))?
        } else {
            let keys = select(db, &format!("SELECT {key} {rows}"), values)?;
            // What refers to these rows goes before them.
            for parent_column in &below {
                let sql = format!(
                    "SELECT {parent_column} FROM {table} WHERE {key} IN ({})",
                    marks(&keys)
                );
                let found = select(db, &sql, &keys)?;
                if !found.is_empty() {
                    remove_referring(db, references, table, found, left, depth + 1)?;
                }
            }
            if *left == 0 {
                return Ok(());
            }
            let sql = format!("DELETE FROM {table} WHERE {key} IN ({})", marks(&keys));
            db.prepare_cached(&sql)?.execute(params_from_iter(&keys))?
        };
        *left = left.saturating_sub(removed);
        if removed < CHUNK_ROWS {
            return Ok(());
        }
    }
    Ok(())
}

fn select(db: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Value>, Fault> {
    db.prepare_cached(sql)?.query_map(params_from_iter(values), |row| row.get(0))?.collect()
}

fn marks(values: &[Value]) -> String {
    vec!["?"; values.len()].join(", ")
}
