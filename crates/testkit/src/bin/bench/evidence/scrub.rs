//! All octets read again, beside `sha256sum` of the packs; both on one core.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use lifecycle::Scrub;

use super::archive::{Archive, TENANT, now};
use super::{ensure, fastest};
use crate::Outcome;
use crate::figures::{heading, line};

pub fn run(archive: &Archive) -> Outcome<()> {
    let mut packs = Vec::new();
    find_packs(archive.folder.join("vault"), &mut packs)?;
    let mut octets = 0;
    for pack in &packs {
        octets += std::fs::metadata(pack)?.len();
    }
    heading(&format!("evidence: scrub of {} packs, {:.1} MB", packs.len(), octets as f64 / 1e6));
    let sums = fastest(|| {
        let mut command = Command::new("sha256sum");
        let status = command.args(&packs).stdout(Stdio::null()).status()?;
        ensure(status.success(), "sha256sum failed")
    })?;
    let (vault, catalog) = (Arc::clone(&archive.vault), Arc::clone(&archive.catalog));
    let scrub = Scrub { vault, catalog, copy: None };
    let whole = fastest(|| {
        let mut entries = 0;
        for pack in archive.vault.packs(TENANT)? {
            let read = scrub.pack(TENANT, pack, now(), &mut |_| {})?;
            ensure(read.findings.is_empty(), "the scrub finds damage where there is none")?;
            entries += read.entries;
        }
        ensure(entries >= archive.records.len() as u64, "the scrub did not read every mail")
    })?;
    let rate = |octets: u64, seconds: f64| octets as f64 / 1e6 / seconds;
    let seconds = sums.as_secs_f64();
    line(
        "sha256sum of the packs",
        &format!("{seconds:>8.2} s  {:>8.1} MB/s", rate(octets, seconds)),
    );
    let seconds = whole.as_secs_f64();
    line(
        "scrub",
        &format!(
            "{seconds:>8.2} s  {:>8.1} MB/s of packs, {:.1} MB/s of mail  {:.2} of sha256sum",
            rate(octets, seconds),
            rate(archive.octets, seconds),
            sums.as_secs_f64() / seconds
        ),
    );
    Ok(())
}

fn find_packs(folder: PathBuf, into: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_packs(path, into)?;
        } else if path.extension().is_some_and(|it| it == "pack") {
            into.push(path);
        }
    }
    Ok(())
}
