use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use identity::Site;

use crate::problem::Problem;
use crate::state::{AppState, Settings};

/// Bodies of requests, in bytes: credentials and reasons.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// From the request's head to the answer's head.
pub const REQUEST_SECONDS_MAX: u64 = 60;

/// For the user interface.
const PAGE_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HSTS: &str = "max-age=63072000; includeSubDomains";

/// The outermost layer: refuses what comes from other sites, bounds the time, and says on every
/// answer what browsers may do with it.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_api = path.starts_with("/api/") || PROBES.contains(&path);
    let mut response = match refuse(&state.settings, state.identity.site().ok().as_ref(), &request)
    {
        Some(problem) => problem.into_response(),
        None => {
            let limit = Duration::from_secs(REQUEST_SECONDS_MAX);
            match tokio::time::timeout(limit, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::busy().into_response(),
            }
        }
    };
    protect(response.headers_mut(), is_api, state.settings.tls);
    response
}

/// Asked by machines under whatever name they know; they show nothing of a tenant.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

fn refuse(settings: &Settings, site: Option<&Site>, request: &Request) -> Option<Problem> {
    if PROBES.contains(&request.uri().path()) {
        return None;
    }
    let host = host(request.uri(), request.headers());
    let named = site.map(Site::host);
    let mut names = settings.hosts.iter().chain(&named).peekable();
    let known = names.peek().is_none()
        || host.as_ref().is_some_and(|host| names.any(|name| name.eq_ignore_ascii_case(host)));
    if !known {
        return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, "host"));
    }
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !harmless && !is_same_origin(request.headers(), host.as_deref()) {
        return Some(Problem::new(StatusCode::FORBIDDEN, "origin"));
    }
    None
}

/// The host with its port in lower case: `:authority` of HTTP/2, `Host` of HTTP/1.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(axum::http::uri::Authority::as_str).or(named);
    host.map(str::to_ascii_lowercase)
}

/// Whether a request that changes something comes from our own pages or from no page at all.
/// Browsers that send neither header are stopped by the CSRF token.
fn is_same_origin(headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text("origin").is_none_or(|origin| {
        let named = origin.split_once("://").map(|(_, named)| named.to_ascii_lowercase());
        named.is_some() && named.as_deref() == host
    });
    site && origin
}

fn protect(headers: &mut HeaderMap, is_api: bool, tls: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    if is_api {
        set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
        set(header::X_FRAME_OPTIONS, "DENY");
        // Answers are about one person's mail: no cache between, and none on a shared machine.
        set(header::CACHE_CONTROL, "no-store");
    } else {
        set(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        set(header::X_FRAME_OPTIONS, "DENY");
    }
    if tls {
        set(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
