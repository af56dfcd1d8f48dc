//! `GET /metrics`: all figures in the text format of Prometheus, version 0.0.4. `docs/metrics.md`
//! names them; a test compares.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pipeline::{Settled, SettledAs, Watcher};

/// Upper ends of the classes of a batch's duration and of a mail's way into the archive, in
/// seconds.
pub const SECONDS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// Counts durations by classes.
#[derive(Debug, Default)]
pub struct Histogram {
    classes: [AtomicU64; SECONDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let class = SECONDS.partition_point(|bound| *bound < took.as_secs_f64());
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn reading(&self) -> (Vec<u64>, f64) {
        let classes = self.classes.iter().map(|class| class.load(Ordering::Relaxed)).collect();
        (classes, self.micros.load(Ordering::Relaxed) as f64 / 1e6)
    }
}

/// What became of mail since the start.
#[derive(Debug, Default)]
pub struct LineFigures {
    pub batches: AtomicU64,
    pub known: AtomicU64,
    pub merged: AtomicU64,
    pub new: AtomicU64,
    pub not_selected: AtomicU64,
    pub quarantined: AtomicU64,
    pub octets: AtomicU64,
    /// From reception to the archive.
    pub latency: Histogram,
}

impl Watcher for LineFigures {
    fn settled(&self, all: &[Settled]) {
        let now = model::Clock::now(&crate::clock::SystemClock).as_micros();
        self.batches.fetch_add(1, Ordering::Relaxed);
        for one in all {
            let counter = match &one.outcome {
                SettledAs::Known => &self.known,
                SettledAs::Merged => &self.merged,
                SettledAs::New => &self.new,
                SettledAs::NotSelected => &self.not_selected,
                SettledAs::Quarantined(_) => &self.quarantined,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            self.octets.fetch_add(one.size_bytes, Ordering::Relaxed);
            let waited = u64::try_from(now - one.received_at.as_micros()).unwrap_or(0);
            self.latency.observe(Duration::from_micros(waited));
        }
    }
}

/// Writes families one after the other.
#[derive(Default)]
pub struct Page {
    text: String,
}

/// A label's name and value.
pub type Label<'a> = (&'a str, &'a str);

impl Page {
    pub fn text(self) -> String {
        self.text
    }

    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, help, "counter");
        self.sample(name, &[], value as f64);
    }

    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, help, "gauge");
        self.sample(name, &[], value);
    }

    /// `bounds` and, one more, how many fell into each class.
    pub fn histogram(&mut self, name: &str, help: &str, bounds: &[f64], read: (&[u64], f64)) {
        let (classes, sum) = read;
        self.family(name, help, "histogram");
        let mut below = 0;
        for (bound, class) in bounds.iter().zip(classes) {
            below += class;
            self.sample(&format!("{name}_bucket"), &[("le", &bound.to_string())], below as f64);
        }
        let all = classes.iter().sum::<u64>() as f64;
        self.sample(&format!("{name}_bucket"), &[("le", "+Inf")], all);
        self.sample(&format!("{name}_sum"), &[], sum);
        self.sample(&format!("{name}_count"), &[], all);
    }

    pub fn durations(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let (classes, sum) = histogram.reading();
        self.histogram(name, help, &SECONDS, (&classes, sum));
    }

    /// The head of a family; its samples must follow at once.
    pub fn family(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        self.text.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_cumulative_and_the_last_holds_all() {
        let histogram = Histogram::default();
        for millis in [5, 20, 20, 700_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        page.durations("x_seconds", "Help.", &histogram);
        let text = page.text();
        for line in [
            "# TYPE x_seconds histogram",
            "x_seconds_bucket{le=\"0.01\"} 1",
            "x_seconds_bucket{le=\"0.025\"} 3",
            "x_seconds_bucket{le=\"600\"} 3",
            "x_seconds_bucket{le=\"+Inf\"} 4",
            "x_seconds_count 4",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let mut page = Page::default();
        page.sample("x", &[("a", "q\"b\\c\nd"), ("e", "f")], 1.0);
        assert_eq!(page.text(), "x{a=\"q\\\"b\\\\c\\nd\",e=\"f\"} 1\n");
    }
}
