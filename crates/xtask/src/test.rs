//! `cargo xtask test`: every test with the real counterparts that it needs.

use clap::Args;

use crate::shell::{self, Phases};
use crate::site::{LOGINS, PASSWORD, Programs, Site};
use crate::tools;

/// Reports in the archive that the browser looks at.
const BROWSER_REPORTS: u64 = 600;
/// Letters whose time is over.
const BROWSER_OLD: u64 = 6;
const FUZZ_SECONDS: &str = "2";
/// Where the random numbers of property tests begin.
const PROPERTY_SEED: &str = "PROPTEST_RNG_SEED";

#[derive(Args)]
pub struct Arguments {
    /// Leave the browser out
    #[arg(long)]
    no_browser: bool,
    /// Only the browser, with the programs of an earlier run
    #[arg(long)]
    only_browser: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut phases = Phases::default();
    let result = steps(arguments, &mut phases);
    phases.print();
    match &result {
        Ok(()) => println!("\ntest: everything passed"),
        Err(_) => println!("\ntest: FAILED"),
    }
    result
}

fn steps(arguments: &Arguments, phases: &mut Phases) -> anyhow::Result<()> {
    if arguments.only_browser {
        return phases.run("browser", browser);
    }
    phases.run("tools", || {
        tools::provide(tools::BUILD)?;
        tools::provide(tools::TEST)?;
        tools::cyrus()
    })?;
    phases.run("layers and licences", || {
        crate::layers::run()?;
        crate::licences::run()
    })?;
    phases.run("npm packages", || {
        tools::node_modules()?;
        tools::component_modules()
    })?;
    phases.run("web check and tests", || {
        tools::npm(&["run", "check"])?;
        tools::npm(&["test"])
    })?;
    phases.run("web build", tools::web_build)?;
    // All of it in one go: a build of fewer packages would resolve other features and compile the
    // dependencies once more.
    phases.run("cargo build", || shell::succeed(cargo("build", &["--all-targets"])))?;
    phases.run("cargo test", || {
        // One failure does not hide the next one.
        let mut test = cargo("test", &["--no-fail-fast"]);
        test.env("CHANCERY_REQUIRE_TOOLS", "1");
        // The same inputs in every run: a run that fails can be repeated, and no run fails by chance.
        // `cargo test` by itself draws new ones.
        if std::env::var_os(PROPERTY_SEED).is_none() {
            test.env(PROPERTY_SEED, "1");
        }
        if std::env::var_os("CHANCERY_CORPUS").is_none() {
            println!("CHANCERY_CORPUS is not set: tests on outside samples only say so");
        }
        shell::succeed(test)
    })?;
    phases.run("fuzzing, briefly", || {
        let fuzz = Programs::of("debug")?.demo.with_file_name("fuzz");
        shell::succeed(shell::command(fuzz, &["--seconds", FUZZ_SECONDS]))
    })?;
    if !arguments.no_browser {
        phases.run("browser", browser)?;
    }
    Ok(())
}

fn cargo(chore: &str, more: &[&str]) -> std::process::Command {
    let mut words = vec![chore, "--workspace", "--locked"];
    words.extend(["--features", "server/failpoints,testkit/fuzz"]);
    words.extend(more);
    shell::cargo(&words)
}

/// The tasks of `web/e2e` against a fresh server with the demo company's mail.
fn browser() -> anyhow::Result<()> {
    let programs = Programs::of("debug")?;
    let folder = programs.chancery.with_file_name("browser-site");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let mut site = Site::start(&programs, &folder, (0, 0))?;
    site.fill(BROWSER_REPORTS)?;
    site.import_old(BROWSER_OLD)?;
    let mut tasks = shell::command("npm", &["run", "e2e"]);
    tasks.current_dir(shell::root().join("web"));
    tasks.env("CHANCERY_URL", site.url()).env("CHANCERY_PASSWORD", PASSWORD);
    tasks.env("CHANCERY_DUE", BROWSER_OLD.to_string());
    tasks.env("CHANCERY_SHOTS", folder.join("failures"));
    for role in ["user", "auditor", "officer", "administrator", "operator"] {
        if let Some(login) = LOGINS.iter().find(|login| login.role == role) {
            tasks.env(format!("CHANCERY_{}", role.to_uppercase()), login.user);
        }
    }
    if let Some(second) = LOGINS.iter().rfind(|login| login.role == "officer") {
        tasks.env("CHANCERY_SECOND_OFFICER", second.user);
    }
    shell::succeed(tasks)?;
    site.stop()
}
