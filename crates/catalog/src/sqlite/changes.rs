//! Changes of groups, grants and requests together with their audit event.

use rusqlite::Connection;

use super::fault::Abort;
use super::{Sqlite, access, audit, grants, groups};
use crate::{AuditEvent, AuditedChange, AuditedChanges, CatalogError};

impl AuditedChanges for Sqlite {
    fn change_audited(
        &self,
        change: AuditedChange<'_>,
        event: &AuditEvent,
    ) -> Result<bool, CatalogError> {
        let events = std::slice::from_ref(event);
        let changed = self.write(|db, _| {
            let changed = carry_out(db, change)?;
            if changed {
                audit::append_all(db, events)?;
            }
            Ok(changed)
        });
        if let Ok(true) = changed {
            self.audited.count(events, &Ok(()));
        }
        changed
    }
}

fn carry_out(db: &Connection, change: AuditedChange<'_>) -> Result<bool, Abort> {
    match change {
        AuditedChange::AddAccessRequest(request) => access::add(db, request)?,
        AuditedChange::AddGrant(grant) => grants::add_given(db, grant)?,
        AuditedChange::AddGroup { group, members } => {
            groups::add(db, group)?;
            groups::set_members(db, group.id, members)?;
        }
        AuditedChange::ChangeGroup { group, name, members } => {
            if let Some(name) = name {
                groups::rename(db, group, name)?;
            }
            if let Some(members) = members {
                groups::set_members(db, group, members)?;
            }
        }
        AuditedChange::DecideAccess { tenant, request, from, decision, tell } => {
            return access::decide(db, tenant, request, from, decision, tell);
        }
        AuditedChange::RemoveGroup { tenant, group, by, at } => {
            return groups::remove(db, tenant, group, by, at);
        }
        AuditedChange::RevokeGrant { tenant, grant, by, at } => {
            return grants::revoke(db, tenant, grant, by, at);
        }
    }
    Ok(true)
}
