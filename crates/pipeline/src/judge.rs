//! Where submissions of one tenant belong, by what the tenant says at present.

use catalog::Catalog;
use model::{EmailAddress, HeaderRules, TenantId};
use policy::{Assigned, Candidate, IntakeRules, Selection};

use crate::error::Result;

pub struct Judge<'a> {
    catalog: &'a dyn Catalog,
    tenant: TenantId,
    rules: IntakeRules,
}

impl<'a> Judge<'a> {
    pub fn of(catalog: &'a dyn Catalog, tenant: TenantId) -> Result<Self> {
        Ok(Self { catalog, tenant, rules: catalog.intake_rules(tenant)? })
    }

    /// Which accounts of these submissions are selected; empty when the tenant does not ask.
    pub fn selection<'c>(
        &self,
        candidates: impl Iterator<Item = Candidate<'c>>,
    ) -> Result<Selection> {
        if !self.rules.only_selected {
            return Ok(Selection::new());
        }
        let candidates: Vec<Candidate<'_>> = candidates.collect();
        let own: Vec<&EmailAddress> =
            candidates.iter().flat_map(|it| it.own_addresses(&self.rules)).collect();
        Ok(self.catalog.selection(self.tenant, &own)?)
    }

    /// `source` says which organisations the source accepts, the tenant's among them.
    pub fn assign(
        &self,
        source: &HeaderRules,
        candidate: &Candidate<'_>,
        selection: &Selection,
    ) -> Assigned {
        policy::assign(&self.rules, &source.organisations, candidate, selection)
    }
}
