//! `chancery import`: mail from files, through the same line as mail from the network.

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use intake::files;
use model::EmailAddress;
use serde_json::json;

use super::print;
use crate::config::Config;
use crate::control::{self, Answer, Frame};
use crate::house::House;
use crate::line::Line;

/// Reasons that are printed one by one; the counts are complete.
const REASONS_SHOWN_MAX: usize = 100;

#[derive(clap::Args)]
pub struct Arguments {
    /// The tenant's name
    #[arg(long)]
    tenant: String,
    /// Whose mailbox this was: the owner finds all of it
    #[arg(long, value_name = "ADDRESS")]
    mailbox: Option<String>,
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// What became of all that was read. The counts add up, or the import says so.
#[derive(Default)]
struct Report {
    read: u64,
    archived: u64,
    merged: u64,
    known: u64,
    quarantined: u64,
    /// Not taken by the archive.
    failed: u64,
    /// Not readable as files: these were never read.
    unreadable: u64,
    reasons: BTreeMap<String, Vec<String>>,
}

pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let tenant = house.tenant_named(&arguments.tenant)?;
    let mailbox = arguments.mailbox.as_deref().map(EmailAddress::new);
    for path in &arguments.paths {
        anyhow::ensure!(path.exists(), "there is no {}", path.display());
    }
    // The running server takes the mail; without one, this process is the line itself.
    let (stream, line) = match UnixStream::connect(house.control_socket()) {
        Ok(stream) => (stream, None),
        Err(_) => {
            let line = Line::start(config, house, None)?;
            let (ours, theirs) = UnixStream::pair()?;
            let desk = line.server_desk();
            let serving = std::thread::Builder::new()
                .name("import".to_owned())
                .spawn(move || control::serve(&theirs, &desk))?;
            (ours, Some((line, serving)))
        }
    };
    let bar = progress_bar(files::count(&arguments.paths).bytes);
    let begin = Frame::Begin { tenant: tenant.id, mailbox };
    let mut report = transfer(stream, &begin, &arguments.paths, &bar)?;
    bar.finish_and_clear();
    if let Some((line, serving)) = line {
        if !matches!(serving.join(), Ok(Ok(()))) {
            tracing::warn!("the import's line ended early");
        }
        line.stop();
    }
    Ok(if arguments.json { report.print_json() } else { report.print() })
}

/// Sends on one thread, reads answers on this one.
fn transfer(
    stream: UnixStream,
    begin: &Frame,
    paths: &[PathBuf],
    bar: &ProgressBar,
) -> anyhow::Result<Report> {
    let answers = BufReader::new(stream.try_clone()?);
    let sent = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        let sending = {
            let sent = Arc::clone(&sent);
            scope.spawn(move || send(stream, begin, paths, &sent))
        };
        let mut report = receive(answers, bar)?;
        let unreadable = match sending.join() {
            Ok(sent) => sent?,
            Err(_) => anyhow::bail!("reading the files ended early"),
        };
        report.read = sent.load(Ordering::SeqCst);
        for (name, reason) in unreadable {
            report.unreadable += 1;
            report.note(format!("not readable: {reason}"), name);
        }
        Ok(report)
    })
}

/// Sends all mails that the paths hold; returns what could not be read.
fn send(
    stream: UnixStream,
    begin: &Frame,
    paths: &[PathBuf],
    sent: &AtomicU64,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut output = BufWriter::with_capacity(1 << 18, stream);
    let mut unreadable = Vec::new();
    control::write_frame(&mut output, begin)?;
    for found in files::walk(paths.to_vec(), files::WalkSettings::default()) {
        match found {
            Ok(mail) => {
                let bytes = mail.octets.len() as u64;
                control::write_frame(&mut output, &Frame::Mail { name: mail.name, bytes })?;
                output.write_all(&mail.octets).context("the server went away")?;
                sent.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => unreadable.push((error.name, error.reason.to_string())),
        }
    }
    control::write_frame(&mut output, &Frame::End)?;
    output.flush()?;
    Ok(unreadable)
}

fn receive(mut answers: BufReader<UnixStream>, bar: &ProgressBar) -> anyhow::Result<Report> {
    let mut report = Report::default();
    loop {
        let answer = control::read_answer(&mut answers)?;
        let bytes = match answer.context(
            "the server went away before all mail was archived: import again, nothing is doubled",
        )? {
            Answer::Archived { bytes, .. } => {
                report.archived += 1;
                bytes
            }
            Answer::Merged { bytes, .. } => {
                report.merged += 1;
                bytes
            }
            Answer::Known { bytes, .. } => {
                report.known += 1;
                bytes
            }
            Answer::Quarantined { name, bytes, reason } => {
                report.quarantined += 1;
                report.note(format!("quarantined: {reason}"), name);
                bytes
            }
            Answer::Failed { name, bytes, reason } => {
                report.failed += 1;
                report.note(format!("not archived: {reason}"), name);
                bytes
            }
            Answer::Decided(_) | Answer::Done => return Ok(report),
            Answer::Refused { reason } => anyhow::bail!("{reason}"),
            Answer::File { .. } | Answer::Paused | Answer::Told { .. } => {
                anyhow::bail!("this is no import")
            }
        };
        bar.inc(bytes);
        let mails = report.settled();
        bar.set_message(format!("{mails} mails"));
    }
}

impl Report {
    fn note(&mut self, reason: String, name: String) {
        self.reasons.entry(reason).or_default().push(name);
    }

    fn settled(&self) -> u64 {
        self.archived + self.merged + self.known + self.quarantined + self.failed
    }

    /// The counts, and every reason with the names that it is about.
    fn print_json(&self) -> ExitCode {
        let adds_up = self.settled() == self.read;
        print(
            &json!({
                "read": self.read, "archived": self.archived, "merged": self.merged,
                "known": self.known, "quarantined": self.quarantined, "failed": self.failed,
                "unreadable": self.unreadable, "reasons": self.reasons, "addsUp": adds_up,
            })
            .to_string(),
        );
        let fine = adds_up && self.failed == 0 && self.unreadable == 0;
        if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn print(&mut self) -> ExitCode {
        print(&format!(
            "read         {:>9}\narchived     {:>9}\nmerged       {:>9}\nknown        {:>9}\nquarantined  {:>9}\nfailed       {:>9}",
            self.read, self.archived, self.merged, self.known, self.quarantined, self.failed
        ));
        if self.unreadable > 0 {
            print(&format!("unreadable   {:>9}", self.unreadable));
        }
        for (reason, names) in &self.reasons {
            print(&format!("\n{reason} ({})", names.len()));
            for name in names.iter().take(REASONS_SHOWN_MAX) {
                print(&format!("  {name}"));
            }
            if names.len() > REASONS_SHOWN_MAX {
                print(&format!("  … and {} more", names.len() - REASONS_SHOWN_MAX));
            }
        }
        if self.settled() != self.read {
            print(&format!(
                "\nthe counts do not add up: {} of {} mails have an outcome; import again, nothing is doubled",
                self.settled(),
                self.read
            ));
            return ExitCode::FAILURE;
        }
        if self.failed > 0 || self.unreadable > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    let template = "{bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {msg}, {eta} left";
    // A constant template that is known to be valid; the plain bar is as good.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
