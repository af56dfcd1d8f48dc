//! Imports: mail that a command on this machine hands over, each with an answer when it is archived.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use model::{EmailAddress, Source, SourceId, TenantId};
use pipeline::{Settled, SettledAs, Watcher};
use spool::SpoolError;

use super::{Answer, Frame, ServerDesk, read_frame};
use crate::clock::random;

/// Mails of one import that may wait in the spool, and their octets: the client waits beyond.
const IN_FLIGHT_MAIL_MAX: u64 = 4_000;
const IN_FLIGHT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long an import waits before it asks a full spool again.
const FULL_PAUSE: Duration = Duration::from_millis(500);

/// What is said of a mail that nobody is to find.
const LEFT_OUT: &str = "a rule leaves it out: it is not archived for anybody whom it concerns";

/// Tells imports what became of their mails.
#[derive(Default)]
pub struct ImportWatch {
    imports: Mutex<HashMap<SourceId, Sender<Answer>>>,
}

impl Watcher for ImportWatch {
    fn settled(&self, all: &[Settled]) {
        let imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        if imports.is_empty() {
            return;
        }
        for settled in all {
            if let Source::Import { id, name, .. } = &settled.source
                && let Some(import) = imports.get(id)
            {
                let (name, bytes) = (name.clone(), settled.size_bytes);
                let answer = match &settled.outcome {
                    SettledAs::Known => Answer::Known { name, bytes },
                    SettledAs::Merged => Answer::Merged { name, bytes },
                    SettledAs::New => Answer::Archived { name, bytes },
                    // Imports are left out by rules of what is not archived only.
                    SettledAs::NotSelected => {
                        Answer::Failed { name, bytes, reason: LEFT_OUT.to_owned() }
                    }
                    SettledAs::Quarantined(reason) => {
                        Answer::Quarantined { name, bytes, reason: reason.clone() }
                    }
                };
                // A client that went away does not hold up the archive.
                let _ = import.send(answer);
            }
        }
    }
}

/// Takes one import to its end.
///
/// # Errors
/// When the client goes away or sends no frames; what it sent before is archived all the same.
pub(super) fn take(
    stream: &UnixStream,
    input: &mut BufReader<&UnixStream>,
    desk: &ServerDesk,
    (tenant, mailbox): (TenantId, Option<EmailAddress>),
) -> anyhow::Result<()> {
    let id = SourceId::from_bytes(random()?);
    let (sender, answers) = channel();
    let flight = Arc::new(Flight::default());
    desk.watch.imports.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender.clone());
    let writer = {
        let flight = Arc::clone(&flight);
        let output = stream.try_clone()?;
        std::thread::Builder::new()
            .name("import-answers".to_owned())
            .spawn(move || write_answers(output, &answers, &flight))?
    };
    let received = receive(input, desk, &flight, &sender, (id, tenant, mailbox));
    flight.wait_for_all();
    desk.watch.imports.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    drop(sender);
    let _ = writer.join();
    received
}

fn receive(
    input: &mut impl Read,
    desk: &ServerDesk,
    flight: &Arc<Flight>,
    answers: &Sender<Answer>,
    (id, tenant, mailbox): (SourceId, TenantId, Option<EmailAddress>),
) -> anyhow::Result<()> {
    let mut buffer = vec![0; 1 << 17];
    loop {
        let (name, bytes) = match read_frame(input)? {
            Frame::Mail { name, bytes } => (name, bytes),
            Frame::End => return Ok(()),
            _ => anyhow::bail!("an import holds mail and its end"),
        };
        flight.begin(bytes);
        while matches!(desk.spool.admit(bytes.min(1 << 20)), Err(SpoolError::Full(_))) {
            std::thread::sleep(FULL_PAUSE);
        }
        let source = Source::Import { id, name: name.clone(), mailbox: mailbox.clone() };
        let mut draft = desk.spool.draft(tenant, source, None, desk.clock.now());
        let mut refused = None;
        let mut left = bytes;
        while left > 0 {
            let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            input.read_exact(&mut buffer[..count]).context("the client went away")?;
            left -= count as u64;
            if refused.is_none() {
                refused = draft.write(&buffer[..count]).err();
            }
        }
        let failed = {
            let answers = answers.clone();
            move |error: SpoolError| {
                let _ = answers.send(Answer::Failed { name, bytes, reason: error.to_string() });
            }
        };
        match refused {
            Some(error) => failed(error),
            None => desk.spool.accept(draft, move |accepted| {
                if let Err(error) = accepted {
                    failed(error);
                }
            }),
        }
    }
}

fn write_answers(mut output: UnixStream, answers: &Receiver<Answer>, flight: &Flight) {
    let mut write = |answer: &Answer| {
        let mut line = serde_json::to_vec(answer).unwrap_or_default();
        line.push(b'\n');
        let _ = output.write_all(&line);
    };
    for answer in answers {
        write(&answer);
        let (Answer::Archived { bytes, .. }
        | Answer::Failed { bytes, .. }
        | Answer::Known { bytes, .. }
        | Answer::Merged { bytes, .. }
        | Answer::Quarantined { bytes, .. }) = answer
        else {
            continue;
        };
        flight.end(bytes);
    }
    write(&Answer::Done);
}

/// Mails of one import between its client and the archive.
#[derive(Default)]
struct Flight {
    /// Mails and octets.
    now: Mutex<(u64, u64)>,
    fewer: Condvar,
}

impl Flight {
    fn begin(&self, bytes: u64) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        while now.0 >= IN_FLIGHT_MAIL_MAX || (now.0 > 0 && now.1 + bytes > IN_FLIGHT_BYTES_MAX) {
            now = self.fewer.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
        *now = (now.0 + 1, now.1 + bytes);
    }

    fn end(&self, bytes: u64) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (now.0.saturating_sub(1), now.1.saturating_sub(bytes));
        self.fewer.notify_all();
    }

    fn wait_for_all(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        while now.0 > 0 {
            now = self.fewer.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
