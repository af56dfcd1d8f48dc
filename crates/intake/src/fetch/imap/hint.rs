//! What servers mean by their refusals (RFC 5530, RFC 9051 §7.1, and the words of Exchange Online).

use super::response::Text;
use crate::fetch::oauth::Remedy;
use crate::fetch::{ConnectionFailure, FetchError, retry_after};

/// What a `NO` or `BAD` to `command` means.
pub(super) fn refusal(command: &'static str, text: &Text) -> FetchError {
    if is_sign_in(text) && retry_after(&text.words).is_none() {
        return FetchError::SignInRefused { remedy: None, text: said(text) };
    }
    if let Some(busy) = busy(text) {
        return busy;
    }
    if text.words.to_ascii_lowercase().contains("authenticated but not connected") {
        // Exchange Online, to the first command that needs the mailbox.
        return FetchError::SignInRefused {
            remedy: Some(Remedy::ProtocolDisabled),
            text: said(text),
        };
    }
    FetchError::Refused { command, text: said(text) }
}

/// What `BYE` means.
pub(super) fn good_bye(text: &Text) -> FetchError {
    if let Some(busy) = busy(text) {
        return busy;
    }
    let text = format!("the server ended the session: {}", said(text));
    FetchError::NoConnection { reason: ConnectionFailure::Closed, text }
}

/// When nothing is wrong but the moment.
pub(super) fn busy(text: &Text) -> Option<FetchError> {
    const CODES: [&str; 5] = ["INUSE", "LIMIT", "OVERLOAD", "THROTTLED", "UNAVAILABLE"];
    const WORDS: [&str; 6] = [
        "server unavailable",
        "throttled",
        "too many connections",
        "too many simultaneous",
        "maximum number of connections",
        "temporarily",
    ];
    let lower = text.words.to_ascii_lowercase();
    let retry_after = retry_after(&text.words);
    let is_busy = retry_after.is_some()
        || CODES.contains(&text.code.as_str())
        || WORDS.iter().any(|words| lower.contains(words));
    is_busy.then(|| FetchError::ServerBusy { retry_after, text: said(text) })
}

fn is_sign_in(text: &Text) -> bool {
    const CODES: [&str; 5] = [
        "AUTHENTICATIONFAILED",
        "AUTHORIZATIONFAILED",
        "CONTACTADMIN",
        "EXPIRED",
        "PRIVACYREQUIRED",
    ];
    CODES.contains(&text.code.as_str())
}

/// The server's words; its code where it has none.
pub(super) fn said(text: &Text) -> String {
    match (text.words.as_str(), text.code.as_str()) {
        ("", "") => "it gives no reason".to_owned(),
        ("", code) => format!("[{code}]"),
        (words, _) => words.to_owned(),
    }
}
