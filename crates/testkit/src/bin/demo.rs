//! `demo`: the demo company from the command line. `cargo xtask run` uses it; so can you.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand, ValueEnum};
use model::Timestamp;
use testkit::demo::{Company, DemoReport, PartyKind, Profile, Settings};
use testkit::{http, smtp};

/// Reports that wait for a connection at most; keeps memory flat.
const WAITING_MAX: usize = 64;
const POLL: Duration = Duration::from_millis(200);

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The demo company: its people and its mail.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    AttachmentRich,
    Demo,
    ListMail,
}

#[derive(clap::Args)]
struct Mail {
    #[arg(long, default_value_t = 2_000)]
    count: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, value_enum, default_value = "demo")]
    profile: Kind,
    /// Seconds since 1970 of the last mail; now when absent.
    #[arg(long)]
    end: Option<i64>,
}

#[derive(Subcommand)]
enum Command {
    /// Wait until everything sent is archived and searchable
    Await {
        #[arg(long)]
        http: SocketAddr,
        #[arg(long)]
        user: String,
        /// The environment variable that holds the password
        #[arg(long, default_value = "DEMO_PASSWORD")]
        password_env: String,
        /// Reports that must have been taken into the archive
        #[arg(long)]
        reports: u64,
        #[arg(long, default_value_t = 600)]
        seconds_max: u64,
    },
    /// Print the people as JSON, one to a line
    People,
    /// Send the company's mail to a journal address
    Send {
        #[command(flatten)]
        mail: Mail,
        #[arg(long)]
        smtp: SocketAddr,
        #[arg(long)]
        to: String,
        #[arg(long, default_value_t = 4)]
        connections: usize,
        /// Claim another organisation, so that the reports go to quarantine
        #[arg(long)]
        foreign: bool,
    },
    /// Write the reports as files, with truth.jsonl
    Write {
        #[command(flatten)]
        mail: Mail,
        folder: PathBuf,
    },
}

fn main() -> Outcome<()> {
    match Arguments::parse().command {
        Command::Await { http, user, password_env, reports, seconds_max } => {
            let password = std::env::var(&password_env)?;
            wait(http, &user, &password, reports, Duration::from_secs(seconds_max))
        }
        Command::People => people(),
        Command::Send { mail, smtp, to, connections, foreign } => {
            send(&mail, smtp, &to, connections, foreign)
        }
        Command::Write { mail, folder } => write(&mail, &folder),
    }
}

fn company(mail: &Mail) -> Company {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_secs() as i64
    };
    Company::new(Settings {
        seed: mail.seed,
        end: Timestamp::from_seconds(mail.end.unwrap_or_else(now)),
        profile: match mail.profile {
            Kind::AttachmentRich => Profile::AttachmentRich,
            Kind::Demo => Profile::Demo,
            Kind::ListMail => Profile::ListMail,
        },
    })
}

fn people() -> Outcome<()> {
    let directory = testkit::demo::Directory::new();
    let mut out = std::io::stdout().lock();
    for party in directory.parties.iter().filter(|party| party.kind == PartyKind::Person) {
        let shared = directory.shared_of(&party.address);
        let own = std::iter::once(&party.address).chain(&party.aliases);
        let addresses: Vec<_> = own.chain(shared.iter().map(|shared| &shared.address)).collect();
        let user = party.address.as_str().split('@').next().unwrap_or_default();
        let line = serde_json::json!({
            "user": user, "name": party.name(), "title": party.title, "addresses": addresses,
            "language": party.language().code(),
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn send(mail: &Mail, smtp: SocketAddr, to: &str, connections: usize, foreign: bool) -> Outcome<()> {
    let company = company(mail);
    let started = Instant::now();
    let (sent, octets) = (AtomicU64::new(0), AtomicU64::new(0));
    let (queue, waiting) = std::sync::mpsc::sync_channel::<DemoReport>(WAITING_MAX);
    let waiting = &Mutex::new(waiting);
    std::thread::scope(|scope| -> Outcome<()> {
        let deliver = || -> Outcome<()> {
            let mut client = smtp::Client::connect(smtp, &smtp::Security::any_certificate())?;
            loop {
                // A poisoned lock means that another sender has panicked: the scope reports it.
                let Ok(report) = waiting.lock().map_err(|_| "a sender has failed")?.recv() else {
                    client.quit();
                    return Ok(());
                };
                let content = smtp::Content::Bdat(Vec::new());
                client.send(report.mail_from.as_str(), &[to], &report.octets, &content)?;
                octets.fetch_add(report.octets.len() as u64, Ordering::Relaxed);
                let count = sent.fetch_add(1, Ordering::Relaxed) + 1;
                if count.is_multiple_of(500) {
                    eprintln!("  {count} of {} reports sent", mail.count);
                }
            }
        };
        let deliver = move || {
            let result = deliver();
            // After an error the others, or at last this one, empty the queue.
            while result.is_err() && waiting.lock().is_ok_and(|reports| reports.recv().is_ok()) {}
            result
        };
        let workers: Vec<_> = (0..connections.max(1)).map(|_| scope.spawn(deliver)).collect();
        for mut report in company.reports(mail.count) {
            if foreign {
                claim_another_organisation(&mut report.octets);
            }
            if queue.send(report).is_err() {
                break;
            }
        }
        drop(queue);
        for worker in workers {
            worker.join().map_err(|_| "a sender panicked")??;
        }
        Ok(())
    })?;
    let (sent, octets) = (sent.into_inner(), octets.into_inner());
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "  {sent} reports, {:.1} MB in {seconds:.1} s: {:.0} reports/s, {:.1} MB/s",
        octets as f64 / 1e6,
        sent as f64 / seconds,
        octets as f64 / 1e6 / seconds
    );
    Ok(())
}

/// Overwrites the value of `X-OriginatorOrg` in the report's own headers.
fn claim_another_organisation(octets: &mut [u8]) {
    let name = b"\r\nX-OriginatorOrg: ";
    if let Some(at) = octets.windows(name.len()).position(|window| window == name) {
        octets[at + name.len()..][..9].copy_from_slice(b"otherfirm");
    }
}

fn wait(
    http: SocketAddr,
    user: &str,
    password: &str,
    reports: u64,
    limit: Duration,
) -> Outcome<()> {
    let started = Instant::now();
    let mut client = http::Client::new(http);
    client.sign_in(user, password)?;
    loop {
        let status = client.get_json("/api/v1/status")?;
        let number = |path: &str| status.pointer(path).and_then(serde_json::Value::as_u64);
        let depth = number("/spool/depth").ok_or("the status does not tell the spool's depth")?;
        let lag = number("/index/lag").ok_or("the status does not tell the index's lag")?;
        let taken = number("/intake/acceptedTotal").unwrap_or(reports);
        if depth == 0 && lag == 0 && taken >= reports {
            eprintln!("  everything is archived and searchable: {}", status["archive"]);
            return Ok(());
        }
        if started.elapsed() > limit {
            return Err(format!("not done after {limit:?}: {status}").into());
        }
        std::thread::sleep(POLL);
    }
}

fn write(mail: &Mail, folder: &std::path::Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let mut truths = std::io::BufWriter::new(std::fs::File::create(folder.join("truth.jsonl"))?);
    for (number, report) in company(mail).reports(mail.count).enumerate() {
        std::fs::write(folder.join(format!("{number:06}.eml")), &report.octets)?;
        serde_json::to_writer(&mut truths, &report.truth)?;
        truths.write_all(b"\n")?;
    }
    Ok(truths.flush()?)
}
