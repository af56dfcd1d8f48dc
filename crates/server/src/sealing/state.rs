//! What the sealing of the ledgers tells the console, the metrics and the notifications.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{TenantId, Timestamp};

/// What fails for a tenant, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub since: Timestamp,
    pub why: String,
}

/// Kept in memory: after a start the first round says it anew.
#[derive(Debug, Default)]
pub struct SealingState {
    sealing: Mutex<BTreeMap<TenantId, Trouble>>,
    renewing: Mutex<BTreeMap<TenantId, Trouble>>,
}

impl SealingState {
    /// Writes down how the sealing of a tenant's ledger went.
    pub fn sealed(&self, tenant: TenantId, went: Result<(), String>, now: Timestamp) {
        set(&self.sealing, tenant, went, now);
    }

    /// Likewise for the renewals.
    pub fn renewed(&self, tenant: TenantId, went: Result<(), String>, now: Timestamp) {
        set(&self.renewing, tenant, went, now);
    }

    /// Tenants whose events wait for a seal, or whose batches for a stamp.
    pub fn unsealed(&self) -> BTreeMap<TenantId, Trouble> {
        self.sealing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tenants whose renewals are due and fail.
    pub fn unrenewed(&self) -> BTreeMap<TenantId, Trouble> {
        self.renewing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn set(
    of: &Mutex<BTreeMap<TenantId, Trouble>>,
    tenant: TenantId,
    went: Result<(), String>,
    now: Timestamp,
) {
    let mut of = of.lock().unwrap_or_else(PoisonError::into_inner);
    match went {
        Ok(()) => {
            of.remove(&tenant);
        }
        Err(why) => {
            of.entry(tenant)
                .and_modify(|trouble| trouble.why.clone_from(&why))
                .or_insert(Trouble { since: now, why });
        }
    }
}
