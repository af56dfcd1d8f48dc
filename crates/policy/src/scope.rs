use model::{TenantId, Timestamp};

use crate::{AccountRole, Actor, Denied, OwnedAddress, Permission, Span, authorize};

/// The mail that one actor may see. Only [`authorize_read`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    addresses: Vec<OwnedAddress>,
    everything: Vec<Span>,
}

/// What a scope shows, for those who turn it into a query: mail that one of both opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// Mail in which one of these addresses takes part, received within its span. By key and
    /// time; the spans of one key have nothing in common. No address, no mail.
    pub addresses: &'a [OwnedAddress],
    /// All mail of the tenant that was received within one of these; by time, with nothing in
    /// common.
    pub everything: &'a [Span],
}

impl View<'_> {
    /// Whether all mail of the tenant is visible, whenever it was received.
    pub fn is_everything(&self) -> bool {
        self.everything == [Span::ALWAYS]
    }
}

impl Scope {
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub fn view(&self) -> View<'_> {
        View { addresses: &self.addresses, everything: &self.everything }
    }

    /// Whether a mail received at `at` is visible through its participant `owner_key`
    /// ([`model::EmailAddress::key`]).
    pub fn sees(&self, owner_key: &str, at: Timestamp) -> bool {
        let first = self.addresses.partition_point(|own| own.key.as_str() < owner_key);
        let mut own = self.addresses[first..].iter().take_while(|own| own.key == owner_key);
        own.any(|own| own.covers(at)) || self.sees_everything(at)
    }

    /// Whether all mail of the tenant that was received at `at` is visible, whoever takes part.
    pub fn sees_everything(&self, at: Timestamp) -> bool {
        self.everything.iter().any(|span| span.covers(at))
    }

    /// Whether the blind-copy recipient `recipient_key` of a mail received at `at` may be named to
    /// the actor: to the recipient, to the mail's senders, and to who sees the whole tenant.
    pub fn sees_blind_copy<'k>(
        &self,
        recipient_key: &str,
        sender_keys: impl IntoIterator<Item = &'k str>,
        at: Timestamp,
    ) -> bool {
        self.sees(recipient_key, at) || sender_keys.into_iter().any(|key| self.sees(key, at))
    }
}

/// The mail that the actor may search and read. Administrators and operators are refused: they
/// configure, they do not read. Spans in which everything is visible count for auditors and
/// officers only.
pub fn authorize_read(actor: &Actor) -> Result<Scope, Denied> {
    authorize(actor, Permission::ReadMail)?;
    let tenant = actor.tenant.ok_or(Denied)?;
    let everything = match actor.role {
        AccountRole::Auditor | AccountRole::Officer => Span::united(actor.everything.clone()),
        AccountRole::User => Vec::new(),
        AccountRole::Administrator | AccountRole::Operator => return Err(Denied),
    };
    let addresses = disjoint(&actor.addresses, &everything);
    Ok(Scope { tenant, addresses, everything })
}

/// The whole tenant, for a decision that shows nobody anything: what a legal hold freezes.
pub fn scope_of_holds(tenant: TenantId) -> Scope {
    Scope { tenant, addresses: Vec::new(), everything: vec![Span::ALWAYS] }
}

/// The same addresses at the same times, by key and time, without what overlaps, what is empty and
/// what `everything` shows anyway.
fn disjoint(addresses: &[OwnedAddress], everything: &[Span]) -> Vec<OwnedAddress> {
    let mut sorted: Vec<&OwnedAddress> = addresses
        .iter()
        .filter(|own| !everything.iter().any(|span| span.contains(&own.span())))
        .collect();
    sorted.sort_unstable_by(|one, two| one.key.cmp(&two.key));
    sorted
        .chunk_by(|one, two| one.key == two.key)
        .flat_map(|same| {
            let spans = Span::united(same.iter().map(|own| own.span()).collect());
            let key = &same[0].key;
            spans.into_iter().map(|Span { from, until }| OwnedAddress {
                key: key.clone(),
                from,
                until,
            })
        })
        .collect()
}
