//! Pure decisions: who may do what, who may see what, where a submission belongs, how long a mail
//! is kept and who may destroy it.
//!
//! No I/O, no clock, no randomness. [`Scope`] is the leave to read, [`retain::DispositionOrder`]
//! the leave to destroy: only this crate makes either.

mod actor;
mod assign;
mod domain;
mod grant;
pub mod retain;
mod role;
mod scope;
mod span;

pub use actor::{Actor, Denied, OwnedAddress, authorize};
pub use assign::{Assigned, Candidate, IntakeRules, QuarantineReason, Selection, assign};
pub use domain::{DOMAIN_BYTES_MAX, Domains, ParseDomainError, domain_name};
pub use grant::{
    Approval, Grant, GrantKind, Opening, Opens, ParseGrantKindError, effective, opened,
};
pub use role::{AccountRole, ParseRoleError, Permission, ROLES, permissions, roles_document};
pub use scope::{Scope, View, authorize_read, scope_of_holds};
pub use span::Span;

#[cfg(test)]
mod tests;
