use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

use catalog::{ListRow, StoredRecord};
use index::query::Field;
use index::{Calendar, Facets, Query, Sort, Span};
use model::{TenantId, Timestamp};
use policy::Scope;

use crate::{Discovery, Error, Result};

/// Rows of one page at most.
pub const PAGE_ROWS_MAX: usize = 200;

/// Mails that are read for the snippets of one page, all together in bytes; the rest is listed
/// without a snippet, because the list must not wait for it.
pub const PAGE_BYTES_MAX: u64 = 8 << 20;

/// Threads that read mails for one page.
const READERS_MAX: usize = 4;

/// Addresses that are suggested at most.
const ADDRESSES_MAX: u32 = 10;

/// One question.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// In the query language; empty finds everything.
    pub query: String,
    /// [`Sort::name`], or a field with `-` for descending; `None` is newest first.
    pub sort: Option<String>,
    /// [`SearchAnswer::next`] of the page before.
    pub cursor: Option<String>,
    /// At most [`PAGE_ROWS_MAX`].
    pub limit: usize,
    pub facets: bool,
    pub now: Timestamp,
    /// The reader's time zone (IANA name); UTC for `None` and for unknown names.
    pub zone: Option<String>,
}

/// A piece of text and whether it matches the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub text: String,
    pub hit: bool,
}

/// One mail found.
#[derive(Debug)]
pub struct Row {
    pub list: ListRow,
    pub subject: Vec<Fragment>,
    /// Empty when the mail has no text or the page more than [`PAGE_BYTES_MAX`].
    pub snippet: Vec<Fragment>,
}

/// The answer.
#[derive(Debug)]
pub struct SearchAnswer {
    /// Exactly how many mails match within the scope.
    pub total: u64,
    /// Records that the catalog has and the index does not show yet.
    pub not_searchable_yet: u64,
    pub rows: Vec<Row>,
    pub next: Option<String>,
    pub facets: Option<Facets>,
}

/// Something that may be written at the caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub insert: String,
    pub kind: SuggestionKind,
    /// What of the query it replaces, in UTF-16 code units.
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionKind {
    Address,
    Operator,
}

impl Discovery {
    /// Answers within the scope: counts, facets and rows know of nothing else. Text for snippets
    /// is read from the vault for the rows of the page only.
    pub fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchAnswer> {
        let query = parse(&request.query)?;
        let zone = request.zone.as_deref().unwrap_or("UTC");
        let calendar = Calendar::in_zone(request.now, zone);
        let sort = request.sort.as_deref().map_or(Some(Sort::default()), sort);
        let hits = self.index.search(
            scope,
            &index::SearchRequest {
                query: &query,
                calendar: &calendar,
                sort: sort.ok_or(Error::BadSort)?,
                cursor: request.cursor.as_deref(),
                limit: request.limit.min(PAGE_ROWS_MAX),
                facets: request.facets,
            },
        )?;
        let ids: Vec<_> = hits.rows.iter().map(|hit| hit.record).collect();
        let rows = self.catalog.rows(scope, &ids)?;
        let not_searchable_yet = self.catalog.visible_after(scope, hits.indexed_through)?;
        Ok(SearchAnswer {
            total: hits.total,
            not_searchable_yet,
            rows: self.illustrate(scope.tenant(), &query, rows)?,
            next: hits.next,
            facets: hits.facets,
        })
    }

    /// How the query may go on at the caret (in UTF-16 code units): operators and values of the
    /// language, addresses of mail that the scope sees.
    pub fn suggest(&self, scope: &Scope, query: &str, caret: usize) -> Result<Vec<Suggestion>> {
        let caret = Span::byte_of_utf16(query, caret);
        let suggestion = |insert: String, kind, replace: Span| {
            let Span { start, end } = replace.to_utf16(query);
            Suggestion { insert, kind, start, end }
        };
        let mut suggestions = Vec::new();
        if let Some(prefix) = index::address_at(query, caret) {
            let found = self.catalog.suggest_addresses(scope, &prefix.text, ADDRESSES_MAX)?;
            suggestions.extend(
                found
                    .into_iter()
                    .map(|address| suggestion(address, SuggestionKind::Address, prefix.replace)),
            );
        }
        suggestions.extend(index::suggest(query, caret).into_iter().map(|completion| {
            suggestion(completion.insert, SuggestionKind::Operator, completion.replace)
        }));
        Ok(suggestions)
    }

