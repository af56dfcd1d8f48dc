//! `dashboard` and `tenants`: a server with a thousand tenants and the figures of ten million mails.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::figures::{Latencies, heading, line, usage};
use crate::house::House;
use crate::{Arguments, Outcome, What};

const TENANTS: u64 = 1_000;
const MAILS: u64 = 10_000_000;
const ROUNDS: usize = 200;
/// What the dashboard may take.
const GOAL_MS: f64 = 100.0;

pub fn run(arguments: &Arguments) -> Outcome<()> {
    let mut house = House::open(&arguments.chancery, &arguments.folder, "tenants")?;
    house.add_operator()?;
    house.end()?;
    let fill = arguments.chancery.with_file_name("examples").join("figures");
    let begun = Instant::now();
    let output = Command::new(fill)
        .arg(house.folder.join("data/catalog.sqlite"))
        .args([TENANTS.to_string(), MAILS.to_string()])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let mut sums = printed.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
    let (mails, hours) = (sums.next().unwrap_or(0), sums.next().unwrap_or(0));
    heading(&format!("{TENANTS} tenants, figures of {mails} mails in {hours} hours of history"));
    line("filled in", &format!("{:.1} s", begun.elapsed().as_secs_f64()));
    // The first start makes a folder and a key for each tenant.
    let first = house.start_again()?;
    line("first start, a key for each tenant", &format!("{:.2} s", first.as_secs_f64()));
    house.end()?;
    let again = house.start_again()?;
    if arguments.wants(What::Tenants) {
        tenants(&mut house, again)?;
    }
    if arguments.wants(What::Dashboard) {
        dashboard(&mut house, mails)?;
    }
    house.close()
}

fn tenants(house: &mut House, start: Duration) -> Outcome<()> {
    line("start", &format!("{:.2} s", start.as_secs_f64()));
    let show = |house: &House, when: &str| {
        let pid = house.pid();
        let (peak, cpu) = usage(pid);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let number = |name: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(name));
            found.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        };
        let resident = number("VmRSS:").unwrap_or(0.0) / 1024.0;
        let threads = number("Threads:").unwrap_or(0.0);
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        line(
            when,
            &format!(
                "{resident:.0} MB resident, {peak:.0} MB at most, {files} files, {threads} threads, {cpu:.1} s of CPU"
            ),
        );
    };
    show(house, "idle after the start");
    let mut operator = house.client("operator")?;
    let mut latencies = Latencies::default();
    for _ in 0..20 {
        let begun = Instant::now();
        let answer = operator.get_json("/api/v1/tenants")?;
        latencies.add(begun.elapsed());
        let count = answer["tenants"].as_array().map_or(0, Vec::len) as u64;
        if count != TENANTS + 1 {
            return Err(format!("{count} tenants are listed").into());
        }
    }
    report("list of all tenants", &mut latencies);
    show(house, "after looking at all");
    Ok(())
}

fn dashboard(house: &mut House, mails: u64) -> Outcome<()> {
    let mut slowest = 0.0_f64;
    for (who, user) in [("operator", "operator"), ("administrator", "admin")] {
        let mut client = house.client(user)?;
        for unit in ["hour", "day", "month"] {
            let path = format!("/api/v1/dashboard?unit={unit}");
            let mut latencies = Latencies::default();
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let answer = client.get_json(&path)?;
                latencies.add(begun.elapsed());
                if user == "operator" {
                    check(&answer, mails)?;
                }
            }
            report(&format!("dashboard, {who}, by {unit}"), &mut latencies);
            slowest = slowest.max(latencies.percentile(99));
        }
    }
    line("goal", &format!("p99 ≤ {GOAL_MS:.0} ms: slowest {slowest:.1} ms"));
    if slowest > GOAL_MS { Err("the dashboard is slower than its goal".into()) } else { Ok(()) }
}

fn check(answer: &Value, mails: u64) -> Outcome<()> {
    let records = answer["figures"]["records"].as_u64();
    let points = answer["history"]["points"].as_array().map_or(0, Vec::len);
    let top = answer["tenants"]["top"].as_array().map_or(0, Vec::len);
    if records != Some(mails) || points == 0 || top != 10 {
        return Err(format!("wrong figures: {answer}").into());
    }
    Ok(())
}

fn report(name: &str, latencies: &mut Latencies) {
    line(
        name,
        &format!(
            "ms: p50 {:>6.2}  p95 {:>6.2}  p99 {:>6.2}",
            latencies.percentile(50),
            latencies.percentile(95),
            latencies.percentile(99)
        ),
    );
}
