use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an account is for. `model::Role` is something else: a part in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Configures one tenant; sees no mail.
    Administrator,
    /// Reads mail of others as far as grants open it; changes nothing.
    Auditor,
    /// The compliance officer: reads the audit log, approves access to mail of others, and reads
    /// it as far as grants open it.
    Officer,
    /// Runs the server and its tenants; sees no mail and belongs to no tenant.
    Operator,
    /// Reads the mail of their own addresses and of mailboxes that are opened to them.
    User,
}

impl AccountRole {
    pub const ALL: [Self; 5] =
        [Self::Administrator, Self::Auditor, Self::Officer, Self::Operator, Self::User];

    /// The name in the database, in the API and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::User => "user",
        }
    }

    /// One sentence for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Administrator => "Configures one tenant and gives grants; sees no mail.",
            Self::Auditor => {
                "Searches and reads granted mailboxes within a span of time; changes nothing."
            }
            Self::Officer => {
                "Compliance officer: approves access, owns retention and disposal, reads the audit \
                 log; reads mail within grants only."
            }
            Self::Operator => "Runs the server and its tenants; belongs to none; sees no mail.",
            Self::User => "Reads their own mail and mailboxes that are opened to them.",
        }
    }

    /// Whether grants may open mail of others for an audit, up to the whole tenant.
    pub const fn audits(self) -> bool {
        matches!(self, Self::Auditor | Self::Officer)
    }
}

impl fmt::Display for AccountRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected administrator, auditor, officer, operator or user")]
pub struct ParseRoleError;

impl FromStr for AccountRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(ParseRoleError)
    }
}

/// One thing that an account may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    ApproveAccess,
    ApproveDisposal,
    ExportMail,
    ManageAccounts,
    ManageDirectories,
    ManageDomains,
    ManageGrants,
    ManageHolds,
    ManageQuarantine,
    ManageServer,
    ManageSettings,
    ManageSignIn,
    ManageSources,
    ManageTenants,
    ProposeDisposal,
    ReadAuditLog,
    ReadLog,
    ReadMail,
    ReadRetention,
    ReadStatus,
    RequestAccess,
    RestoreMail,
    SearchMail,
    SetRetention,
}

impl Permission {
    pub const ALL: [Self; 24] = [
        Self::ApproveAccess,
        Self::ApproveDisposal,
        Self::ExportMail,
        Self::ManageAccounts,
        Self::ManageDirectories,
        Self::ManageDomains,
        Self::ManageGrants,
        Self::ManageHolds,
        Self::ManageQuarantine,
        Self::ManageServer,
        Self::ManageSettings,
        Self::ManageSignIn,
        Self::ManageSources,
        Self::ManageTenants,
        Self::ProposeDisposal,
        Self::ReadAuditLog,
        Self::ReadLog,
        Self::ReadMail,
        Self::ReadRetention,
        Self::ReadStatus,
        Self::RequestAccess,
        Self::RestoreMail,
        Self::SearchMail,
        Self::SetRetention,
    ];

    /// The name in the API and in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApproveAccess => "approve_access",
            Self::ApproveDisposal => "approve_disposal",
            Self::ExportMail => "export_mail",
            Self::ManageAccounts => "manage_accounts",
            Self::ManageDirectories => "manage_directories",
            Self::ManageDomains => "manage_domains",
            Self::ManageGrants => "manage_grants",
            Self::ManageHolds => "manage_holds",
            Self::ManageQuarantine => "manage_quarantine",
            Self::ManageServer => "manage_server",
            Self::ManageSettings => "manage_settings",
            Self::ManageSignIn => "manage_sign_in",
            Self::ManageSources => "manage_sources",
            Self::ManageTenants => "manage_tenants",
            Self::ProposeDisposal => "propose_disposal",
            Self::ReadAuditLog => "read_audit_log",
            Self::ReadLog => "read_log",
            Self::ReadMail => "read_mail",
            Self::ReadRetention => "read_retention",
            Self::ReadStatus => "read_status",
            Self::RequestAccess => "request_access",
            Self::RestoreMail => "restore_mail",
            Self::SearchMail => "search_mail",
            Self::SetRetention => "set_retention",
        }
    }

    /// One sentence for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ApproveAccess => {
                "Approve, reject and revoke requests of others for access to foreign mail."
            }
            Self::ApproveDisposal => {
                "Approve or reject disposal runs and erasures that others proposed."
            }
            Self::ExportMail => {
                "Take mail within the scope out of the archive as files; with its evidence where \
                 the whole tenant is visible."
            }
            Self::ManageAccounts => {
                "Create, change, disable, import and export accounts, addresses, shared \
                 mailboxes and groups of the tenant."
            }
            Self::ManageDirectories => "Connect directories and start their synchronisation.",
            Self::ManageDomains => "Name the tenant's e-mail domains.",
            Self::ManageGrants => {
                "Open mailboxes to deputies, groups, managers of leavers, auditors and officers, \
                 with a reason."
            }
            Self::ManageHolds => {
                "Open and close matters, place and release legal holds; mail of a matter is listed \
                 within the scope."
            }
            Self::ManageQuarantine => {
                "See queues and quarantine without content; retry, release, discard."
            }
            Self::ManageServer => {
                "The server's settings: certificates, limits, notification, retention of logs."
            }
            Self::ManageSettings => "The tenant's settings.",
            Self::ManageSignIn => {
                "OpenID Connect providers, second factors, sessions and tokens of the tenant's accounts; \
                 operators those of operators."
            }
            Self::ManageSources => "Journal addresses and other ways in.",
            Self::ManageTenants => "Create, suspend, export and remove tenants.",
            Self::ProposeDisposal => {
                "Propose disposal runs and single erasures; see what they are about."
            }
            Self::ReadAuditLog => {
                "Search and export the audit log: of the own tenant; operators that of the server."
            }
            Self::ReadLog => "Follow the live log; it has neither content nor addresses of mail.",
            Self::ReadMail => "Open and download mail within the scope.",
            Self::ReadRetention => {
                "See retention policies, suspensions, rules of what is not archived, and the \
                 calendar of what ends when; how the ledger is sealed and what the scrub found; \
                 no mail."
            }
            Self::ReadStatus => "Rates, depths, sizes, certificates: figures without content.",
            Self::RequestAccess => "Ask for access to foreign mail, where four eyes are required.",
            Self::RestoreMail => {
                "Send mail within the scope back: users to their own addresses, officers to any \
                 address or mailbox."
            }
            Self::SearchMail => "Search mail within the scope.",
            Self::SetRetention => {
                "Make versions of retention policies, suspend classes, give classes and tags, say \
                 what is not archived."
            }
        }
    }
}

