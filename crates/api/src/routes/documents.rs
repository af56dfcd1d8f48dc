use axum::http::header;
use axum::response::IntoResponse;

/// This description.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value)),
)]
pub async fn openapi() -> impl IntoResponse {
    static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(crate::openapi_json);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
