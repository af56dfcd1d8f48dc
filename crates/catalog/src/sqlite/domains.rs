use model::{EmailAddress, TenantId, Timestamp};
use policy::{IntakeRules, Selection, domain_name};
use rusqlite::{Connection, OptionalExtension, Row};

use super::fault::Fault;
use super::{Sqlite, tenant_row, tenants};
use crate::{CatalogError, DOMAINS_MAX, DomainRow, Domains, TenantSettings};

impl Domains for Sqlite {
    fn add_domain(&self, tenant: TenantId, domain: &DomainRow) -> Result<bool, CatalogError> {
        let name = domain_name(&domain.name).map_err(|_| CatalogError::Invalid("the domain"))?;
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let there = db
                .prepare_cached("SELECT 1 FROM domain WHERE tenant = ?1 AND name = ?2")?
                .exists((tenant, &name))?;
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM domain WHERE tenant = ?1")?
                .query_row([tenant], |row| row.get(0))?;
            if !there && count >= DOMAINS_MAX as i64 {
                return Err(CatalogError::Invalid("the list of domains").into());
            }
            db.prepare_cached(
                "INSERT INTO domain (tenant, name, subdomains, added_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tenant, name) DO UPDATE SET subdomains = excluded.subdomains",
            )?
            .execute((
                tenant,
                &name,
                domain.subdomains,
                domain.added_at.as_micros(),
            ))?;
            Ok(!there)
        })
    }

    fn remove_domain(&self, tenant: TenantId, name: &str) -> Result<bool, CatalogError> {
        let Ok(name) = domain_name(name) else { return Ok(false) };
        self.write(|db, _| {
            let tenant = tenant_row(db, tenant)?;
            let removed = db
                .prepare_cached("DELETE FROM domain WHERE tenant = ?1 AND name = ?2")?
                .execute((tenant, &name))?;
            Ok(removed > 0)
        })
    }

    fn domains(&self, tenant: TenantId) -> Result<Vec<DomainRow>, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            Ok(all(db, tenant)?)
        })
    }

    fn intake_rules(&self, tenant: TenantId) -> Result<IntakeRules, CatalogError> {
        self.read(|db| {
            let row = tenant_row(db, tenant)?;
            let tenant = db
                .prepare_cached("SELECT * FROM tenant WHERE row = ?1")?
                .query_row([row], tenants::tenant)?;
            let domains = all(db, row)?.into_iter().map(|one| (one.name, one.subdomains));
            let TenantSettings { archive_only_selected, .. } = tenant.settings;
            Ok(IntakeRules {
                domains: policy::Domains::new(domains),
                only_selected: archive_only_selected,
            })
        })
    }

    fn selection(
        &self,
        tenant: TenantId,
        addresses: &[&EmailAddress],
    ) -> Result<Selection, CatalogError> {
        self.read(|db| {
            let tenant = tenant_row(db, tenant)?;
            // The present owner first, then the one whose span ended last.
            let mut owner = db.prepare_cached(
                "SELECT account.archived FROM account_address AS owned
                 JOIN account ON account.row = owned.account
                 WHERE owned.tenant = ?1 AND owned.key = ?2
                 ORDER BY owned.valid_until IS NOT NULL, owned.valid_until DESC LIMIT 1",
            )?;
            let mut selection = Selection::new();
            for address in addresses {
                let key = address.key();
                if selection.contains_key(&key) {
                    continue;
                }
                let archived = owner.query_row((tenant, &key), |row| row.get(0)).optional()?;
                if let Some(archived) = archived {
                    selection.insert(key, archived);
                }
            }
            Ok(selection)
        })
    }
}

fn all(db: &Connection, tenant: i64) -> Result<Vec<DomainRow>, Fault> {
    db.prepare_cached("SELECT * FROM domain WHERE tenant = ?1 ORDER BY name")?
        .query_map([tenant], domain)?
        .collect()
}

fn domain(row: &Row<'_>) -> Result<DomainRow, Fault> {
    Ok(DomainRow {
        name: row.get("name")?,
        subdomains: row.get("subdomains")?,
        added_at: Timestamp::from_micros(row.get("added_at")?),
    })
}
