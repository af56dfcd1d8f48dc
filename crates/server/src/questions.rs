//! The server's side of `chancery system`, `log`, `notifications` and `connect`.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use api::{LogFilter, LogItem, Operation as _};
use model::Clock as _;
use serde::Serialize;

use crate::clock::SystemClock;
use crate::control::{Answer, Question};
use crate::operation::ServerOperation;

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
            } else if let Some(mut listener) = operation.live_log.listen(filter) {
                while let Some(LogItem::Entry(entry)) = listener.next_blocking() {
                    told(stream, &*entry)?;
                }
            } else {
                let reason = "too many follow the log".to_owned();
                return write(stream, &Answer::Refused { reason });
            }
        }
    }
    write(stream, &Answer::Done)
}

fn told(stream: &UnixStream, answer: &impl Serialize) -> anyhow::Result<()> {
    write(stream, &Answer::Told { value: serde_json::to_value(answer)? })
}

fn write(mut stream: &UnixStream, answer: &Answer) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}
