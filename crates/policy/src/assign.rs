use std::collections::HashMap;

use model::{EmailAddress, Participant};
use serde::{Deserialize, Serialize};

use crate::Domains;

/// Where a submission belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    Archive,
    /// The tenant archives selected accounts only, and all whom it concerns are deselected: not
    /// kept, but counted.
    NotSelected,
    Quarantine(QuarantineReason),
}

/// Why a submission waits for an administrator. The codes are part of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", content = "detail", rename_all = "kebab-case")]
pub enum QuarantineReason {
    /// The report's `X-OriginatorOrg`, which is not among the tenant's organisations.
    ForeignOrganisation(String),
    /// The tenant names its organisations and the report names none.
    NoOrganisation,
    /// No address that takes part lies in the tenant's domains.
    NotOurs,
}

impl QuarantineReason {
    /// The stable name of the reason, such as `foreign-organisation`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignOrganisation(_) => "foreign-organisation",
            Self::NoOrganisation => "no-organisation",
            Self::NotOurs => "not-ours",
        }
    }

    /// What the reason is about; empty when the code says everything.
    pub fn detail(&self) -> &str {
        match self {
            Self::ForeignOrganisation(organisation) => organisation,
            Self::NoOrganisation | Self::NotOurs => "",
        }
    }
}

/// What a tenant says about the mail that it archives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeRules {
    /// Empty: every mail is the tenant's.
    pub domains: Domains,
    /// Only mail of selected accounts is archived.
    pub only_selected: bool,
}

/// What is known of a submission when it is assigned.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// A journal report was announced, readable or not. Only reports name an organisation: a plain
    /// copy is known by the secret address that it came to.
    pub is_report: bool,
    /// The envelope part could not be read: who takes part is not known for sure.
    pub is_damaged: bool,
    pub originator_org: Option<&'a str>,
    pub participants: &'a [Participant],
    /// An administrator's word that lifts all checks.
    pub released: bool,
    /// Brought by an administrator from files, not by a journal.
    pub is_import: bool,
}

/// Whether accounts that own addresses are selected for the archive, by
/// [`model::EmailAddress::key`]. Who is not in it has no account.
pub type Selection = HashMap<String, bool>;

impl Candidate<'_> {
    /// The addresses whose selection [`assign`] asks for.
    pub fn own_addresses<'c>(
        &'c self,
        rules: &'c IntakeRules,
    ) -> impl Iterator<Item = &'c EmailAddress> {
        self.participants
            .iter()
            .map(|participant| &participant.address)
            .filter(|address| rules.domains.is_empty() || rules.domains.contains(address))
    }
}

/// Decides where a submission belongs.
///
/// 1. A report of a foreign organisation waits: anyone who learns a journal address could send
///    reports to it. Names are compared without regard to case.
/// 2. A mail without any address in the tenant's domains waits, unless its report is damaged:
///    then nobody can say whose it is, and it is kept.
/// 3. When the tenant archives selected accounts only, a mail is left out if it concerns accounts
///    that are not selected and nobody else of the tenant. Unknown is not deselected: an address
///    in the tenant's domains without an account counts as selected. Imports are an
///    administrator's own choice and are not left out.
///
/// `organisations` are the source's values of `X-OriginatorOrg`; none accepts every organisation
/// and reports without one.
pub fn assign(
    rules: &IntakeRules,
    organisations: &[String],
    candidate: &Candidate<'_>,
    selection: &Selection,
) -> Assigned {
    if candidate.released {
        return Assigned::Archive;
    }
    if candidate.is_report
        && let Some(reason) = foreign(organisations, candidate.originator_org)
    {
        return Assigned::Quarantine(reason);
    }
    if candidate.is_damaged {
        return Assigned::Archive;
    }
    let mut own = candidate.own_addresses(rules).peekable();
    if !rules.domains.is_empty() && own.peek().is_none() {
        return Assigned::Quarantine(QuarantineReason::NotOurs);
    }
    if !rules.only_selected || candidate.is_import {
        return Assigned::Archive;
    }
    let mut deselected = false;
    for address in own {
        match selection.get(&address.key()) {
            Some(true) => return Assigned::Archive,
            Some(false) => deselected = true,
            // Without domains nobody can tell an own address without an account from a foreign one.
            None if rules.domains.is_empty() => {}
            None => return Assigned::Archive,
        }
    }
    if deselected { Assigned::NotSelected } else { Assigned::Archive }
}

fn foreign(organisations: &[String], originator_org: Option<&str>) -> Option<QuarantineReason> {
    if organisations.is_empty() {
        return None;
    }
    let Some(named) = originator_org.map(str::trim).filter(|name| !name.is_empty()) else {
        return Some(QuarantineReason::NoOrganisation);
    };
    let named = named.to_lowercase();
    let own = organisations.iter().any(|own| own.trim().to_lowercase() == named);
    (!own).then_some(QuarantineReason::ForeignOrganisation(named))
}
