use catalog::DisposalState;
use pipeline::Progress;
use policy::retain::{PolicySet, in_force};

use super::{RetentionParts, complete_proposal, execute, finish_erasures, preview, survey};
use crate::{Error, Result};

/// Does whatever waits in the catalog: keys to be erased, approved runs, proposals to be filled,
/// surveys. Long; ends early when it is cancelled, and goes on with the next call. What fails for
/// one tenant is logged and tried again with the next call; the others go on.
///
/// # Errors
/// Of the catalog, when it cannot say what waits.
pub fn work(parts: &RetentionParts, stop: &dyn Progress) -> Result<()> {
    for tenant in parts.catalog.erasing_tenants()? {
        tell(tenant, "keys wait to be erased", finish_erasures(parts, tenant));
    }
    for (tenant, run) in parts.catalog.disposals_in(DisposalState::Running)? {
        if !stop.is_cancelled() {
            tell(tenant, "a disposal run waits", execute(parts, tenant, run, stop).map(drop));
        }
    }
    for (tenant, run) in parts.catalog.disposals_in(DisposalState::Proposing)? {
        if !stop.is_cancelled() {
            tell(tenant, "a proposal waits", complete_proposal(parts, tenant, run, stop));
        }
    }
    for (tenant, asked) in parts.catalog.waiting_surveys()? {
        if stop.is_cancelled() {
            return Ok(());
        }
        let made = make(parts, tenant, asked.draft.as_ref(), stop);
        // What was not looked at to the end is no answer.
        if !stop.is_cancelled() {
            let made = made.map_err(|error| pipeline::Error::chain(&error));
            parts.catalog.end_survey(asked.id, parts.clock.now(), made)?;
        }
    }
    Ok(())
}

fn make(
    parts: &RetentionParts,
    tenant: model::TenantId,
    draft: Option<&policy::retain::SetDraft>,
    stop: &dyn Progress,
) -> Result<serde_json::Value> {
    let sets = parts.catalog.retention_sets(tenant)?;
    let sets: Vec<PolicySet> = sets.into_iter().map(|row| row.set).collect();
    let now = in_force(&sets, parts.clock.now());
    let json = match draft {
        None => {
            let set = now.ok_or(Error::NoPolicies)?;
            serde_json::to_value(survey(parts, tenant, set, stop)?)
        }
        Some(draft) => {
            let then = PolicySet::new(0, draft.clone()).map_err(Error::Policies)?;
            serde_json::to_value(preview(parts, tenant, now, &then, stop)?)
        }
    };
    json.map_err(Error::Json)
}

fn tell(tenant: model::TenantId, what: &'static str, done: Result<()>) {
    match done {
        Ok(()) => {}
        // The index is on its way.
        Err(Error::Behind) => tracing::debug!(tenant.id = %tenant, what, "the index lags behind"),
        Err(Error::Reading) => tracing::debug!(tenant.id = %tenant, what, "a reader is in the way"),
        Err(error) => {
            let error = pipeline::Error::chain(&error);
            tracing::warn!(tenant.id = %tenant, what, error, "it is tried again");
        }
    }
}
