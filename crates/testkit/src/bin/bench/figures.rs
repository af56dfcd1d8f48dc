//! Numbers, and how they are printed.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Outcome;

/// Durations of which percentiles are asked.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest duration that `percent` of all do not exceed, in milliseconds.
    pub fn percentile(&mut self, percent: usize) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        self.0.sort();
        let rank = (self.0.len() * percent).div_ceil(100).clamp(1, self.0.len());
        self.0[rank - 1].as_secs_f64() * 1e3
    }
}

pub fn heading(text: &str) {
    println!("\n## {text}");
}

pub fn line(name: &str, text: &str) {
    println!("{name:<40} {text}");
}

/// Says what machine this is: cores, and how long the disk takes for one fsync.
pub fn machine(folder: &Path) -> Outcome<()> {
    heading("machine");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    line("cores", &cores.to_string());
    for (name, room) in [("a file that grows", false), ("room made before", true)] {
        let mut fsyncs = fsyncs(folder, 200, room)?;
        line(
            &format!("4 KiB and fdatasync, {name}"),
            &format!("ms: p50 {:.2}  p99 {:.2}", fsyncs.percentile(50), fsyncs.percentile(99)),
        );
    }
    Ok(())
}

fn fsyncs(folder: &Path, count: usize, room: bool) -> Outcome<Latencies> {
    use std::io::{Seek as _, Write as _};
    let path = folder.join("fsync.probe");
    let mut file = std::fs::File::create(&path)?;
    if room {
        file.write_all(&vec![0; count * 4096])?;
        file.sync_all()?;
        file.rewind()?;
    }
    let mut latencies = Latencies::default();
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        latencies.add(started.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(latencies)
}

/// Peak resident memory in MB and CPU seconds of a process.
pub fn usage(pid: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the closing parenthesis: state, then utime and stime as fields 12 and 13, in ticks
    // of a hundredth of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (kilobytes.unwrap_or(0.0) / 1024.0, (ticks(11) + ticks(12)) / 100.0)
}

/// Samples a process's anonymous memory: what it holds beside mapped files, which the system takes
/// back when it needs room.
pub struct OwnMemory {
    stop: Arc<AtomicBool>,
    sampler: JoinHandle<u64>,
}

impl OwnMemory {
    const EVERY: Duration = Duration::from_millis(20);

    pub fn watch(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let sampler = std::thread::spawn(move || {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
                let status = status.unwrap_or_default();
                let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
                let kilobytes = own.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok());
                peak = peak.max(kilobytes.unwrap_or(0));
                std::thread::sleep(Self::EVERY);
            }
            peak
        });
        Self { stop, sampler }
    }

    /// The peak since the beginning, in MB.
    pub fn peak(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.sampler.join().unwrap_or(0) as f64 / 1e3
    }
}
