//! `chancery backup` and `chancery restore`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::print;
use crate::backup::{self, Checked, Options};
use crate::config::Config;

/// Findings that are printed; the count is complete.
const LINES_MAX: usize = 1_000;

#[derive(clap::Args)]
pub struct BackupArguments {
    /// The folder of the backup; the next run into it copies only what changed
    target: PathBuf,
    /// Copy the master key as well: who has the backup can then read all mail
    #[arg(long)]
    with_master_key: bool,
    /// Read the backup there and compare everything, instead of making one
    #[arg(long, conflicts_with = "with_master_key")]
    check: bool,
    /// The master key for --check, when the backup holds none [default: that of the data folder]
    #[arg(long, value_name = "FILE", requires = "check")]
    master_key: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct RestoreArguments {
    /// The folder of the backup; --data names the new data folder
    source: PathBuf,
    /// A copy of the master key, when the backup holds none
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub fn backup(
    config: &Config,
    config_file: Option<&Path>,
    arguments: &BackupArguments,
) -> anyhow::Result<ExitCode> {
    let target = &arguments.target;
    if arguments.check {
        let own = config.data_folder().join(backup::MASTER_KEY);
        let key = arguments.master_key.clone().or_else(|| own.exists().then_some(own));
        let checked = backup::check(target, key.as_deref())?;
        return Ok(report(&checked, arguments.json));
    }
    let options = Options { with_master_key: arguments.with_master_key };
    let copied = backup::make(config, config_file, target, options)?;
    let summary = &copied.summary;
    if arguments.json {
        print(&serde_json::to_string_pretty(summary)?);
    } else {
        print(&format!(
            "files    {:>16}\nbytes    {:>16}\ncopied   {:>16}\nseconds  {:>16}",
            summary.files, summary.bytes, summary.bytes_copied, summary.seconds
        ));
        if !copied.manifest.has_master_key {
            print(&format!(
                "The master key {} is not in this backup: without a copy of master.key it is noise.",
                copied.manifest.master_key_id
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn restore(config: &Config, arguments: &RestoreArguments) -> anyhow::Result<ExitCode> {
    let target = config.data_folder();
    let checked = backup::restore(&arguments.source, &target, arguments.master_key.as_deref())?;
    let code = report(&checked, arguments.json);
    if !arguments.json {
        print(&format!(
            "restored in {}; the index is made anew at the next start",
            target.display()
        ));
    }
    Ok(code)
}

fn report(checked: &Checked, json: bool) -> ExitCode {
    if json {
        // Strings and numbers: it always has a JSON form.
        print(&serde_json::to_string_pretty(checked).unwrap_or_default());
    } else {
        print(&format!("files     {:>15}\nbytes     {:>15}", checked.files, checked.bytes));
        match (checked.records, checked.waiting) {
            (Some(records), Some(waiting)) => {
                print(&format!("records   {records:>15}\nwaiting   {waiting:>15}"));
            }
            _ => print("No master key: only the files were compared with the manifest."),
        }
        print(&format!("findings  {:>15}", checked.findings.len()));
        for finding in checked.findings.iter().take(LINES_MAX) {
            print(finding);
        }
    }
    if checked.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
