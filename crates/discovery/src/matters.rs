//! Matters and their holds, as officers open and place them. The vault learns of each change, so
//! that a rebuild knows it even without the old catalog.

use std::sync::Arc;

use catalog::{
    Catalog, HoldFacts, HoldRelease, HoldRow, Matter, MatterNote, MatterScope, MatterState,
};
use model::{ContentId, EmailAddress, HoldId, MatterId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{EntryKind, NewEntry, Vault};

use crate::search::parse;
use crate::{Error, Result};

/// Gives random bytes for a new id; `None` when the system has none.
pub type Draw = Arc<dyn Fn() -> Option<[u8; 16]> + Send + Sync>;

/// What a person says of a matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterDraft {
    pub name: String,
    /// Addresses, or user names of the tenant's accounts: then all addresses that they own or
    /// owned.
    pub custodians: Vec<String>,
    /// In the query language; empty: everything.
    pub query: String,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Whether what cannot be searched counts as found; `None`: it does.
    #[serde(default)]
    pub unsearchable: Option<bool>,
    pub notes: String,
    pub reason: String,
}

/// Opens matters, places holds and releases them. Durable on return, in catalog and vault.
pub struct MatterDesk {
    pub catalog: Arc<dyn Catalog>,
    pub vault: Arc<Vault>,
    pub draw: Draw,
}

impl MatterDesk {
    /// # Errors
    /// [`Error::Query`], [`Error::BadCustodian`]; a name that is taken.
    pub fn open(
        &self,
        tenant: TenantId,
        draft: MatterDraft,
        by: &str,
        now: Timestamp,
    ) -> Result<Matter> {
        let scope = self.scope(tenant, &draft)?;
        let matter = Matter {
            id: MatterId::from_bytes(self.draw()?),
            name: draft.name.trim().to_owned(),
            custodians: draft.custodians,
            scope,
            notes: draft.notes,
            state: MatterState::Open,
            opened_by: by.to_owned(),
            opened_at: now,
            reason: draft.reason.trim().to_owned(),
            closed: None,
        };
        self.catalog.add_matter(tenant, &matter)?;
        self.note(tenant, &matter, Vec::new())?;
        Ok(matter)
    }

    /// Changes what is said of an open matter; holds that were placed keep their scope. The
    /// answer is the matter before and after.
    ///
    /// # Errors
    /// As [`MatterDesk::open`]; [`Error::Held`] when it is closed.
    pub fn change(
        &self,
        tenant: TenantId,
        id: MatterId,
        draft: MatterDraft,
    ) -> Result<(Matter, Matter)> {
        let before = self.matter(tenant, id)?;
        if before.state == MatterState::Closed {
            return Err(Error::Held);
        }
        let scope = self.scope(tenant, &draft)?;
        let after = Matter {
            name: draft.name.trim().to_owned(),
            custodians: draft.custodians,
            scope,
            notes: draft.notes,
            ..before.clone()
        };
        if !self.catalog.change_matter(tenant, &after)? {
            return Err(Error::NotFound("the matter"));
        }
        self.note(tenant, &after, Vec::new())?;
        Ok((before, after))
    }