/// The one table of rights. `docs/roles.md` is generated from it.
pub const ROLES: [(AccountRole, &[Permission]); 5] = [
    (
        AccountRole::Administrator,
        &[
            Permission::ManageAccounts,
            Permission::ManageDirectories,
            Permission::ManageDomains,
            Permission::ManageGrants,
            Permission::ManageQuarantine,
            Permission::ManageSettings,
            Permission::ManageSignIn,
            Permission::ManageSources,
            Permission::ReadLog,
            Permission::ReadRetention,
            Permission::ReadStatus,
        ],
    ),
    (
        AccountRole::Auditor,
        &[
            Permission::ExportMail,
            Permission::ReadAuditLog,
            Permission::ReadMail,
            Permission::ReadRetention,
            Permission::RequestAccess,
            Permission::SearchMail,
        ],
    ),
    (
        AccountRole::Officer,
        &[
            Permission::ApproveAccess,
            Permission::ApproveDisposal,
            Permission::ExportMail,
            Permission::ManageHolds,
            Permission::ProposeDisposal,
            Permission::ReadAuditLog,
            Permission::ReadMail,
            Permission::ReadRetention,
            Permission::RequestAccess,
            Permission::RestoreMail,
            Permission::SearchMail,
            Permission::SetRetention,
        ],
    ),
    (
        AccountRole::Operator,
        &[
            Permission::ManageServer,
            Permission::ManageSignIn,
            Permission::ManageTenants,
            Permission::ReadAuditLog,
            Permission::ReadLog,
            Permission::ReadStatus,
        ],
    ),
    (
        AccountRole::User,
        &[
            Permission::ExportMail,
            Permission::ReadMail,
            Permission::RestoreMail,
            Permission::SearchMail,
        ],
    ),
];

/// What `role` may do.
pub fn permissions(role: AccountRole) -> &'static [Permission] {
    ROLES.iter().find(|(named, _)| *named == role).map_or(&[], |(_, permissions)| permissions)
}

/// The text of `docs/roles.md`: Markdown, from the table.
pub fn roles_document() -> String {
    let mut text = String::from(INTRODUCTION);
    let line = |text: &mut String, cells: &[String]| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    line(&mut text, &["role".to_owned(), "what it is for".to_owned()]);
    line(&mut text, &["---".to_owned(), "---".to_owned()]);
    for role in AccountRole::ALL {
        line(&mut text, &[format!("`{role}`"), role.text().to_owned()]);
    }
    text.push_str("\n## Rights\n\n");
    let mut head = vec!["right".to_owned(), "what it allows".to_owned()];
    head.extend(AccountRole::ALL.iter().map(ToString::to_string));
    line(&mut text, &head);
    line(&mut text, &vec!["---".to_owned(); head.len()]);
    for permission in Permission::ALL {
        let mut cells = vec![format!("`{}`", permission.name()), permission.text().to_owned()];
        cells.extend(ROLES.iter().map(|(_, permissions)| {
            if permissions.contains(&permission) { "yes".to_owned() } else { String::new() }
        }));
        line(&mut text, &cells);
    }
    text.push_str(RULES);
    text
}

const INTRODUCTION: &str = "# Roles and rights

<!-- Made from `crates/policy/src/role.rs`; write it anew with
`CHANCERY_BLESS=1 cargo test -p policy the_documented_table`. -->

Every account has exactly one role. All rights hold within the account's own tenant; an operator
belongs to no tenant. What a role may not see does not exist for it: the answer is 404.

";

const RULES: &str = "
## What one may read

- One's own mail: that of the addresses which the account owns or owned, within their spans. This
  holds for users, auditors and officers alike; administrators and operators read no mail.
- Mail of others through a **grant**: it opens one mailbox (its addresses within their spans) to an
  account or to a group, while the grant is valid, as far as its span of mail goes. A deputy is a
  user with a grant, not a role. A grant opens what the mailbox owns, never what was granted to it.
- A grant on the **whole tenant** counts for auditors and officers only.
- Where the tenant requires **four eyes**, grants of auditors and officers count only as far as an
  access request covers them that another person approved: its mailboxes, its span of mail, until
  its end. Nobody approves their own request.
";
