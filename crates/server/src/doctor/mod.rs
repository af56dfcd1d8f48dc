//! `chancery doctor`: looks at everything that the server needs, and says what to do.

mod dns;
mod machine;
mod network;
mod stores;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use crate::commands::print;
use crate::config::Config;
use crate::house::House;
use crate::settings::SettingsDesk;

#[derive(clap::Args)]
pub struct Arguments {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Warn,
    Fail,
}

/// What a look at one thing gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Such as `disk`.
    pub area: &'static str,
    pub state: State,
    /// What was seen.
    pub what: String,
    /// What to do; empty when all is well.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub advice: &'static str,
}

/// Collects findings.
#[derive(Default)]
pub struct Report(pub Vec<Finding>);

impl Report {
    fn ok(&mut self, area: &'static str, what: impl Into<String>) {
        self.0.push(Finding { area, state: State::Ok, what: what.into(), advice: "" });
    }

    fn warn(&mut self, area: &'static str, what: impl Into<String>, advice: &'static str) {
        self.0.push(Finding { area, state: State::Warn, what: what.into(), advice });
    }

    fn fail(&mut self, area: &'static str, what: impl Into<String>, advice: &'static str) {
        self.0.push(Finding { area, state: State::Fail, what: what.into(), advice });
    }

    fn worst(&self) -> State {
        self.0.iter().map(|finding| finding.state).max().unwrap_or(State::Ok)
    }
}

/// Exit code 1 when something does not work; warnings alone are no failure.
pub fn run(config: anyhow::Result<Config>, data: Option<&Path>, arguments: &Arguments) -> ExitCode {
    let mut report = Report::default();
    match config {
        Err(error) => report.fail(
            "configuration",
            format!("{error:#}"),
            "correct the file; docs/operating.md names all keys",
        ),
        Ok(mut config) => {
            if let Some(data) = data {
                config.data = Some(data.to_owned());
            }
            report.ok("configuration", "the file is valid");
            examine(&config, &mut report);
        }
    }
    show(&report, arguments.json);
    if report.worst() == State::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn examine(config: &Config, report: &mut Report) {
    let folder = config.data_folder();
    if !folder.is_dir() {
        report.warn(
            "data",
            format!("there is no data folder {}", folder.display()),
            "the first start makes it; or name another with --data",
        );
        machine::clock(report);
        return;
    }
    machine::permissions(&folder, report);
    machine::clock(report);
    let house = match House::open(config) {
        Ok(house) => house,
        Err(error) => {
            let advice = "restore a backup, or make it anew with chancery rebuild";
            return report.fail("catalog", format!("{error:#}"), advice);
        }
    };
    let desk = match SettingsDesk::open(config, Arc::clone(&house.catalog), None) {
        Ok(desk) => desk,
        Err(error) => {
            let advice = "correct the file, or set the value anew with chancery settings set";
            return report.fail("settings", format!("{error:#}"), advice);
        }
    };
    let settings = desk.current();
    machine::disk(&folder, &settings, report);
    machine::open_files(&settings, report);
    stores::settings(&settings, report);
    let running = network::running(&house, report);
    network::ports(&settings, running.as_ref(), report);
    network::names(&house, &settings, report);
    network::certificate(&folder, &settings, report);
    stores::catalog(&house, report);
    stores::vault(&house, report);
    match &running {
        Some(status) => stores::running(status, report),
        None => stores::index(&house, report),
    }
    stores::backup(&house, report);
}

fn show(report: &Report, json: bool) {
    if json {
        // Strings only: it always has a JSON form.
        print(&serde_json::to_string_pretty(&report.0).unwrap_or_default());
        return;
    }
    for Finding { area, state, what, advice } in &report.0 {
        let state = match state {
            State::Ok => "ok  ",
            State::Warn => "WARN",
            State::Fail => "FAIL",
        };
        print(&format!("{state}  {area:<14} {what}"));
        if !advice.is_empty() {
            print(&format!("{:>21}{advice}", ""));
        }
    }
}
