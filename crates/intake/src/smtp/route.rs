use std::borrow::Cow;

use model::{EmailAddress, SourceId, TenantId};

/// Says whose mail a recipient takes; the server implements it on the catalog.
///
/// Called once for every `RCPT` on the executor's threads: answers from memory, without waiting.
pub trait Router: Send + Sync + 'static {
    /// The recipient as written, its sub-address included: compare by
    /// [`EmailAddress::key`] and try [`without_subaddress`] when the whole is not known.
    fn route(&self, recipient: &EmailAddress) -> Route;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Accept {
        tenant: TenantId,
        source: SourceId,
    },
    /// The tenant's archive is as large as it may become: `452 4.2.2`, the sender tries again.
    Full,
    /// The tenant takes no mail at present: `451 4.3.0`, the sender tries again.
    Suspended,
    /// It cannot be said at present: `451 4.3.0`, the sender tries again.
    Unavailable,
    /// No journal address of anyone: `550 5.1.1`.
    Unknown,
}

/// The address less its sub-address: `archive+anna=example.org@host` becomes `archive@host`
/// (RFC 5233 §1.1, separator `+`).
pub fn without_subaddress(recipient: &EmailAddress) -> Cow<'_, EmailAddress> {
    let text = recipient.as_str();
    let Some((local, domain)) = text.rsplit_once('@') else { return Cow::Borrowed(recipient) };
    match local.split_once('+') {
        Some((name, _)) if !name.is_empty() => {
            Cow::Owned(EmailAddress::new(&format!("{name}@{domain}")))
        }
        _ => Cow::Borrowed(recipient),
    }
}
