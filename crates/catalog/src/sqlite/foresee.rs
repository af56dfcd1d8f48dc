//! What a commit would make of submissions, without writing.

use std::collections::{HashMap, HashSet};

use model::{ContentId, Participant, RecordFacts, RecordId};
use rusqlite::Connection;

use super::codes::Code;
use super::commit::{Place, find_record, has_participant, has_report};
use super::fault::Fault;
use super::intern::find_row;
use crate::Outcome;

/// What identifies a participant among those of one record, before its addresses have rows.
type Claim = (String, i64, i64, Option<String>, Option<String>);

/// See [`crate::Records::foresee`].
pub(super) fn foresee(
    db: &Connection,
    tenant: i64,
    records: &[&RecordFacts],
) -> Result<Vec<Outcome>, Fault> {
    #[derive(Default)]
    struct Pending {
        reports: HashSet<ContentId>,
        claims: HashSet<Claim>,
        places: HashSet<Place>,
    }
    let mut pending: HashMap<RecordId, Pending> = HashMap::new();
    let mut outcomes = Vec::with_capacity(records.len());
    for facts in records {
        let found = find_record(db, tenant, facts.record)?;
        let exists = found.is_some() || pending.contains_key(&facts.record);
        let earlier = pending.entry(facts.record).or_default();
        let mut fresh = false;
        if let Some(report) = &facts.report {
            let stored = match found {
                Some(record) => has_report(db, record, report.content)?,
                None => false,
            };
            fresh |= !stored && earlier.reports.insert(report.content);
        }
        for participant in facts.participants.iter().filter(|one| !one.address.is_empty()) {
            let claim = claim(participant);
            let stored = match found {
                Some(record) => has_claim(db, tenant, record, &claim)?,
                None => false,
            };
            fresh |= !stored && earlier.claims.insert(claim);
        }
        if let Some(place) = Place::of(facts) {
            let stored = match found {
                Some(record) => place.is_known(db, record)?,
                None => false,
            };
            fresh |= !stored && earlier.places.insert(place);
        }
        outcomes.push(match (exists, fresh) {
            (false, _) => Outcome::New,
            (true, true) => Outcome::Merged,
            (true, false) => Outcome::Known,
        });
    }
    Ok(outcomes)
}

fn claim(participant: &Participant) -> Claim {
    let other = |address: &Option<model::EmailAddress>| {
        address.as_ref().filter(|address| !address.is_empty()).map(model::EmailAddress::key)
    };
    (
        participant.address.key(),
        participant.role.code(),
        participant.provenance.code(),
        other(&participant.expanded_from),
        other(&participant.forwarded_from),
    )
}

fn has_claim(db: &Connection, tenant: i64, record: i64, claim: &Claim) -> Result<bool, Fault> {
    let row = |key: &Option<String>| match key {
        Some(key) => find_row(db, tenant, key),
        None => Ok(Some(0)),
    };
    let (key, role, provenance, expanded, forwarded) = claim;
    let address = find_row(db, tenant, key)?;
    match (address, row(expanded)?, row(forwarded)?) {
        (Some(address), Some(expanded), Some(forwarded)) => {
            has_participant(db, record, [address, *role, *provenance, expanded, forwarded])
        }
        _ => Ok(false),
    }
}
