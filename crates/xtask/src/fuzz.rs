//! `cargo xtask fuzz`: mutated input for every parser, in this process tree, on stable Rust. The
//! coverage-guided targets of `fuzz/` run the same functions (`cargo +nightly fuzz run NAME`).

use clap::Args;

use crate::shell;

#[derive(Args)]
pub struct Arguments {
    /// How long each target runs
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Only targets whose name contains this
    #[arg(long)]
    target: Option<String>,
    /// Where the random numbers begin; printed when a run fails
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (seconds, seed) = (arguments.seconds.to_string(), arguments.seed.to_string());
    let mut words = vec!["--seconds", &seconds, "--seed", &seed];
    if let Some(target) = &arguments.target {
        words.extend(["--target", target]);
    }
    shell::succeed(driver(&["--release"], &words))
}

/// A short run of a build that tests have made already.
pub fn brief(seconds: &str) -> anyhow::Result<()> {
    shell::succeed(driver(&[], &["--seconds", seconds]))
}

fn driver(profile: &[&str], arguments: &[&str]) -> std::process::Command {
    let mut words = vec!["run", "--quiet", "--locked", "--package", "testkit"];
    words.extend(["--features", "fuzz", "--bin", "fuzz"]);
    words.extend(profile);
    words.push("--");
    words.extend(arguments);
    shell::cargo(&words)
}
