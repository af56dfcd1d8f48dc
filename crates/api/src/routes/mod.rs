mod documents;
pub mod log;
mod probes;
mod quarantine;
pub mod records;
mod search;
mod session;
mod settings;
mod status;
mod system;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(info(
    title = "Chancery",
    version = "1",
    description = "What one may not see does not exist: 404. Requests that change something carry \
                   the header X-CSRF-Token. Errors are problem details (RFC 9457)."
))]
struct Document;

/// All routes below `/api`, and their description.
pub fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(session::sign_in, session::session, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(search::search))
        .routes(routes!(search::suggest))
        .routes(routes!(records::record))
        .routes(routes!(records::record_html))
        .routes(routes!(records::record_source))
        .routes(routes!(records::record_eml))
        .routes(routes!(records::report_eml))
        .routes(routes!(records::attachment))
        .routes(routes!(records::inline_image))
        .routes(routes!(quarantine::quarantine))
        .routes(routes!(quarantine::retry_quarantined))
        .routes(routes!(quarantine::release_quarantined))
        .routes(routes!(status::status))
        .routes(routes!(status::health))
        .routes(routes!(log::log))
        .routes(routes!(log::recent_log))
        .routes(routes!(settings::settings, settings::change_settings))
        .routes(routes!(settings::notifications))
        .routes(routes!(settings::send_test_mail))
        .routes(routes!(system::system))
        .routes(routes!(system::connect_microsoft365))
        .routes(routes!(system::check_microsoft365))
        .routes(routes!(probes::healthz))
        .routes(routes!(probes::readyz))
        .routes(routes!(probes::metrics))
        .routes(routes!(documents::openapi))
}
