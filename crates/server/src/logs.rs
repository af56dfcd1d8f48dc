//! Where the log goes: standard error or daily files, as text or JSON; and the live log.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use api::LiveLog;
use api::dto::{LogEntry, LogFormat, LogSettings, Severity};
use model::Clock as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::SystemClock;

/// Without `CHANCERY_LOG`. One line for each mail and each audit event goes to the live log only.
const FILTER: &str =
    "info,mail=warn,audit=warn,tantivy=warn,html5ever=error,rustls_platform_verifier=off";

/// Longer texts are cut in the live log, in characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// What the rest of the program needs of the log.
pub struct Logging {
    pub live: Arc<LiveLog>,
    pub retention: Arc<Retention>,
}

/// Starts logging. `CHANCERY_LOG` sets the level, such as `info` or `intake=debug`;
/// `CHANCERY_LOG_FORMAT=json` the form.
///
/// # Errors
/// When the folder of log files cannot be written to.
pub fn start(settings: &LogSettings) -> io::Result<Logging> {
    let live = Arc::new(LiveLog::default());
    let filter = EnvFilter::try_from_env("CHANCERY_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let retention = Arc::new(Retention(AtomicU32::new(settings.retention_days)));
    let writer = if settings.folder.is_empty() {
        Writer::Stderr
    } else {
        let folder = PathBuf::from(&settings.folder);
        Writer::Files(Arc::new(DailyFiles::open(&folder, Arc::clone(&retention))?))
    };
    let json = match std::env::var("CHANCERY_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("text") => false,
        _ => settings.format == LogFormat::Json,
    };
    let colours = matches!(writer, Writer::Stderr) && io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(colours).boxed()
    };
    let followed = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("tantivy", LevelFilter::WARN)
        .with_target("html5ever", LevelFilter::ERROR)
        // What it finds is told by who asked.
        .with_target("rustls_platform_verifier", LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(Live(Arc::clone(&live)).with_filter(followed))
        .init();
    Ok(Logging { live, retention })
}

/// How many daily files are kept; may be changed at any time.
pub struct Retention(AtomicU32);

impl Retention {
    pub fn change(&self, days: u32) {
        self.0.store(days, Ordering::Relaxed);
    }
}

/// Feeds the live log.
struct Live(Arc<LiveLog>);

impl<S: Subscriber> Layer<S> for Live {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.0.note(LogEntry {
            id: 0,
            at: SystemClock.now(),
            severity: match *metadata.level() {
                Level::ERROR => Severity::Error,
                Level::WARN => Severity::Warn,
                Level::INFO => Severity::Info,
                _ => Severity::Debug,
            },
            area: fields.area.unwrap_or_else(|| metadata.target().to_owned()),
            message: fields.message,
            tenant: fields.tenant,
            source: fields.source,
            fields: fields.others,
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    /// Instead of the event's own.
    area: Option<String>,
    tenant: Option<String>,
    source: Option<String>,
    others: BTreeMap<String, String>,
}

impl Fields {
    fn take(&mut self, name: &str, text: String) {
        let text = match text.char_indices().nth(TEXT_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        match name {
            // Lines of libraries that use the older interface carry these instead of metadata.
            "log.target" => self.area = Some(text),
            "log.file" | "log.line" | "log.module_path" => {}
            "message" => self.message = text,
            "source.id" => self.source = Some(text).filter(|it| !it.is_empty()),
            "tenant.id" => self.tenant = Some(text).filter(|it| !it.is_empty()),
            _ => {
                self.others.insert(name.to_owned(), text);
            }
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.take(field.name(), pipeline::Error::chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format!("{value:?}"));
    }
}

enum Writer {
    Files(Arc<DailyFiles>),
    Stderr,
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Output;

    fn make_writer(&'a self) -> Output {
        match self {
            Self::Files(files) => Output::Files(Arc::clone(files)),
            Self::Stderr => Output::Stderr(io::stderr()),
        }
    }
}

enum Output {
    Files(Arc<DailyFiles>),
    Stderr(io::Stderr),
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Files(files) => files.write(octets).map(|()| octets.len()),
            Self::Stderr(stderr) => stderr.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `chancery-2026-11-22.log` and its like: one for each day in UTC.
struct DailyFiles {
    folder: PathBuf,
    retention: Arc<Retention>,
    /// The open file and its day.
    open: Mutex<(String, File)>,
}

impl DailyFiles {
    fn open(folder: &Path, retention: Arc<Retention>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let day = today();
        let open = Mutex::new((day.clone(), file(folder, &day)?));
        Ok(Self { folder: folder.to_owned(), retention, open })
    }

    fn write(&self, octets: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let day = today();
        if open.0 != day {
            *open = (day.clone(), file(&self.folder, &day)?);
            remove_old(&self.folder, self.retention.0.load(Ordering::Relaxed));
        }
        open.1.write_all(octets)
    }
}

fn today() -> String {
    SystemClock.now().to_string().chars().take(10).collect()
}

fn file(folder: &Path, day: &str) -> io::Result<File> {
    let path = folder.join(format!("chancery-{day}.log"));
    OpenOptions::new().create(true).append(true).mode(0o640).open(path)
}

/// Removes all but the newest `keep` files; days sort by their names.
fn remove_old(folder: &Path, keep: u32) {
    let Ok(items) = std::fs::read_dir(folder) else { return };
    let is_log = |name: &str| {
        name.strip_prefix("chancery-").and_then(|it| it.strip_suffix(".log")).is_some_and(|day| {
            day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        })
    };
    let mut files: Vec<PathBuf> = items
        .filter_map(|item| Some(item.ok()?.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_log))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(keep.max(1) as usize);
    for path in files.into_iter().take(surplus) {
        // What cannot be removed is tried again tomorrow.
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_days_are_kept_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["chancery-2026-01-01.log", "chancery-2026-01-02.log", "notes.log"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let retention = Arc::new(Retention(AtomicU32::new(2)));
        let files = DailyFiles::open(folder.path(), retention).unwrap();
        files.open.lock().unwrap().0 = "2026-01-02".to_owned();
        files.write(b"a line\n").unwrap();
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names[..2], ["chancery-2026-01-02.log", &format!("chancery-{}.log", today())]);
        assert_eq!(names[2], "notes.log");
    }

    #[test]
    fn tenant_and_source_stand_apart_from_other_fields() {
        let live = Arc::new(LiveLog::default());
        let subscriber = tracing_subscriber::registry().with(Live(Arc::clone(&live)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(tenant.id = "t", source.id = %"s", mails = 3, "it happened");
            tracing::info!(tenant.id = "", "{}", "of the server");
        });
        let entries = live.recent(&api::LogFilter::default());
        assert_eq!(entries[0].tenant.as_deref(), Some("t"));
        assert_eq!(entries[0].source.as_deref(), Some("s"));
        assert_eq!(entries[0].message, "it happened");
        assert_eq!(entries[0].fields["mails"], "3");
        assert_eq!(entries[0].severity, Severity::Warn);
        assert_eq!(
            (entries[1].tenant.as_deref(), entries[1].message.as_str()),
            (None, "of the server")
        );
    }
}
