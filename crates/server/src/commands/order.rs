//! Orders to the running server; without one, this process carries them out itself.

use std::io::{BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::Context as _;
use catalog::{AuditEvent, AuditOutcome};
use model::{Clock as _, TenantId};
use serde_json::Value;

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::control::{self, Answer, Frame};
use crate::house::House;
use crate::line::Line;

/// Who does what is done on the command line, in the audit log.
pub const COMMAND_LINE: &str = "command line";

/// How long mail that was let in may take into the archive before this process ends; what is not
/// archived then waits in the spool for the next start.
const SETTLE_TRIES_MAX: u32 = 6_000;
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// Hands an order to the server that runs on this folder, or carries it out.
///
/// # Errors
/// What the server says, or that nothing can be opened.
pub fn order(config: &Config, house: House, frame: &Frame) -> anyhow::Result<Answer> {
    let answer = match UnixStream::connect(house.control_socket()) {
        Ok(stream) => ask(stream, frame)?,
        Err(_) => {
            let line = Line::start(config, house, None)?;
            let (ours, theirs) = UnixStream::pair()?;
            let desk = line.server_desk();
            let serving = std::thread::Builder::new()
                .name("order".to_owned())
                .spawn(move || control::serve(&theirs, &desk))?;
            let answer = ask(ours, frame);
            let _ = serving.join();
            line.wait_until_settled(SETTLE_TRIES_MAX, SETTLE_PAUSE);
            line.stop();
            answer?
        }
    };
    match answer {
        Answer::Refused { reason } => anyhow::bail!("{reason}"),
        answer => Ok(answer),
    }
}

fn ask(mut stream: UnixStream, frame: &Frame) -> anyhow::Result<Answer> {
    control::write_frame(&mut stream, frame)?;
    stream.flush()?;
    let answer = control::read_answer(&mut BufReader::new(stream))?;
    answer.context("the server went away")
}

/// Hands an order to the server that runs on this folder.
///
/// # Errors
/// When none runs, or what it says.
pub fn tell_server(house: &House, frame: &Frame) -> anyhow::Result<()> {
    let stream = UnixStream::connect(house.control_socket())
        .context("no server runs on this data folder")?;
    match ask(stream, frame)? {
        Answer::Refused { reason } => anyhow::bail!("{reason}"),
        _ => Ok(()),
    }
}

/// Lets the running server tell the vault what the catalog says of the tenant now. Without one,
/// the next start does it.
pub fn changed(house: &House, tenant: TenantId) {
    let Ok(stream) = UnixStream::connect(house.control_socket()) else { return };
    match ask(stream, &Frame::Changed { tenant }) {
        Ok(Answer::Refused { reason }) => tracing::warn!(reason, "the vault learns of it later"),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the vault learns of it later");
        }
    }
}

/// Writes into the audit log what was done on the command line.
///
/// # Errors
/// Of the catalog.
pub fn note(
    house: &House,
    tenant: Option<TenantId>,
    action: &str,
    object: String,
    detail: Value,
    reason: Option<String>,
) -> anyhow::Result<()> {
    house.catalog.audit(&[AuditEvent {
        at: SystemClock.now(),
        tenant,
        account: None,
        who: COMMAND_LINE.to_owned(),
        action: action.to_owned(),
        object,
        detail,
        reason,
        outcome: AuditOutcome::Done,
        ip: None,
    }])?;
    Ok(())
}

/// Prints an answer as JSON, or as lines for people.
pub fn show(as_json: bool, value: &Value, text: impl FnOnce() -> String) {
    if as_json {
        print(&value.to_string());
    } else {
        let text = text();
        if !text.is_empty() {
            print(text.trim_end());
        }
    }
}
