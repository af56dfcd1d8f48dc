//! Where a recipient belongs, answered from the catalog.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::Catalog;
use intake::smtp::{Route, Router};
use model::{Clock, EmailAddress, TenantId};

/// How long an answer is believed: a suspended tenant is noticed after this time.
const BELIEVED: Duration = Duration::from_secs(2);

/// Recipients that are remembered; beyond, all are forgotten (they are asked for again).
const REMEMBERED_MAX: usize = 10_000;

/// The bytes that a tenant's packs and key tables take.
pub type Used = Box<dyn Fn(TenantId) -> u64 + Send + Sync>;

/// Remembers journal addresses that are known; asks the catalog for all others, so that a new
/// address works at once.
pub struct CatalogRouter {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    used: Used,
    known: Mutex<HashMap<String, (Instant, Route)>>,
}

impl CatalogRouter {
    pub fn new(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>, used: Used) -> Self {
        Self { catalog, clock, used, known: Mutex::default() }
    }
}

impl Router for CatalogRouter {
    fn route(&self, recipient: &EmailAddress) -> Route {
        let key = recipient.key();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, route)) = known.get(&key)
            && at.elapsed() < BELIEVED
        {
            return *route;
        }
        match self.catalog.route(recipient) {
            Ok(Some(routed)) => {
                if routed.ends_at.is_some_and(|ends_at| ends_at <= self.clock.now()) {
                    return Route::Unknown;
                }
                let full = |bytes| (self.used)(routed.tenant) > bytes;
                let full = routed.hard_quota_bytes.is_some_and(full);
                let route = if routed.active && full {
                    Route::Full
                } else if routed.active {
                    Route::Accept { tenant: routed.tenant, source: routed.source }
                } else {
                    Route::Suspended
                };
                if known.len() >= REMEMBERED_MAX {
                    known.clear();
                }
                known.insert(key, (Instant::now(), route));
                route
            }
            Ok(None) => Route::Unknown,
            Err(error) => {
                tracing::error!(%error, "recipients cannot be looked up");
                Route::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Quota, Tenant, TenantState};
    use identity::{Identity, SystemRandom};
    use model::Timestamp;

    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            NOON.saturating_add_seconds(self.0)
        }
    }

    #[test]
    fn an_address_is_taken_until_its_end_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.sqlite");
        let catalog = catalog::open(&format!("sqlite:{}", file.display())).unwrap();
        let identity = Identity::new(Arc::clone(&catalog), Arc::new(SystemRandom)).unwrap();
        let tenant = identity.draw_tenant("Musterbau", "archive.example", NOON);
        let first = identity.add_tenant(tenant, "admin", NOON).unwrap();
        let next = identity.rotate_source(&first.tenant, first.source.id, 3600, NOON).unwrap();
        let (old, new) = (first.source.address.unwrap(), next.address.unwrap());
        // A router of its own for each question: nothing is remembered.
        let route = |address: &EmailAddress, after: i64, used: u64| {
            let (catalog, clock) = (Arc::clone(&catalog), Arc::new(At(after)));
            CatalogRouter::new(catalog, clock, Box::new(move |_| used)).route(address)
        };
        let taken = |route: Route| matches!(route, Route::Accept { .. });
        assert!(taken(route(&old, 3599, 0)) && taken(route(&new, 3599, 0)));
        assert_eq!(route(&old, 3600, 0), Route::Unknown);
        assert!(taken(route(&new, 3600, 0)));

        let mut tenant: Tenant = first.tenant;
        tenant.settings.quota = Quota { bytes: Some(1000), hard: false };
        catalog.update_tenant(&tenant).unwrap();
        assert!(taken(route(&new, 0, 1001)), "a soft quota warns only");
        tenant.settings.quota.hard = true;
        catalog.update_tenant(&tenant).unwrap();
        assert!(taken(route(&new, 0, 1000)));
        assert_eq!(route(&new, 0, 1001), Route::Full);
        tenant.state = TenantState::Suspended;
        catalog.update_tenant(&tenant).unwrap();
        assert_eq!(route(&new, 0, 1001), Route::Suspended);
    }
}
