//! `cargo xtask bench`: builds release programs and measures them.

use clap::Args;

use crate::shell;
use crate::site::Programs;

#[derive(Args)]
pub struct Arguments {
    /// ack, compact, dashboard, directory, disposal, evidence, fetch, ingest, search, sign-in, size or
    /// tenants; all of them when none is named
    what: Vec<String>,
    /// Mails in the archive
    #[arg(long, default_value_t = 20_000)]
    mails: u64,
    /// Leaves that are sealed, of `evidence`
    #[arg(long, default_value_t = 1_000_000)]
    leaves: u64,
    /// Leaves that one proof is made out of, of `evidence`
    #[arg(long, default_value_t = 10_000_000)]
    proof_leaves: u64,
    /// Journal reports of the export, of `evidence`
    #[arg(long, default_value_t = 100_000)]
    exported: u64,
    /// Where data goes; should be on the disk that matters
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    shell::succeed(shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "server",
        "--package",
        "testkit",
        "--package",
        "verify",
        "--features",
        "testkit/bench",
        "--bin",
        "chancery",
        "--bin",
        "chancery-verify",
        "--bin",
        "demo",
        "--bin",
        "bench",
    ]))?;
    shell::succeed(shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "catalog",
        "--example",
        "figures",
    ]))?;
    let programs = Programs::of("release")?;
    let mut bench = std::process::Command::new(programs.chancery.with_file_name("bench"));
    bench.args(&arguments.what);
    bench.args(["--mails", &arguments.mails.to_string()]);
    bench.args(["--leaves", &arguments.leaves.to_string()]);
    bench.args(["--proof-leaves", &arguments.proof_leaves.to_string()]);
    bench.args(["--exported", &arguments.exported.to_string()]);
    bench.arg("--chancery").arg(&programs.chancery);
    let folder = arguments.folder.clone();
    bench.arg("--folder").arg(folder.unwrap_or_else(|| shell::root().join("target/bench")));
    shell::succeed(bench)
}
