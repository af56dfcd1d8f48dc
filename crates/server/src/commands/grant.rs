//! `chancery grant` and `chancery access`: who may see the mail of whom.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::{AccessRequest, Decision, GrantFilter, GrantRow, Grantee, RequestState};
use clap::Subcommand;
use identity::{By, Identity, NewGrant, NewRequest, SystemRandom};
use model::{AccessRequestId, Clock as _, GrantId, Timestamp};
use policy::{Grant, GrantKind, Opens, Span};
use serde_json::{Value, json};

use super::group::{account, named};
use super::order::{COMMAND_LINE, show};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;

/// Rows that a list shows.
const ROWS_MAX: u32 = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// Open a mailbox to an account or a group, or the whole tenant to an auditor or officer
    Give(Give),
    /// List grants, newest first
    List {
        #[arg(long)]
        tenant: String,
        /// Only those that stand
        #[arg(long)]
        standing: bool,
        #[arg(long)]
        json: bool,
    },
    /// End a grant at once
    Revoke {
        #[arg(long)]
        tenant: String,
        id: GrantId,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct Give {
    #[arg(long)]
    tenant: String,
    /// The user name of whom it is given to
    #[arg(long, required_unless_present = "group", conflicts_with = "group")]
    user: Option<String>,
    /// The group that it is given to
    #[arg(long)]
    group: Option<String>,
    /// The user name of the mailbox that is opened
    #[arg(long, required_unless_present = "whole_tenant", conflicts_with = "whole_tenant")]
    mailbox: Option<String>,
    /// Open all mail of the tenant
    #[arg(long)]
    whole_tenant: bool,
    /// audit, deputy, leaver or shared
    #[arg(long)]
    kind: GrantKind,
    /// The grant works from this moment on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    valid_from: Option<Timestamp>,
    /// The grant works until this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    valid_until: Option<Timestamp>,
    /// Only mail received from this moment on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    mail_from: Option<Timestamp>,
    /// Only mail received before this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    mail_until: Option<Timestamp>,
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum Access {
    /// Approve a request in the name of an officer
    Approve(Decide),
    /// List requests for access, newest first
    List {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        json: bool,
    },
    /// Reject a request in the name of an officer
    Reject(Decide),
    /// End an approved access, or withdraw a request
    Revoke(Decide),
    /// Ask for access in the name of an auditor or officer
    Request {
        #[arg(long)]
        tenant: String,
        /// The user name of who asks
        #[arg(long, value_name = "USER")]
        r#as: String,
        /// The user name of a mailbox; may be given several times; without one, the whole tenant
        #[arg(long = "mailbox", value_name = "USER")]
        mailboxes: Vec<String>,
        #[arg(long, value_name = "TIME", value_parser = moment)]
        mail_from: Option<Timestamp>,
        #[arg(long, value_name = "TIME", value_parser = moment)]
        mail_until: Option<Timestamp>,
        #[arg(long, value_name = "TIME", value_parser = moment)]
        until: Timestamp,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct Decide {
    #[arg(long)]
    tenant: String,
    id: AccessRequestId,
    /// The user name of who decides
    #[arg(long, value_name = "USER")]
    r#as: String,
    #[arg(long)]
    reason: String,
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    let (now, by) = (SystemClock.now(), By::server(COMMAND_LINE));
    match command {
        Command::Give(give) => {
            let tenant = house.tenant_named(&give.tenant)?.id;
            let grantee = match (&give.user, &give.group) {
                (Some(user), _) => Grantee::Account(account(&house, tenant, user)?),
                (None, group) => {
                    let group = group.as_deref().context("--user or --group is needed")?;
                    Grantee::Group(named(&house, tenant, group)?.id)
                }
            };
            let opens = match &give.mailbox {
                Some(mailbox) => Opens::Mailbox(account(&house, tenant, mailbox)?),
                None => Opens::Tenant,
            };
            let grant = Grant {
                opens,
                kind: give.kind,
                valid: Span { from: give.valid_from, until: give.valid_until },
                mail: Span { from: give.mail_from, until: give.mail_until },
            };
            let new = NewGrant { grantee, grant, reason: &give.reason };
            let row = identity.grant(tenant, &new, &by, now)?;
            show(give.json, &facts(&house, &row)?, || row.id.to_string());
        }
        Command::List { tenant, standing, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let standing_at = standing.then_some(now);
            let filter = GrantFilter { standing_at, ..GrantFilter::default() };
            let rows = house.catalog.grants(tenant, &filter, ROWS_MAX)?;
            let rows: Vec<Value> =
                rows.iter().map(|row| facts(&house, row)).collect::<Result<_, _>>()?;
            show(json, &json!(rows), || lines(&rows, &["id", "to", "opens", "kind", "reason"]));
        }
        Command::Revoke { tenant, id, reason, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let ended = identity.revoke_grant(tenant, id, &reason, &by, now)?;
            anyhow::ensure!(ended, "no such grant stands");
            show(json, &json!({ "id": id, "revokedAt": now }), String::new);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn access(config: &Config, command: Access) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let identity = Identity::new(Arc::clone(&house.catalog), Arc::new(SystemRandom))?;
    match command {
        Access::Approve(decide) => decided(&house, &identity, &decide, RequestState::Approved)?,
        Access::Reject(decide) => decided(&house, &identity, &decide, RequestState::Rejected)?,
        Access::Revoke(decide) => decided(&house, &identity, &decide, RequestState::Revoked)?,
        Access::List { tenant, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let rows = house.catalog.access_requests(tenant, None, None, ROWS_MAX)?;
            let rows: Vec<Value> =
                rows.iter().map(|row| asked(&house, row)).collect::<Result<_, _>>()?;
            let columns = ["id", "state", "requester", "opens", "until", "reason"];
            show(json, &json!(rows), || lines(&rows, &columns));
        }
        Access::Request { tenant, r#as, mailboxes, mail_from, mail_until, until, reason, json } => {
            let tenant = house.tenant_named(&tenant)?.id;
            let requester = account(&house, tenant, &r#as)?;
            let mut opens = Vec::with_capacity(mailboxes.len());
            for mailbox in &mailboxes {
                opens.push(Opens::Mailbox(account(&house, tenant, mailbox)?));
            }
            if opens.is_empty() {
                opens.push(Opens::Tenant);
            }
            let mail = Span { from: mail_from, until: mail_until };
            let new = NewRequest { opens, mail, reason: &reason, until };
            let by = By::server(COMMAND_LINE);
            let request =
                identity.request_access(tenant, requester, &new, &by, SystemClock.now())?;
            show(json, &asked(&house, &request)?, || request.id.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn decided(
    house: &House,
    identity: &Identity,
    decide: &Decide,
    state: RequestState,
) -> anyhow::Result<()> {
    let tenant = house.tenant_named(&decide.tenant)?.id;
    let who = house.catalog.account_named(&decide.r#as)?;
    let who = who.filter(|who| who.tenant == Some(tenant) && !who.disabled);
    let who = who.with_context(|| format!("the tenant has no account {:?}", decide.r#as))?;
    let approves = policy::permissions(who.role).contains(&policy::Permission::ApproveAccess);
    let requester = house.catalog.access_request(tenant, decide.id)?.map(|one| one.requester);
    anyhow::ensure!(
        approves || (state == RequestState::Revoked && requester == Some(who.id)),
        "{} may not decide about access",
        who.user_name
    );
    let decision = Decision {
        state,
        at: SystemClock.now(),
        by: who.id,
        who: who.user_name,
        reason: decide.reason.clone(),
    };
    let done = identity.decide_access(tenant, decide.id, &decision, &By::server(COMMAND_LINE))?;
    let done = done.context("no such request waits")?;
    show(decide.json, &asked(house, &done)?, String::new);
    Ok(())
}

/// A moment in RFC 3339, or a day (its beginning in UTC).
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let day = text.len() == "2026-01-31".len();
    let text = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
    text.parse().map_err(|_| "a day (2026-01-31) or a moment (2026-01-31T08:00:00Z)".to_owned())
}

fn facts(house: &House, row: &GrantRow) -> anyhow::Result<Value> {
    let to = match row.grantee {
        Grantee::Account(id) => {
            house.catalog.account(id)?.map(|one| one.user_name).unwrap_or_default()
        }
        Grantee::Group(id) => {
            let name = house.catalog.group(row.tenant, id)?.map(|group| group.name);
            format!("group {}", name.unwrap_or_default())
        }
    };
    Ok(json!({
        "id": row.id,
        "to": to,
        "opens": opened(house, &[row.grant.opens])?,
        "kind": row.grant.kind,
        "valid": row.grant.valid,
        "mail": row.grant.mail,
        "reason": row.reason,
        "grantedBy": row.granted_by,
        "grantedAt": row.granted_at,
        "revokedAt": row.revoked.as_ref().map(|(at, _)| *at),
        "revokedBy": row.revoked.as_ref().map(|(_, by)| by),
    }))
}

fn asked(house: &House, row: &AccessRequest) -> anyhow::Result<Value> {
    let requester = house.catalog.account(row.requester)?.map(|one| one.user_name);
    Ok(json!({
        "id": row.id,
        "state": row.state,
        "requester": requester,
        "opens": opened(house, &row.opens)?,
        "mail": row.mail,
        "until": row.until,
        "reason": row.reason,
        "decisions": row.decisions,
    }))
}

fn opened(house: &House, opens: &[Opens]) -> anyhow::Result<String> {
    let mut names = Vec::with_capacity(opens.len());
    for opens in opens {
        names.push(match opens {
            Opens::Mailbox(id) => {
                house.catalog.account(*id)?.map(|one| one.user_name).unwrap_or_default()
            }
            Opens::Tenant => "the whole tenant".to_owned(),
        });
    }
    Ok(names.join(", "))
}

fn lines(rows: &[Value], columns: &[&str]) -> String {
    let cell = |row: &Value, column: &str| match &row[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |row: &Value| -> String {
        let cells: Vec<String> = columns.iter().map(|column| cell(row, column)).collect();
        cells.join("  ") + "\n"
    };
    rows.iter().map(line).collect()
}
