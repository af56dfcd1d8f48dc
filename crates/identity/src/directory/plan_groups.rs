//! What a snapshot means for groups, and for what they open.

use std::collections::{HashMap, HashSet};

use catalog::{
    AccountKind, CatalogError, GROUP_NAME_CHARS_MAX, GrantRow, Grantee, Group, KnownGroup,
    MappingEffect, Origin,
};
use model::{AccountId, GrantId, GroupId};
use policy::{Grant, GrantKind, Opens, Span};

use super::plan::Planner;

/// Groups that are there become groups here; those that are gone are removed, and with them what
/// they opened.
pub(super) fn groups(planner: &mut Planner<'_>) -> Result<(), CatalogError> {
    let known: HashMap<&str, &KnownGroup> = planner
        .known
        .groups
        .iter()
        .filter_map(|one| Some((one.group.origin.as_ref()?.key.as_str(), one)))
        .collect();
    let snapshot = planner.input.snapshot;
    let mut present = HashSet::new();
    let mut ids = Vec::with_capacity(snapshot.groups.len());
    for found in &snapshot.groups {
        present.insert(found.key.as_str());
        let name: String = found.name.trim().chars().take(GROUP_NAME_CHARS_MAX).collect();
        let mut members: Vec<AccountId> = found
            .members
            .iter()
            .filter_map(|at| planner.ids.get(*at as usize).copied().flatten())
            .collect();
        members.sort_unstable();
        let (id, before) = match known.get(found.key.as_str()) {
            Some(one) => {
                if one.group.name != name {
                    planner.changes.groups_renamed.push((one.group.id, name));
                }
                (one.group.id, one.members.as_slice())
            }
            None => {
                let id = GroupId::from_bytes(planner.input.draw());
                planner.changes.groups_added.push(Group {
                    id,
                    tenant: planner.input.directory.tenant,
                    name,
                    origin: Some(Origin {
                        directory: planner.input.directory.id,
                        key: found.key.clone(),
                    }),
                    created_at: planner.input.now,
                });
                (id, &[][..])
            }
        };
        ids.push(id);
        if before != members {
            planner.changes.members.push((id, members));
        }
    }
    let gone = planner.known.groups.iter().filter(|one| {
        one.group.origin.as_ref().is_some_and(|origin| !present.contains(origin.key.as_str()))
    });
    planner.changes.groups_removed = gone.map(|one| one.group.id).collect();
    grants(planner, &ids)
}

/// What the rules open to groups: given if it is missing, taken back if no rule says it any more.
fn grants(planner: &mut Planner<'_>, ids: &[GroupId]) -> Result<(), CatalogError> {
    let mut wanted: HashSet<(GroupId, AccountId)> = HashSet::new();
    let config = planner.input.config;
    for rule in &config.rules {
        let MappingEffect::Mailbox { mailbox } = &rule.effect else { continue };
        let groups = planner.input.snapshot.groups.iter().zip(ids);
        let found =
            groups.filter(|(group, _)| super::groups::names(&rule.group, &group.name, &group.dn));
        let found: Vec<GroupId> = found.map(|(_, id)| *id).collect();
        match shared_mailbox(planner, mailbox)? {
            Some(id) => wanted.extend(found.into_iter().map(|group| (group, id))),
            None => {
                planner.problem(mailbox, "mailbox-unknown", "a rule names no shared mailbox");
            }
        }
    }
    let by = granted_by(planner);
    for standing in planner.known.grants.iter().filter(|grant| grant.granted_by == by) {
        let pair = match (standing.grantee, standing.grant.opens) {
            (Grantee::Group(group), Opens::Mailbox(mailbox)) => Some((group, mailbox)),
            _ => None,
        };
        if !pair.is_some_and(|pair| wanted.remove(&pair)) {
            planner.changes.revoked.push(standing.id);
        }
    }
    let mut wanted: Vec<_> = wanted.into_iter().collect();
    wanted.sort_unstable();
    for (group, mailbox) in wanted {
        planner.changes.granted.push(GrantRow {
            id: GrantId::from_bytes(planner.input.draw()),
            tenant: planner.input.directory.tenant,
            grantee: Grantee::Group(group),
            grant: Grant {
                opens: Opens::Mailbox(mailbox),
                kind: GrantKind::Shared,
                valid: Span::ALWAYS,
                mail: Span::ALWAYS,
            },
            reason: format!("a rule of the directory {}", planner.input.directory.name),
            granted_by: by.clone(),
            granted_at: planner.input.now,
            revoked: None,
        });
    }
    Ok(())
}

/// The mark of grants that a directory gave.
fn granted_by(planner: &Planner<'_>) -> String {
    format!("directory {}", planner.input.directory.id)
}

/// The shared mailbox with this user name, made by this plan or there already. Rules open no
/// people's mailboxes: that takes a person and a reason.
fn shared_mailbox(
    planner: &Planner<'_>,
    user_name: &str,
) -> Result<Option<AccountId>, CatalogError> {
    let name = user_name.trim().to_lowercase();
    let added = planner.changes.added.iter().find(|one| one.user_name.to_lowercase() == name);
    let found = match added {
        Some(account) => Some(account.clone()),
        None => planner.lookup.account_named(&name)?,
    };
    let tenant = Some(planner.input.directory.tenant);
    let shared = found.filter(|one| one.kind == AccountKind::Shared && one.tenant == tenant);
    Ok(shared.map(|account| account.id))
}
