//! Thousands of newcomers come in portions, so that others write in between.

use std::collections::HashSet;

use catalog::{DirectoryChanges, DirectoryRun, RunOutcome};
use model::AccountId;

use super::plan::{AUDIT_IDS_MAX, count};

/// New accounts of one transaction.
pub(super) const PORTION: usize = 2_000;

/// Portions of one run; what is left then comes in one transaction.
const PORTIONS_MAX: usize = 1_000;

/// What earlier portions of a run brought.
#[derive(Default)]
pub(super) struct Portions {
    created: usize,
    given: usize,
    /// For the audit log.
    ids: Vec<AccountId>,
}

impl Portions {
    /// Leaves the first newcomers with their addresses in `changes`, when there are more than one
    /// transaction takes. A run that is cut short after it has them; the next run brings the rest.
    pub(super) fn cut(&mut self, changes: &mut DirectoryChanges, run: &DirectoryRun) -> bool {
        let enough = self.created >= PORTIONS_MAX * PORTION;
        if enough || run.outcome != RunOutcome::Applied || changes.added.len() <= PORTION {
            return false;
        }
        let whole = std::mem::take(changes);
        changes.added = whole.added.into_iter().take(PORTION).collect();
        let ids: HashSet<AccountId> = changes.added.iter().map(|account| account.id).collect();
        // What is another's until the end of the run comes with its last transaction.
        let ended: HashSet<String> = whole.ended.iter().map(|(_, address)| address.key()).collect();
        let free = |key: &String| !ended.contains(key);
        changes.given = whole.given;
        changes.given.retain(|(id, address)| ids.contains(id) && free(&address.key()));
        changes.entries = whole.entries;
        changes.entries.retain(|entry| entry.account.is_some_and(|id| ids.contains(&id)));
        for entry in &mut changes.entries {
            entry.addresses.retain(free);
        }
        changes.partial = true;
        self.created += changes.added.len();
        self.given += changes.given.len();
        let room = AUDIT_IDS_MAX.saturating_sub(self.ids.len());
        self.ids.extend(changes.added.iter().map(|account| account.id).take(room));
        true
    }

    /// Adds the earlier portions to what the run counts.
    pub(super) fn count_in(&self, run: &mut DirectoryRun) {
        run.counts.created += count(self.created);
        run.counts.addresses_given += count(self.given);
    }

    pub(super) fn ids(&self) -> &[AccountId] {
        &self.ids
    }
}
