//! Reading a directory of 50,000 people into the catalog, first and with one per cent changed,
//! beside `ldapsearch` reading the same entries.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use testkit::directory::{Crowd, Slapd, open_ldap};

use crate::figures::{heading, line};
use crate::{Arguments, Outcome};

const PEOPLE: u32 = 50_000;
const CHANGED: u32 = PEOPLE / 100;

pub fn run(arguments: &Arguments) -> Outcome<()> {
    heading("directory: 50,000 people, 500 departments inside divisions");
    let folder = arguments.folder.join("directory");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let ldif = open_ldap(Crowd { people: PEOPLE, department: 100 });
    let slapd = Slapd::start(&folder, &ldif)?;
    let data = folder.join("data");
    let chancery = |words: &[&str]| -> Outcome<Value> {
        let output = Command::new(&arguments.chancery)
            .arg("--data")
            .arg(&data)
            .args(words)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stdout).into());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    };
    chancery(&["tenant", "add", "Bench", "--archive-domain", "bench.example"])?;
    connect(&folder, &slapd, &chancery)?;
    let sync = |more: &[&str]| -> Outcome<Value> {
        let words = ["directory", "sync", "--tenant", "Bench", "--name", "corp", "--json"];
        chancery(&[&words, more].concat())
    };
    measured("ldapsearch of the same attributes", || search(&slapd))?;
    let first = measured("first run", || sync(&[]))?;
    expect(&first, "created", PEOPLE)?;
    let same = measured("complete run, nothing changed", || sync(&[]))?;
    expect(&same, "changed", 0)?;
    slapd.change(&folder, &changes())?;
    let changed = measured("run with 1 % changed", || sync(&["--changed"]))?;
    expect(&changed, "changed", CHANGED)?;
    expect(&changed, "read", CHANGED)?;
    slapd.change(&folder, &changes().replace("Changed", "Again"))?;
    let complete = measured("complete run with 1 % changed", || sync(&[]))?;
    expect(&complete, "changed", CHANGED)?;
    Ok(())
}

fn connect(
    folder: &Path,
    slapd: &Slapd,
    chancery: &dyn Fn(&[&str]) -> Outcome<Value>,
) -> Outcome<()> {
    let settings = json!({
        "kind": "open-ldap",
        "hosts": [format!("127.0.0.1:{}", slapd.port)],
        "security": "clear",
        "bindDn": Slapd::ADMIN,
        "peopleBases": [Slapd::BASE],
        "everyMinutes": null,
        "rules": [{ "group": "division 1", "effect": "role", "role": "auditor" }],
    });
    let (file, password) = (folder.join("settings.json"), folder.join("password"));
    std::fs::write(&file, settings.to_string())?;
    std::fs::write(&password, Slapd::PASSWORD)?;
    let (file, password) = (file.display().to_string(), password.display().to_string());
    let words = ["directory", "add", "--tenant", "Bench", "--name", "corp", "--json"];
    chancery(&[&words[..], &["--settings", &file, "--password-file", &password]].concat())?;
    Ok(())
}

/// What a plain client takes for the same entries and pages.
fn search(slapd: &Slapd) -> Outcome<Value> {
    let status = Command::new("ldapsearch")
        .args(["-x", "-LLL", "-H", &slapd.url(), "-D", Slapd::ADMIN, "-w", Slapd::PASSWORD])
        .args(["-b", Slapd::BASE, "-E", "pr=500/noprompt", "(objectClass=inetOrgPerson)"])
        .args(["entryUUID", "entryCSN", "uid", "cn", "sn", "givenName", "mail", "proxyAddresses"])
        .stdout(Stdio::null())
        .status()?;
    if status.success() { Ok(Value::Null) } else { Err("ldapsearch failed".into()) }
}

fn changes() -> String {
    let mut ldif = String::new();
    for number in 0..CHANGED {
        // Writing into a string does not fail.
        let _ = write!(
            ldif,
            "dn: uid=u{:05},ou=People,dc=corp,dc=test\nchangetype: modify\nreplace: sn\n\
             sn: Changed {number}\n\n",
            number * 100
        );
    }
    ldif
}

fn measured(name: &str, work: impl FnOnce() -> Outcome<Value>) -> Outcome<Value> {
    let begun = Instant::now();
    let value = work()?;
    let seconds = begun.elapsed().as_secs_f64();
    line(name, &format!("s: {seconds:.2}  entries/s: {:.0}", f64::from(PEOPLE) / seconds));
    Ok(value)
}

fn expect(run: &Value, count: &str, wanted: u32) -> Outcome<()> {
    match run["counts"][count].as_u64() {
        Some(found) if found == u64::from(wanted) => Ok(()),
        found => Err(format!("{count} is {found:?}, not {wanted}: {run}").into()),
    }
}
