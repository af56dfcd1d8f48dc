//! Whether a server's certificate is believed.

use std::sync::{Arc, Mutex, PoisonError};

use catalog::DirectoryConfig;
use model::Digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::error::DirectoryError;

/// Certificates that a configuration may name.
const AUTHORITIES_MAX: usize = 100;

/// Believes what the configuration says, and remembers what it was shown.
#[derive(Debug)]
pub(super) struct Trust {
    rule: Rule,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

#[derive(Debug)]
enum Rule {
    Authorities(Arc<dyn ServerCertVerifier>),
    /// SHA-256 of the one certificate that is believed, whatever name and dates it has.
    Pinned([u8; 32]),
}

impl Trust {
    /// # Errors
    /// When the pin or the certificates of the configuration cannot be read.
    pub(super) fn of(config: &DirectoryConfig) -> Result<Arc<Self>, DirectoryError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let rule = match (&config.pinned_sha256, &config.ca_pem) {
            (Some(pin), _) => Rule::Pinned(pin_of(pin)?),
            (None, Some(pem)) => Rule::Authorities(authorities(pem, &provider)?),
            (None, None) => {
                let system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
                Rule::Authorities(Arc::new(system.map_err(|error| tls(&error))?))
            }
        };
        Ok(Arc::new(Self { rule, provider, seen: Mutex::default() }))
    }

    /// A client configuration that asks this trust.
    ///
    /// # Errors
    /// Never with the provider that is built in.
    pub(super) fn client(self: &Arc<Self>) -> Result<Arc<ClientConfig>, DirectoryError> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// The certificate that the server showed last, believed or not.
    pub(super) fn seen(&self) -> Option<CertificateDer<'static>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Trust {
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

fn pin_of(text: &str) -> Result<[u8; 32], DirectoryError> {
    let digits: String = text.chars().filter(|one| !one.is_whitespace() && *one != ':').collect();
    let wrong = || {
        let what = "the pinned certificate is not a SHA-256 of 64 hexadecimal digits";
        DirectoryError::Config(what.to_owned())
    };
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(wrong());
    }
    let mut pin = [0; 32];
    for (byte, at) in pin.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(pin)
}

fn authorities(
    pem: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, DirectoryError> {
    let wrong =
        |what: String| DirectoryError::Config(format!("the certificates of the authority: {what}"));
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

/// What went wrong with TLS, in words that help.
pub(super) fn tls(error: &rustls::Error) -> DirectoryError {
    use rustls::Error;
    let text = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
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
        Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
        other => match other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                "the server shows an authority's certificate as its own; pin it".to_owned()
            }
            text => text,
        },
    };
    DirectoryError::Tls(format!("TLS failed: {text}"))
}
