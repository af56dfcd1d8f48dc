//! Bytes on disk against octets as received. Give mboxrd files (plain) as arguments, or set
//! `CHANCERY_CORPUS` and have `zstd` installed.
#![allow(clippy::print_stdout)]

use std::ops::Range;
use std::time::Instant;

use model::{ContentId, TenantId};
use store::{MasterKey, Octets, Sealed, Vault, VaultOptions, compose_record};

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut mails = Vec::new();
    for path in std::env::args().skip(1) {
        mails.extend(split(&std::fs::read(path)?));
    }
    if let (true, Ok(corpus)) = (mails.is_empty(), std::env::var("CHANCERY_CORPUS")) {
        let path = format!("{corpus}/corpus/lists/lists.mboxrd.zst");
        mails = split(&zstd::decode_all(std::fs::File::open(path)?)?);
    }
    if mails.is_empty() {
        println!("no mails: give mbox files or set CHANCERY_CORPUS");
        return Ok(());
    }
    // The lists take turns, as they would on arrival; always in the same order.
    mails.sort_by_key(|mail| ContentId::of(mail));
    measure(&mails)
}

fn measure(mails: &[Vec<u8>]) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let vault_dir = dir.path().join("vault");
    let master = MasterKey::open_or_create(&dir.path().join("master.key"), &vault_dir)?;
    let vault = Vault::open(&vault_dir, &master, VaultOptions::default())?;
    vault.create_tenant(TENANT, b"{}")?;
    let raw: usize = mails.iter().map(Vec::len).sum();
    let (mut parts, mut known) = (0u64, std::collections::HashSet::new());
    let (mut compose, mut seal, mut append) = (0.0, 0.0, 0.0);
    for batch in mails.chunks(BATCH) {
        let mut sealed: Vec<Sealed> = Vec::new();
        for mail in batch {
            let begun = Instant::now();
            let ranges = base64_bodies(mail);
            let octets =
                Octets { octets: mail, content: ContentId::of(mail), encoded_parts: &ranges };
            let composed = compose_record(&facts(mail, octets.content), octets, None, None);
            compose += begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            for part in composed.parts.iter().filter(|part| known.insert(part.content)) {
                let entry = vault.seal(TENANT, &part.entry())?;
                parts += entry.stored_bytes();
                sealed.push(entry);
            }
            sealed.push(vault.seal(TENANT, &composed.entry())?);
            seal += begun.elapsed().as_secs_f64();
        }
        let begun = Instant::now();
        vault.append(TENANT, &sealed)?;
        append += begun.elapsed().as_secs_f64();
    }
    let single: usize = mails
        .iter()
        .map(|mail| zstd::bulk::compress(mail, 3).map_or(mail.len(), |octets| octets.len()))
        .sum();
    let space = vault.space(None)?;
    let stored = space.packs_bytes + space.keys_bytes;
    let rate = |seconds: f64| raw as f64 / 1e6 / seconds;
    println!("mails {} raw {raw} bytes, {} packs", mails.len(), space.packs);
    println!(
        "packs + keys {stored} = {:.4} x raw (parts {:.4})",
        ratio(stored, raw),
        ratio(parts, raw)
    );
    println!("zstd -3 per mail {:.4} x raw", ratio(single as u64, raw));
    println!(
        "compose {:.0} MB/s, compress + encrypt {:.0} MB/s (one thread), append {append:.2} s",
        rate(compose),
        rate(seal)
    );
    let begun = Instant::now();
    let entries = vault.scan(TENANT, 1..=u32::MAX)?.count();
    println!("scan of {entries} entries {:.0} MB/s", rate(begun.elapsed().as_secs_f64()));
    Ok(())
}

fn ratio(bytes: u64, raw: usize) -> f64 {
    bytes as f64 / raw as f64
}

/// What the pipeline writes about such a mail, near enough.
fn facts(mail: &[u8], content: ContentId) -> Vec<u8> {
    let header = |name: &str| {
        let text = String::from_utf8_lossy(&mail[..mail.len().min(20_000)]).into_owned();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line[name.len().min(line.len())..].trim().to_owned()
    };
    let participant = |role: &str, address: String| serde_json::json!({ "address": address, "role": role, "provenance": "headers" });
    let facts = serde_json::json!({
        "format": 1, "record": content.0.to_hex()[..32], "content": content, "size_bytes": mail.len(),
        "shape": "plain_copy", "received_at": "2026-11-22T06:15:02.000001Z",
        "source": { "kind": "smtp", "id": "0102030405060708090a0b0c0d0e0f10" },
        "envelope": { "reverse_path": header("Return-Path:"), "forward_paths": ["journal-5f3a@archive.example"], "peer": "192.0.2.1", "helo": "mx.example", "tls": "TLSv1_3" },
        "participants": [participant("sender", header("From:")), participant("to", header("To:"))],
        "marks": ["recipients_from_headers"],
    });
    serde_json::to_vec(&facts).unwrap_or_default()
}

fn split(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for line in mbox.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"From ") {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(line);
        }
    }
    mails
}

/// A rough search; the product takes the ranges from the MIME parser.
fn base64_bodies(mail: &[u8]) -> Vec<Range<usize>> {
    let (mut ranges, mut at, mut encoded, mut body) = (Vec::new(), 0, false, None);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if let Some(from) = body.filter(|_| line.starts_with(b"--")) {
            ranges.push(from..at);
            body = None;
        } else if body.is_none() {
            let lower = line.to_ascii_lowercase();
            encoded |= lower.starts_with(b"content-transfer-encoding: base64");
            if blank && encoded {
                (body, encoded) = (Some(next), false);
            }
        }
        at = next;
    }
    ranges.extend(body.map(|from| from..at));
    ranges
}
