//! `cargo xtask fuzz`: mutated input for every parser, in this process tree, on stable Rust. The
//! coverage-guided targets of `fuzz/` run the same functions (`cargo +nightly fuzz run NAME`).

use clap::Args;

use crate::shell;
use crate::site::Programs;

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
    // With the server, so that the dependencies' features are those of a release build.
    shell::succeed(shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "server",
        "--package",
        "testkit",
        "--features",
        "testkit/fuzz",
        "--bin",
        "fuzz",
    ]))?;
    let fuzz = Programs::of("release")?.demo.with_file_name("fuzz");
    shell::succeed(shell::command(fuzz, &words))
}
