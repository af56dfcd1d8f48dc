use catalog::{CatalogError, SourceKind, SourceRow, SourceState, Tenant};
use model::{EmailAddress, HeaderRules, SourceId, TenantId, Timestamp};

use crate::error::IdentityError;
use crate::{Identity, OneTimePassword};

/// The name of a tenant's first journal address.
const FIRST_SOURCE: &str = "Journal";

/// How long a rotated journal address may go on at most: a year.
pub const GRACE_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;

/// A tenant with what it needs to begin. The password is shown once and is not kept.
pub struct FirstTenant {
    pub tenant: Tenant,
    pub source: SourceRow,
    pub one_time: OneTimePassword,
}

impl Identity {
    /// A fresh tenant of this name, not stored.
    pub fn draw_tenant(&self, name: &str, archive_domain: &str, now: Timestamp) -> Tenant {
        let id = TenantId::from_bytes(self.draw());
        let archive_domains = vec![archive_domain.to_owned()];
        Tenant { archive_domains, ..Tenant::new(id, name.trim(), now) }
    }

    /// Adds the tenant with a first journal address and a first administrator. A taken name or user
    /// name is refused before anything is written; a crash in between leaves a tenant without an
    /// administrator, who can be added on the command line.
    pub fn add_tenant(
        &self,
        tenant: Tenant,
        administrator: &str,
        now: Timestamp,
    ) -> Result<FirstTenant, IdentityError> {
        let source = self.draw_source(&tenant, FIRST_SOURCE, None, HeaderRules::default(), now)?;
        if administrator.trim().is_empty() {
            return Err(CatalogError::Invalid("the user name").into());
        }
        if self.catalog.account_named(administrator.trim())?.is_some() {
            return Err(CatalogError::Conflict(catalog::Conflict::UserName).into());
        }
        self.catalog.add_tenant(&tenant)?;
        self.catalog.add_source(&source)?;
        let one_time = self.ensure_first_administrator(tenant.id, administrator.trim(), now)?;
        // Proof: the tenant was added just now, so nobody is its administrator yet.
        let one_time = one_time.ok_or(CatalogError::NotFound("the administrator"))?;
        Ok(FirstTenant { tenant, source, one_time })
    }

    /// A source with a journal address that nobody can guess (80 random bits) in one of the
    /// tenant's archive domains, by default the first; not stored.
    pub fn draw_source(
        &self,
        tenant: &Tenant,
        name: &str,
        archive_domain: Option<&str>,
        rules: HeaderRules,
        now: Timestamp,
    ) -> Result<SourceRow, IdentityError> {
        let wanted = |domain: &&String| archive_domain.is_none_or(|wanted| **domain == wanted);
        let domain = tenant.archive_domains.iter().find(wanted);
        let domain = domain.ok_or(CatalogError::Invalid("the archive domain"))?;
        let secret: String = self.draw::<16>().into_iter().map(letter).collect();
        Ok(SourceRow {
            id: SourceId::from_bytes(self.draw()),
            tenant: tenant.id,
            kind: SourceKind::Smtp,
            name: name.trim().to_owned(),
            address: Some(EmailAddress::new(&format!("journal-{secret}@{domain}"))),
            rules,
            state: SourceState::Active,
            ends_at: None,
            successor: None,
            created_at: now,
        })
    }

    /// Puts a fresh journal address in the place of the source's, which takes mail for
    /// `grace_seconds` more. A source that was rotated already is refused.
    pub fn rotate_source(
        &self,
        tenant: &Tenant,
        id: SourceId,
        grace_seconds: i64,
        now: Timestamp,
    ) -> Result<SourceRow, IdentityError> {
        let old = self.catalog.source(tenant.id, id)?;
        let old = old.filter(|old| old.successor.is_none() && old.address.is_some());
        let old = old.ok_or(CatalogError::NotFound("the source"))?;
        let domain = old.address.as_ref().and_then(EmailAddress::domain);
        let kept = domain.filter(|domain| tenant.archive_domains.contains(domain));
        let rules = old.rules.clone();
        let successor = self.draw_source(tenant, &old.name, kept.as_deref(), rules, now)?;
        let ends_at = now.saturating_add_seconds(grace_seconds.clamp(0, GRACE_SECONDS_MAX));
        self.catalog.rotate_source(id, &successor, ends_at)?;
        Ok(successor)
    }
}

/// Five bits of `byte` as a letter or digit that is not mistaken for another.
fn letter(byte: u8) -> char {
    char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte & 31)])
}
