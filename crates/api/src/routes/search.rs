use std::time::Instant;

use axum::Json;
use axum::extract::State;
use discovery::{FacetCount, Facets, PAGE_ROWS_MAX, Row, SearchRequest, SizeClass, SuggestionKind};
use model::Timestamp;
use policy::Permission;
use serde::Serialize;

use crate::body::Query;
use crate::caller::Ready;
use crate::dto;
use crate::problem::Problem;
use crate::state::AppState;

/// Rows of a page if the request does not say.
const PAGE_ROWS: u32 = 50;

/// Searches the mail that the caller may see.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    operation_id = "search",
    params(dto::SearchParams),
    responses(
        (status = 200, description = "the answer", body = dto::SearchAnswer),
        (status = 400, description = "the query was not understood; `position` says where", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account reads no mail", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn search(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::SearchParams>,
) -> Result<Json<dto::SearchAnswer>, Problem> {
    caller.may(Permission::SearchMail)?;
    let scope = caller.scope()?;
    let started = Instant::now();
    let first = params.cursor.is_none();
    let request = SearchRequest {
        query: params.q,
        sort: params.sort,
        cursor: params.cursor,
        limit: (params.limit.unwrap_or(PAGE_ROWS) as usize).min(PAGE_ROWS_MAX),
        facets: params.facets.unwrap_or(first),
        now: caller.now,
        zone: params.zone,
    };
    let (discovery, trail) = (state.discovery.clone(), state.trail.clone());
    let work = move || {
        let answer = discovery.search(&scope, &request)?;
        if first {
            let detail = serde_json::json!({ "query": request.query, "total": answer.total });
            let event = caller.event("mail.search", String::new(), detail);
            trail.note_search(caller.current.account.id, request.query, event);
        }
        Ok(answer)
    };
    let answer = state.blocking.read(work).await?;
    Ok(Json(dto::SearchAnswer {
        total: answer.total,
        not_searchable_yet: answer.not_searchable_yet,
        took_ms: (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0,
        rows: answer.rows.into_iter().map(row).collect(),
        next: answer.next,
        facets: answer.facets.map(facets),
    }))
}

/// How the query may go on at the caret.
#[utoipa::path(
    get,
    path = "/api/v1/search/suggest",
    operation_id = "suggest",
    params(dto::SuggestParams),
    responses(
        (status = 200, description = "completions", body = Vec<dto::Suggestion>),
        (status = 401, description = "nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "this account reads no mail", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn suggest(
    State(state): State<AppState>,
    Ready(caller): Ready,
    Query(params): Query<dto::SuggestParams>,
) -> Result<Json<Vec<dto::Suggestion>>, Problem> {
    caller.may(Permission::SearchMail)?;
    let scope = caller.scope()?;
    let discovery = state.discovery.clone();
    let work = move || {
        let caret = params.caret.map_or(usize::MAX, |caret| caret as usize);
        Ok(discovery.suggest(&scope, &params.q, caret)?)
    };
    let units = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let suggestions = state.blocking.read(work).await?.into_iter().map(|found| dto::Suggestion {
        label: found.insert.clone(),
        insert: found.insert,
        kind: match found.kind {
            SuggestionKind::Address => dto::SuggestionKind::Address,
            SuggestionKind::Operator => dto::SuggestionKind::Operator,
        },
        replace: dto::Span { start: units(found.start), end: units(found.end) },
    });
    Ok(Json(suggestions.collect()))
}

fn row(row: Row) -> dto::SearchRow {
    let list = row.list;
    dto::SearchRow {
        id: list.record.to_string(),
        subject: list.subject,
        from: list.from.as_ref().map(dto::Mailbox::from),
        to: list.to.iter().map(dto::Mailbox::from).collect(),
        date: written(list.date),
        size_bytes: list.size_bytes,
        attachments: list.attachments,
        kind: list.kind.into(),
        marks: list.marks.into_iter().map(dto::Mark::from).collect(),
        versions: list.versions,
        snippet: fragments(row.snippet),
        subject_highlight: fragments(row.subject),
    }
}

/// A mail of a list that nobody searched for.
pub fn mail_row(list: catalog::ListRow) -> dto::SearchRow {
    let subject = vec![discovery::Fragment { text: list.subject.clone(), hit: false }];
    row(Row { list, subject, snippet: Vec::new() })
}

fn fragments(fragments: Vec<discovery::Fragment>) -> Vec<dto::Fragment> {
    fragments.into_iter().map(|part| dto::Fragment { text: part.text, hit: part.hit }).collect()
}

fn facets(facets: Facets) -> dto::Facets {
    let total: u64 = facets.sizes.iter().map(|size| size.count).sum();
    let without = total.saturating_sub(facets.with_attachment);
    dto::Facets {
        senders: facets
            .senders
            .into_iter()
            .map(|sender| value(sender, |key| key.clone()))
            .collect(),
        years: facets.years.into_iter().map(|year| value(year, ToString::to_string)).collect(),
        kinds: facets
            .kinds
            .into_iter()
            .map(|kind| value(kind, |kind| named(dto::MailKind::from(*kind))))
            .collect(),
        has_attachment: [("true", facets.with_attachment), ("false", without)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| dto::FacetValue { value: name.into(), label: name.into(), count })
            .collect(),
        sizes: facets
            .sizes
            .into_iter()
            .map(|size| value(size, |class| size_name(*class).to_owned()))
            .collect(),
    }
}

fn value<T>(facet: FacetCount<T>, name: impl Fn(&T) -> String) -> dto::FacetValue {
    let value = name(&facet.value);
    dto::FacetValue { label: value.clone(), value, count: facet.count }
}

/// The name that an enumeration has in JSON.
fn named(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// `from-to` with the query language's units; the lower bound belongs to the class.
const fn size_name(class: SizeClass) -> &'static str {
    match class {
        SizeClass::Below10K => "-10K",
        SizeClass::Below100K => "10K-100K",
        SizeClass::Below1M => "100K-1M",
        SizeClass::Below10M => "1M-10M",
        SizeClass::From10M => "10M-",
    }
}

/// RFC 3339; a moment beyond what that can say is written as its last possible one.
pub fn written(moment: Timestamp) -> String {
    /// 9999-12-30T22:00:00Z, the last moment that jiff knows.
    const LAST: Timestamp = Timestamp::from_seconds(253_402_207_200);
    const FIRST: Timestamp = Timestamp::from_seconds(-62_135_596_800);
    moment.clamp(FIRST, LAST).to_string()
}
