//! Accounts as a sheet (CSV): `User ID, password, first name, last name, e-mail, further e-mail…`
//! in UTF-8, separated by commas (RFC 4180), without a header line.
//!
//! An import is planned first: each line with its effect and its errors. It is applied as it was
//! planned or not at all. It never takes an address away, never disables, never changes a user
//! name; an empty password leaves the present one.

mod apply;
mod parse;
mod plan;

use catalog::{ACCOUNT_PAGE_ROWS_MAX, AccountFilter, AccountKind};
use model::{Digest, TenantId};

use crate::Identity;
use crate::error::IdentityError;

/// A longer file is refused.
pub const SHEET_BYTES_MAX: usize = 8 << 20;

/// More lines are refused.
pub const SHEET_LINES_MAX: usize = 20_000;

/// Lines of one file that may carry a password: each costs some 30 ms of computing.
pub const SHEET_PASSWORDS_MAX: usize = 2_000;

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEffect {
    Change,
    Create,
    /// It has errors.
    Refused,
    Unchanged,
}

impl LineEffect {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Create => "create",
            Self::Refused => "refused",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What is wrong with a line, or noteworthy about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable; what programs and translations go by.
    pub code: &'static str,
    /// For people; never the password.
    pub detail: String,
}

/// One line of the file and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLine {
    /// The first line is 1.
    pub line: u64,
    pub user_name: String,
    pub effect: LineEffect,
    /// What changes: `firstName`, `lastName`, `password`, `addresses`.
    pub changes: Vec<&'static str>,
    /// Addresses that the account is given.
    pub addresses: Vec<String>,
    pub notes: Vec<Finding>,
    pub errors: Vec<Finding>,
}

/// What an import does; made by [`Identity::plan_import`].
pub struct ImportPlan {
    pub lines: Vec<PlannedLine>,
    /// About the file as a whole.
    pub notes: Vec<Finding>,
    /// Of the file and of what it does: applying it asks for the same.
    pub digest: Digest,
    steps: Vec<plan::Step>,
}

impl ImportPlan {
    /// How many lines have this effect.
    pub fn count(&self, effect: LineEffect) -> usize {
        self.lines.iter().filter(|line| line.effect == effect).count()
    }

    /// Whether it can be applied.
    pub fn is_sound(&self) -> bool {
        self.count(LineEffect::Refused) == 0
    }
}

impl Identity {
    /// All people of the tenant in the columns of an import, by user name; passwords are empty,
    /// hashes never leave. Only present addresses. Can be imported again.
    pub fn export_accounts(&self, tenant: TenantId) -> Result<String, IdentityError> {
        let filter = AccountFilter { kind: Some(AccountKind::Person), ..Default::default() };
        let mut text = String::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.catalog.account_page(
                Some(tenant),
                &filter,
                after.as_deref(),
                ACCOUNT_PAGE_ROWS_MAX,
            )?;
            let Some(last) = page.rows.last() else { return Ok(text) };
            after = Some(last.account.user_name.clone());
            for row in &page.rows {
                let account = &row.account;
                let mut cells = vec![&*account.user_name, "", &account.first_name];
                cells.push(&account.last_name);
                let present = row.addresses.iter().filter(|own| own.until.is_none());
                cells.extend(present.map(|own| own.key.as_str()));
                if cells.len() == 4 {
                    cells.push("");
                }
                let cells: Vec<String> = cells.into_iter().map(cell).collect();
                text.push_str(&cells.join(","));
                text.push_str("\r\n");
            }
        }
    }
}

/// A cell by RFC 4180.
fn cell(text: &str) -> String {
    let trimmed = text.trim() != text;
    match trimmed || text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
