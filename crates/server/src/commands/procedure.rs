//! `chancery procedure-doc`: the procedure documentation, filled from the running configuration.

use std::process::ExitCode;
use std::sync::Arc;

use api::dto::BackupSummary;
use model::Clock as _;

use super::print;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::house::House;
use crate::operation::LAST_BACKUP;
use crate::settings::{self, SettingsDesk};

const GERMAN: &str = include_str!("../../../../docs/procedure/de.md");
const ENGLISH: &str = include_str!("../../../../docs/procedure/en.md");

#[derive(clap::Args)]
pub struct Arguments {
    /// de or en
    #[arg(long, default_value = "en")]
    language: String,
    /// Only this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Answer in JSON: what the template is filled with
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let template = match arguments.language.as_str() {
        "de" => GERMAN,
        "en" => ENGLISH,
        other => anyhow::bail!("--language {other}: there are de and en"),
    };
    let german = arguments.language == "de";
    let house = House::open(config)?;
    let facts = facts(config, &house, arguments.tenant.as_deref(), german)?;
    if arguments.json {
        let all: serde_json::Map<String, serde_json::Value> =
            facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        print(&serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    print(fill(template, &facts).trim_end());
    Ok(ExitCode::SUCCESS)
}

type Facts = Vec<(&'static str, String)>;

fn facts(
    config: &Config,
    house: &House,
    tenant: Option<&str>,
    german: bool,
) -> anyhow::Result<Facts> {
    let word = |de: &str, en: &str| if german { de.to_owned() } else { en.to_owned() };
    let catalog = &house.catalog;
    let all = match tenant {
        Some(name) => vec![house.tenant_named(name)?],
        None => catalog.tenants()?,
    };
    let (mut tenants, mut foureyes) = (Vec::new(), Vec::new());
    for tenant in &all {
        let domains: Vec<String> =
            catalog.domains(tenant.id)?.into_iter().map(|domain| domain.name).collect();
        let records = catalog.figures(tenant.id)?.records;
        let mails = word("archivierte Mails", "archived mails");
        tenants.push(format!("- {}: {} ({records} {mails})", tenant.name, domains.join(", ")));
        let on = if tenant.settings.four_eyes { word("ja", "yes") } else { word("nein", "no") };
        foureyes.push(format!("{}: {on}", tenant.name));
    }
    let evidence = &config.evidence;
    let named = evidence.authorities();
    let authorities: Vec<&str> = named.iter().map(|one| one.authority.as_str()).collect();
    let none = word(
        "keiner; versiegelt wird mit dem Schlüssel des Archivs",
        "none; the archive's own key seals",
    );
    let ends: Vec<String> =
        evidence.ends.iter().map(|(name, day)| format!("{name}: {day}")).collect();
    let backup = catalog.setting(LAST_BACKUP)?;
    let backup = backup.and_then(|text| serde_json::from_str::<BackupSummary>(&text).ok());
    let desk = SettingsDesk::open(config, Arc::clone(catalog), None)?;
    let smtp = settings::smtp(&desk.current());
    let listeners: Vec<String> = smtp.listen.iter().map(ToString::to_string).collect();
    let or = |text: String, other: String| if text.is_empty() { other } else { text };
    Ok(vec![
        ("date", SystemClock.now().to_string().chars().take(10).collect()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("host", or(smtp.host_name.clone(), "[ ]".to_owned())),
        ("folder", config.data_folder().display().to_string()),
        ("tenants", tenants.join("\n")),
        ("foureyes", foureyes.join(", ")),
        ("listeners", or(listeners.join(", "), "[ ]".to_owned())),
        ("every", evidence.every_seconds.to_string()),
        ("digest", evidence.digest.clone()),
        ("authorities", or(authorities.join(", "), none)),
        ("renew", evidence.renew_before_days.to_string()),
        ("ends", or(ends.join(", "), word("keines festgelegt", "none set"))),
        ("scrub", evidence.scrub_days.to_string()),
        (
            "backup",
            backup.map_or_else(|| "[ ]".to_owned(), |it| format!("{} ({})", it.at, it.outcome)),
        ),
    ])
}

fn fill(template: &str, facts: &Facts) -> String {
    facts.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_filled_wholly_and_say_the_same() {
        let names = [
            "date",
            "version",
            "host",
            "folder",
            "tenants",
            "foureyes",
            "listeners",
            "every",
            "digest",
            "authorities",
            "renew",
            "ends",
            "scrub",
            "backup",
        ];
        let facts: Facts = names.map(|name| (name, "X".to_owned())).into();
        for template in [GERMAN, ENGLISH] {
            for name in names {
                assert!(template.contains(&format!("{{{{{name}}}}}")), "{name}");
            }
            assert!(!fill(template, &facts).contains("{{"));
        }
        let heads = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(heads(GERMAN), heads(ENGLISH));
    }
}
