//! An export of the whole archive, judged by `chancery-verify`, beside `sha256sum` over the same
//! files on all cores.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use ledger::Export;
use testkit::Random;

use super::archive::{Archive, TENANT, now};
use super::{ensure, fastest};
use crate::Outcome;
use crate::figures::{Latencies, heading, line};

/// The goal: so much of the rate of `sha256sum`.
const RATIO_MIN: f64 = 0.7;
/// Files that one `sha256sum` is given.
const FILES: &str = "2000";
const PROOFS: usize = 20;

/// The evidence of single mails out of the sealed ledger: the batch is read from the vault and its
/// tree is built, each time.
pub fn proofs(archive: &Archive) -> Outcome<()> {
    let (ledger, mut random) = (archive.ledger(), Random::new(5));
    let (mut cold, mut warm) = (Latencies::default(), Latencies::default());
    for _ in 0..PROOFS {
        let record = archive.records[random.below(archive.records.len())];
        let stored = archive.catalog.stored(TENANT, &[record])?;
        let delivery = stored.first().and_then(|it| it.deliveries.first()).ok_or("no delivery")?;
        let octets = ledger.octets(TENANT, delivery.seq, delivery.location)?;
        let objects = octets.objects()?;
        let begun = Instant::now();
        let proofs = ledger.proofs_of(TENANT, delivery.seq)?.ok_or("a mail is not sealed")?;
        cold.add(begun.elapsed());
        let begun = Instant::now();
        let evidence = proofs.evidence(delivery.seq, &objects)?;
        warm.add(begun.elapsed());
        ensure(!evidence.is_empty(), "a mail has no evidence")?;
    }
    let leaves = archive.deliveries.min(ledger::LEAVES_MAX as usize);
    let shown = |it: &mut Latencies| {
        format!("ms: p50 {:>8.3}  p99 {:>8.3}", it.percentile(50), it.percentile(99))
    };
    line(&format!("a batch of {leaves} read from the vault"), &shown(&mut cold));
    line("one proof out of it", &shown(&mut warm));
    Ok(())
}

pub fn run(archive: &Archive, program: &Path) -> Outcome<()> {
    heading(&format!("evidence: an export of {} mails", archive.records.len()));
    let folder = archive.folder.join("export");
    let begun = Instant::now();
    let export = Export {
        tenant: TENANT,
        records: &archive.records,
        now: now(),
        product: "bench",
        anchors: &[],
        shows: &|_, _| true,
    };
    let manifest = archive.ledger().export(&export, &folder)?;
    ensure(manifest.mails.len() == archive.records.len(), "mails are missing in the export")?;
    line("written", &format!("{:>8.2} s", begun.elapsed().as_secs_f64()));
    let list = archive.folder.join("list");
    let (files, octets) = write_list(&folder, &list)?;
    check(archive, program, &folder)?;
    let sums = fastest(|| sums(&folder, &list))?;
    let verify = fastest(|| {
        let (proven, _) = verify(archive, program, &folder)?;
        ensure(proven, "the export is not proven")
    })?;
    let rate = |took: std::time::Duration| {
        let seconds = took.as_secs_f64();
        format!("{seconds:>8.2} s  {:>8.1} MB/s", octets as f64 / 1e6 / seconds)
    };
    line(&format!("sha256sum of {files} files, all cores"), &rate(sums));
    let ratio = sums.as_secs_f64() / verify.as_secs_f64();
    let goal = format!("{ratio:.2} of sha256sum  (goal: at least {RATIO_MIN})");
    line("chancery-verify", &format!("{}  {goal}", rate(verify)));
    Ok(())
}

/// The paths of all files for `xargs -0`; returns how many they are, and their octets.
fn write_list(folder: &Path, list: &Path) -> Outcome<(usize, u64)> {
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS"))?;
    let paths: Vec<&str> = sums.lines().filter_map(|line| Some(line.split_once("  ")?.1)).collect();
    let mut octets = 0;
    for path in &paths {
        octets += std::fs::metadata(folder.join(path))?.len();
    }
    std::fs::write(list, paths.join("\0"))?;
    Ok((paths.len(), octets))
}

/// Before the clock counts: everything is proven, and one octet that differs is found.
fn check(archive: &Archive, program: &Path, folder: &Path) -> Outcome<()> {
    let mut peer = Command::new("sha256sum");
    peer.args(["--quiet", "-c", "SHA256SUMS"]).current_dir(folder);
    ensure(peer.status()?.success(), "sha256sum finds a difference")?;
    let all = archive.records.len();
    let said = |proven: usize| format!("{proven} of {all} mails are proven");
    let (proven, text) = verify(archive, program, folder)?;
    ensure(proven && text.contains(&said(all)), "the export is not proven")?;
    let record = archive.records[all / 2];
    let victim = folder.join(format!("mails/{record}/mail.eml"));
    let whole = std::fs::read(&victim)?;
    let mut damaged = whole.clone();
    let last = damaged.last_mut().ok_or("a mail is empty")?;
    *last ^= 1;
    std::fs::write(&victim, &damaged)?;
    let (proven, text) = verify(archive, program, folder)?;
    ensure(!proven && text.contains(&said(all - 1)), "a damaged mail is not found")?;
    ensure(text.contains(&format!("NOT PROVEN mail {record}")), "a damaged mail is not named")?;
    std::fs::write(&victim, &whole)?;
    Ok(())
}

fn verify(archive: &Archive, program: &Path, folder: &Path) -> Outcome<(bool, String)> {
    let said = archive.folder.join("said");
    let mut command = Command::new(program);
    command.arg(folder).arg("--anchor").arg(archive.authority.file("root.pem"));
    let status = command.stdin(Stdio::null()).stdout(File::create(&said)?).status()?;
    ensure(matches!(status.code(), Some(0 | 1)), "chancery-verify did not answer")?;
    // Only what the check needs is read: the clock runs.
    let text = if status.success() { tail(&said)? } else { std::fs::read_to_string(&said)? };
    Ok((status.success(), text))
}

fn tail(path: &Path) -> Outcome<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const TAIL: u64 = 1000;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn sums(folder: &Path, list: &Path) -> Outcome<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let mut command = Command::new("xargs");
    command.args(["-0", "-P", &cores, "-n", FILES, "-a"]).arg(list).arg("sha256sum");
    let status = command.current_dir(folder).stdout(Stdio::null()).status()?;
    ensure(status.success(), "sha256sum failed")
}
