//! Accounts as CSV: `User ID, password, first name, last name, e-mail, further e-mail…`.

use axum::Json;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use identity::{Finding, ImportPlan, LineEffect};
use policy::Permission;
use serde_json::Value;

use crate::body::Query;
use crate::caller::Ready;
use crate::download::disposition;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Bodies of imports, in bytes; the import itself says it of files that are a little longer.
pub const IMPORT_BYTES_MAX: usize = identity::SHEET_BYTES_MAX + (1 << 10);

/// What an import would do: each line with its effect and its errors. Changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/import/preview",
    operation_id = "previewAccountImport",
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "what it would do", body = dto::AccountImport),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "the file is too large", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn preview_import(
    State(state): State<AppState>,
    Ready(caller): Ready,
    octets: Bytes,
) -> Result<Json<dto::AccountImport>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let blocking = state.blocking.clone();
    let work = move || Ok(Json(shown(&state.identity.plan_import(tenant, &octets, caller.now)?)));
    blocking.read(work).await
}

/// Imports a file that was previewed: all of it or nothing.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/import",
    operation_id = "importAccounts",
    params(dto::ImportParams),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "what it did", body = dto::AccountImport),
        (status = 400, description = "the digest is none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "lines have errors, or something changed since the preview", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "the file is too large", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn import_accounts(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::ImportParams>,
    octets: Bytes,
) -> Result<Json<dto::AccountImport>, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let digest = params.digest.parse();
    let digest = digest.map_err(|_| Problem::bad_request("parameter", "the digest is none"))?;
    let blocking = state.blocking.clone();
    let work = move || {
        let by = caller.by();
        let done = state.identity.import_accounts(tenant, &octets, digest, &by, caller.now)?;
        Ok(Json(shown(&done)))
    };
    // Hashing is as much work as checking.
    blocking.check_password(work).await
}

/// All people of the tenant in the columns of an import; the password column is empty.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/export",
    operation_id = "exportAccounts",
    responses(
        (status = 200, description = "the accounts", body = String, content_type = "text/csv"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn export_accounts(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Response, Problem> {
    let tenant = caller.tenant_for(Permission::ManageAccounts)?;
    let blocking = state.blocking.clone();
    let work = move || {
        let event = caller.event("account.export", String::new(), Value::Null);
        state.catalog.audit(&[event])?;
        Ok(state.identity.export_accounts(tenant)?)
    };
    let text = blocking.read(work).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, disposition("attachment", "accounts.csv")),
    ];
    Ok((headers, HttpBody::from(text)).into_response())
}

fn shown(plan: &ImportPlan) -> dto::AccountImport {
    let lines = plan.lines.iter().map(|line| dto::ImportLine {
        line: line.line,
        user_name: line.user_name.clone(),
        effect: line.effect.name().to_owned(),
        changes: line.changes.iter().map(|name| (*name).to_owned()).collect(),
        addresses: line.addresses.clone(),
        notes: findings(&line.notes),
        errors: findings(&line.errors),
    });
    dto::AccountImport {
        created: plan.count(LineEffect::Create) as u64,
        changed: plan.count(LineEffect::Change) as u64,
        unchanged: plan.count(LineEffect::Unchanged) as u64,
        refused: plan.count(LineEffect::Refused) as u64,
        digest: plan.digest.to_hex(),
        notes: findings(&plan.notes),
        lines: lines.collect(),
    }
}

fn findings(findings: &[Finding]) -> Vec<dto::ImportFinding> {
    let shown = findings.iter().map(|finding| dto::ImportFinding {
        code: finding.code.to_owned(),
        detail: finding.detail.clone(),
    });
    shown.collect()
}
