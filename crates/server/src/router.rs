//! Where a recipient belongs, answered from the catalog.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::Catalog;
use intake::smtp::{Route, Router};
use model::{Clock, EmailAddress};

use crate::census::Census;

/// How long an answer is believed: a suspended tenant is noticed after this time.
const BELIEVED: Duration = Duration::from_secs(2);

/// Recipients that are remembered; beyond, all are forgotten (they are asked for again).
const REMEMBERED_MAX: usize = 10_000;

/// Remembers journal addresses that are known; asks the catalog for all others, so that a new
/// address works at once.
pub struct CatalogRouter {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    census: Arc<Census>,
    known: Mutex<HashMap<String, (Instant, Route)>>,
}

impl CatalogRouter {
    pub fn new(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>, census: Arc<Census>) -> Self {
        Self { catalog, clock, census, known: Mutex::default() }
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
                let used = || {
                    let space = self.census.space(routed.tenant);
                    space.packs + space.keys
                };
                let full = routed.hard_quota_bytes.is_some_and(|bytes| used() > bytes);
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
