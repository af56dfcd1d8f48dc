use model::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccountRole, OwnedAddress, Span};

/// Whose mail a grant or an approval opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// The mail of the addresses that this account owns, within their spans.
    Mailbox(AccountId),
    /// All mail of the tenant; counts for auditors and officers only.
    Tenant,
}

/// Why mail of others is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// For an audit.
    Audit,
    /// Somebody stands in for the owner.
    Deputy,
    /// The owner has left.
    Leaver,
    /// A mailbox that several work with.
    Shared,
}

impl GrantKind {
    pub const ALL: [Self; 4] = [Self::Audit, Self::Deputy, Self::Leaver, Self::Shared];

    /// The name in the database, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Deputy => "deputy",
            Self::Leaver => "leaver",
            Self::Shared => "shared",
        }
    }
}

/// The text names no kind of grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of grant: expected audit, deputy, leaver or shared")]
pub struct ParseGrantKindError;

impl std::str::FromStr for GrantKind {
    type Err = ParseGrantKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(ParseGrantKindError)
    }
}

/// What a grant says, whoever it was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub opens: Opens,
    pub kind: GrantKind,
    /// When the grant works.
    pub valid: Span,
    /// Which mail it opens: that received within this span.
    pub mail: Span,
}

/// A second person's leave to use grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Mailboxes, or the tenant.
    pub opens: Vec<Opens>,
    pub valid: Span,
    pub mail: Span,
}

/// What grants open at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    pub opens: Opens,
    /// Of the mail received within this span.
    pub mail: Span,
}

/// What `grants` open at `now` to an account with `role`. `approvals` are those of the account;
/// `None`: the tenant requires no four eyes.
///
/// Administrators and operators get nothing; the whole tenant is opened to auditors and officers
/// only. Never opens more than a grant says, nor, where approvals are required, more than a grant
/// and an approval say together.
pub fn effective(
    role: AccountRole,
    grants: &[Grant],
    approvals: Option<&[Approval]>,
    now: Timestamp,
) -> Vec<Opening> {
    if !matches!(role, AccountRole::Auditor | AccountRole::Officer | AccountRole::User) {
        return Vec::new();
    }
    let grants = grants
        .iter()
        .filter(|grant| grant.valid.covers(now) && !grant.mail.is_empty())
        .filter(|grant| grant.opens != Opens::Tenant || role.audits());
    let Some(approvals) = approvals.filter(|_| role.audits()) else {
        return grants.map(|grant| Opening { opens: grant.opens, mail: grant.mail }).collect();
    };
    let mut openings = Vec::new();
    for grant in grants {
        for approval in approvals.iter().filter(|approval| approval.valid.covers(now)) {
            let Some(mail) = grant.mail.intersect(&approval.mail) else { continue };
            let covered = approval.opens.iter().filter_map(|opens| narrower(grant.opens, *opens));
            openings.extend(covered.map(|opens| Opening { opens, mail }));
        }
    }
    openings
}

/// What both open; `None`: nothing.
fn narrower(one: Opens, two: Opens) -> Option<Opens> {
    match (one, two) {
        (Opens::Tenant, other) | (other, Opens::Tenant) => Some(other),
        (one, two) => (one == two).then_some(one),
    }
}

/// What the actor sees of others through `openings`: addresses within their spans, and spans in
/// which everything of the tenant is visible. `owned` are the addresses of the mailboxes that are
/// opened, with the account that owns each.
pub fn opened(
    openings: &[Opening],
    owned: &[(AccountId, OwnedAddress)],
) -> (Vec<OwnedAddress>, Vec<Span>) {
    let mut spans: std::collections::HashMap<AccountId, Vec<Span>> = Default::default();
    let mut everything = Vec::new();
    for opening in openings {
        match opening.opens {
            Opens::Mailbox(mailbox) => spans.entry(mailbox).or_default().push(opening.mail),
            Opens::Tenant => everything.push(opening.mail),
        }
    }
    let mut addresses = Vec::new();
    for (account, own) in owned {
        for mail in spans.get(account).into_iter().flatten() {
            if let Some(Span { from, until }) = own.span().intersect(mail) {
                addresses.push(OwnedAddress { key: own.key.clone(), from, until });
            }
        }
    }
    (addresses, Span::united(everything))
}
