//! `disposal`: mail whose period is over is proposed, approved and destroyed; what a legal hold is
//! on stays.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::Timestamp;
use serde_json::{Value, json};
use testkit::demo::{Company, Profile, Settings};
use testkit::http::{Client, query_value};

use crate::figures::{heading, line, usage};
use crate::house::House;
use crate::{Arguments, Outcome};

const SEED: u64 = 23;
/// The mail ends with the year 2015: a period of a year is over on every machine and day.
const END_SECONDS: i64 = 1_451_600_000;
/// Words that must not be found afterwards, one of every so many mails.
const PROBES: usize = 200;

const LIMIT: Duration = Duration::from_secs(4 * 3600);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Mails to be imported.
struct Old {
    mbox: PathBuf,
    /// Words each of which stands in one mail alone.
    tokens: Vec<String>,
    /// The sender of the first mail: whatever concerns them is on hold.
    custodian: String,
}

pub fn run(arguments: &Arguments) -> Outcome<()> {
    heading(&format!("disposal: {} reports of the years until 2015", arguments.mails));
    let old = write(&arguments.folder, arguments.mails)?;
    let mut house = House::open(&arguments.chancery, &arguments.folder, "disposal")?;
    house.add_account("proposer", "officer")?;
    house.add_account("approver", "officer")?;
    let begun = Instant::now();
    let path = old.mbox.to_str().ok_or("a folder without a readable name")?;
    house.run(&["import", "--tenant", House::TENANT, "--json", path])?;
    house.settle(LIMIT)?;
    let mut auditor = house.client("auditor")?;
    let mails = total(&mut auditor, "")?;
    line("imported and searchable", &rate(mails, begun.elapsed()));
    let held = hold(&house, &old.custodian)?;
    house.settle(LIMIT)?;
    dispose(&house, mails, held)?;
    check(&house, &mut auditor, &old, held)?;
    house.end()?;
    house.run(&["verify"])?;
    line("checked", "nothing else is found, and every octet that stays verifies");
    Ok(())
}

/// The company's reports as one mbox, in the form that quotes every `From ` line.
fn write(folder: &Path, count: usize) -> Outcome<Old> {
    let mbox = folder.join(format!("disposal-{count}.mbox"));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&mbox)?);
    let end = Timestamp::from_seconds(END_SECONDS);
    let company = Company::new(Settings { seed: SEED, end, profile: Profile::ListMail });
    let (mut tokens, mut custodian) = (Vec::new(), None);
    for (number, report) in company.reports(count).enumerate() {
        writeln!(out, "From bench@bench.example Thu Dec 31 00:00:00 2015")?;
        for row in report.octets.split_inclusive(|octet| *octet == b'\n') {
            let unquoted = row.iter().position(|octet| *octet != b'>').unwrap_or(0);
            if row[unquoted..].starts_with(b"From ") {
                out.write_all(b">")?;
            }
            out.write_all(row)?;
        }
        out.write_all(b"\r\n\r\n")?;
        if number % (count / PROBES).max(1) == 0 {
            tokens.push(report.truth.body_token.clone());
        }
        custodian.get_or_insert_with(|| report.truth.sender.to_string());
    }
    out.flush()?;
    Ok(Old { mbox, tokens, custodian: custodian.ok_or("no mails")? })
}

/// Places a hold and waits until it has looked at everything; how many mails it froze.
fn hold(house: &House, custodian: &str) -> Outcome<u64> {
    let mut officer = house.client("proposer")?;
    let matter = json!({
        "name": "Bench", "custodians": [custodian], "query": "", "span": {}, "notes": "",
        "reason": "benchmark",
    });
    let matter = officer.send_json("POST", "/api/v1/matters", &matter)?;
    let matter = matter["id"].as_str().ok_or("no matter")?.to_owned();
    let path = format!("/api/v1/matters/{matter}");
    officer.send_json("POST", &format!("{path}/holds"), &json!({ "reason": "benchmark" }))?;
    let seen = until(|| {
        let matter = officer.get_json(&path)?;
        let waits = matter["holds"][0]["notExaminedYet"].as_u64();
        Ok((waits == Some(0)).then_some(matter))
    })?;
    let mails = seen["heldMails"].as_u64().ok_or("no figure")?;
    line("on hold", &mails.to_string());
    Ok(mails)
}