    /// Adds what the list shows of each mail. Texts that are not kept are read from the vault, as
    /// many as [`PAGE_BYTES_MAX`] allows, from the top.
    fn illustrate(&self, tenant: TenantId, query: &Query, rows: Vec<ListRow>) -> Result<Vec<Row>> {
        let mut kept = Vec::with_capacity(rows.len());
        let mut missing = Vec::new();
        let mut bytes = 0;
        for row in &rows {
            let text = self.texts.find(tenant, row.record);
            if text.is_none() && bytes + row.size_bytes <= PAGE_BYTES_MAX {
                bytes += row.size_bytes;
                missing.push(row.record);
            }
            kept.push(text);
        }
        let stored = match missing.is_empty() {
            true => Vec::new(),
            false => self.catalog.stored(tenant, &missing)?,
        };
        let stored: HashMap<_, _> =
            stored.iter().map(|record| (record.list.record, record)).collect();
        let highlighter = index::highlighter(query);
        let listed: Vec<_> = rows.into_iter().zip(kept).collect();
        Ok(in_parallel(listed, |(list, kept)| {
            let read = || {
                let text = self.text(tenant, stored.get(&list.record)?)?;
                Some(self.texts.keep(tenant, list.record, &text))
            };
            let text = kept.or_else(read);
            Row {
                subject: fragments(highlighter.mark_in(Field::Subject, &list.subject)),
                snippet: text.map(|text| fragments(highlighter.snippet(&text))).unwrap_or_default(),
                list,
            }
        }))
    }

    /// The words of a mail; `None` when it cannot be read: the list is shown all the same, and
    /// opening the mail will say what is wrong.
    fn text(&self, tenant: TenantId, record: &StoredRecord) -> Option<String> {
        let octets = match self.archive.decrypted(tenant, record) {
            Ok(Some(octets)) => octets,
            Ok(None) => self.archive.mail(tenant, record).ok()?,
            Err(_) => return None,
        };
        Some(mail::describe(&octets).text)
    }
}

pub(crate) fn parse(text: &str) -> Result<Query> {
    if text.trim().is_empty() {
        return Ok(Query::all());
    }
    index::parse(text).map_err(|error| {
        let Span { start, end } = error.span.to_utf16(text);
        Error::Query { key: error.code.key(), detail: error.detail(), start, end }
    })
}

/// A sort order by its name in the API: ascending, with a dash descending.
fn sort(name: &str) -> Option<Sort> {
    Some(match name {
        "-date" => Sort::DateDescending,
        "date" => Sort::DateAscending,
        "relevance" | "-relevance" => Sort::Relevance,
        "sender" => Sort::SenderAscending,
        "-sender" => Sort::SenderDescending,
        "size" => Sort::SizeAscending,
        "-size" => Sort::SizeDescending,
        "subject" => Sort::SubjectAscending,
        "-subject" => Sort::SubjectDescending,
        _ => return None,
    })
}

fn fragments(pieces: Vec<index::Piece>) -> Vec<Fragment> {
    pieces.into_iter().map(|piece| Fragment { text: piece.text, hit: piece.hit }).collect()
}

/// Applies `work` to all items on several threads; answers in the order of the items.
fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let readers = READERS_MAX.min(cores).min(items.len());
    if readers <= 1 {
        return items.into_iter().map(work).collect();
    }
    let waiting = Mutex::new(items.into_iter().enumerate());
    let take = || {
        let mut done = Vec::new();
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, item)) = next else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..readers).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}
