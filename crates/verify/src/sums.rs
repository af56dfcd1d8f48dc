use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::export::{SUMS, parse_sums_line};
use model::Digest;

use crate::source::Source;

/// Findings beyond this number are only counted.
const SHOWN_MAX: usize = 20;

/// The list of all files with their digests.
pub struct Sums(HashMap<String, Listed>);

struct Listed {
    digest: Digest,
    /// The file was read and its digest looked up.
    compared: AtomicBool,
}

impl Sums {
    /// Reads the list and compares it with the files that are there.
    pub fn read(source: &Source) -> Result<Self, String> {
        let text =
            String::from_utf8(source.read(SUMS)?).map_err(|_| format!("{SUMS} is not readable"))?;
        let body = text.strip_suffix('\n').ok_or_else(|| format!("{SUMS} ends within a line"))?;
        let mut sums = HashMap::with_capacity(source.count());
        let mut previous = "";
        for line in body.split('\n') {
            let (digest, path) = parse_sums_line(line)
                .ok_or_else(|| format!("{SUMS} has a line that is not one"))?;
            if path <= previous {
                return Err(format!("{SUMS} is not in order"));
            }
            previous = path;
            sums.insert(path.to_owned(), Listed { digest, compared: AtomicBool::new(false) });
        }
        let mut flaws = Vec::new();
        for path in source.files() {
            if path != SUMS && !sums.contains_key(path) {
                flaws.push(format!("{path} is not listed"));
            }
        }
        // As many files as lines, and each of them listed: none is missing.
        if !flaws.is_empty() || source.count() != sums.len() + 1 {
            let missing = sums.keys().filter(|path| !source.has(path));
            flaws.extend(missing.map(|path| format!("{path} is missing")));
        }
        summary(flaws).map(|()| Self(sums))
    }

    /// The files that [`Sums::fits`] was not asked about, sorted.
    pub fn not_compared(&self) -> Vec<&str> {
        let open = self.0.iter().filter(|(_, listed)| !listed.compared.load(Ordering::Relaxed));
        let mut paths: Vec<&str> = open.map(|(path, _)| path.as_str()).collect();
        paths.sort_unstable();
        paths
    }

    /// Whether a file's octets are those that were exported.
    pub fn fits(&self, path: &str, digest: Digest) -> bool {
        let Some(listed) = self.0.get(path) else { return false };
        let fits = listed.digest == digest;
        listed.compared.store(fits, Ordering::Relaxed);
        fits
    }
}

/// All flaws in one text, the first ones by name.
pub fn summary(mut flaws: Vec<String>) -> Result<(), String> {
    if flaws.is_empty() {
        return Ok(());
    }
    flaws.sort();
    let more = flaws.len().saturating_sub(SHOWN_MAX);
    flaws.truncate(SHOWN_MAX);
    let mut text = flaws.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    Err(text)
}
