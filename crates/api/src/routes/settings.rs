use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use policy::Permission;

use crate::body::Body;
use crate::caller::Ready;
use crate::dto;
use crate::operation::SettingsError;
use crate::problem::Problem;
use crate::state::AppState;

/// The server's settings: what is in use, what the configuration file fixes.
#[utoipa::path(
    get,
    path = "/api/v1/settings",
    operation_id = "settings",
    responses(
        (status = 200, description = "the settings", body = dto::SettingsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn settings(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::SettingsAnswer>, Problem> {
    caller.may(Permission::ManageServer)?;
    let operation = state.operation.clone();
    Ok(Json(state.blocking.read(move || Ok(operation.settings()?)).await?))
}

/// Changes settings: a JSON merge patch. In use at once but for those that name a restart.
#[utoipa::path(
    patch,
    path = "/api/v1/settings",
    operation_id = "changeSettings",
    request_body = dto::SettingsPatch,
    responses(
        (status = 200, description = "the settings after the change", body = dto::SettingsAnswer),
        (status = 400, description = "a value is not possible; `detail` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "the configuration file fixes a value; `detail` names it", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_settings(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(patch): Body<dto::SettingsPatch>,
) -> Result<Json<dto::SettingsAnswer>, Problem> {
    caller.may(Permission::ManageServer)?;
    let (operation, catalog) = (state.operation.clone(), state.catalog.clone());
    let work = move || {
        let change = operation.change_settings(patch.0)?;
        let detail = serde_json::json!({ "before": change.before, "after": change.after });
        catalog.audit(&[caller.event("settings.change", String::new(), detail)])?;
        Ok(Json(change.answer))
    };
    state.blocking.read(work).await
}

/// Sends a mail through the smarthost, so that it is known to work.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/test",
    operation_id = "sendTestMail",
    request_body = dto::TestMail,
    responses(
        (status = 204, description = "the smarthost took it"),
        (status = 400, description = "the smarthost refused or was not reached; `detail` says what it answered", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "for operators only", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn send_test_mail(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Body(mail): Body<dto::TestMail>,
) -> Result<StatusCode, Problem> {
    caller.may(Permission::ManageServer)?;
    let (operation, catalog) = (state.operation.clone(), state.catalog.clone());
    let work = move || {
        let sent = operation.send_test_mail(&mail.to, mail.language.unwrap_or_default());
        let detail = serde_json::json!({ "to": mail.to, "sent": sent.is_ok() });
        catalog.audit(&[caller.event("notification.test", String::new(), detail)])?;
        sent.map_err(|answer| Problem::bad_request("smarthost", answer))?;
        Ok(StatusCode::NO_CONTENT)
    };
    state.blocking.read(work).await
}

/// What is wrong now, and notifications that wait.
#[utoipa::path(
    get,
    path = "/api/v1/notifications",
    operation_id = "notifications",
    responses(
        (status = 200, description = "an administrator's of their tenant, an operator's all", body = dto::NotificationsAnswer),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account administers nothing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn notifications(
    State(state): State<AppState>,
    Ready(caller): Ready,
) -> Result<Json<dto::NotificationsAnswer>, Problem> {
    caller.may(Permission::ReadLog)?;
    let operation = state.operation.clone();
    let mut answer = state.blocking.read(move || Ok(operation.notifications()?)).await?;
    if let Some(own) = caller.current.actor.tenant {
        let own = Some(own.to_string());
        answer.conditions.retain(|condition| condition.tenant == own);
        answer.waiting = 0;
        answer.last_error = None;
    }
    Ok(Json(answer))
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Desk(error) => error.into(),
            SettingsError::Fixed { .. } => {
                Self::new(StatusCode::CONFLICT, "fixed").detail(error.to_string())
            }
            SettingsError::Invalid { .. } => Self::bad_request("settings", error.to_string()),
        }
    }
}
