//! Who may import whom. The table is that of `docs/ARCHITECTURE.md`; imports point one way.

use anyhow::bail;

use crate::metadata::{Metadata, dependencies, text};

/// Crate, and what of ours it may import. What only tests import is not looked at.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("mail", &["model"]),
    ("policy", &["model"]),
    ("evidence", &["model"]),
    ("extract", &["model"]),
    ("msgraph", &[]),
    ("spool", &["model"]),
    ("store", &["model"]),
    ("catalog", &["model", "policy"]),
    ("index", &["model", "policy"]),
    ("ledger", &["model", "evidence", "store", "catalog"]),
    ("identity", &["model", "policy", "catalog", "msgraph"]),
    ("intake", &["model", "mail", "spool", "catalog", "msgraph"]),
    ("pipeline", &["model", "mail", "extract", "policy", "spool", "store", "catalog", "index"]),
    ("lifecycle", &["model", "mail", "policy", "store", "catalog", "index", "ledger", "pipeline"]),
    ("discovery", &["model", "mail", "policy", "store", "catalog", "index", "ledger"]),
    ("api", &["model", "policy", "spool", "catalog", "identity", "lifecycle", "discovery"]),
    ("verify", &["model", "mail", "evidence"]),
    ("xtask", &[]),
];

/// May import everything: `server` wires it together, `testkit` is never shipped.
const FREE: &[&str] = &["server", "testkit"];

/// An outside library and the one crate that may name it, so that it can be replaced there.
const OWNERS: &[(&str, &str)] = &[
    ("ammonia", "discovery"),
    ("argon2", "identity"),
    ("axum", "api"),
    ("compressed-rtf", "mail"),
    ("mail-parser", "mail"),
    ("rcgen", "intake"),
    ("roxmltree", "evidence"),
    ("rusqlite", "catalog"),
    ("rust-embed", "api"),
    ("smtp-proto", "intake"),
    ("tantivy", "index"),
    ("utoipa", "api"),
    ("zstd", "store"),
];

pub fn run() -> anyhow::Result<()> {
    let metadata = Metadata::read()?;
    let crates: Vec<(String, Vec<(String, bool)>)> = metadata
        .ours()
        .map(|package| {
            let imports = dependencies(package);
            let imports = imports.into_iter().map(|it| (it.name, it.kind == "dev")).collect();
            (text(&package["name"]).to_owned(), imports)
        })
        .collect();
    let breaches = breaches(&crates);
    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} imports break the layers", breaches.len());
    }
    println!("layers: {} crates import only what they may", crates.len());
    Ok(())
}

/// Every import (name, only for tests) that the table does not allow, as a sentence.
fn breaches(crates: &[(String, Vec<(String, bool)>)]) -> Vec<String> {
    let ours = |name: &str| crates.iter().any(|(other, _)| other == name);
    let mut found = Vec::new();
    for (name, imports) in crates {
        let shipped = imports.iter().filter(|(_, test_only)| !test_only);
        let allowed = TABLE.iter().find(|(row, _)| row == name).map(|(_, allowed)| *allowed);
        if allowed.is_none() && !FREE.contains(&name.as_str()) {
            found.push(format!("{name} is not in the table of layers"));
            continue;
        }
        for (import, _) in shipped {
            let named = import.as_str();
            if let Some((library, owner)) = OWNERS.iter().find(|(library, _)| library == import)
                && owner != name
                && !FREE.contains(&name.as_str())
            {
                found.push(format!("{name} imports {library}, which belongs to {owner}"));
            }
            let allowed = allowed.is_none_or(|row| row.contains(&named));
            if ours(named) && !allowed {
                found.push(format!("{name} must not import {named}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(crates: &[(&str, &[(&str, bool)])], expected: &[&str]) {
        let crates: Vec<_> = crates
            .iter()
            .map(|(name, imports)| {
                let imports = imports.iter().map(|(it, test)| ((*it).to_owned(), *test)).collect();
                ((*name).to_owned(), imports)
            })
            .collect();
        assert_eq!(breaches(&crates), expected);
    }

    #[test]
    fn an_import_against_the_direction_is_found() {
        check(
            &[("model", &[("mail", false)]), ("mail", &[("model", false)])],
            &["model must not import mail"],
        );
    }

    #[test]
    fn an_outside_library_belongs_to_one_crate() {
        check(
            &[("store", &[("zstd", false)]), ("mail", &[("zstd", false)])],
            &["mail imports zstd, which belongs to store"],
        );
    }

    #[test]
    fn what_only_tests_import_is_free() {
        check(&[("mail", &[("testkit", true)]), ("testkit", &[])], &[]);
        check(
            &[("mail", &[("testkit", false)]), ("testkit", &[])],
            &["mail must not import testkit"],
        );
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check(&[("common", &[])], &["common is not in the table of layers"]);
    }
}
