use std::net::IpAddr;

use catalog::{AuditEvent, AuditOutcome};
use model::{AccountId, TenantId, Timestamp};
use serde_json::Value;

/// Who does something, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// `None`: nobody who signed in, such as the command line or a directory.
    pub account: Option<AccountId>,
    /// The user name, or what acted.
    pub who: String,
    pub ip: Option<IpAddr>,
}

impl By {
    /// Something of the server itself, such as `command line`.
    pub fn server(who: &str) -> Self {
        Self { account: None, who: who.to_owned(), ip: None }
    }

    /// Something that was done, for the log of `tenant` (`None`: the operators').
    pub fn event(
        &self,
        tenant: Option<TenantId>,
        action: &str,
        object: String,
        detail: Value,
        now: Timestamp,
    ) -> AuditEvent {
        AuditEvent {
            at: now,
            tenant,
            account: self.account,
            who: self.who.clone(),
            action: action.to_owned(),
            object,
            detail,
            reason: None,
            outcome: AuditOutcome::Done,
            ip: self.ip,
        }
    }
}

/// What a change was, for the audit log.
pub(crate) fn change(before: Value, after: Value) -> Value {
    serde_json::json!({ "before": before, "after": after })
}
