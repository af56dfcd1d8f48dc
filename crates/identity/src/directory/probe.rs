//! Testing a connection: every step with what it found.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use catalog::{DirectoryConfig, DirectoryKind};
use model::Timestamp;

use super::client::{Client, Depth, Search};
use super::connect::{Patience, connect};
use super::error::DirectoryError;
use super::facts::CertificateFacts;
use super::person::{self, Reading};

/// The whole test.
const SECONDS_MAX: u64 = 60;

/// Entries of each base that a test reads.
const SAMPLE: u32 = 200;

/// Names that a test shows.
const NAMES_SHOWN: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Done,
    Failed,
    Warning,
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Stable: `resolve`, `connect`, `start-tls`, `tls`, `bind`, `server`, `base`, `groups`.
    pub name: &'static str,
    pub state: StepState,
    /// For people, in English.
    pub detail: String,
    /// The error's [`DirectoryError::code`]; empty otherwise.
    pub code: &'static str,
    /// What the server showed, believed or not.
    pub certificate: Option<CertificateFacts>,
}

impl Step {
    pub(super) fn done(name: &'static str, detail: String) -> Self {
        Self { name, state: StepState::Done, detail, code: "", certificate: None }
    }

    pub(super) fn warning(name: &'static str, detail: &str) -> Self {
        Self { state: StepState::Warning, ..Self::done(name, detail.to_owned()) }
    }

    pub(super) fn failed(name: &'static str, error: &DirectoryError) -> Self {
        let done = Self::done(name, error.to_string());
        Self { state: StepState::Failed, code: error.code(), ..done }
    }
}

/// What was tried so far, in order.
#[derive(Default)]
pub(super) struct Steps(Vec<Step>);

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Notes how `work` went; its text is for people.
    pub(super) fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(T, String), DirectoryError>,
    ) -> Result<T, DirectoryError> {
        match work() {
            Ok((value, detail)) => {
                self.push(Step::done(name, detail));
                Ok(value)
            }
            Err(error) => {
                self.push(Step::failed(name, &error));
                Err(error)
            }
        }
    }
}

/// Tries everything that a run needs, and reads a sample; changes nothing. Ends at the first step
/// that fails. Blocks for a minute at most.
pub(super) fn test(config: &DirectoryConfig, password: &[u8], stop: &Arc<AtomicBool>) -> Vec<Step> {
    let mut steps = Steps::default();
    if let Err(error) = try_all(config, password, stop, &mut steps)
        && steps.0.last().is_none_or(|step| step.state != StepState::Failed)
    {
        steps.push(Step::failed("configuration", &error));
    }
    steps.0
}

fn try_all(
    config: &DirectoryConfig,
    password: &[u8],
    stop: &Arc<AtomicBool>,
    steps: &mut Steps,
) -> Result<(), DirectoryError> {
    let config = &super::preset::completed(config);
    super::preset::check(config)?;
    let patience = Patience::new(config, Duration::from_secs(SECONDS_MAX), stop);
    let mut client = connect(config, &patience, steps)?;
    steps.run("bind", || {
        client.bind(&config.bind_dn, password)?;
        let who = if config.bind_dn.is_empty() { "nobody" } else { &config.bind_dn };
        Ok(((), format!("signed in as {who}")))
    })?;
    steps.run("server", || Ok(((), server(&mut client, config)?)))?;
    for base in &config.people_bases {
        steps.run("base", || Ok(((), sample(&mut client, config, base)?)))?;
    }
    if super::groups::wanted(config) {
        steps.run("groups", || Ok(((), group_sample(&mut client, config)?)))?;
    }
    client.close();
    Ok(())
}

/// What the server says it is (RFC 4512 §5.1).
fn server(client: &mut Client, config: &DirectoryConfig) -> Result<String, DirectoryError> {
    let names =
        ["vendorName", "vendorVersion", "namingContexts", "dnsHostName", "isGlobalCatalogReady"];
    let root = client.entry("", &names)?.unwrap_or_default();
    let active = root.text("isGlobalCatalogReady").is_some();
    let mut text = match (active, root.text("vendorName")) {
        (true, _) => "Active Directory".to_owned(),
        (false, Some(name)) => name.to_owned(),
        (false, None) => "an LDAP server".to_owned(),
    };
    if let Some(host) = root.text("dnsHostName") {
        text = format!("{text} on {host}");
    }
    let contexts: Vec<&str> = root.texts("namingContexts").take(NAMES_SHOWN).collect();
    text = format!("{text}; naming contexts: {}", contexts.join(", "));
    if active != (config.kind == DirectoryKind::ActiveDirectory) {
        text.push_str("; the configured kind of directory is another one");
    }
    Ok(text)
}

/// Reads some people below a base: how many, how many with mail, a few names.
fn sample(
    client: &mut Client,
    config: &DirectoryConfig,
    base: &str,
) -> Result<String, DirectoryError> {
    if client.entry(base, &["objectClass"])?.is_none() {
        let text = base.to_owned();
        return Err(DirectoryError::Refused { operation: "the base", code: 32, text });
    }
    let attributes = person::attributes(config);
    let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
    let (mut people, mut without, mut names) = (0, 0, Vec::new());
    let search = Search {
        base,
        depth: Depth::Subtree,
        filter: &config.people_filter,
        attributes: &attributes,
        page_size: config.page_size.min(SAMPLE),
        entries_max: SAMPLE,
    };
    let searched = client.search(&search, |entry| {
        // Who has expired counts as well.
        match person::read(&entry, config, Timestamp::from_seconds(0)) {
            Reading::Person(person) => {
                people += 1;
                if names.len() < NAMES_SHOWN {
                    names.push(person.login);
                }
            }
            Reading::Skipped(_) => without += 1,
        }
        Ok(())
    });
    let more = match searched {
        Ok(_) => "",
        Err(DirectoryError::TooMuch { .. }) => " among the first entries",
        Err(error) => return Err(error),
    };
    Ok(format!(
        "{base}: {people} accounts with mail{more}, {without} entries left out; {}",
        names.join(", ")
    ))
}

fn group_sample(client: &mut Client, config: &DirectoryConfig) -> Result<String, DirectoryError> {
    let mut names = Vec::new();
    let mut count = 0_u32;
    for base in super::groups::bases(config) {
        let attributes: Vec<&str> =
            config.attributes.group_name.iter().map(String::as_str).collect();
        let search = Search {
            base,
            depth: Depth::Subtree,
            filter: &config.group_filter,
            attributes: &attributes,
            page_size: config.page_size.min(SAMPLE),
            entries_max: SAMPLE,
        };
        let searched = client.search(&search, |entry| {
            count += 1;
            if names.len() < NAMES_SHOWN {
                names.extend(entry.first_text(&config.attributes.group_name).map(str::to_owned));
            }
            Ok(())
        });
        match searched {
            Ok(_) | Err(DirectoryError::TooMuch { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(format!("{count} groups read; {}", names.join(", ")))
}
