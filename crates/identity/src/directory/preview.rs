//! What a run would do, for people to look at.

use std::collections::HashMap;

use catalog::{Account, DirectoryChanges, DirectoryRun, KnownDirectory};
use model::AccountId;

/// Planned changes that a preview lists; further ones are only counted.
pub const PREVIEW_ROWS_MAX: usize = 1_000;

/// Stable: `create`, `adopt`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedKind {
    AddressEnded,
    AddressGiven,
    Adopt,
    Change,
    Create,
    Disable,
    Enable,
}

/// One planned change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub kind: PlannedKind,
    pub user_name: String,
    /// The address, the role or the names.
    pub detail: String,
}

/// A run that was not applied.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Its counts and problems; `held-back` when it would not be applied without confirmation.
    pub run: DirectoryRun,
    /// The first [`PREVIEW_ROWS_MAX`].
    pub planned: Vec<Planned>,
    pub planned_total: u32,
}

/// Lists the changes: what vanishes first, because it deserves a look.
pub(super) fn list(changes: &DirectoryChanges, known: &KnownDirectory) -> (Vec<Planned>, u32) {
    let before: HashMap<AccountId, &Account> =
        known.accounts.iter().map(|one| (one.account.id, &one.account)).collect();
    let mut planned = Vec::new();
    let mut add = |kind, user_name: &str, detail: String| {
        planned.push(Planned { kind, user_name: user_name.to_owned(), detail });
    };
    let names: HashMap<AccountId, &str> = changes
        .added
        .iter()
        .chain(&changes.updated)
        .map(|account| (account.id, account.user_name.as_str()))
        .chain(before.iter().map(|(id, account)| (*id, account.user_name.as_str())))
        .collect();
    for account in &changes.updated {
        match before.get(&account.id) {
            None => add(PlannedKind::Adopt, &account.user_name, account.role.to_string()),
            Some(old) => {
                if account.disabled && !old.disabled {
                    add(PlannedKind::Disable, &account.user_name, String::new());
                }
                if old.disabled && !account.disabled {
                    add(PlannedKind::Enable, &account.user_name, String::new());
                }
                if let Some(detail) = difference(old, account) {
                    add(PlannedKind::Change, &account.user_name, detail);
                }
            }
        }
    }
    for account in &changes.added {
        add(PlannedKind::Create, &account.user_name, account.role.to_string());
    }
    for (kind, list) in
        [(PlannedKind::AddressEnded, &changes.ended), (PlannedKind::AddressGiven, &changes.given)]
    {
        for (account, address) in list {
            add(kind, names.get(account).copied().unwrap_or_default(), address.to_string());
        }
    }
    let total = u32::try_from(planned.len()).unwrap_or(u32::MAX);
    planned.truncate(PREVIEW_ROWS_MAX);
    (planned, total)
}

/// The names of what differs besides being disabled.
fn difference(old: &Account, new: &Account) -> Option<String> {
    let mut parts = Vec::new();
    if old.role != new.role {
        parts.push(format!("{} → {}", old.role, new.role));
    }
    if old.kind != new.kind {
        parts.push(format!("{} → {}", old.kind.name(), new.kind.name()));
    }
    let names =
        |one: &Account| (one.first_name.clone(), one.last_name.clone(), one.display_name.clone());
    if names(old) != names(new) {
        parts.push(format!("{} → {}", old.display_name, new.display_name));
    }
    if old.archived != new.archived {
        parts.push(if new.archived { "archived" } else { "not archived" }.to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
