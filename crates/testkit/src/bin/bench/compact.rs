//! Compaction: packs of which two fifths are erased, written anew; beside it, in the same run, the
//! same octets copied from file to file with one sync per file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use model::{ContentId, Location, TenantId};
use store::{Compaction, EntryKind, MasterKey, NewEntry, Vault, VaultOptions};

use crate::figures::{heading, line};
use crate::{Arguments, Outcome};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
/// Octets that are stored; noise, which nothing compresses.
const OCTETS: u64 = 1 << 30;
/// Entries that are appended together.
const BATCH: u64 = 128;
const BUFFER_BYTES: usize = 1 << 20;

pub fn run(arguments: &Arguments) -> Outcome<()> {
    heading("compaction, two fifths of all entries erased");
    let folder = arguments.folder.join("compact");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let vault_folder = folder.join("vault");
    let key = MasterKey::open_or_create(&folder.join("master.key"), &vault_folder)?;
    let vault = Vault::open(&vault_folder, &key, VaultOptions::default())?;
    vault.create_tenant(TENANT, b"{}")?;
    let places = fill(&vault)?;
    let dead: Vec<Location> =
        places.iter().enumerate().filter(|(at, _)| at % 5 < 2).map(|(_, place)| *place).collect();
    vault.erase(TENANT, &dead)?;
    let mut packs = vault.packs(TENANT)?;
    // The one that is written to is sealed first, which is another thing.
    packs.pop();
    let live: Vec<u64> = packs
        .iter()
        .map(|pack| vault.pack_space(TENANT, *pack).map(|space| space.bytes - space.dead_bytes))
        .collect::<Result<_, _>>()?;
    let source = vault_folder.join(TENANT.to_string());
    let octets: u64 = live.iter().sum();
    settle()?;
    let started = Instant::now();
    for (pack, length) in packs.iter().zip(&live) {
        copy(
            &source.join(format!("{pack:08}.pack")),
            &folder.join(format!("{pack}.copy")),
            *length,
        )?;
    }
    let copied = started.elapsed().as_secs_f64();
    settle()?;
    let started = Instant::now();
    for pack in &packs {
        let Compaction::Done(_) = vault.compact(TENANT, *pack, &mut |_| {})? else {
            return Err("a pack was not compacted".into());
        };
    }
    let compacted = started.elapsed().as_secs_f64();
    let rate = |seconds: f64| octets as f64 / 1e6 / seconds;
    line(
        &format!("{} packs, {:.0} MB that stay: plain copy", packs.len(), octets as f64 / 1e6),
        &format!("{:>8.1} MB/s", rate(copied)),
    );
    line(
        "compaction: authenticated, read back, replaced",
        &format!("{:>8.1} MB/s  {:.2} of the copy", rate(compacted), copied / compacted),
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// What was written before is on the disk: neither side pays for it.
fn settle() -> Outcome<()> {
    std::process::Command::new("sync").status()?;
    Ok(())
}

fn fill(vault: &Vault) -> Outcome<Vec<Location>> {
    let (mut places, mut stored, mut state) = (Vec::new(), 0, 0x9e37_79b9_7f4a_7c15u64);
    while stored < OCTETS {
        let mut batch = Vec::new();
        for _ in 0..BATCH {
            // From two to sixty-six thousand octets, as mails and their parts have.
            let length = 2_000 + (state >> 48) as usize;
            let mut octets = Vec::with_capacity(length + 8);
            while octets.len() < length {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                octets.extend_from_slice(&(state ^ state >> 29).to_le_bytes());
            }
            stored += octets.len() as u64;
            let content = ContentId::of(&octets);
            let new = NewEntry { kind: EntryKind::Note, content, octets: &octets };
            batch.push(vault.seal(TENANT, &new)?);
        }
        places.extend(vault.append(TENANT, &batch)?);
    }
    Ok(places)
}

fn copy(from: &Path, to: &Path, length: u64) -> Outcome<()> {
    let mut from = File::open(from)?.take(length);
    let mut to = File::create(to)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(to.sync_all()?);
        }
        to.write_all(&buffer[..count])?;
    }
}
