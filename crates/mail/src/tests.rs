//! Samples stand in `fixtures/` at the root; `CHANCERY_CORPUS` names a folder with foreign ones.

#![allow(clippy::print_stdout)]

mod corpus;
mod foreign;
mod generated;
mod grammar;
mod handmade;
mod journal;
mod mime;
mod plain;
mod properties;
mod tnef;

use std::path::{Path, PathBuf};

use model::HeaderRules;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The folder of foreign samples; `None` prints a note and lets the test pass.
fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("CHANCERY_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("CHANCERY_CORPUS is not set: nothing compared");
    }
    corpus
}

fn examine(octets: &[u8]) -> crate::Examined {
    crate::examine(octets, &HeaderRules::default(), None)
}
