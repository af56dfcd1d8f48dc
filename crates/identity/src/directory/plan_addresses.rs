//! What a snapshot means for the addresses of accounts.

use std::collections::{HashMap, HashSet};

use catalog::CatalogError;
use model::{AccountId, EmailAddress};

use super::person::{Details, Person};
use super::plan::{Planner, count};

/// Gives and ends addresses. What another account owns is not taken, unless the directory gave
/// it and has moved it, or its owner has vanished.
pub(super) fn addresses(planner: &mut Planner<'_>) -> Result<(), CatalogError> {
    let people = planner.input.snapshot.people.iter().zip(planner.ids.clone());
    let people: Vec<(&Person, &Details, AccountId)> = people
        .filter_map(|(person, id)| Some((person, person.details.as_ref()?, id?)))
        .filter(|(person, ..)| {
            planner.noted.get(person.key.as_str()).is_some_and(|it| !it.stamp.is_empty())
        })
        .collect();
    let mut ended = HashMap::new();
    for (person, details, id) in &people {
        let before = planner.entries.get(person.key.as_str()).copied();
        let owned = planner.accounts.get(person.key.as_str()).map(|known| &known.addresses);
        let wanted: HashSet<String> = details.addresses.iter().map(EmailAddress::key).collect();
        for key in before.iter().flat_map(|entry| &entry.addresses) {
            let owns = owned.is_some_and(|owned| owned.contains(key));
            if owns && !wanted.contains(key) {
                ended.insert(key.clone(), *id);
            }
        }
    }
    let vanished: HashSet<AccountId> = planner
        .noted
        .values()
        .filter(|entry| entry.disabled && entry.stamp.is_empty())
        .filter_map(|entry| entry.account)
        .collect();
    let mut claimed = HashMap::new();
    for (person, details, id) in people {
        let mut named = Vec::new();
        for address in &details.addresses {
            if give(planner, details, id, address, &mut ended, &vanished, &mut claimed)? {
                named.push(address.key());
            }
        }
        named.sort_unstable();
        if let Some(entry) = planner.noted.get_mut(person.key.as_str()) {
            entry.addresses = named;
        }
    }
    let mut ended: Vec<(AccountId, EmailAddress)> =
        ended.into_iter().map(|(key, id)| (id, EmailAddress::new(&key))).collect();
    ended.sort_unstable();
    planner.counts.addresses_ended = count(ended.len());
    planner.counts.addresses_given = count(planner.changes.given.len());
    planner.changes.ended = ended;
    Ok(())
}

/// Whether the account owns the address afterwards.
fn give(
    planner: &mut Planner<'_>,
    details: &Details,
    id: AccountId,
    address: &EmailAddress,
    ended: &mut HashMap<String, AccountId>,
    vanished: &HashSet<AccountId>,
    claimed: &mut HashMap<String, AccountId>,
) -> Result<bool, CatalogError> {
    let key = address.key();
    if claimed.insert(key.clone(), id).is_some() {
        let detail = format!("two entries have the address {key}");
        planner.conflict(&details.user_name, "address-twice", &detail);
        return Ok(false);
    }
    let owner = planner.lookup.address_owner(&key)?;
    match owner {
        Some(owner) if owner == id => return Ok(true),
        Some(owner) if ended.get(&key) == Some(&owner) => {}
        Some(owner) if vanished.contains(&owner) => {
            ended.insert(key, owner);
        }
        Some(_) => {
            let detail = format!("another account owns the address {key}");
            planner.conflict(&details.user_name, "address-owned", &detail);
            return Ok(false);
        }
        None => {}
    }
    planner.changes.given.push((id, address.clone()));
    Ok(true)
}
