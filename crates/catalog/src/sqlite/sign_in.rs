//! Policies, providers and who is who there; the rest is handed on.

use model::{AccountId, ApiTokenId, Digest, ProviderId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::account_row;
use super::codes::{Json, json};
use super::fault::{Abort, Fault, is_unique_violation};
use super::{Sqlite, factors, tenant_row, tenants, tokens};
use crate::{
    Account, ApiToken, CatalogError, Conflict, Link, NAME_CHARS_MAX, PasskeyRow, Provider,
    SecondFactors, Session, SignInPolicy, SignIns, TotpRow,
};

impl SignIns for Sqlite {
    fn sign_in_policy(&self, tenant: Option<TenantId>) -> Result<SignInPolicy, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let found: Option<Json<SignInPolicy>> = db
                .prepare_cached("SELECT policy FROM sign_in_policy WHERE tenant IS ?1")?
                .query_row([tenant], |row| row.get(0))
                .optional()?;
            Ok(found.map(|policy| policy.0).unwrap_or_default())
        })
    }

    fn set_sign_in_policy(
        &self,
        tenant: Option<TenantId>,
        policy: &SignInPolicy,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            db.prepare_cached("DELETE FROM sign_in_policy WHERE tenant IS ?1")?
                .execute([tenant])?;
            db.prepare_cached("INSERT INTO sign_in_policy (tenant, policy) VALUES (?1, ?2)")?
                .execute((tenant, json(policy)))?;
            Ok(())
        })
    }

    fn add_provider(&self, provider: &Provider) -> Result<(), CatalogError> {
        check_name(&provider.name, "the provider's name")?;
        self.write(|db, _| {
            let tenant = provider.tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            db.prepare_cached(
                "INSERT INTO provider (id, tenant, name, enabled, settings, secret, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                provider.id.as_bytes(),
                tenant,
                provider.name,
                provider.enabled,
                json(&provider.settings),
                provider.secret,
                provider.created_at.as_micros(),
            ])
            .map_err(|error| match is_unique_violation(&error, "provider.id") {
                true => CatalogError::Conflict(Conflict::Id).into(),
                false => Abort::from(error),
            })?;
            Ok(())
        })
    }

    fn update_provider(&self, provider: &Provider) -> Result<(), CatalogError> {
        check_name(&provider.name, "the provider's name")?;
        self.write(|db, _| {
            let changed = db
                .prepare_cached(
                    "UPDATE provider SET name = ?2, enabled = ?3, settings = ?4, secret = ?5
                     WHERE id = ?1",
                )?
                .execute(params![
                    provider.id.as_bytes(),
                    provider.name,
                    provider.enabled,
                    json(&provider.settings),
                    provider.secret,
                ])?;
            if changed == 0 {
                return Err(CatalogError::NotFound("the provider").into());
            }
            Ok(())
        })
    }

    fn remove_provider(&self, id: ProviderId) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let removed = db
                .prepare_cached("DELETE FROM provider WHERE id = ?1")?
                .execute([id.as_bytes()])?;
            Ok(removed > 0)
        })
    }

    fn provider(&self, id: ProviderId) -> Result<Option<Provider>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached("SELECT * FROM provider WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| provider(db, row))
                .optional()?;
            Ok(found)
        })
    }

    fn providers(&self, tenant: Option<TenantId>) -> Result<Vec<Provider>, CatalogError> {
        self.read(|db| {
            let tenant = tenant.map(|tenant| tenant_row(db, tenant)).transpose()?;
            let all = db
                .prepare_cached("SELECT * FROM provider WHERE tenant IS ?1 ORDER BY row")?
                .query_map([tenant], |row| provider(db, row))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn enabled_providers(&self) -> Result<Vec<Provider>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached(
                    "SELECT provider.* FROM provider
                     LEFT JOIN tenant ON tenant.row = provider.tenant
                     WHERE provider.enabled
                         AND (provider.tenant IS NULL OR tenant.state = 'active')
                     ORDER BY provider.row",
                )?
                .query_map([], |row| provider(db, row))?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn link(&self, link: &Link) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let account = account_row(db, link.account)?;
            let provider = provider_row(db, link.provider)?;
            let owner: Option<i64> = db
                .prepare_cached(
                    "SELECT account FROM provider_subject WHERE provider = ?1 AND subject = ?2",
                )?
                .query_row((provider, &link.subject), |row| row.get(0))
                .optional()?;
            if owner == Some(account) {
                return Ok(());
            }
            db.prepare_cached(
                "INSERT INTO provider_subject (provider, subject, account, created, linked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                provider,
                link.subject,
                account,
                link.created,
                link.linked_at.as_micros(),
            ])
            .map_err(|error| {
                match is_unique_violation(&error, "provider_subject.") {
                    true => CatalogError::Conflict(Conflict::Linked).into(),
                    false => Abort::from(error),
                }
            })?;
            Ok(())
        })
    }

    fn linked(&self, provider: ProviderId, subject: &str) -> Result<Option<Link>, CatalogError> {
        self.read(|db| {
            let found = db
                .prepare_cached(&format!(
                    "{LINKS} WHERE provider.id = ?1 AND provider_subject.subject = ?2"
                ))?
                .query_row((provider.as_bytes(), subject), link)
                .optional()?;
            Ok(found)
        })
    }

    fn links(&self, account: AccountId) -> Result<Vec<Link>, CatalogError> {
        self.read(|db| {
            let all = db
                .prepare_cached(&format!("{LINKS} WHERE account.id = ?1 ORDER BY linked_at"))?
                .query_map([account.as_bytes()], link)?
                .collect::<Result<_, _>>()?;
            Ok(all)
        })
    }

    fn unlink(&self, provider: ProviderId, account: AccountId) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let rows = (provider_row(db, provider)?, account_row(db, account)?);
            let removed = db
                .prepare_cached(
                    "DELETE FROM provider_subject WHERE provider = ?1 AND account = ?2",
                )?
                .execute(rows)?;
            Ok(removed > 0)
        })
    }

    fn second_factors(&self, account: AccountId) -> Result<SecondFactors, CatalogError> {
        factors::all(self, account)
    }

    fn set_totp(&self, account: AccountId, totp: Option<&TotpRow>) -> Result<(), CatalogError> {
        factors::set_totp(self, account, totp)
    }

    fn use_totp_step(&self, account: AccountId, step: u64) -> Result<bool, CatalogError> {
        factors::use_totp_step(self, account, step)
    }

    fn set_recovery_codes(
        &self,
        account: AccountId,
        hashes: &[Digest],
    ) -> Result<(), CatalogError> {
        factors::set_recovery_codes(self, account, hashes)
    }

    fn use_recovery_code(&self, account: AccountId, hash: Digest) -> Result<bool, CatalogError> {
        factors::use_recovery_code(self, account, hash)
    }

    fn add_passkey(&self, account: AccountId, passkey: &PasskeyRow) -> Result<(), CatalogError> {
        check_name(&passkey.name, "the passkey's name")?;
        factors::add_passkey(self, account, passkey)
    }

    fn use_passkey(
        &self,
        account: AccountId,
        id: &[u8],
        credential: &str,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        factors::use_passkey(self, account, id, credential, at)
    }

    fn remove_passkey(&self, account: AccountId, id: &[u8]) -> Result<bool, CatalogError> {
        factors::remove_passkey(self, account, id)
    }

    fn reset_second_factors(&self, account: AccountId) -> Result<bool, CatalogError> {
        factors::reset(self, account)
    }

    fn add_api_token(&self, token: &ApiToken) -> Result<(), CatalogError> {
        check_name(&token.name, "the token's name")?;
        tokens::add(self, token)
    }

    fn api_token(&self, token_hash: Digest) -> Result<Option<(ApiToken, Account)>, CatalogError> {
        tokens::one(self, token_hash)
    }

    fn api_tokens(&self, account: AccountId) -> Result<Vec<ApiToken>, CatalogError> {
        tokens::all(self, account)
    }

    fn touch_api_token(&self, id: ApiTokenId, at: Timestamp) -> Result<(), CatalogError> {
        tokens::touch(self, id, at)
    }

    fn remove_api_token(&self, account: AccountId, id: ApiTokenId) -> Result<bool, CatalogError> {
        tokens::remove(self, account, id)
    }

    fn remove_api_tokens(&self, account: AccountId) -> Result<u64, CatalogError> {
        self.write(|db, _| Ok(tokens::remove_all(db, account_row(db, account)?)? as u64))
    }

    fn sessions(&self, account: AccountId) -> Result<Vec<Session>, CatalogError> {
        tokens::sessions(self, account)
    }

    fn end_other_sessions(
        &self,
        account: AccountId,
        keep: Option<Digest>,
    ) -> Result<u64, CatalogError> {
        tokens::end_other_sessions(self, account, keep)
    }

    fn enrolled(&self, account: AccountId) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let account = account_row(db, account)?;
            db.prepare_cached("UPDATE session SET must_enrol = 0 WHERE account = ?1")?
                .execute([account])?;
            Ok(())
        })
    }

    fn rehash_password(
        &self,
        account: AccountId,
        old_hash: &str,
        new_hash: &str,
    ) -> Result<(), CatalogError> {
        self.write(|db, _| {
            let account = account_row(db, account)?;
            db.prepare_cached(
                "UPDATE account SET password_hash = ?3 WHERE row = ?1 AND password_hash = ?2",
            )?
            .execute((account, old_hash, new_hash))?;
            Ok(())
        })
    }

    fn use_once(&self, key: Digest, until: Timestamp) -> Result<bool, CatalogError> {
        self.write(|db, _| {
            let added = db
                .prepare_cached(
                    "INSERT INTO spent (key, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute((key.as_bytes(), until.as_micros()))?;
            Ok(added > 0)
        })
    }
}

