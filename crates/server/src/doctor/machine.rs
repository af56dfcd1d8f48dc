use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use api::dto::ServerSettings;

use super::Report;
use crate::machine::{self, Process};

/// Writes that are timed; the median counts.
const SYNCS: usize = 9;

/// A disk that takes longer to make a block durable slows every sender down.
const SYNC_SLOW: Duration = Duration::from_millis(50);

/// Connections, packs and indexes need files.
const OPEN_FILES_MIN: u64 = 4_096;

const MIB: u64 = 1 << 20;

pub fn permissions(folder: &Path, report: &mut Report) {
    let Ok(metadata) = folder.metadata() else {
        return report.fail(
            "permissions",
            "the data folder cannot be looked at",
            "call it as the server's user",
        );
    };
    let owner = metadata.uid();
    let mut tight = true;
    for name in ["", "master.key", "catalog.sqlite", "vault", "spool", "tls/key.pem"] {
        let path = if name.is_empty() { folder.to_owned() } else { folder.join(name) };
        let Ok(metadata) = path.metadata() else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            tight = false;
            let what = format!("{} can be read by others (mode {mode:o})", path.display());
            if metadata.is_dir() && name.is_empty() {
                report.warn("permissions", what, "chmod 700 it");
            } else if metadata.is_file() {
                report.fail("permissions", what, "chmod 600 it");
            }
        }
        if metadata.uid() != owner {
            tight = false;
            let what = format!("{} belongs to another user", path.display());
            report.fail("permissions", what, "chown it to the owner of the data folder");
        }
    }
    if tight {
        report.ok("permissions", "data folder and keys are readable by their owner only");
    }
    if !folder.join("master.key").exists() {
        report.warn(
            "master key",
            "there is none yet",
            "the first start makes it; keep a copy elsewhere",
        );
    }
}

pub fn disk(folder: &Path, settings: &ServerSettings, report: &mut Report) {
    let reserve = settings.spool.free_bytes_min;
    let disk = machine::disk(folder, reserve);
    let free = format!("{} MiB of {} MiB are free", disk.free_bytes / MIB, disk.total_bytes / MIB);
    if disk.free_bytes < reserve {
        report.fail("disk", free, "make room: mail is put off below spool.freeBytesMin");
    } else if disk.free_bytes < settings.notifications.disk_free_bytes_min {
        report.warn("disk", free, "make room soon");
    } else {
        report.ok("disk", free);
    }
    match sync_time(folder) {
        Ok(took) if took <= SYNC_SLOW => {
            report.ok("disk", format!("a write is durable in {:.1} ms", took.as_secs_f64() * 1e3));
        }
        Ok(took) => report.warn(
            "disk",
            format!("a write is durable in {:.0} ms", took.as_secs_f64() * 1e3),
            "use a disk with a protected write cache for the data folder",
        ),
        Err(error) => report.fail(
            "disk",
            format!("the data folder cannot be written: {error}"),
            "call it as the server's user; look at the disk",
        ),
    }
}

/// The median time of a small write and its `fdatasync`.
fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join("doctor.tmp");
    let result = (|| {
        let mut file = File::create(&path)?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
            times.push(begun.elapsed());
        }
        times.sort();
        Ok(times[SYNCS / 2])
    })();
    let _ = std::fs::remove_file(&path);
    result
}

pub fn open_files(settings: &ServerSettings, report: &mut Report) {
    let limit = Process::read().open_files_max;
    let needed = OPEN_FILES_MIN.max(2 * settings.smtp.connections_max);
    let what = format!("this shell may have {limit} files open, {needed} are needed");
    if limit == 0 || limit >= needed {
        report.ok("open files", what);
    } else {
        report.warn("open files", what, "raise LimitNOFILE of the service, or ulimit -n");
    }
}

/// Mails and evidence carry this machine's time.
pub fn clock(report: &mut Report) {
    let output = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let by_timesyncd = Path::new("/run/systemd/timesync/synchronized").exists();
    match said.as_deref() {
        Ok("yes") => report.ok("clock", "synchronised"),
        _ if by_timesyncd => report.ok("clock", "synchronised"),
        Ok("no") => report.warn("clock", "not synchronised", "switch on timesyncd, chrony or ntpd"),
        _ => report.warn(
            "clock",
            "it cannot be told whether it is synchronised",
            "see that timesyncd, chrony or ntpd runs here or on the host",
        ),
    }
}
