//! Pure decisions: who may do what, who may see what, and where a submission belongs.
//!
//! No I/O, no clock, no randomness. [`Scope`] is the leave to read: only this crate makes one, and
//! every read of catalog and index takes one.

mod actor;
mod assign;
mod scope;

pub use actor::{
    AccountRole, Actor, Denied, OwnedAddress, ParseRoleError, Permission, ROLES, authorize,
    permissions,
};
pub use assign::{Assigned, QuarantineReason, assign};
pub use scope::{Scope, View, authorize_read};

#[cfg(test)]
mod tests;
