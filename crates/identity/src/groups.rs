//! Groups as administrators manage them. Every change stands in the audit log.

use catalog::{AuditedChange, Group};
use model::{AccountId, GroupId, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::by::change;
use crate::error::IdentityError;
use crate::{By, Identity};

impl Identity {
    /// Creates a group with these members, who must belong to the tenant.
    pub fn create_group(
        &self,
        tenant: TenantId,
        name: &str,
        members: &[AccountId],
        by: &By,
        now: Timestamp,
    ) -> Result<Group, IdentityError> {
        let group = Group {
            id: GroupId::from_bytes(self.draw()),
            tenant,
            name: name.trim().to_owned(),
            origin: None,
            created_at: now,
        };
        self.known(tenant, members)?;
        let detail = change(Value::Null, json!({ "name": group.name, "members": members }));
        let event = by.event(Some(tenant), "group.create", group.id.to_string(), detail, now);
        self.catalog.change_audited(AuditedChange::AddGroup { group: &group, members }, &event)?;
        Ok(group)
    }

    /// Renames a group or makes exactly these accounts its members. `false`: there is none.
    pub fn change_group(
        &self,
        tenant: TenantId,
        id: GroupId,
        name: Option<&str>,
        members: Option<&[AccountId]>,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let Some(group) = self.catalog.group(tenant, id)? else { return Ok(false) };
        let (mut before, mut after) = (json!({}), json!({}));
        if let Some(members) = members {
            self.known(tenant, members)?;
            let present = self.catalog.group_members(id)?;
            before["members"] = present.iter().map(|one| one.id.to_string()).collect();
            after["members"] = json!(members);
        }
        let name = name.map(str::trim).filter(|name| *name != group.name);
        if let Some(name) = name {
            before["name"] = json!(group.name);
            after["name"] = json!(name);
        }
        if before != after {
            let detail = change(before, after);
            let event = by.event(Some(tenant), "group.change", id.to_string(), detail, now);
            self.catalog
                .change_audited(AuditedChange::ChangeGroup { group: id, name, members }, &event)?;
        }
        Ok(true)
    }

    /// Removes a group and ends its grants. `false`: there is none.
    pub fn remove_group(
        &self,
        tenant: TenantId,
        id: GroupId,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        let Some(group) = self.catalog.group(tenant, id)? else { return Ok(false) };
        let members = self.catalog.group_members(id)?;
        let members: Vec<AccountId> = members.iter().map(|one| one.id).collect();
        let detail = change(json!({ "name": group.name, "members": members }), Value::Null);
        let event = by.event(Some(tenant), "group.remove", id.to_string(), detail, now);
        let remove = AuditedChange::RemoveGroup { tenant, group: id, by: &by.who, at: now };
        Ok(self.catalog.change_audited(remove, &event)?)
    }

    /// Refuses accounts that are not of the tenant before anything is written.
    fn known(&self, tenant: TenantId, accounts: &[AccountId]) -> Result<(), IdentityError> {
        for id in accounts {
            let account = self.catalog.account(*id)?;
            if account.is_none_or(|account| account.tenant != Some(tenant)) {
                return Err(catalog::CatalogError::NotFound("the account").into());
            }
        }
        Ok(())
    }
}
