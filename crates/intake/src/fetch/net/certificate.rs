use model::{Digest, Timestamp};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Longer texts are cut: they come from a server that is not believed yet.
const TEXT_CHARS_MAX: usize = 300;

/// Names that are shown.
const NAMES_MAX: usize = 50;

/// A server's certificate in short, for people who decide whether to pin it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReport {
    /// Empty when the certificate cannot be read, as are all other texts but the fingerprint.
    pub subject: String,
    pub issuer: String,
    /// Host names and addresses that it is for (RFC 5280 §4.2.1.6).
    pub names: Vec<String>,
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub self_signed: bool,
    /// SHA-256 of the certificate in hexadecimal digits: what is pinned.
    pub sha256: String,
}

impl CertificateReport {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut report = Self {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            valid_from: None,
            valid_until: None,
            self_signed: false,
            sha256: Digest::of(certificate).to_hex(),
        };
        let Ok(parsed) = Certificate::from_der(certificate) else { return report };
        let fields = parsed.tbs_certificate();
        let time = |time: x509_cert::time::Time| {
            let seconds = time.to_unix_duration().as_secs();
            i64::try_from(seconds).ok().map(Timestamp::from_seconds)
        };
        report.subject = cut(&fields.subject().to_string());
        report.issuer = cut(&fields.issuer().to_string());
        report.valid_from = time(fields.validity().not_before);
        report.valid_until = time(fields.validity().not_after);
        report.self_signed = fields.subject() == fields.issuer();
        if let Ok(Some((_, names))) = fields.get_extension::<SubjectAltName>() {
            report.names = names.0.iter().filter_map(name).take(NAMES_MAX).collect();
        }
        report
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(TEXT_CHARS_MAX).collect()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(cut(name.as_str())),
        GeneralName::IpAddress(octets) => match octets.as_bytes() {
            &[a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            octets => {
                let octets: [u8; 16] = octets.try_into().ok()?;
                Some(std::net::Ipv6Addr::from(octets).to_string())
            }
        },
        _ => None,
    }
}
