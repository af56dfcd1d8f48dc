//! How long a mail is kept, and who may let it be destroyed.
//!
//! Policies are data: an ordered list, in versions, each valid from a day on. The first policy
//! whose conditions hold decides. What cannot be told (an index that lags behind, no policy in
//! force) is *undetermined*, and what is undetermined is kept.

mod calendar;
mod condition;
mod disposal;
mod exclusion;
mod ready;
mod set;
mod verdict;

pub use calendar::{Begins, Period, PeriodError, Zone, ZoneError};
pub use condition::{Clause, Condition, Direction, MailFacts, Matched, direction};
pub use disposal::{
    DisposalApproval, DisposalCase, DispositionOrder, ERASURE_APPROVALS, Ground, HoldState,
    NotDisposable, REASON_CHARS_MAX as DISPOSAL_REASON_CHARS_MAX, RUN_APPROVALS, comes_back,
    may_dispose,
};
pub use exclusion::{Exclusion, ExclusionError, Exclusions};
pub use ready::{ReadyLanguage, ReadySet, ready_sets};
pub use set::{
    CLAUSES_MAX, CountsFrom, NAME_CHARS_MAX as POLICY_NAME_CHARS_MAX, POLICIES_MAX, PolicySet,
    RetentionPolicy, SetDraft, SetError, VALUES_MAX, in_force,
};
pub use verdict::{Undetermined, Verdict, verdict};

#[cfg(test)]
mod tests;
