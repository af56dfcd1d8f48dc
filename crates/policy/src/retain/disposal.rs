use model::{AccountId, RecordId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Verdict;

/// Persons other than the proposer who must approve a run.
pub const RUN_APPROVALS: usize = 1;
/// Persons other than the proposer who must approve an erasure before its time.
pub const ERASURE_APPROVALS: usize = 2;
/// Characters of a reason or of a reference to an order.
pub const REASON_CHARS_MAX: usize = 2_000;

/// Leave to destroy one record. Only [`may_dispose`] makes one; whatever destroys takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispositionOrder {
    tenant: TenantId,
    record: RecordId,
    ground: Ground,
    verdict: Option<Verdict>,
    proposed_by: AccountId,
    approvals: Vec<DisposalApproval>,
    given_at: Timestamp,
}

/// Why a record is to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Ground {
    /// The period of its policy is over.
    PeriodOver,
    /// A court or an authority orders it, in this matter.
    CourtOrder { reference: String, reason: String },
    /// The person concerned may demand it (GDPR Art. 17).
    RightToErasure { reference: String, reason: String },
}

impl Ground {
    /// Whether it counts although the period is not over, or nobody can say when it is.
    pub fn is_erasure(&self) -> bool {
        !matches!(self, Self::PeriodOver)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::PeriodOver => "period-over",
            Self::CourtOrder { .. } => "court-order",
            Self::RightToErasure { .. } => "right-to-erasure",
        }
    }

    /// The approvals that it takes.
    pub fn approvals(&self) -> usize {
        if self.is_erasure() { ERASURE_APPROVALS } else { RUN_APPROVALS }
    }

    /// Whether it says what it must say.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::PeriodOver => true,
            Self::CourtOrder { reference, reason } | Self::RightToErasure { reference, reason } => {
                is_said(reference) && is_said(reason)
            }
        }
    }
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisposalApproval {
    pub by: AccountId,
    pub at: Timestamp,
    pub reason: String,
}

/// What the look-up of legal holds said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    Free,
    Held,
    /// A hold's query could not be answered for it yet: as good as held.
    Unknown,
}

/// Everything that decides about one record.
#[derive(Clone, Copy, Debug)]
pub struct DisposalCase<'a> {
    pub tenant: TenantId,
    pub record: RecordId,
    pub ground: &'a Ground,
    /// `None`: nobody can say how long it is to be kept.
    pub verdict: Option<&'a Verdict>,
    pub holds: HoldState,
    /// The whole class is suspended ("tax hold").
    pub suspended: bool,
    pub proposed_by: AccountId,
    pub approvals: &'a [DisposalApproval],
}

/// Before the day.
const NOT_OVER: &str = "it must be kept through ";

/// Why a record stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDisposable {
    #[error("a legal hold is on it")]
    Held,
    #[error("whether a legal hold is on it is not known yet")]
    HoldsUnknown,
    #[error("its class is kept for ever")]
    KeptForEver,
    #[error("{NOT_OVER}{0}")]
    NotOver(jiff::civil::Date),
    #[error("a reason and a reference are needed")]
    NoReason,
    #[error("the disposal of its class is suspended")]
    Suspended,
    #[error("{needed} persons other than the proposer must approve; {given} have")]
    TooFewApprovals { needed: usize, given: usize },
    #[error("nobody can say how long it is to be kept")]
    Undetermined,
}

impl NotDisposable {
    /// The stable name by which user interfaces know it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HoldsUnknown => "holds-unknown",
            Self::KeptForEver => "kept-for-ever",
            Self::NotOver(_) => "not-over",
            Self::NoReason => "no-reason",
            Self::Suspended => "suspended",
            Self::TooFewApprovals { .. } => "too-few-approvals",
            Self::Undetermined => "undetermined",
        }
    }

    /// The code of what was written down as text; `None` for other texts.
    pub fn code_of(text: &str) -> Option<&'static str> {
        const PLAIN: [NotDisposable; 6] = [
            NotDisposable::Held,
            NotDisposable::HoldsUnknown,
            NotDisposable::KeptForEver,
            NotDisposable::NoReason,
            NotDisposable::Suspended,
            NotDisposable::Undetermined,
        ];
        if text.starts_with(NOT_OVER) {
            return Some(Self::NotOver(jiff::civil::Date::ZERO).code());
        }
        PLAIN.iter().find(|why| why.to_string() == text).map(Self::code)
    }
}

/// Whether a mail that was destroyed is archived anew when it comes once more.
///
/// What a court or the person concerned wanted erased stays away. What went because its period was
/// over begins a new one when it is received again; an import or a mailbox that is read once more
/// only brings what was there already. `live`: it was received, not found.
pub fn comes_back(was_erased: bool, live: bool) -> bool {
    live && !was_erased
}

/// Decides whether a record may be destroyed.
///
/// 1. No hold: nothing, neither the end of its period nor a court's order, destroys a held mail.
/// 2. Its period is over and its class is not suspended; or a court or the person concerned
///    demands it, with a reference and a reason.
/// 3. As many different persons as the ground takes have approved with a reason; the proposer is
///    none of them.
pub fn may_dispose(
    case: &DisposalCase<'_>,
    now: Timestamp,
) -> Result<DispositionOrder, NotDisposable> {
    match case.holds {
        HoldState::Free => {}
        HoldState::Held => return Err(NotDisposable::Held),
        HoldState::Unknown => return Err(NotDisposable::HoldsUnknown),
    }
    if !case.ground.is_complete() {
        return Err(NotDisposable::NoReason);
    }
    if !case.ground.is_erasure() {
        is_over(case, now)?;
    }
    let mut persons: Vec<&DisposalApproval> = Vec::new();
    for approval in case.approvals {
        let counts = approval.by != case.proposed_by
            && approval.at <= now
            && is_said(&approval.reason)
            && persons.iter().all(|other| other.by != approval.by);
        if counts {
            persons.push(approval);
        }
    }
    let needed = case.ground.approvals();
    if persons.len() < needed {
        return Err(NotDisposable::TooFewApprovals { needed, given: persons.len() });
    }
    Ok(DispositionOrder {
        tenant: case.tenant,
        record: case.record,
        ground: case.ground.clone(),
        verdict: case.verdict.cloned(),
        proposed_by: case.proposed_by,
        approvals: persons.into_iter().cloned().collect(),
        given_at: now,
    })
}

fn is_over(case: &DisposalCase<'_>, now: Timestamp) -> Result<(), NotDisposable> {
    let verdict = case.verdict.ok_or(NotDisposable::Undetermined)?;
    let through = verdict.kept_through.ok_or(NotDisposable::KeptForEver)?;
    let from = verdict.disposable_from.ok_or(NotDisposable::KeptForEver)?;
    if now < from {
        return Err(NotDisposable::NotOver(through));
    }
    if case.suspended { Err(NotDisposable::Suspended) } else { Ok(()) }
}

fn is_said(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= REASON_CHARS_MAX
}

impl DispositionOrder {
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub fn record(&self) -> RecordId {
        self.record
    }

    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// What the policies said of it; `None`: nobody could say.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    pub fn proposed_by(&self) -> AccountId {
        self.proposed_by
    }

    /// Those that count, each person once.
    pub fn approvals(&self) -> &[DisposalApproval] {
        &self.approvals
    }

    pub fn given_at(&self) -> Timestamp {
        self.given_at
    }
}
