//! Accounts and shared mailboxes of the caller's tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use catalog::{ACCOUNT_PAGE_ROWS_MAX, AccountFilter, AccountKind, AccountRow, Catalog, Grantee};
use identity::{AccountDraft, AccountEdit};
use model::{AccountId, EmailAddress, TenantId, Timestamp};
use policy::{AccountRole, GrantKind, Opens, OwnedAddress, Permission, Span};

use crate::body::{Body, Path, Query};
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::routes::search::written;
use crate::state::AppState;

/// Rows of a page of which nobody says how long it is to be.
const PAGE_ROWS: u32 = 100;

/// Ids that one selection names at most.
const SELECTED_MAX: usize = 1_000;

/// Addresses that a new account gets at most; more are given one by one or imported.
const NEW_ADDRESSES_MAX: usize = 500;

/// Characters of the tenant's name that a suggested prefix has at most.
const PREFIX_CHARS_MAX: usize = 20;

/// Accounts by user name, in pages.
#[utoipa::path(
    get,
    path = "/api/v1/accounts",
    operation_id = "accounts",
    params(dto::AccountParams),
    responses(
        (status = 200, description = "one page", body = dto::AccountsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn accounts(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::AccountParams>,
) -> Result<Json<dto::AccountsAnswer>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let filter = filter(&params)?;
    let limit = params.limit.unwrap_or(PAGE_ROWS).clamp(1, ACCOUNT_PAGE_ROWS_MAX);
    let catalog = state.catalog.clone();
    let work = move || {
        let after = params.cursor.as_deref();
        let page = catalog.account_page(Some(tenant), &filter, after, limit)?;
        let full = page.rows.len() == limit as usize;
        let next = page.rows.last().filter(|_| full).map(|row| row.account.user_name.clone());
        let name = catalog.tenant(tenant)?.map(|tenant| tenant.name).unwrap_or_default();
        Ok(Json(dto::AccountsAnswer {
            total: page.total,
            rows: page.rows.into_iter().map(entry).collect(),
            next,
            user_name_prefix: prefix(&name),
        }))
    };
    state.blocking.read(work).await
}

/// Creates an account or a shared mailbox, with its addresses.
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    operation_id = "createAccount",
    request_body = dto::NewAccount,
    responses(
        (status = 201, description = "created", body = dto::CreatedAccount),
        (status = 400, description = "something is missing or too long; `code` and `detail` say what", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the user name is taken, or an address belongs to another account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn create_account(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(new): Body<dto::NewAccount>,
) -> Result<(StatusCode, Json<dto::CreatedAccount>), Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let role = new.role.map_or(AccountRole::User, AccountRole::from);
    if role == AccountRole::Operator {
        return Err(Problem::bad_request("invalid", "an operator belongs to no tenant"));
    }
    if new.addresses.len() > NEW_ADDRESSES_MAX {
        return Err(Problem::bad_request("invalid", "too many addresses"));
    }
    if new.whole_tenant_reason.is_some() && !role.audits() {
        return Err(Problem::bad_request(
            "invalid",
            "the whole tenant is for auditors and officers",
        ));
    }
    let work = move || {
        let draft = AccountDraft {
            tenant: Some(tenant),
            user_name: &new.user_name,
            first_name: &new.first_name,
            last_name: &new.last_name,
            display_name: &new.display_name,
            kind: new.kind.map_or(AccountKind::Person, AccountKind::from),
            role,
            language: new.language.as_deref(),
            password: new.password.as_deref(),
            addresses: new.addresses.iter().map(|one| EmailAddress::new(one)).collect(),
        };
        let by = caller.by();
        let (account, one_time) = state.identity.create_account(&draft, &by, caller.now)?;
        if let Some(reason) = &new.whole_tenant_reason {
            let grant = policy::Grant {
                opens: Opens::Tenant,
                kind: GrantKind::Audit,
                valid: Span::ALWAYS,
                mail: Span::ALWAYS,
            };
            let grantee = Grantee::Account(account.id);
            let new = identity::NewGrant { grantee, grant, reason };
            state.identity.grant(tenant, &new, &by, caller.now)?;
        }
        let row = row(&*state.catalog, tenant, account.id)?;
        Ok((
            StatusCode::CREATED,
            Json(dto::CreatedAccount {
                account: entry(row),
                one_time_password: one_time.map(|one| one.reveal().to_owned()),
            }),
        ))
    };
    // Hashing takes as long as checking.
    state.blocking.clone().check_password(work).await
}

/// One account with its groups.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}",
    operation_id = "account",
    params(("id" = String, Path, description = "the account's id")),
    responses(
        (status = 200, description = "the account", body = dto::AccountDetail),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn account(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::AccountDetail>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = account_id(&id)?;
    let catalog = state.catalog.clone();
    let work = move || Ok(Json(detail(&*catalog, tenant, id)?));
    state.blocking.read(work).await
}

/// Changes names, role, language and flags. A disabled account is signed out; its mail stays.
#[utoipa::path(
    patch,
    path = "/api/v1/accounts/{id}",
    operation_id = "changeAccount",
    params(("id" = String, Path, description = "the account's id")),
    request_body = dto::ChangeAccount,
    responses(
        (status = 200, description = "as it is now", body = dto::AccountDetail),
        (status = 400, description = "a name is too long, or a role does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "one's own role or account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_account(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(change): Body<dto::ChangeAccount>,
) -> Result<Json<dto::AccountDetail>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = account_id(&id)?;
    let edit = AccountEdit {
        first_name: change.first_name,
        last_name: change.last_name,
        display_name: change.display_name,
        role: change.role.map(AccountRole::from),
        disabled: change.disabled,
        archived: change.archived,
        language: change.language,
    };
    if edit.role == Some(AccountRole::Operator) {
        return Err(Problem::bad_request("invalid", "an operator belongs to no tenant"));
    }
    let blocking = state.blocking.clone();
    let work = move || {
        let by = caller.by();
        let changed = state.identity.edit_account(Some(tenant), id, &edit, &by, caller.now)?;
        changed.ok_or_else(Problem::not_found)?;
        Ok(Json(detail(&*state.catalog, tenant, id)?))
    };
    blocking.read(work).await
}

/// Gives a new one-time password and ends all sessions of the account.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{id}/password-reset",
    operation_id = "resetPassword",
    params(("id" = String, Path, description = "the account's id")),
    responses(
        (status = 200, description = "the password, this once", body = dto::OneTimePassword),
        (status = 400, description = "a shared mailbox has no password", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn reset_password(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
) -> Result<Json<dto::OneTimePassword>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = account_id(&id)?;
    let blocking = state.blocking.clone();
    let work = move || {
        row(&*state.catalog, tenant, id)?;
        let password = state.identity.reset_password(id, &caller.by(), caller.now)?;
        Ok(Json(dto::OneTimePassword { one_time_password: password.reveal().to_owned() }))
    };
    blocking.check_password(work).await
}

/// Gives an address from now on. One that had no owner before opens all its past mail; one that
/// had an owner opens only mail from now on, unless a reason says otherwise.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{id}/addresses",
    operation_id = "giveAddress",
    params(("id" = String, Path, description = "the account's id")),
    request_body = dto::GiveAddress,
    responses(
        (status = 200, description = "the span that it owns", body = dto::AddressSpan),
        (status = 400, description = "no address, or no reason", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "no such account", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "another account owns it now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn give_address(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path(id): Path<String>,
    Body(give): Body<dto::GiveAddress>,
) -> Result<Json<dto::AddressSpan>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = account_id(&id)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let address = EmailAddress::new(&give.address);
        let everything = give.everything_reason.as_deref();
        let by = caller.by();
        let span = state.identity.hand_over(tenant, id, &address, everything, &by, caller.now)?;
        Ok(Json(address_span(span.ok_or_else(Problem::not_found)?)))
    };
    blocking.read(work).await
}

/// Ends the ownership of an address; mail received before stays visible.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{id}/addresses/{address}",
    operation_id = "endAddress",
    params(
        ("id" = String, Path, description = "the account's id"),
        ("address" = String, Path, description = "the address"),
    ),
    responses(
        (status = 204, description = "ended"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "the account does not own it", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn end_address(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Path((id, address)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let id = account_id(&id)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let address = EmailAddress::new(&address);
        let by = caller.by();
        match state.identity.take_address(tenant, id, &address, &by, caller.now)? {
            true => Ok(StatusCode::NO_CONTENT),
            false => Err(Problem::not_found()),
        }
    };
    blocking.read(work).await
}

/// Selects accounts for "archive only selected accounts", or takes them out.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/selection",
    operation_id = "selectAccounts",
    request_body = dto::SelectAccounts,
    responses(
        (status = 200, description = "how many changed", body = dto::SelectedAccounts),
        (status = 400, description = "too many ids", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn select_accounts(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(selection): Body<dto::SelectAccounts>,
) -> Result<Json<dto::SelectedAccounts>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let ids = selection.accounts.map(|ids| account_ids(&ids)).transpose()?;
    let blocking = state.blocking.clone();
    let work = move || {
        let (ids, by) = (ids.as_deref(), caller.by());
        let archived = selection.archived;
        let changed = state.identity.select_accounts(tenant, ids, archived, &by, caller.now)?;
        Ok(Json(dto::SelectedAccounts { changed }))
    };
    blocking.read(work).await
}

fn filter(params: &dto::AccountParams) -> Result<AccountFilter, Problem> {
    let parameter = |what: &str| Problem::bad_request("parameter", format!("no such {what}"));
    let directory = params.directory.as_deref().map(|text| match text {
        "local" => Ok(None),
        id => id.parse().map(Some).map_err(|_| parameter("directory")),
    });
    let group = params.group.as_deref().map(|id| id.parse().map_err(|_| parameter("group")));
    Ok(AccountFilter {
        text: params.q.clone(),
        role: params.role.map(AccountRole::from),
        kind: params.kind.map(AccountKind::from),
        disabled: params.disabled,
        archived: params.archived,
        directory: directory.transpose()?,
        group: group.transpose()?,
    })
}

/// What does not parse does not exist.
pub fn account_id(text: &str) -> Result<AccountId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn account_ids(texts: &[String]) -> Result<Vec<AccountId>, Problem> {
    if texts.len() > SELECTED_MAX {
        return Err(Problem::bad_request("invalid", "name at most 1000 accounts"));
    }
    texts.iter().map(|text| account_id(text)).collect()
}

/// The account, if it is one of the tenant.
fn row(catalog: &dyn Catalog, tenant: TenantId, id: AccountId) -> Result<AccountRow, Problem> {
    let account = catalog.account(id)?.filter(|account| account.tenant == Some(tenant));
    let account = account.ok_or_else(Problem::not_found)?;
    let addresses = catalog.addresses(id)?;
    let has_password = catalog.password_hash(id)?.is_some();
    Ok(AccountRow { account, addresses, has_password })
}

fn detail(
    catalog: &dyn Catalog,
    tenant: TenantId,
    id: AccountId,
) -> Result<dto::AccountDetail, Problem> {
    let row = row(catalog, tenant, id)?;
    let groups = catalog.groups_of(id)?.into_iter();
    let named = groups.map(|group| dto::NamedGroup { id: group.id.to_string(), name: group.name });
    Ok(dto::AccountDetail { entry: entry(row), groups: named.collect() })
}

fn entry(row: AccountRow) -> dto::AccountEntry {
    let AccountRow { account, addresses, has_password } = row;
    dto::AccountEntry {
        id: account.id.to_string(),
        user_name: account.user_name,
        first_name: account.first_name,
        last_name: account.last_name,
        display_name: account.display_name,
        kind: account.kind.into(),
        role: account.role.into(),
        archived: account.archived,
        disabled: account.disabled,
        directory: account.origin.map(|origin| origin.directory.to_string()),
        has_password,
        must_change_password: account.must_change_password,
        language: account.language,
        addresses: addresses.into_iter().map(address_span).collect(),
        created_at: written(account.created_at),
    }
}

fn address_span(own: OwnedAddress) -> dto::AddressSpan {
    let moment = |moment: Option<Timestamp>| moment.map(written);
    dto::AddressSpan { address: own.key, from: moment(own.from), until: moment(own.until) }
}

/// `Musterbau GmbH` becomes `musterbau-`.
pub fn prefix(tenant: &str) -> String {
    let word = tenant.split_whitespace().next().unwrap_or_default().to_lowercase();
    let mut prefix: String =
        word.chars().filter(|c| c.is_alphanumeric()).take(PREFIX_CHARS_MAX).collect();
    if !prefix.is_empty() {
        prefix.push('-');
    }
    prefix
}

impl From<AccountKind> for dto::AccountKind {
    fn from(kind: AccountKind) -> Self {
        match kind {
            AccountKind::Person => Self::Person,
            AccountKind::Shared => Self::Shared,
        }
    }
}

impl From<dto::AccountKind> for AccountKind {
    fn from(kind: dto::AccountKind) -> Self {
        match kind {
            dto::AccountKind::Person => Self::Person,
            dto::AccountKind::Shared => Self::Shared,
        }
    }
}
