//! `chancery settings`: the server's settings; a running server follows within seconds.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use api::dto::{NoticeLanguage, SettingsAnswer};
use catalog::{AuditEvent, AuditOutcome, SecretBox};
use clap::Subcommand;
use model::Clock as _;
use serde_json::{Map, Value};

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;
use crate::notify::Smarthost;
use crate::settings::SettingsDesk;

#[derive(Subcommand)]
pub enum Command {
    /// Show all settings, or one
    Get {
        /// Such as smtp.recipientsMax
        path: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Change settings: `smtp.requireTls=true`, or one JSON merge patch
    Set {
        /// PATH=VALUE; a value is JSON or text; without a value it goes back to the default
        #[arg(required = true, value_name = "PATH=VALUE")]
        changes: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// Send a mail through the smarthost
    TestMail {
        to: String,
        /// de or en
        #[arg(long, default_value = "en")]
        language: String,
    },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let house = House::open(config)?;
    let secrets = Arc::new(SecretBox::new(&house.master_key()?.settings_secret())?);
    let desk = SettingsDesk::open(config, Arc::clone(&house.catalog), Some(secrets))?;
    match command {
        Command::Get { path, json } => {
            let answer = desk.answer()?;
            match path {
                None if json => print(&serde_json::to_string_pretty(&answer)?),
                None => show(&answer),
                Some(path) => {
                    let all = serde_json::to_value(&answer.settings)?;
                    let pointer = format!("/{}", path.replace('.', "/"));
                    let value = all.pointer(&pointer);
                    let value = value.with_context(|| format!("there is no setting {path:?}"))?;
                    print(&plain(value));
                }
            }
        }
        Command::Set { changes, json } => {
            let mut patch = Value::Object(Map::new());
            for change in &changes {
                crate::settings::merge_keeping_null(&mut patch, parse(change)?);
            }
            let change = desk.change(patch)?;
            let detail = serde_json::json!({ "before": change.before, "after": change.after });
            house.catalog.audit(&[event(detail)])?;
            if json {
                print(&serde_json::to_string_pretty(&change.answer)?);
            }
        }
        Command::TestMail { to, language } => {
            let language = match language.as_str() {
                "de" => NoticeLanguage::De,
                "en" => NoticeLanguage::En,
                _ => anyhow::bail!("the language is de or en"),
            };
            let sent = Smarthost { settings: Arc::new(desk) }.send_test(&to, language);
            sent.map_err(|answer| anyhow::anyhow!("{answer}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn event(detail: Value) -> AuditEvent {
    AuditEvent {
        at: SystemClock.now(),
        tenant: None,
        account: None,
        who: "command line".to_owned(),
        action: "settings.change".to_owned(),
        object: String::new(),
        detail,
        reason: None,
        outcome: AuditOutcome::Done,
        ip: None,
    }
}

/// `smtp.requireTls=true` as a merge patch; an object is one already.
fn parse(change: &str) -> anyhow::Result<Value> {
    if change.trim_start().starts_with('{') {
        return serde_json::from_str(change).context("the change is no JSON object");
    }
    let (path, text) = change.split_once('=').context("a change is PATH=VALUE")?;
    let value = match text {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok(path.rsplit('.').fold(value, |value, key| serde_json::json!({ key: value })))
}

fn show(answer: &SettingsAnswer) {
    let all = serde_json::to_value(&answer.settings).unwrap_or_default();
    for path in crate::settings::paths(&all) {
        let value = all.pointer(&format!("/{}", path.replace('.', "/")));
        let from = if answer.fixed.contains(&path) {
            "file"
        } else if answer.changed.contains(&path) {
            "changed"
        } else {
            ""
        };
        print(&format!("{path:<44} {:<8} {}", from, value.map(plain).unwrap_or_default()));
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_json_where_it_is_json() {
        for (change, patch) in [
            ("smtp.requireTls=true", r#"{"smtp":{"requireTls":true}}"#),
            ("smtp.hostName=a.example", r#"{"smtp":{"hostName":"a.example"}}"#),
            ("smtp.listen=[\"[::]:25\"]", r#"{"smtp":{"listen":["[::]:25"]}}"#),
            ("a.b.c=", r#"{"a":{"b":{"c":null}}}"#),
            (r#"{"x":{"y":1}}"#, r#"{"x":{"y":1}}"#),
        ] {
            assert_eq!(parse(change).unwrap().to_string(), patch, "{change}");
        }
        assert!(parse("nothing").is_err());
    }
}