/// Policy, proposal, approval, and the destruction itself, which is what is measured.
fn dispose(house: &House, mails: u64, held: u64) -> Outcome<()> {
    let mut proposer = house.client("proposer")?;
    let mut approver = house.client("approver")?;
    let policies = json!({
        "zone": "Europe/Berlin", "validFrom": "2010-01-01", "reason": "benchmark",
        "policies": [{
            "name": "Everything", "class": "everything", "clauses": [], "from": "receipt",
            "begins": "at-year-end", "keep": { "years": 1 }, "reason": "benchmark",
        }],
    });
    proposer.send_json("POST", "/api/v1/retention/policies", &policies)?;
    let begun = Instant::now();
    let asked = json!({ "classes": [], "reason": "benchmark" });
    let run = proposer.send_json("POST", "/api/v1/disposal/runs", &asked)?;
    let path = format!("/api/v1/disposal/runs/{}", run["id"].as_str().ok_or("no run")?);
    let proposed = state(&mut proposer, &path, "proposed")?;
    let looked = begun.elapsed();
    let expected = (Some(mails - held), Some(held));
    if (proposed["mails"].as_u64(), proposed["leftOutHeld"].as_u64()) != expected {
        return Err(format!("{mails} mails, {held} on hold: {proposed}").into());
    }
    let (_, cpu_before) = usage(house.pid());
    let begun = Instant::now();
    approver.send_json("POST", &format!("{path}/approve"), &json!({ "reason": "benchmark" }))?;
    let done = state(&mut approver, &path, "done")?;
    let took = begun.elapsed();
    let (peak, cpu) = usage(house.pid());
    if (done["disposed"].as_u64(), done["kept"].as_u64()) != (Some(mails - held), Some(0)) {
        return Err(format!("not all that were approved are gone: {done}").into());
    }
    let gone = mails - held;
    line("proposed: looked at, one by one", &rate(mails, looked));
    line("disposed of: catalog, keys, index", &rate(gone, took));
    let each = (cpu - cpu_before) * 1e3 / gone.max(1) as f64;
    line("server", &format!("peak {peak:.0} MB resident; {each:.2} CPU-ms a mail"));
    Ok(())
}

/// What went is found by nothing, and what is on hold is there.
fn check(house: &House, auditor: &mut Client, old: &Old, held: u64) -> Outcome<()> {
    let left = total(auditor, "")?;
    if left != held {
        return Err(format!("{left} mails are found, {held} are on hold").into());
    }
    for token in &old.tokens {
        let of_custodian = format!("{token} with:{}", old.custodian);
        if total(auditor, token)? != total(auditor, &of_custodian)? {
            return Err(format!("{token} is still found, and not on hold").into());
        }
    }
    let status = house.client("admin")?.get_json("/api/v1/status")?;
    if status["archive"]["records"].as_u64() != Some(held) {
        return Err(format!("{held} mails are on hold: {}", status["archive"]).into());
    }
    Ok(())
}

fn state(client: &mut Client, path: &str, wanted: &str) -> Outcome<Value> {
    until(|| {
        let run = client.get_json(path)?;
        Ok((run["state"] == wanted).then_some(run))
    })
}

fn until(mut ask: impl FnMut() -> Outcome<Option<Value>>) -> Outcome<Value> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        if begun.elapsed() > LIMIT {
            return Err("not done after four hours".into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn total(client: &mut Client, query: &str) -> Outcome<u64> {
    let path = format!("/api/v1/search?limit=1&q={}", query_value(query));
    Ok(client.get_json(&path)?["total"].as_u64().ok_or("no total")?)
}

fn rate(mails: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    format!("{:>8.0}/s  {mails} mails in {seconds:.1} s", mails as f64 / seconds)
}
