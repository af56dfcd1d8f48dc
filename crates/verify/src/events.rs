//! Events that are not about the arrival of mail: their notes, and what they explain.

use std::collections::{BTreeMap, BTreeSet};

use evidence::export::{Manifest, events_path};
use evidence::ledger::Leaf;
use evidence::{HashAlgorithm, HashValue};
use model::{Digest, TenantId, Timestamp};
use serde::Deserialize;

use crate::batches::Read;
use crate::findings::{Check, DisposedFindings, EventFindings};
use crate::source::Source;

/// Kinds of events that are about an archived mail.
pub const ARCHIVED: [&str; 2] = ["archived", "merged"];
const DISPOSED: &str = "disposed";
const LABEL: &str = "chancery ledger event";
const VERSION: u32 = 1;

/// A note as the archive writes it (`docs/evidence.md`). What it says beyond this is for people.
#[derive(Deserialize)]
struct Note {
    label: String,
    version: u32,
    tenant: TenantId,
    seq: u64,
    kind: String,
    at: Timestamp,
    #[serde(default)]
    kept: Vec<Kept>,
}

/// What a deletion certificate says of an event whose mail it destroyed.
#[derive(Deserialize)]
struct Kept {
    seq: u64,
    kind: String,
    at: Timestamp,
    /// The leaf under SHA-256.
    leaf: Digest,
}

/// The notes of an export and what they prove.
#[derive(Default)]
pub struct Events {
    pub findings: Vec<EventFindings>,
    /// Notes that cannot be attributed to an event.
    pub flaws: Vec<String>,
    /// Events of mails that proven certificates say were destroyed, and the certificate.
    disposed: BTreeMap<u64, (u64, Kept)>,
    seen: BTreeSet<u64>,
}

impl Events {
    /// Reads the notes of all batches that are here.
    pub fn read(source: &Source, tenant: TenantId, batches: &BTreeMap<u64, Read>) -> Self {
        let mut events = Self::default();
        for (number, read) in batches {
            let path = events_path(*number);
            if !source.has(&path) {
                continue;
            }
            match source.read(&path) {
                Ok(octets) => events.read_lines(&path, &octets, tenant, (*number, read)),
                Err(why) => events.flaws.push(why),
            }
        }
        events
    }

    fn read_lines(&mut self, path: &str, octets: &[u8], tenant: TenantId, of: (u64, &Read)) {
        let Some(body) = octets.strip_suffix(b"\n") else {
            self.flaws.push(format!("{path} ends within a line"));
            return;
        };
        for (place, line) in body.split(|octet| *octet == b'\n').enumerate() {
            if let Err(why) = self.read_note(line, tenant, of) {
                self.flaws.push(format!("line {} of {path}: {why}", place + 1));
            }
        }
    }

    fn read_note(
        &mut self,
        octets: &[u8],
        tenant: TenantId,
        (number, read): (u64, &Read),
    ) -> Result<(), String> {
        let note: Note = serde_json::from_slice(octets).map_err(|error| error.to_string())?;
        if note.label != LABEL || note.version != VERSION || note.tenant != tenant {
            return Err("it is no note of this ledger".into());
        }
        let (_, leaf) = read
            .batch
            .leaf(note.seq)
            .ok_or_else(|| format!("batch {number} has no event {}", note.seq))?;
        if !self.seen.insert(note.seq) {
            return Err(format!("event {} is there twice", note.seq));
        }
        let proven = check(&note, octets, leaf, read, number);
        let found = EventFindings {
            seq: note.seq,
            batch: number,
            kind: note.kind.clone(),
            at: note.at,
            note: Check::of(proven),
        };
        if found.note.proven && note.kind == DISPOSED {
            self.disposed.extend(note.kept.into_iter().map(|it| (it.seq, (note.seq, it))));
        }
        self.findings.push(found);
        Ok(())
    }

    /// Why the mail of an event is not here: a proven certificate says that it was destroyed.
    pub fn disposal(&self, leaf: &Leaf, algorithm: HashAlgorithm) -> Option<DisposedFindings> {
        let (certificate, kept) = self.disposed.get(&leaf.seq)?;
        let same = kept.kind == leaf.kind && kept.at == leaf.at;
        // Under another algorithm the certificate cannot name the leaf: the octets are gone.
        let fits = algorithm != HashAlgorithm::Sha256 || HashValue::from(kept.leaf) == leaf.digest;
        let (seq, certificate) = (leaf.seq, *certificate);
        (same && fits).then_some(DisposedFindings { seq, certificate })
    }

    /// What the manifest claims of them and is not so.
    pub fn missing(&self, manifest: &Manifest, batches: &BTreeMap<u64, Read>) -> Vec<String> {
        let damaged = manifest.damaged_events.iter();
        let mut flaws: Vec<String> = damaged
            .map(|it| format!("the note of event {} is damaged in the archive: {}", it.seq, it.why))
            .collect();
        if manifest.all_events {
            let named: BTreeSet<u64> = manifest.damaged_events.iter().map(|it| it.seq).collect();
            let leaves = batches.values().flat_map(|read| &read.batch.leaves);
            let others = leaves.filter(|leaf| !ARCHIVED.contains(&leaf.kind.as_str()));
            flaws.extend(
                others
                    .filter(|leaf| !self.seen.contains(&leaf.seq) && !named.contains(&leaf.seq))
                    .map(|leaf| {
                        format!("the note of event {} ({}) is missing", leaf.seq, leaf.kind)
                    }),
            );
        }
        flaws
    }
}

fn check(note: &Note, octets: &[u8], leaf: &Leaf, read: &Read, number: u64) -> Result<(), String> {
    if read.batch.algorithm.hash(octets) != leaf.digest {
        return Err(format!("event {} of the ledger is about something else", note.seq));
    }
    if note.kind != leaf.kind || note.at != leaf.at {
        return Err(format!("the batch says something else of event {}", note.seq));
    }
    match read.sealed {
        true => Ok(()),
        false => Err(format!("batch {number} is not proven itself")),
    }
}
