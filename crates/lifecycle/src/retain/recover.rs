use std::collections::HashSet;

use catalog::{Catalog, DisposedRow, LedgerKind, LedgerNote};
use model::{Location, TenantId};

use crate::Result;

/// What a rebuild must know of disposals before it looks at mail.
#[derive(Default)]
pub struct Doomed(HashSet<(u32, u32)>);

impl Doomed {
    /// Takes from an event of the ledger what it says of retention and disposal.
    ///
    /// # Errors
    /// Of the catalog.
    pub fn learn(&mut self, catalog: &dyn Catalog, tenant: TenantId, octets: &[u8]) -> Result<()> {
        let Some(note) = LedgerNote::parse(octets).filter(|note| note.tenant == tenant) else {
            return Ok(());
        };
        let facts = &note.facts;
        match note.kind {
            LedgerKind::RetentionChanged => {
                catalog.recover_retention(tenant, note.at, facts)?;
            }
            LedgerKind::Disposed => {
                let erased = serde_json::from_value::<Vec<(u32, u32)>>(facts["erased"].clone());
                self.0.extend(erased.unwrap_or_default());
                let record = serde_json::from_value(facts["record"].clone());
                let run = serde_json::from_value(facts["run"].clone());
                let ground = facts["ground"]["kind"].as_str().map(str::to_owned);
                if let (Ok(record), Ok(run), Some(ground)) = (record, run, ground) {
                    let row = DisposedRow { record, seq: note.seq, at: note.at, ground, run };
                    catalog.recover_disposed(tenant, &row)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the entry is (to be) erased.
    pub fn contains(&self, at: Location) -> bool {
        self.0.contains(&(at.pack, at.slot))
    }
}
