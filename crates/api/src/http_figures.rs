use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

/// What stands for all paths that are no route: pages and files of the user interface.
const NO_ROUTE: &str = "(page)";

/// Answers that were given, by method, route and status. Bounded by the routes.
#[derive(Debug, Default)]
pub struct HttpFigures {
    answers: Mutex<BTreeMap<HttpKey, HttpCount>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpKey {
    /// `OTHER` for methods that no route has.
    pub method: &'static str,
    /// The route's template, such as `/api/v1/records/{id}`.
    pub route: String,
    pub status: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpCount {
    pub answers: u64,
    /// From the request's head to the answer's head, altogether.
    pub spent: Duration,
}

impl HttpFigures {
    pub fn reading(&self) -> BTreeMap<HttpKey, HttpCount> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, key: HttpKey, spent: Duration) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = answers.entry(key).or_default();
        count.answers += 1;
        count.spent += spent;
    }
}

/// Counts answers; inside the router, where the route is known.
pub async fn count(
    State(figures): State<Arc<HttpFigures>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = match *request.method() {
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "OTHER",
    };
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    figures.count(HttpKey { method, route, status }, begun.elapsed());
    response
}
