use std::num::NonZero;

use catalog::AuditEvent;
use model::{Digest, TenantId, Timestamp};
use serde_json::json;

use super::plan::Step;
use super::{ImportPlan, LineEffect};
use crate::by::change;
use crate::error::IdentityError;
use crate::{By, Identity};

/// Threads that hash passwords: each takes a core and 19 MiB.
const HASHERS_MAX: usize = 4;

impl Identity {
    /// Applies an import: all of it, durable on return, or nothing. `digest` is that of the plan
    /// that a person has seen; when the file or the accounts are not what they were, it is refused
    /// ([`IdentityError::PlanChanged`]), as is a plan with errors ([`IdentityError::PlanRefused`]).
    pub fn import_accounts(
        &self,
        tenant: TenantId,
        octets: &[u8],
        digest: Digest,
        by: &By,
        now: Timestamp,
    ) -> Result<ImportPlan, IdentityError> {
        let mut plan = self.plan_import(tenant, octets, now)?;
        if plan.digest != digest {
            return Err(IdentityError::PlanChanged);
        }
        if !plan.is_sound() {
            return Err(IdentityError::PlanRefused);
        }
        let mut steps = std::mem::take(&mut plan.steps);
        self.hash_all(&mut steps)?;
        let facts = json!({
            "file": digest.to_hex(),
            "created": plan.count(LineEffect::Create),
            "changed": plan.count(LineEffect::Change),
            "unchanged": plan.count(LineEffect::Unchanged),
        });
        let mut events: Vec<AuditEvent> =
            vec![by.event(Some(tenant), "account.import", String::new(), facts, now)];
        let mut changes = Vec::with_capacity(steps.len());
        for step in steps {
            let action = if step.change.new { "account.create" } else { "account.change" };
            let object = step.change.account.id.to_string();
            let detail = change(step.before, step.after);
            events.push(by.event(Some(tenant), action, object, detail, now));
            changes.push(step.change);
        }
        self.catalog.change_accounts(Some(tenant), &changes, &events, now)?;
        Ok(plan)
    }

    /// Hashes all passwords before anything is written, on a few cores.
    fn hash_all(&self, steps: &mut [Step]) -> Result<(), IdentityError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = steps.len().div_ceil(cores.min(HASHERS_MAX)).max(1);
        let hash = |steps: &mut [Step]| -> Result<(), IdentityError> {
            for step in steps {
                if let Some(password) = step.password.take() {
                    let hash = self.hasher.hash(&password, &*self.random)?;
                    step.change.password_hash = Some(hash);
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let hashers: Vec<_> =
                steps.chunks_mut(share).map(|part| scope.spawn(|| hash(part))).collect();
            for hasher in hashers {
                hasher.join().unwrap_or(Err(IdentityError::Hash))?;
            }
            Ok(())
        })
    }
}
