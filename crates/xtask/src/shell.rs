//! Starting programs, and telling how long they took.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// The top of the checkout.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let top = own.as_deref().and_then(Path::parent).and_then(Path::parent);
    top.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A program to be run at the top of the checkout.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that runs this.
pub fn cargo(arguments: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Runs `command` to its end, its output on ours.
///
/// # Errors
/// When it cannot be started or ends with another code than 0.
pub fn succeed(mut command: Command) -> anyhow::Result<()> {
    let shown = show(&command);
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}

/// Runs `command` to its end and gives what it printed.
///
/// # Errors
/// As [`succeed`]; also when the output is not UTF-8.
pub fn output(mut command: Command) -> anyhow::Result<String> {
    let shown = show(&command);
    let done = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {shown}"))?;
    ensure!(done.status.success(), "{shown} ended with {}", done.status);
    String::from_utf8(done.stdout).with_context(|| format!("{shown} did not print text"))
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Whether `program` is on the path or at a usual place of system programs.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    std::env::split_paths(&path).chain(usual).map(|dir| dir.join(program)).find(|p| p.is_file())
}

/// The steps of a chore with their durations.
#[derive(Default)]
pub struct Phases(Vec<(String, Duration)>);

impl Phases {
    pub fn run<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        println!("== {name}");
        let started = Instant::now();
        let result = work().with_context(|| format!("{name} failed"));
        self.0.push((name.to_owned(), started.elapsed()));
        result
    }

    /// Prints a table of all steps and their sum.
    pub fn print(&self) {
        println!("\n   seconds  step");
        for (name, duration) in &self.0 {
            println!("{:>10.1}  {name}", duration.as_secs_f64());
        }
        let sum: Duration = self.0.iter().map(|(_, duration)| *duration).sum();
        println!("{:>10.1}  together", sum.as_secs_f64());
    }
}
