//! Certificates for servers of tests.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server's certificate with its key and the authority that signed it, all in PEM.
#[derive(Clone)]
pub struct Identity {
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

impl Identity {
    /// For these host names and addresses, by an authority that nobody else uses.
    ///
    /// # Panics
    /// When a name is none.
    pub fn new(names: &[&str]) -> Self {
        Self::made(names, |_| {})
    }

    /// One that ended long ago.
    ///
    /// # Panics
    /// When a name is none.
    pub fn expired(names: &[&str]) -> Self {
        Self::made(names, |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        })
    }

    fn made(names: &[&str], change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Authority of the tests");
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let own = authority.self_signed(&authority_key).expect("signed");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        change(&mut params);
        let leaf = params.signed_by(&key, &issuer).expect("signed");
        Self { authority: own.pem(), certificate: leaf.pem(), key: key.serialize_pem() }
    }

    /// SHA-256 of the certificate in hexadecimal digits: what is pinned.
    pub fn fingerprint(&self) -> String {
        model::Digest::of(&self.der()).to_hex()
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("made here")
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("made here");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], key)
            .expect("they belong together");
        Arc::new(config)
    }
}
