//! Fetching and archiving mail from a local Dovecot by IMAP and by POP3, beside `curl` that only
//! downloads the same mails; and what 500 sources cost that are polled every minute.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::Timestamp;
use serde_json::{Value, json};
use testkit::demo::{Company, Profile, Settings};
use testkit::http::Client;
use testkit::mail_server::Dovecot;

use crate::figures::{heading, line};
use crate::house::House;
use crate::{Arguments, Outcome};

const SOURCES: usize = 500;

/// The idle cost is measured over so many polls of every source, after a first one.
const ROUNDS: usize = 3;

/// Clock ticks of `/proc/<pid>/stat` in a second.
const TICKS: f64 = 100.0;

const LIMIT: Duration = Duration::from_secs(3600);

pub fn run(arguments: &Arguments) -> Outcome<()> {
    heading(&format!("fetch: {} mails from a local Dovecot over TLS", arguments.mails));
    let folder = arguments.folder.join("dovecot");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let dovecot = Dovecot::start(&folder, "")?;
    let end = Timestamp::from_seconds(1_760_000_000);
    let settings = Settings { seed: 11, end, profile: Profile::ListMail };
    let mut octets = 0;
    for report in Company::new(settings).reports(arguments.mails) {
        octets += report.octets.len() as u64;
        dovecot.deliver("bench", "", &report.octets)?;
    }
    for protocol in ["imap", "pop3"] {
        // Each protocol has an archive of its own: what is known costs less than what is archived.
        let name = format!("fetch {protocol}");
        let house = House::open(&arguments.chancery, &arguments.folder, &name)?;
        // The first reader of a Maildir makes Dovecot's index: nobody is charged for it.
        download(&dovecot, protocol, arguments.mails, octets)?;
        let plain = download(&dovecot, protocol, arguments.mails, octets)?;
        let whole = fetch(&house, &dovecot, protocol, arguments.mails)?;
        let rate = |took: Duration| arguments.mails as f64 / took.as_secs_f64();
        let ratio = plain.as_secs_f64() / whole.as_secs_f64();
        line(&format!("{protocol}: curl, download only"), &format!("mails/s: {:.0}", rate(plain)));
        let shown = format!("mails/s: {:.0}  of curl: {ratio:.2}", rate(whole));
        line(&format!("{protocol}: fetch and archive"), &shown);
        house.settle(LIMIT)?;
        house.close()?;
    }
    idle(arguments, &dovecot)
}

/// How long `curl` takes to bring all mails over one connection; all octets must have come.
fn download(dovecot: &Dovecot, protocol: &str, mails: usize, octets: u64) -> Outcome<Duration> {
    let url = match protocol {
        "imap" => format!("imaps://127.0.0.1:{}/INBOX;MAILINDEX=[1-{mails}]", dovecot.imaps),
        _ => format!("pop3s://127.0.0.1:{}/[1-{mails}]", dovecot.pop3s),
    };
    let begun = Instant::now();
    let output = Command::new("sh")
        .arg("-c")
        .arg("curl --silent --insecure --user \"bench:$SECRET\" \"$ADDRESS\" | wc -c")
        .env("SECRET", Dovecot::PASSWORD)
        .env("ADDRESS", url)
        .stderr(Stdio::inherit())
        .output()?;
    let took = begun.elapsed();
    let came: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    if came < octets {
        Err(format!("curl brought {came} of {octets} octets").into())
    } else {
        Ok(took)
    }
}

/// How long the archive takes for the same, all of which is new to it.
fn fetch(house: &House, dovecot: &Dovecot, protocol: &str, mails: usize) -> Outcome<Duration> {
    let port = if protocol == "imap" { dovecot.imaps } else { dovecot.pop3s };
    let mut admin = house.client("admin")?;
    let begun = Instant::now();
    let id = add(&mut admin, dovecot, protocol, port, "bench", 60)?;
    loop {
        let path = format!("/api/v1/fetch-sources/{id}/runs");
        let answer = admin.get_json(&path)?;
        if let Some(run) = answer["runs"].get(0) {
            let took = begun.elapsed();
            let count = |name: &str| run["counts"][name].as_u64().unwrap_or(0);
            // A mail that went to several people is one mail with several reports; a few reports
            // are there twice, octet by octet.
            let fresh = count("archived") + count("merged");
            if fresh + count("known") != mails as u64 || count("known") * 10 > fresh {
                return Err(format!("not all mails: {run}").into());
            }
            return Ok(took);
        }
        if begun.elapsed() > LIMIT {
            return Err("the mails are not there after an hour".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn add(
    admin: &mut Client,
    dovecot: &Dovecot,
    protocol: &str,
    port: u16,
    user: &str,
    every_minutes: u32,
) -> Outcome<String> {
    let source = json!({
        "name": format!("{user} by {protocol}"),
        "config": {
            "server": "127.0.0.1",
            "port": port,
            "protocol": protocol,
            "security": "tls",
            "caPem": dovecot.authority,
            "user": user,
            "after": { "kind": "keep" },
            "everyMinutes": every_minutes,
        },
        "password": Dovecot::PASSWORD,
    });
    let made: Value = admin.send_json("POST", "/api/v1/fetch-sources", &source)?;
    Ok(made["id"].as_str().ok_or("no source")?.to_owned())
}

/// Processor and memory of 500 sources that have nothing new.
fn idle(arguments: &Arguments, dovecot: &Dovecot) -> Outcome<()> {
    let house = House::open(&arguments.chancery, &arguments.folder, "fetch idle")?;
    let resting = memory(house.pid())?;
    let mut admin = house.client("admin")?;
    for number in 0..SOURCES {
        add(&mut admin, dovecot, "imap", dovecot.imaps, &format!("idle{number}"), 1)?;
    }
    let rounds = |admin: &mut Client, count: usize| {
        let begun = Instant::now();
        while polls(admin)? < (count * SOURCES) as f64 {
            if begun.elapsed() > LIMIT {
                return Err("not all sources were polled".into());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Outcome::Ok(())
    };
    rounds(&mut admin, 1)?;
    let (cpu, polled, begun) = (processor(house.pid())?, polls(&mut admin)?, Instant::now());
    rounds(&mut admin, 1 + ROUNDS)?;
    let took = begun.elapsed().as_secs_f64();
    let share = 100.0 * (processor(house.pid())? - cpu) / took;
    let polled = polls(&mut admin)? - polled;
    let now = memory(house.pid())?;
    let shown = format!("cpu: {share:.2} %  polls/min: {:.0}", polled * 60.0 / took);
    line(&format!("idle: {SOURCES} sources every minute"), &shown);
    let grown = now.saturating_sub(resting) >> 10;
    line("idle: memory", &format!("MiB: {}  more than without sources: {grown}", now >> 10));
    house.close()
}

fn polls(admin: &mut Client) -> Outcome<f64> {
    let page = admin.request("GET", "/metrics", &[])?;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let figure = text.lines().find_map(|line| line.strip_prefix("chancery_fetch_runs_total "));
    Ok(figure.ok_or("no figure of runs")?.trim().parse()?)
}

/// Seconds of processor time that the process has spent.
fn processor(pid: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(')').ok_or("no process")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / TICKS)
}

/// Resident memory in KiB.
fn memory(pid: u32) -> Outcome<u64> {
    let status = std::io::read_to_string(File::open(format!("/proc/{pid}/status"))?)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
