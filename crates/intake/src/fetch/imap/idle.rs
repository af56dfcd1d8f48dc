//! Waiting for news (RFC 2177).

use std::time::{Duration, Instant};

use super::fetched::NoBodies;
use super::hint;
use super::response::{Response, Status};
use super::session::Session;
use super::talk::{COMMAND_TIME_MAX, Completion, RESPONSES, Talk};
use crate::fetch::FetchError;

/// Servers end a session after half an hour without a command (RFC 9051 §5.4); IDLE is begun anew
/// before.
pub const IDLE_RENEWAL: Duration = Duration::from_secs(28 * 60);
const _: () = assert!(IDLE_RENEWAL.as_secs() < 29 * 60);
const _: () = assert!(IDLE_RENEWAL.as_secs() < COMMAND_TIME_MAX.as_secs());

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idled {
    /// Mails came or went.
    Changed,
    TimedOut,
}

impl Session {
    /// Waits until mails come to the open folder or leave it, at most until `until`. News since the
    /// last [`uids`](Self::uids) count, too, and the server is asked at least once. To be used where
    /// [`offers_idle`](Self::offers_idle).
    ///
    /// # Errors
    /// When the session ends; [`FetchError::Stopped`] when it is to stop.
    pub fn idle(&mut self, until: Instant) -> Result<Idled, FetchError> {
        while !self.state.news {
            let left = until.saturating_duration_since(Instant::now());
            let renewed = Instant::now() + left.min(IDLE_RENEWAL);
            let done = self.talk().guard(|talk| talk.idle_once(renewed))?;
            if done.status != Status::Ok {
                return Err(hint::refusal("IDLE", &done.text));
            }
            if !self.state.news && Instant::now() >= until {
                return Ok(Idled::TimedOut);
            }
        }
        Ok(Idled::Changed)
    }
}

impl Talk<'_> {
    /// One IDLE, which is over when this returns.
    fn idle_once(&mut self, until: Instant) -> Result<Completion, FetchError> {
        let tag = self.next_tag();
        self.connection.write(format!("{tag} IDLE\r\n").as_bytes())?;
        if let Some(refused) = self.leave(&tag)? {
            return match refused.status {
                Status::Ok => Err(FetchError::Protocol("IDLE ends before it begins".to_owned())),
                _ => Ok(refused),
            };
        }
        for _ in 0..RESPONSES.max {
            let left = until.saturating_duration_since(Instant::now());
            if self.state.news || !self.connection.wait(left)? {
                break;
            }
            match self.response(&mut NoBodies)? {
                Response::Untagged(untagged) => self.note(&untagged)?,
                // Words of comfort.
                Response::Continue(_) => {}
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    return Ok(Completion { status, text });
                }
                Response::Tagged { .. } => {
                    let text = "it answers a command that was not sent".to_owned();
                    return Err(FetchError::Protocol(text));
                }
            }
        }
        self.connection.write(b"DONE\r\n")?;
        self.answers(&tag, &mut NoBodies, &mut |_| Ok(()))
    }
}
