//! "Connect Microsoft 365": the values for one tenant, and how far it is.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::dto::{self, CheckState, ConnectCheck, ConnectStep, ConnectValue, ServerSettings};
use catalog::{Catalog, Sighting, SourceKind, SourceState, Tenant};
use intake::tls::TlsStore;
use model::{Shape, Source, SourceId, TenantId, Timestamp};
use pipeline::{Settled, Watcher};
use rustls::{CertificateError, ClientConnection};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::settings;

/// How long the listener may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Lines of one SMTP answer.
const LINES_MAX: usize = 64;

/// One sighting of a source is written down in so many seconds at most.
const SIGHT_SECONDS: i64 = 30;

/// Exchange Online validates a connector with a mail from
/// `O365ConnectorValidation@<the organisation's domain>`.
const VALIDATOR: &str = "o365connectorvalidation";

const CONNECTOR_NAME: &str = "Chancery archive";

/// Where Exchange delivers.
const PORT: u16 = 25;

/// An address that only the customer can name.
const ELSEWHERE: &str = "undeliverable-journal@YOUR-OTHER-DOMAIN";

pub struct Connect {
    pub catalog: Arc<dyn Catalog>,
    pub tls: TlsStore,
    /// Of the own listener, as they were last run.
    pub last: Mutex<Vec<ConnectCheck>>,
}

impl Connect {
    /// `None` when there is no such tenant.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn show(
        &self,
        tenant: TenantId,
        settings: &ServerSettings,
    ) -> anyhow::Result<Option<dto::ConnectMicrosoft365>> {
        let Some(tenant) = self.catalog.tenant(tenant)? else { return Ok(None) };
        let mut addresses = Vec::new();
        for source in self.catalog.sources(tenant.id)? {
            let active = source.kind == SourceKind::Smtp && source.state == SourceState::Active;
            let Some(address) = source.address.filter(|_| active) else { continue };
            addresses.push(dto::JournalAddressRow {
                source: source.id.to_string(),
                name: source.name,
                address: address.to_string(),
                last_report_at: self.catalog.sighted(source.id, Sighting::Report)?,
                last_validation_at: self.catalog.sighted(source.id, Sighting::Validation)?,
            });
        }
        let host_name = settings::smtp(settings).host_name;
        let facts = self.tls.facts();
        let mut checks = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if checks.is_empty() {
            let never = |code: &str| check(code, CheckState::Pending, None, "", "");
            checks.extend(
                ["name-resolves", "listener-reachable", "starttls", "certificate"].map(never),
            );
        }
        let newest = |at: fn(&dto::JournalAddressRow) -> Option<Timestamp>| {
            addresses.iter().filter_map(at).max()
        };
        checks.push(seen("validation-mail", newest(|row| row.last_validation_at)));
        checks.push(seen("first-report", newest(|row| row.last_report_at)));
        Ok(Some(dto::ConnectMicrosoft365 {
            steps: steps(&tenant, &host_name, &addresses, facts.self_signed),
            host_name,
            port: PORT,
            archive_domains: tenant.archive_domains,
            organisations: tenant.organisations,
            journal_addresses: addresses,
            certificate: dto::CertificateFacts {
                subject: facts.subject,
                issuer: facts.issuer,
                not_after: facts.not_after,
                self_signed: facts.self_signed,
            },
            message_size_bytes_max: settings.smtp.message_size_bytes_max,
            checks,
        }))
    }

    /// Connects to the own listener under its public name; `ports` are those that it has.
    pub fn check(&self, ports: &[u16], settings: &ServerSettings, now: Timestamp) {
        let port = match ports.first() {
            Some(first) if !ports.contains(&PORT) => *first,
            _ => PORT,
        };
        let mut checks = Probe { host: settings::smtp(settings).host_name, port, now }.run();
        for check in &mut checks {
            // Known to be so, and enough for a connector that only encrypts.
            if check.reason == "unknown-issuer" && self.tls.facts().self_signed {
                check.state = CheckState::Warn;
                check.reason = "self-signed".to_owned();
            }
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = checks;
    }
}

fn check(
    code: &str,
    state: CheckState,
    at: Option<Timestamp>,
    reason: &str,
    detail: &str,
) -> ConnectCheck {
    ConnectCheck {
        code: code.to_owned(),
        state,
        at,
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    }
}

