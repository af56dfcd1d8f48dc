//! Everything that a run needs from the directory, read completely before anything is decided.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use catalog::DirectoryConfig;
use model::Timestamp;

use super::client::{Client, Depth, Search};
use super::connect::{Patience, with_any_host};
use super::error::DirectoryError;
use super::filter::{enclosed, escape};
use super::groups::{self, Group};
use super::person::{self, Person, Reading, Skipped};

/// A whole run may take so long.
const SECONDS_MAX: u64 = 60 * 60;

/// Entries whose details one search asks for.
const BATCH: usize = 50;

/// More changed entries than this are read by reading everything.
const CHANGED_MAX: usize = 2_000;

/// What a directory answered.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Each key once.
    pub people: Vec<Person>,
    /// Not taken over.
    pub skipped: Vec<Skipped>,
    pub groups: Vec<Group>,
    /// Entries that were read with all attributes.
    pub read: u32,
    pub references: u32,
    /// Everything was read; otherwise the details of changed entries only.
    pub full: bool,
}

/// Reads everybody and the groups. With `stamps` (of the last run, by key) the details of
/// unchanged entries are not read again. `now` tells whose account has expired. A host that breaks
/// off in the middle is left for the next one, which is asked everything anew.
///
/// # Errors
/// Whatever keeps the picture from being complete; nothing was changed.
pub(super) fn take(
    config: &DirectoryConfig,
    password: &[u8],
    stamps: Option<&HashMap<String, String>>,
    now: Timestamp,
    stop: &Arc<AtomicBool>,
) -> Result<Snapshot, DirectoryError> {
    let patience = Patience::new(config, Duration::from_secs(SECONDS_MAX), stop);
    with_any_host(config, &patience, |client| {
        client.bind(&config.bind_dn, password)?;
        let mut snapshot = match stamps {
            Some(stamps) => changed(client, config, stamps, now)?,
            None => full(client, config, now)?,
        };
        snapshot.groups = groups::read(client, config, &snapshot.people)?;
        tracing::debug!(host = client.host(), references = snapshot.references, "directory read");
        Ok(snapshot)
    })
}

/// Collects people, each key once.
#[derive(Default)]
struct Collector {
    snapshot: Snapshot,
    places: HashMap<String, usize>,
}

impl Collector {
    fn person(&mut self, person: Person) {
        match self.places.get(&person.key) {
            Some(at) => self.snapshot.people[*at] = person,
            None => {
                self.places.insert(person.key.clone(), self.snapshot.people.len());
                self.snapshot.people.push(person);
            }
        }
    }

    fn read(&mut self, reading: Reading) {
        self.snapshot.read += 1;
        match reading {
            Reading::Person(person) => self.person(person),
            Reading::Skipped(skipped) => self.snapshot.skipped.push(skipped),
        }
    }
}

/// Searches below all bases; the limit of entries holds for them together.
fn everywhere(
    client: &mut Client,
    config: &DirectoryConfig,
    filter: &str,
    attributes: &[String],
    collector: &mut Collector,
    mut each: impl FnMut(&mut Collector, super::entry::Entry),
) -> Result<(), DirectoryError> {
    let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
    let mut left = config.entries_max;
    for base in &config.people_bases {
        let search = Search {
            base,
            depth: Depth::Subtree,
            filter,
            attributes: &attributes,
            page_size: config.page_size,
            entries_max: left,
        };
        let searched = client.search(&search, |entry| {
            each(collector, entry);
            Ok(())
        });
        let searched = searched.map_err(|error| match error {
            DirectoryError::TooMuch { what: "entries", .. } => {
                DirectoryError::TooMuch { limit: u64::from(config.entries_max), what: "entries" }
            }
            other => other,
        })?;
        left = left.saturating_sub(searched.entries);
        collector.snapshot.references += searched.references;
    }
    Ok(())
}

fn full(
    client: &mut Client,
    config: &DirectoryConfig,
    now: Timestamp,
) -> Result<Snapshot, DirectoryError> {
    let mut collector = Collector::default();
    let attributes = person::attributes(config);
    let filter = &config.people_filter;
    everywhere(client, config, filter, &attributes, &mut collector, |collector, entry| {
        collector.read(person::read(&entry, config, now));
    })?;
    Ok(Snapshot { full: true, ..collector.snapshot })
}

/// Who is there, and the details of those whose stamp is another one than last time.
fn changed(
    client: &mut Client,
    config: &DirectoryConfig,
    stamps: &HashMap<String, String>,
    now: Timestamp,
) -> Result<Snapshot, DirectoryError> {
    let mut collector = Collector::default();
    let mut unknown = Vec::new();
    let attributes = person::glance_attributes(config);
    let filter = &config.people_filter;
    everywhere(client, config, filter, &attributes, &mut collector, |collector, entry| {
        // Who has no key or no name is nobody in a complete run either.
        let Some(person) = person::glance(&entry, config, now) else { return };
        let known = stamps.get(&person.key);
        let same = known.is_some_and(|stamp| !stamp.is_empty() && *stamp == person.stamp);
        if !same {
            unknown.extend(entry.values(&config.attributes.key).next().map(escape));
        }
        collector.person(person);
    })?;
    if unknown.len() > CHANGED_MAX {
        return full(client, config, now);
    }
    let attributes = person::attributes(config);
    for batch in unknown.chunks(BATCH) {
        let keys: String =
            batch.iter().map(|key| format!("({}={key})", config.attributes.key)).collect();
        let filter = format!("(&{}(|{keys}))", enclosed(&config.people_filter));
        everywhere(client, config, &filter, &attributes, &mut collector, |collector, entry| {
            collector.read(person::read(&entry, config, now));
        })?;
    }
    let Collector { mut snapshot, places } = collector;
    // Those that turned out to be nobody stand among the skipped only.
    let mut gone: Vec<usize> = snapshot
        .skipped
        .iter()
        .filter_map(|skipped| places.get(skipped.key.as_ref()?).copied())
        .collect();
    gone.sort_unstable();
    for at in gone.into_iter().rev() {
        snapshot.people.swap_remove(at);
    }
    Ok(snapshot)
}
