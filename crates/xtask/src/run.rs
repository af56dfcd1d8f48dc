//! `cargo xtask run`: from a checkout to a server to look at.

use std::path::PathBuf;

use clap::Args;

use crate::shell::{self, Phases};
use crate::site::{LOGINS, PASSWORD, Programs, Site};
use crate::tools;

#[derive(Args)]
pub struct Arguments {
    /// Reports of the demo company to send into a new archive
    #[arg(long, default_value_t = 2_000)]
    count: u64,
    /// Where data goes [default: .demo in the checkout]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Forget what an earlier run has left
    #[arg(long)]
    fresh: bool,
    /// Stop once everything is searchable
    #[arg(long)]
    exit_when_ready: bool,
    /// The HTTP port to try first
    #[arg(long, default_value_t = 8080)]
    http_port: u16,
    /// The SMTP port to try first
    #[arg(long, default_value_t = 8025)]
    smtp_port: u16,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut phases = Phases::default();
    phases.run("tools", || tools::provide(tools::BUILD))?;
    phases.run("web interface", || {
        tools::node_modules()?;
        tools::web_build()
    })?;
    phases.run("release build", || {
        shell::succeed(shell::cargo(&[
            "build",
            "--release",
            "--locked",
            "--package",
            "server",
            "--package",
            "testkit",
            "--bin",
            "chancery",
            "--bin",
            "demo",
        ]))
    })?;
    let folder = arguments.folder.clone().unwrap_or_else(|| shell::root().join(".demo"));
    if arguments.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let programs = Programs::of("release")?;
    let ports = (arguments.smtp_port, arguments.http_port);
    let mut site = phases.run("server", || Site::start(&programs, &folder, ports))?;
    if site.sent == 0 && arguments.count > 0 {
        let name = format!("{} journal reports over SMTP and STARTTLS", arguments.count);
        phases.run(&name, || site.fill(arguments.count))?;
    }
    phases.print();
    announce(&site, &folder);
    if arguments.exit_when_ready {
        return site.stop();
    }
    println!(
        "\n  Ctrl-C ends the server; the next run starts with the same archive (--fresh: anew)."
    );
    site.wait()
}

fn announce(site: &Site<'_>, folder: &std::path::Path) {
    println!("\n  Chancery is running with the mail of Musterbau GmbH.\n");
    println!("  Open      {}", site.url());
    println!("  Sign in   (password of all: {PASSWORD})");
    for login in LOGINS {
        println!("            {:<18} {}", login.user, login.role);
    }
    println!("  Journal   {}", site.journal);
    println!("  SMTP      {} (STARTTLS)", site.smtp);
    println!("  Data      {}", folder.display());
}
