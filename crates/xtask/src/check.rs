//! `cargo xtask check`: what should hold before every commit.

use crate::shell::{self, Phases};
use crate::{layers, licences, tools};

pub fn run() -> anyhow::Result<()> {
    let mut phases = Phases::default();
    phases.run("format", || shell::succeed(shell::cargo(&["fmt", "--all", "--check"])))?;
    phases.run("layers", layers::run)?;
    phases.run("licences and advisories", licences::run)?;
    phases.run("clippy", || {
        shell::succeed(shell::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "testkit/bench,testkit/fuzz",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    phases.run("unit tests", || {
        shell::succeed(shell::cargo(&["test", "--workspace", "--lib", "--bins", "--locked"]))
    })?;
    if shell::root().join("web/node_modules").is_dir() {
        phases.run("web", || tools::npm(&["run", "check"]))?;
    } else {
        println!("web: NOT CHECKED, there is no web/node_modules (npm ci)");
    }
    phases.print();
    Ok(())
}
