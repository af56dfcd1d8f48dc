//! What a certificate says about itself, for people.

use model::{Digest, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Longer names are cut: they come from a server that is not believed yet.
const NAME_CHARS_MAX: usize = 300;

/// A server's certificate in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    pub subject: String,
    pub issuer: String,
    pub valid_until: Option<Timestamp>,
    /// SHA-256 in hexadecimal digits: what is pinned.
    pub sha256: String,
}

pub(super) fn of(certificate: &CertificateDer<'_>) -> CertificateFacts {
    let sha256 = Digest::of(certificate).to_hex();
    let cut = |text: String| text.chars().take(NAME_CHARS_MAX).collect::<String>();
    match Certificate::from_der(certificate) {
        Ok(parsed) => {
            let fields = parsed.tbs_certificate();
            let end = fields.validity().not_after.to_unix_duration().as_secs();
            CertificateFacts {
                subject: cut(fields.subject().to_string()),
                issuer: cut(fields.issuer().to_string()),
                valid_until: i64::try_from(end).ok().map(Timestamp::from_seconds),
                sha256,
            }
        }
        Err(_) => CertificateFacts {
            subject: String::new(),
            issuer: String::new(),
            valid_until: None,
            sha256,
        },
    }
}