fn seen(code: &str, at: Option<Timestamp>) -> ConnectCheck {
    match at {
        Some(at) => check(code, CheckState::Ok, Some(at), "", ""),
        None => check(code, CheckState::Pending, None, "nothing-yet", ""),
    }
}

/// In the order in which they are done: the connector first, so that the rule finds its way.
fn steps(
    tenant: &Tenant,
    host: &str,
    addresses: &[dto::JournalAddressRow],
    self_signed: bool,
) -> Vec<ConnectStep> {
    let address = addresses.first().map_or("", |row| row.address.as_str());
    let domains = tenant.archive_domains.join(",");
    // A self-signed certificate encrypts, but nobody can check it.
    let tls = if self_signed { "EncryptionOnly" } else { "DomainValidation" };
    let mut connector = vec![
        ("Name", CONNECTOR_NAME),
        ("ConnectorType", "Partner"),
        ("RecipientDomains", &domains),
        ("SmartHosts", host),
        ("TlsSettings", tls),
    ];
    if !self_signed {
        connector.push(("TlsDomain", host));
    }
    let rule = [("Name", CONNECTOR_NAME), ("JournalEmailAddress", address), ("Scope", "Global")];
    vec![
        step(
            "connector",
            "New-OutboundConnector",
            &connector,
            " -UseMXRecord $false -Enabled $true",
        ),
        step(
            "validate",
            "Validate-OutboundConnector",
            &[("Identity", CONNECTOR_NAME), ("Recipients", address)],
            "",
        ),
        step("undeliverable", "Set-TransportConfig", &[("JournalingReportNdrTo", ELSEWHERE)], ""),
        step("journal-rule", "New-JournalRule", &rule, " -Enabled $true"),
    ]
}

fn step(code: &str, cmdlet: &str, values: &[(&str, &str)], rest: &str) -> ConnectStep {
    let mut powershell = cmdlet.to_owned();
    for (name, value) in values {
        let list: Vec<String> =
            value.split(',').map(|one| format!("'{}'", one.replace('\'', "''"))).collect();
        powershell.push_str(&format!(" -{name} {}", list.join(",")));
    }
    powershell.push_str(rest);
    let shown = |(name, value): &(&str, &str)| ConnectValue {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    ConnectStep { code: code.to_owned(), values: values.iter().map(shown).collect(), powershell }
}

/// A look at the listener from outside, as far as this machine can.
struct Probe {
    host: String,
    port: u16,
    now: Timestamp,
}

impl Probe {
    fn run(&self) -> Vec<ConnectCheck> {
        let done =
            |code, state, reason, detail: &str| check(code, state, Some(self.now), reason, detail);
        let skipped = |codes: &[&str]| -> Vec<ConnectCheck> {
            codes.iter().map(|code| check(code, CheckState::Pending, None, "", "")).collect()
        };
        let addresses = match (self.host.as_str(), self.port).to_socket_addrs() {
            Ok(addresses) => addresses.collect::<Vec<_>>(),
            Err(error) => {
                let detail = error.to_string();
                let mut all =
                    vec![done("name-resolves", CheckState::Fail, "not-resolved", &detail)];
                all.extend(skipped(&["listener-reachable", "starttls", "certificate"]));
                return all;
            }
        };
        let named: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
        let near = addresses.iter().all(|it| it.ip().is_loopback());
        let (state, reason) =
            if near { (CheckState::Warn, "only-loopback") } else { (CheckState::Ok, "") };
        let mut all = vec![done("name-resolves", state, reason, &named.join(", "))];
        let mut stream = match greet(&addresses) {
            Ok(stream) => stream,
            Err(error) => {
                let detail = error.to_string();
                all.push(done("listener-reachable", CheckState::Fail, "no-answer", &detail));
                all.extend(skipped(&["starttls", "certificate"]));
                return all;
            }
        };
        let usual = self.port == PORT;
        let detail = format!("port {}", self.port);
        let (state, reason) =
            if usual { (CheckState::Ok, "") } else { (CheckState::Warn, "other-port") };
        all.push(done("listener-reachable", state, reason, &detail));
        if let Err(error) = start_tls(&mut stream) {
            all.push(done("starttls", CheckState::Fail, "not-offered", &error.to_string()));
            all.extend(skipped(&["certificate"]));
            return all;
        }
        all.push(done("starttls", CheckState::Ok, "", ""));
        all.push(match self.handshake(stream) {
            Ok(()) => done("certificate", CheckState::Ok, "", ""),
            Err((reason, detail)) => done("certificate", CheckState::Fail, reason, &detail),
        });
        all
    }

    /// Checks the certificate as this machine's trust store does, for the public name.
    fn handshake(&self, mut stream: TcpStream) -> Result<(), (&'static str, String)> {
        let other = |error: &dyn std::error::Error| ("tls", pipeline::Error::chain(error));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| other(&error))?
            .with_no_client_auth();
        let name = self.host.clone().try_into();
        let name = name.map_err(|error: rustls::pki_types::InvalidDnsNameError| other(&error))?;
        let mut connection =
            ClientConnection::new(Arc::new(config), name).map_err(|error| other(&error))?;
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut stream) {
                let detail = pipeline::Error::chain(&error);
                let cause = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
                return Err((reason(cause), detail));
            }
        }
        Ok(())
    }
}

