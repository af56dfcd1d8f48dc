//! Which mailboxes a source has.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use catalog::{Catalog, CatalogError, FETCH_MAILBOXES_MAX, FetchMode, FetchSource};
use model::EmailAddress;

use super::{Secrets, Target};

/// The mailboxes of a source, each once.
///
/// # Errors
/// When the catalog cannot be read.
pub fn targets(
    catalog: &dyn Catalog,
    source: &Arc<FetchSource>,
    secrets: &Arc<Secrets>,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Target>, CatalogError> {
    let target = |mailbox: &str, owner: Option<EmailAddress>| Target {
        source: Arc::clone(source),
        mailbox: mailbox.to_owned(),
        owner,
        secrets: Arc::clone(secrets),
        stop: Arc::clone(stop),
    };
    let (listed, every_account) = match &source.config.mode {
        FetchMode::Journal { .. } => return Ok(vec![target("", None)]),
        FetchMode::Mailbox { address } => return Ok(vec![target("", Some(address.clone()))]),
        FetchMode::Mailboxes { mailboxes, every_account, .. } => (mailboxes, *every_account),
    };
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |user: &str, owner: EmailAddress| {
        if all.len() < FETCH_MAILBOXES_MAX && seen.insert(user.to_lowercase()) {
            all.push(target(user, Some(owner)));
        }
    };
    for mailbox in listed {
        let owner = mailbox.address.clone().unwrap_or_else(|| EmailAddress::new(&mailbox.user));
        add(&mailbox.user, owner);
    }
    if every_account {
        for account in catalog.accounts(Some(source.source.tenant))? {
            if account.disabled {
                continue;
            }
            // The first address that is still theirs.
            let own = catalog.addresses(account.id)?;
            if let Some(address) = own.into_iter().find(|address| address.until.is_none()) {
                add(&address.key, EmailAddress::new(&address.key));
            }
        }
    }
    Ok(all)
}
