use api::dto::{BackupSummary, ServerSettings, SystemStatus};
use model::Clock as _;
use store::{MasterKey, Vault, VaultOptions};

use super::Report;
use crate::clock::SystemClock;
use crate::house::House;
use crate::operation::LAST_BACKUP;

/// A larger catalog is not read whole.
const CHECKED_BYTES_MAX: u64 = 2 << 30;

/// A backup that is older is worth a word, in days.
const BACKUP_DAYS_MAX: i64 = 7;

pub fn settings(settings: &ServerSettings, report: &mut Report) {
    let before = report.0.len();
    if crate::settings::smtp(settings).host_name == "localhost" {
        report.warn("settings", "the host name is localhost", "set smtp.hostName");
    }
    if settings.notifications.smarthost.host.is_empty() || settings.notifications.to.is_empty() {
        report.warn(
            "settings",
            "nobody is told when something goes wrong",
            "set notifications.smarthost.host, notifications.from and notifications.to",
        );
    }
    if settings.smtp.require_tls && settings.tls.certificate.is_empty() {
        report.warn(
            "settings",
            "TLS is required with a self-signed certificate",
            "senders that check certificates will not deliver: set tls.certificate",
        );
    }
    if settings.smtp.message_size_bytes_max < 220 << 20 {
        report.warn(
            "settings",
            "mails above smtp.messageSizeBytesMax are refused",
            "journal reports of Exchange Online can reach 220 MiB",
        );
    }
    if report.0.len() == before {
        report.ok("settings", "nothing contradicts itself");
    }
}

pub fn catalog(house: &House, report: &mut Report) {
    let size = house.catalog.stored_bytes().unwrap_or(0);
    if size > CHECKED_BYTES_MAX {
        return report.ok("catalog", "it can be read; chancery verify examines it");
    }
    match house.catalog.integrity_check() {
        Ok(damage) if damage.is_empty() => report.ok("catalog", "sound"),
        Ok(damage) => report.fail(
            "catalog",
            format!("{} places are damaged", damage.len()),
            "stop the server and make it anew with chancery rebuild, or restore a backup",
        ),
        Err(error) => report.fail("catalog", error.to_string(), "look at the disk"),
    }
}

pub fn vault(house: &House, report: &mut Report) {
    let folder = house.folder.join("vault");
    if !folder.is_dir() {
        return report.ok("vault", "there is none yet");
    }
    let opened = MasterKey::open(&house.folder.join("master.key")).and_then(|key| {
        let options = VaultOptions { read_only: true, ..VaultOptions::default() };
        Vault::open(&folder, &key, options)
    });
    match opened {
        Ok(vault) => {
            let packs = vault.space(None).map_or(0, |space| space.packs);
            let tenants = vault.tenants().len();
            report.ok("vault", format!("{tenants} tenants and {packs} packs open with the key"));
        }
        Err(error) => report.fail(
            "vault",
            pipeline::Error::chain(&error),
            "put the right master.key in place, or restore a backup",
        ),
    }
}

/// What the running server thinks of itself.
pub fn running(status: &SystemStatus, report: &mut Report) {
    for part in status.readiness.parts.iter().filter(|part| !part.ready) {
        let what = format!("{}: {}", part.part, part.reason);
        report.fail("running server", what, "look at the log of the server");
    }
    if status.readiness.ready {
        let seconds = status.uptime_seconds;
        report.ok("running server", format!("ready, for {seconds} seconds"));
    }
}

/// The index of a server that is stopped.
pub fn index(house: &House, report: &mut Report) {
    let (Ok(index), Ok(tenants)) = (house.index(), house.catalog.tenants()) else {
        return report.fail("index", "it cannot be opened", "delete the folder index");
    };
    for tenant in tenants {
        match index.state(tenant.id) {
            Ok(index::State::NeedsRebuild(reason)) => report.warn(
                "index",
                format!("{} must be made anew: {reason}", tenant.id),
                "the next start does it",
            ),
            Ok(_) => {}
            Err(error) => report.fail(
                "index",
                format!("{}: {}", tenant.id, pipeline::Error::chain(&error)),
                "delete the folder of this tenant below index; the next start makes it anew",
            ),
        }
    }
    report.ok("index", "it can be opened; the server is not running");
}

pub fn backup(house: &House, report: &mut Report) {
    let stored = house.catalog.setting(LAST_BACKUP).ok().flatten();
    let last = stored.and_then(|text| serde_json::from_str::<BackupSummary>(&text).ok());
    let Some(last) = last else {
        return report.warn("backup", "none was made with chancery backup", "make one each day");
    };
    let days = (SystemClock.now().as_seconds() - last.at.as_seconds()) / 86_400;
    if last.outcome != "done" {
        report.fail(
            "backup",
            format!("the one of {} failed", last.at),
            "run chancery backup again",
        );
    } else if days > BACKUP_DAYS_MAX {
        report.warn("backup", format!("the last one is {days} days old"), "make one each day");
    } else {
        report.ok("backup", format!("the last one is of {}", last.at));
    }
}
