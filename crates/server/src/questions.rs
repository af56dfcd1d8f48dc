//! The server's side of `chancery system`, `log`, `notifications` and `connect`.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use api::{LogFilter, LogItem, LogListener, Operation as _, Polled};
use model::Clock as _;
use serde::Serialize;

use crate::clock::SystemClock;
use crate::control::{Answer, Question};
use crate::operation::ServerOperation;

/// How soon a follower of the log sees a new entry.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Answers one question; following the log ends with the client or the server.
///
/// # Errors
/// When the client goes away.
pub fn tell(
    stream: &UnixStream,
    operation: Option<&Arc<ServerOperation>>,
    question: Question,
) -> anyhow::Result<()> {
    let Some(operation) = operation else {
        let reason = "the server is not ready yet".to_owned();
        return write(stream, &Answer::Refused { reason });
    };
    match question {
        Question::Readiness => told(stream, &operation.readiness())?,
        Question::System => told(stream, &operation.system()?)?,
        Question::Notifications => told(stream, &operation.notifications()?)?,
        Question::Connect { tenant, check } => {
            let shown = if check {
                operation.check_microsoft365(tenant, SystemClock.now())?
            } else {
                operation.connect_microsoft365(tenant)?
            };
            match shown {
                Some(shown) => told(stream, &shown)?,
                None => {
                    let reason = "there is no such tenant".to_owned();
                    return write(stream, &Answer::Refused { reason });
                }
            }
        }
        Question::Log { tenant, severity, follow } => {
            let filter = LogFilter { tenant, severity: Some(severity), ..LogFilter::default() };
            if !follow {
                for entry in operation.live_log.recent(&filter) {
                    told(stream, &*entry)?;
                }
            } else if let Some(listener) = operation.live_log.listen(filter) {
                follow_log(stream, listener)?;
            } else {
                let reason = "too many follow the log".to_owned();
                return write(stream, &Answer::Refused { reason });
            }
        }
    }
    write(stream, &Answer::Done)
}

/// Until the client goes away, is too slow, or the server stops.
fn follow_log(stream: &UnixStream, mut listener: LogListener) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    loop {
        match listener.poll() {
            Polled::Item(LogItem::Entry(entry)) => told(stream, &*entry)?,
            Polled::Item(LogItem::TooSlow(_)) | Polled::Ended => return Ok(()),
            // The client says nothing: this waits for its end, or for the time to look again.
            Polled::Nothing => match (&*stream).read(&mut [0]) {
                Err(error) if is_timeout(&error) => {}
                _ => return Ok(()),
            },
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock)
}

fn told(stream: &UnixStream, answer: &impl Serialize) -> anyhow::Result<()> {
    write(stream, &Answer::Told { value: serde_json::to_value(answer)? })
}

fn write(mut stream: &UnixStream, answer: &Answer) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}