const LINKS: &str = "SELECT provider.id AS provider, subject, account.id AS account, created,
        linked_at
    FROM provider_subject
    JOIN provider ON provider.row = provider_subject.provider
    JOIN account ON account.row = provider_subject.account";

pub(super) fn check_name(name: &str, what: &'static str) -> Result<(), CatalogError> {
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    if fits { Ok(()) } else { Err(CatalogError::Invalid(what)) }
}

fn provider_row(db: &Connection, id: ProviderId) -> Result<i64, Abort> {
    let found: Option<i64> = db
        .prepare_cached("SELECT row FROM provider WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.ok_or(CatalogError::NotFound("the provider"))?)
}

fn provider(db: &Connection, row: &Row<'_>) -> Result<Provider, Fault> {
    let tenant: Option<i64> = row.get("tenant")?;
    Ok(Provider {
        id: ProviderId::from_bytes(row.get("id")?),
        tenant: tenant.map(|tenant| tenants::tenant_id(db, tenant)).transpose()?,
        name: row.get("name")?,
        enabled: row.get("enabled")?,
        settings: row.get::<_, Json<_>>("settings")?.0,
        secret: row.get("secret")?,
        created_at: Timestamp::from_micros(row.get("created_at")?),
    })
}

fn link(row: &Row<'_>) -> Result<Link, Fault> {
    Ok(Link {
        provider: ProviderId::from_bytes(row.get("provider")?),
        subject: row.get("subject")?,
        account: AccountId::from_bytes(row.get("account")?),
        created: row.get("created")?,
        linked_at: Timestamp::from_micros(row.get("linked_at")?),
    })
}
