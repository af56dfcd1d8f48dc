//! `cargo xtask …`: the chores of this project.
#![allow(clippy::print_stdout)]

mod bench;
mod check;
mod fuzz;
mod layers;
mod licences;
mod metadata;
mod run;
mod shell;
mod site;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Chores of the project")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure a release build against floors taken in the same run
    Bench(bench::Arguments),
    /// Format, lints, layers, licences and advisories, unit tests, web check
    Check,
    /// Feed mutated input to every parser
    Fuzz(fuzz::Arguments),
    /// Check who imports whom against the table of the architecture
    Layers,
    /// Check the licences of everything that is linked
    Licences,
    /// Build everything and start a server filled with the demo company's mail
    Run(run::Arguments),
    /// Run every test, from unit tests to a browser
    Test(test::Arguments),
}

fn main() -> ExitCode {
    match chore() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn chore() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Check => check::run(),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Layers => layers::run(),
        Command::Licences => licences::run(),
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
    }
}