    /// # Errors
    /// [`Error::Held`] when it has a hold that is not released, or is closed already.
    pub fn close(
        &self,
        tenant: TenantId,
        id: MatterId,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Matter> {
        let before = self.matter(tenant, id)?;
        let closed = HoldRelease { at: now, by: by.to_owned(), reason: reason.trim().to_owned() };
        let is_open = before.state == MatterState::Open;
        let after = Matter { state: MatterState::Closed, closed: Some(closed), ..before };
        if !is_open || !self.catalog.change_matter(tenant, &after)? {
            return Err(Error::Held);
        }
        self.note(tenant, &after, Vec::new())?;
        Ok(after)
    }

    /// Freezes what the matter is about: at once, because whatever the hold has not looked at
    /// counts as held.
    ///
    /// # Errors
    /// [`Error::Held`] when the matter is closed.
    pub fn place(
        &self,
        tenant: TenantId,
        id: MatterId,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<HoldRow> {
        let matter = self.matter(tenant, id)?;
        let facts = HoldFacts {
            id: HoldId::from_bytes(self.draw()?),
            matter: id,
            scope: matter.scope.clone(),
            placed_at: now,
            placed_by: by.to_owned(),
            reason: reason.trim().to_owned(),
            released: None,
        };
        if !self.catalog.place_hold(tenant, &facts)? {
            return Err(Error::Held);
        }
        // A crash here leaves a hold that only the catalog knows, and nobody was told of.
        self.note(tenant, &matter, vec![facts.clone()])?;
        Ok(HoldRow { facts, through_seq: 0, found: 0 })
    }

    /// # Errors
    /// [`Error::NotFound`] when there is no such hold, or it is released.
    pub fn release(
        &self,
        tenant: TenantId,
        id: HoldId,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<HoldRow> {
        let release = HoldRelease { at: now, by: by.to_owned(), reason: reason.trim().to_owned() };
        if !self.catalog.release_hold(tenant, id, &release)? {
            return Err(Error::NotFound("the hold"));
        }
        // A crash here: a rebuild without the old catalog holds again, which loses nothing.
        let row = self.hold(tenant, id)?;
        let matter = self.matter(tenant, row.facts.matter)?;
        self.note(tenant, &matter, vec![row.facts.clone()])?;
        Ok(row)
    }

    pub fn matter(&self, tenant: TenantId, id: MatterId) -> Result<Matter> {
        self.catalog.matter(tenant, id)?.ok_or(Error::NotFound("the matter"))
    }

    pub fn hold(&self, tenant: TenantId, id: HoldId) -> Result<HoldRow> {
        let all = self.catalog.holds(tenant, None)?;
        all.into_iter().find(|row| row.facts.id == id).ok_or(Error::NotFound("the hold"))
    }

    /// What the draft is about, with the addresses of its custodians.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::BadCustodian`].
    pub fn scope(&self, tenant: TenantId, draft: &MatterDraft) -> Result<MatterScope> {
        parse(&draft.query)?;
        let mut addresses = Vec::new();
        for custodian in &draft.custodians {
            let keys = self.keys(tenant, custodian.trim())?;
            // An empty list would mean everybody.
            if keys.is_empty() {
                return Err(Error::BadCustodian(custodian.clone()));
            }
            addresses.extend(keys);
        }
        addresses.sort_unstable();
        addresses.dedup();
        let query = draft.query.trim().to_owned();
        let (from, until) = (draft.from, draft.until);
        let unsearchable = draft.unsearchable.unwrap_or(true);
        Ok(MatterScope { addresses, query, from, until, unsearchable })
    }

    fn keys(&self, tenant: TenantId, custodian: &str) -> Result<Vec<String>> {
        let account = self.catalog.account_named(custodian)?;
        if let Some(account) = account.filter(|account| account.tenant == Some(tenant)) {
            let owned = self.catalog.addresses(account.id)?;
            return Ok(owned.into_iter().map(|own| own.key).collect());
        }
        let is_address = custodian.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !custodian.contains(char::is_whitespace)
        });
        Ok(is_address.then(|| EmailAddress::new(custodian).key()).into_iter().collect())
    }

    fn draw(&self) -> Result<[u8; 16]> {
        (self.draw)().ok_or(Error::NoRandomness)
    }

    fn note(&self, tenant: TenantId, matter: &Matter, holds: Vec<HoldFacts>) -> Result<()> {
        let note = MatterNote { matter: matter.clone(), holds };
        // Proof: the note's types have string keys only and no serializer of theirs fails.
        let json = serde_json::to_vec(&note).expect("a note is valid JSON");
        let entry =
            NewEntry { kind: EntryKind::Note, content: ContentId::of(&json), octets: &json };
        let sealed = self.vault.seal(tenant, &entry).map_err(Error::Vault)?;
        self.vault.append(tenant, &[sealed]).map_err(Error::Vault)?;
        Ok(())
    }
}
