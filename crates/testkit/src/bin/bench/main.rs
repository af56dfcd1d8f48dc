//! `bench`: measures a running `chancery` against floors taken in the same run. `cargo xtask bench`
//! builds both and starts it.

mod ack;
mod compact;
mod corpus;
mod dashboard;
mod directory;
mod disposal;
mod evidence;
mod fetch;
mod figures;
mod floor;
mod house;
mod ingest;
mod many;
mod search;
mod sign_in;
mod size;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Ack,
    /// Packs written anew without what was erased, beside a plain copy
    Compact,
    /// Figures of a thousand tenants and ten million mails
    Dashboard,
    /// Reading 50,000 people from OpenLDAP
    Directory,
    /// Mail whose period is over goes; what is on hold stays
    Disposal,
    /// Seals, proofs, `chancery-verify` and the scrub beside bare hashing
    Evidence,
    /// Mail from a local Dovecot by IMAP and POP3, and 500 sources that are idle
    Fetch,
    Ingest,
    Search,
    /// People who sign in, beside the bare hashes of their passwords
    SignIn,
    Size,
    /// Start, memory and open files with a thousand tenants
    Tenants,
}

#[derive(Parser)]
struct Arguments {
    /// All of them when none is named
    what: Vec<What>,
    /// List mails in the archive
    #[arg(long, default_value_t = 20_000)]
    mails: usize,
    /// Attachment-rich reports; a tenth of the list mails when absent
    #[arg(long)]
    rich: Option<usize>,
    /// The server's program
    #[arg(long)]
    chancery: PathBuf,
    /// Where data goes; should be on the disk that matters
    #[arg(long)]
    folder: PathBuf,
    /// Leaves that are sealed, of `evidence`
    #[arg(long, default_value_t = 1_000_000)]
    leaves: usize,
    /// Leaves that one proof is made out of, of `evidence`
    #[arg(long, default_value_t = 10_000_000)]
    proof_leaves: usize,
    /// Journal reports of the export, of `evidence`
    #[arg(long, default_value_t = 100_000)]
    exported: usize,
    /// Connections that send at the same time
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

impl Arguments {
    fn wants(&self, what: What) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    fn rich(&self) -> usize {
        self.rich.unwrap_or(self.mails / 10)
    }
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.folder)?;
    figures::machine(&arguments.folder)?;
    if arguments.wants(What::Ack) {
        ack::run(&arguments)?;
    }
    if arguments.wants(What::Compact) {
        compact::run(&arguments)?;
    }
    if [What::Dashboard, What::Tenants].iter().any(|what| arguments.wants(*what)) {
        dashboard::run(&arguments)?;
    }
    if arguments.wants(What::Directory) {
        directory::run(&arguments)?;
    }
    if arguments.wants(What::Disposal) {
        disposal::run(&arguments)?;
    }
    if arguments.wants(What::SignIn) {
        sign_in::run(&arguments)?;
    }
    if arguments.wants(What::Evidence) {
        evidence::run(&arguments)?;
    }
    if arguments.wants(What::Fetch) {
        fetch::run(&arguments)?;
    }
    let wanted = [What::Ingest, What::Search, What::Size];
    if wanted.iter().any(|what| arguments.wants(*what)) {
        archive(&arguments)?;
    }
    Ok(())
}

/// Ingest, search and size share their archives: filled once, measured three times.
fn archive(arguments: &Arguments) -> Outcome<()> {
    use testkit::demo::Profile::{AttachmentRich, ListMail};
    let sets = [
        ("list mail", ListMail, arguments.mails),
        ("attachments", AttachmentRich, arguments.rich()),
    ];
    for (name, profile, count) in sets {
        if count == 0 {
            continue;
        }
        let corpus = corpus::Corpus::make(&arguments.folder, profile, count)?;
        if arguments.wants(What::Ingest) {
            floor::run(name, &corpus, &arguments.folder)?;
        }
        let mut house = house::House::open(&arguments.chancery, &arguments.folder, name)?;
        ingest::run(name, &corpus, &mut house, arguments.connections)?;
        if arguments.wants(What::Search) {
            search::run(name, &corpus, &mut house, profile == AttachmentRich)?;
            many::run(name, &mut house)?;
        }
        if arguments.wants(What::Size) {
            size::run(name, &corpus, &mut house)?;
        }
        house.close()?;
    }
    Ok(())
}
