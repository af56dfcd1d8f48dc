use serde::{Deserialize, Serialize};

/// Where a submission belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    Archive,
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
}

impl QuarantineReason {
    /// The stable name of the reason, such as `foreign-organisation`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignOrganisation(_) => "foreign-organisation",
            Self::NoOrganisation => "no-organisation",
        }
    }

    /// What the reason is about; empty when the code says everything.
    pub fn detail(&self) -> &str {
        match self {
            Self::ForeignOrganisation(organisation) => organisation,
            Self::NoOrganisation => "",
        }
    }
}

/// Decides by the organisation that a journal report names in `X-OriginatorOrg`: anyone who learns
/// a journal address could send reports to it.
///
/// `organisations` are the tenant's; an empty list accepts every organisation and reports without
/// one. Names are compared without regard to case. `released` is an administrator's word that
/// lifts the check. Call it for journal reports only; other submissions name no organisation.
pub fn assign(organisations: &[String], originator_org: Option<&str>, released: bool) -> Assigned {
    if released || organisations.is_empty() {
        return Assigned::Archive;
    }
    let Some(named) = originator_org.map(str::trim).filter(|name| !name.is_empty()) else {
        return Assigned::Quarantine(QuarantineReason::NoOrganisation);
    };
    let named = named.to_lowercase();
    if organisations.iter().any(|own| own.trim().to_lowercase() == named) {
        Assigned::Archive
    } else {
        Assigned::Quarantine(QuarantineReason::ForeignOrganisation(named))
    }
}
