use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::dto::{ServerSettings, SystemStatus};
use intake::tls::TlsFiles;
use model::{Clock as _, Timestamp};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;

use super::{Report, dns};
use crate::clock::SystemClock;
use crate::commands::running;
use crate::control::Question;
use crate::house::House;

const DAY: i64 = 86_400;

/// Days before the end of a certificate.
const CERTIFICATE_DAYS_MIN: i64 = 14;

const CONNECT: Duration = Duration::from_secs(5);

/// The running server of this data folder, if there is one.
pub fn running(house: &House, report: &mut Report) -> Option<SystemStatus> {
    UnixStream::connect(house.control_socket()).ok()?;
    let told = running::answer_of(house, Question::System);
    match told.and_then(|value| Ok(serde_json::from_value(value)?)) {
        Ok(status) => Some(status),
        Err(error) => {
            report.fail("running server", format!("{error:#}"), "look at the log of the server");
            None
        }
    }
}

pub fn ports(settings: &ServerSettings, running: Option<&SystemStatus>, report: &mut Report) {
    let mut smtp_ports = Vec::new();
    if let Some(status) = running {
        for listener in &status.listeners {
            let Ok(address) = listener.address.parse::<SocketAddr>() else { continue };
            connect(&listener.protocol, address, report);
            smtp_ports.extend((listener.protocol == "smtp").then_some(address.port()));
        }
    } else {
        for (what, addresses) in [("smtp", &settings.smtp.listen), ("web", &settings.http.listen)] {
            for address in addresses {
                let Ok(address) = address.parse::<SocketAddr>() else { continue };
                if address.port() != 0 {
                    bind(what, address, report);
                }
                smtp_ports.extend((what == "smtp").then_some(address.port()));
            }
        }
    }
    if !smtp_ports.contains(&25) {
        report.warn("ports", "no listener on port 25", "Exchange Online delivers to port 25 only");
    }
}

fn connect(what: &str, address: SocketAddr, report: &mut Report) {
    let mut near = address;
    if near.ip().is_unspecified() {
        near.set_ip(match near.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    match TcpStream::connect_timeout(&near, CONNECT) {
        Ok(_) => report.ok("ports", format!("{what} answers on {address}")),
        Err(error) => report.fail(
            "ports",
            format!("{what} does not answer on {address}: {error}"),
            "look at the log of the server and at the firewall",
        ),
    }
}

fn bind(what: &str, address: SocketAddr, report: &mut Report) {
    match TcpListener::bind(address) {
        Ok(_) => report.ok("ports", format!("{what} can listen on {address}")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => report.fail(
            "ports",
            format!("{what}: {address} is taken"),
            "end the program that listens there (ss -ltnp), such as a mail server",
        ),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => report.warn(
            "ports",
            format!("{what}: this user may not listen on {address}"),
            "the service has CAP_NET_BIND_SERVICE for it",
        ),
        Err(error) => report.fail(
            "ports",
            format!("{what}: {address}: {error}"),
            "name an address of this machine",
        ),
    }
}

/// The host name and the mail exchangers of the archive's domains.
pub fn names(house: &House, settings: &ServerSettings, report: &mut Report) {
    let host = crate::settings::smtp(settings).host_name;
    match (host.as_str(), 25).to_socket_addrs().map(|all| all.map(|it| it.ip()).collect::<Vec<_>>())
    {
        Ok(all) if all.iter().all(|it| it.is_loopback()) => report.warn(
            "dns",
            format!("{host} resolves to this machine only"),
            "give smtp.hostName a public name",
        ),
        Ok(all) => report.ok("dns", format!("{host} resolves to {} addresses", all.len())),
        Err(error) => report.warn(
            "dns",
            format!("{host} does not resolve: {error}"),
            "enter it into the DNS, or correct smtp.hostName",
        ),
    }
    let tenants = house.catalog.tenants().unwrap_or_default();
    let mut domains: Vec<String> =
        tenants.into_iter().flat_map(|tenant| tenant.archive_domains).collect();
    domains.sort();
    domains.dedup();
    for domain in domains {
        match dns::mail_exchangers(&domain) {
            Ok(all) if all.iter().any(|name| name.eq_ignore_ascii_case(&host)) => {
                report.ok("dns", format!("mail for {domain} leads to {host}"));
            }
            Ok(all) if all.is_empty() => report.warn(
                "dns",
                format!("{domain} has no MX"),
                "enter an MX, unless a connector names this host as its smart host",
            ),
            Ok(all) => report.warn(
                "dns",
                format!("mail for {domain} leads to {}", all.join(", ")),
                "let the MX name this host, unless a connector names it as its smart host",
            ),
            Err(error) => report.warn(
                "dns",
                format!("the MX of {domain} cannot be asked for: {error}"),
                "look at /etc/resolv.conf",
            ),
        }
    }
}

pub fn certificate(folder: &Path, settings: &ServerSettings, report: &mut Report) {
    let own = crate::serve::own_files(folder);
    let files = crate::settings::tls_files(settings).unwrap_or(own);
    if !files.cert.exists() {
        return report.warn(
            "tls",
            "there is no certificate yet",
            "the first start makes a self-signed one; name a real one in tls.certificate",
        );
    }
    let facts = match files.check() {
        Ok(facts) => facts,
        Err(error) => {
            let what = pipeline::Error::chain(&error);
            return report.fail("tls", what, "put a PEM certificate and its key in place");
        }
    };
    ends(facts.not_after, report);
    if facts.self_signed {
        report.warn(
            "tls",
            "the certificate is self-signed",
            "Exchange can encrypt to it, but not check it: get one from a public authority",
        );
        return;
    }
    let host = crate::settings::smtp(settings).host_name;
    match trusted(&files, &host) {
        Ok(()) => report.ok("tls", format!("the certificate is trusted for {host}")),
        Err(error) => report.fail(
            "tls",
            format!("others do not trust the certificate for {host}: {error}"),
            "the file needs the whole chain, and the certificate the name of smtp.hostName",
        ),
    }
}

fn ends(not_after: Timestamp, report: &mut Report) {
    let days = (not_after.as_seconds() - SystemClock.now().as_seconds()) / DAY;
    let what = format!("the certificate ends in {days} days ({not_after})");
    if days < 0 {
        report.fail("tls", format!("the certificate ended on {not_after}"), "renew it");
    } else if days < CERTIFICATE_DAYS_MIN {
        report.warn("tls", what, "renew it");
    } else {
        report.ok("tls", what);
    }
}

/// As this machine's trust store sees it.
fn trusted(files: &TlsFiles, host: &str) -> Result<(), String> {
    let say = |error: &dyn std::error::Error| error.to_string();
    let chain = CertificateDer::pem_file_iter(&files.cert).map_err(|error| say(&error))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| say(&error))?;
    let (own, others) = chain.split_first().ok_or("no certificate")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new(provider).map_err(|error| say(&error))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| say(&error))?;
    verifier
        .verify_server_cert(own, others, &name, &[], UnixTime::now())
        .map(|_| ())
        .map_err(|error| say(&error))
}
