//! Whether everything that is linked may be, by the licences that cargo knows (SPDX expressions),
//! and what `cargo deny` says when it is installed.

use anyhow::bail;

use crate::metadata::{Metadata, text};
use crate::shell;

/// Licences that ask for no more than to be named, and weak copyleft by file.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub fn run() -> anyhow::Result<()> {
    let metadata = Metadata::read()?;
    let (mut count, mut refused) = (0, 0);
    for package in metadata.packages() {
        count += 1;
        let licence = text(&package["license"]);
        if !allowed(licence) {
            refused += 1;
            println!("{} {}: {licence:?}", text(&package["name"]), text(&package["version"]));
        }
    }
    if refused > 0 {
        bail!("{refused} of {count} packages have a licence that is not allowed");
    }
    println!("licences: {count} packages, all allowed");
    deny()
}

/// Licences, bans and sources must pass; advisories too, when their database can be had.
fn deny() -> anyhow::Result<()> {
    if shell::find("cargo-deny").is_none() {
        println!("advisories: NOT CHECKED, cargo-deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    shell::succeed(shell::cargo(&["deny", "check", "licenses", "bans", "sources"]))?;
    let fetched = shell::cargo(&["deny", "fetch", "db"]).status()?.success();
    if !fetched {
        println!("advisories: NOT CHECKED, the advisory database cannot be reached");
        return Ok(());
    }
    shell::succeed(shell::cargo(&["deny", "check", "advisories"]))
}

/// Whether an SPDX expression can be met by allowed licences alone. `/` is the old form of OR.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    !words.is_empty() && either(&words, &mut at) && at == words.len()
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut holds = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= both(words, at);
    }
    holds
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut holds = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at);
    }
    holds
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = either(words, at);
        *at += 1;
        return holds;
    }
    if words.get(*at) == Some(&"WITH") {
        // An exception only adds permissions.
        *at += 2;
    }
    ALLOWED.contains(word)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn a_choice_needs_one_allowed_licence_and_a_sum_needs_all() {
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR GPL-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("AGPL-3.0", false),
            ("", false),
        ] {
            assert_eq!(allowed(expression), expected, "{expression:?}");
        }
    }
}
