//! `size`: what is on the disk, by kind, against the raw mail.

use std::path::Path;

use crate::Outcome;
use crate::corpus::Corpus;
use crate::figures::{heading, line};
use crate::house::House;

pub fn run(name: &str, corpus: &Corpus, house: &mut House) -> Outcome<()> {
    heading(&format!(
        "size, {name}: {} reports, {:.1} MB",
        corpus.count,
        corpus.octets as f64 / 1e6
    ));
    let data = house.folder.join("data");
    let mut kinds =
        [("packs", 0u64), ("keys", 0), ("catalog", 0), ("index", 0), ("spool", 0), ("other", 0)];
    weigh(&data, &data, &mut kinds)?;
    for (kind, octets) in kinds {
        line(
            kind,
            &format!(
                "{:>9.1} MB  {:.3} of raw",
                octets as f64 / 1e6,
                octets as f64 / corpus.octets as f64
            ),
        );
    }
    Ok(())
}

fn weigh(top: &Path, folder: &Path, kinds: &mut [(&str, u64); 6]) -> Outcome<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.is_dir() {
            weigh(top, &path, kinds)?;
            continue;
        }
        // A file of the index may be merged away while we look.
        let octets = entry.metadata().map_or(0, |found| found.len());
        let inside = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().into_owned();
        let kind = match () {
            () if inside.ends_with(".pack") => 0,
            () if inside.ends_with(".keys") => 1,
            () if inside.starts_with("catalog") => 2,
            () if inside.starts_with("index") => 3,
            () if inside.starts_with("spool") => 4,
            () => 5,
        };
        kinds[kind].1 += octets;
    }
    Ok(())
}
