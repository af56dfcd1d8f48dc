//! Whether a server's certificate is believed.

use std::sync::{Arc, Mutex, PoisonError};

use model::Digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};

use super::certificate::CertificateReport;
use crate::fetch::FetchError;

/// Certificates that the settings may name.
const AUTHORITIES_MAX: usize = 100;

/// Which certificates are believed. There is no way to believe all of them: who trusts a server
/// with an odd certificate pins it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// These authorities (PEM) only.
    Authorities(String),
    /// SHA-256 of the one certificate that is believed, whatever name and dates it has.
    Pinned([u8; 32]),
    /// The authorities of the operating system.
    #[default]
    System,
}

/// SHA-256 as people copy it: 64 hexadecimal digits, with or without colons and spaces.
pub fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|one| !one.is_whitespace() && *one != ':').collect();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut pin = [0; 32];
    for (octet, at) in pin.iter_mut().zip((0..64).step_by(2)) {
        *octet = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(pin)
}

/// Asks a [`Trust`] during one handshake, and remembers what it was shown.
#[derive(Debug)]
pub(super) struct Judge {
    rule: Rule,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

#[derive(Debug)]
enum Rule {
    Authorities(Arc<dyn ServerCertVerifier>),
    Pinned([u8; 32]),
}

impl Judge {
    /// # Errors
    /// When the certificates of the settings cannot be read.
    pub(super) fn of(trust: &Trust) -> Result<Arc<Self>, FetchError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let rule = match trust {
            Trust::Authorities(pem) => Rule::Authorities(authorities(pem, &provider)?),
            Trust::Pinned(pin) => Rule::Pinned(*pin),
            Trust::System => {
                let system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
                let system = system.map_err(|error| FetchError::Config(error.to_string()))?;
                Rule::Authorities(Arc::new(system))
            }
        };
        Ok(Arc::new(Self { rule, provider, seen: Mutex::default() }))
    }

    /// A client configuration that asks this judge: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// Never with the provider that is built in.
    pub(super) fn client(self: &Arc<Self>) -> Result<Arc<ClientConfig>, FetchError> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError::Config(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// The certificate that the server showed, believed or not.
    pub(super) fn seen(&self) -> Option<Box<CertificateReport>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().map(|certificate| Box::new(CertificateReport::of(certificate)))
    }

    /// What went wrong with TLS, in words that help.
    pub(super) fn failure(&self, error: &rustls::Error) -> FetchError {
        FetchError::TlsMismatch {
            text: format!("TLS failed: {}", words(error)),
            certificate: self.seen(),
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(end_entity.clone().into_owned());
        match &self.rule {
            Rule::Authorities(verifier) => {
                verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
            }
            Rule::Pinned(pin) if Digest::of(end_entity).as_bytes() == pin => {
                Ok(ServerCertVerified::assertion())
            }
            Rule::Pinned(_) => Err(rustls::Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    // The server must own the key of the certificate, also of a pinned one.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn authorities(
    pem: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, FetchError> {
    let wrong =
        |what: String| FetchError::Config(format!("the certificates of the authority: {what}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        if roots.len() >= AUTHORITIES_MAX {
            return Err(wrong(format!("more than {AUTHORITIES_MAX}")));
        }
        let certificate = certificate.map_err(|_| wrong("this is no PEM".to_owned()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is none".to_owned()));
    }
    let provider = Arc::clone(provider);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|error| wrong(error.to_string()))?)
}

fn words(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        // A bad signature is that of another authority with a known name.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            "the certificate comes from an unknown authority; name the authority's certificate, or \
             pin this one"
                .to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is not for the name of this host".to_owned(),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate has expired".to_owned(),
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "the certificate is not the pinned one".to_owned()
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            "the server knows only versions or ciphers that are not safe any more; TLS 1.2 is the \
             least"
                .to_owned()
        }
        Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
        other => match other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                "the server shows an authority's certificate as its own; pin it".to_owned()
            }
            text => text,
        },
    }
}
