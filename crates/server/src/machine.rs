//! What the operating system says of this process and its disk.

use std::path::Path;

use api::dto::Disk;

/// Space on the disk that holds `folder`; zeros when the system does not say.
pub fn disk(folder: &Path, reserve_bytes: u64) -> Disk {
    let Ok(stat) = rustix::fs::statvfs(folder) else {
        return Disk { reserve_bytes, ..Disk::default() };
    };
    Disk {
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        reserve_bytes,
    }
}

/// Figures of this process from `/proc`; zeros where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    pub memory_bytes: u64,
    pub threads: u64,
    pub open_files: u64,
    pub open_files_max: u64,
    /// Processor time since the start, in seconds.
    pub processor_seconds: f64,
}

impl Process {
    pub fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let status = text("/proc/self/status");
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        let limits = text("/proc/self/limits");
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let limit = limit.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, |items| items.count() as u64);
        Self {
            memory_bytes: number("VmRSS:") * 1024,
            threads: number("Threads:"),
            // One of them is the folder that was just read.
            open_files: files.saturating_sub(1),
            open_files_max: limit.unwrap_or(0),
            processor_seconds: processor_seconds(&text("/proc/self/stat")),
        }
    }
}

/// The 14th and 15th field of `/proc/self/stat`, counted behind the name in brackets; in ticks of
/// a hundredth of a second on every Linux.
fn processor_seconds(stat: &str) -> f64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

pub fn operating_system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = name.map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    format!("{name}, Linux {}", kernel.trim())
}

pub fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_figures() {
        let process = Process::read();
        assert!(process.memory_bytes > 0 && process.threads > 0 && process.open_files > 0);
        assert!(disk(Path::new("/"), 7).total_bytes > 0);
    }

    #[test]
    fn processor_time_is_found_behind_a_name_with_spaces_and_brackets() {
        let stat = "1 (a ) b) S 0 0 0 0 0 0 0 0 0 0 150 50 0 0";
        assert!((processor_seconds(stat) - 2.0).abs() < 1e-9);
    }
}