fn reason(error: Option<&rustls::Error>) -> &'static str {
    let Some(rustls::Error::InvalidCertificate(error)) = error else { return "tls" };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "wrong-name"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "not-valid-yet"
        }
        CertificateError::UnknownIssuer => "unknown-issuer",
        _ => "not-trusted",
    }
}

fn greet(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, ANSWER) {
            Ok(stream) => {
                stream.set_read_timeout(Some(ANSWER))?;
                stream.set_write_timeout(Some(ANSWER))?;
                answer(&stream, "220")?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn start_tls(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"EHLO check.invalid\r\n")?;
    let offered = answer(stream, "250")?;
    if !offered.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err(std::io::Error::other("the listener does not offer STARTTLS"));
    }
    stream.write_all(b"STARTTLS\r\n")?;
    answer(stream, "220").map(|_| ())
}

/// The lines of an answer without their codes. Nothing follows it, so nothing is read too far.
fn answer(stream: &TcpStream, code: &str) -> std::io::Result<Vec<String>> {
    let mut reader = BufReader::with_capacity(512, stream);
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        let text = line
            .strip_prefix(code)
            .ok_or_else(|| std::io::Error::other(format!("the listener answered {line:?}")))?;
        lines.push(text.get(1..).unwrap_or_default().to_owned());
        if !text.starts_with('-') {
            return Ok(lines);
        }
    }
    Err(std::io::Error::other("the listener's answer does not end"))
}

/// Writes down what sources bring.
pub struct Sightings {
    catalog: Arc<dyn Catalog>,
    known: Mutex<HashMap<(SourceId, Sighting), Timestamp>>,
}

impl Sightings {
    pub fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog, known: Mutex::default() }
    }

    fn note(&self, source: SourceId, sighting: Sighting, at: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.get(&(source, sighting));
        if last.is_some_and(|last| at < last.saturating_add_seconds(SIGHT_SECONDS)) {
            return;
        }
        known.insert((source, sighting), at);
        drop(known);
        if let Err(error) = self.catalog.sight(source, sighting, at) {
            tracing::warn!(%error, source.id = %source, "it is not noted what the source brought");
        }
    }
}

impl Watcher for Sightings {
    fn settled(&self, all: &[Settled]) {
        for one in all {
            let Source::Smtp { id } = one.source else { continue };
            if one.shape == Shape::JournalReport {
                self.note(id, Sighting::Report, one.received_at);
            } else if one.reverse_path.as_ref().is_some_and(is_validator) {
                self.note(id, Sighting::Validation, one.received_at);
            }
        }
    }
}

fn is_validator(sender: &model::EmailAddress) -> bool {
    let local = sender.as_str().rsplit_once('@').map(|(local, _)| local);
    local.is_some_and(|local| local.eq_ignore_ascii_case(VALIDATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_powershell() {
        let step = step("x", "Do-It", &[("Name", "O'Hara"), ("List", "a.example,b.example")], "");
        assert_eq!(step.powershell, "Do-It -Name 'O''Hara' -List 'a.example','b.example'");
    }

    #[test]
    fn the_validator_is_known_by_its_sender() {
        for (sender, expected) in [
            ("O365ConnectorValidation@contoso.onmicrosoft.com", true),
            ("anna@o365connectorvalidation.example", false),
        ] {
            assert_eq!(is_validator(&model::EmailAddress::new(sender)), expected, "{sender}");
        }
    }
}
