use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateFacts, Loaded, PEM_BYTES_MAX, TlsError, TlsFiles};

/// What tells a changed pair of files from the one seen before; `None` is a missing file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

#[derive(Debug, PartialEq, Eq)]
struct FileStamp {
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
}

impl TlsFiles {
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([&self.cert, &self.key].map(|path| {
            let meta = fs::metadata(path).ok()?;
            Some(FileStamp {
                inode: meta.ino(),
                size_bytes: meta.len(),
                modified: (meta.mtime(), meta.mtime_nsec()),
            })
        }))
    }

    /// Whether neither file exists; one without the other is an error.
    pub(super) fn missing(&self) -> Result<bool, TlsError> {
        match (exists(&self.cert)?, exists(&self.key)?) {
            (false, false) => Ok(true),
            (true, true) => Ok(false),
            _ => Err(TlsError::HalfPair { cert: self.cert.clone(), key: self.key.clone() }),
        }
    }

    pub(super) fn load(&self, provider: &Arc<CryptoProvider>) -> Result<Loaded, TlsError> {
        let cert_pem = read(&self.cert)?;
        let no_certificate = || TlsError::NoCertificate { path: self.cert.clone() };
        let chain = CertificateDer::pem_slice_iter(&cert_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| no_certificate())?;
        let own = chain.first().ok_or_else(no_certificate)?;
        let facts = CertificateFacts::of(own).ok_or_else(no_certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_| TlsError::NoKey { path: self.key.clone() })?;
        let key =
            CertifiedKey::from_der(chain, key, provider).map_err(|error| TlsError::Mismatch {
                cert: self.cert.clone(),
                key: self.key.clone(),
                reason: error.to_string(),
            })?;
        Ok(Loaded { key: Arc::new(key), facts })
    }

    /// The key is written first: a crash between the two leaves half a pair, which the next
    /// start reports by name.
    pub(super) fn create_self_signed(&self, names: &[String]) -> Result<(), TlsError> {
        let create = |source| TlsError::Create { path: self.cert.clone(), source };
        let key = rcgen::KeyPair::generate().map_err(create)?;
        let mut params = rcgen::CertificateParams::new(names.to_vec()).map_err(create)?;
        let mut subject = rcgen::DistinguishedName::new();
        let common_name = names.first().map_or("localhost", String::as_str);
        subject.push(rcgen::DnType::CommonName, common_name);
        params.distinguished_name = subject;
        let certificate = params.self_signed(&key).map_err(create)?;
        write_new(&self.key, key.serialize_pem().as_bytes(), 0o600)?;
        write_new(&self.cert, certificate.pem().as_bytes(), 0o644)
    }
}

fn exists(path: &Path) -> Result<bool, TlsError> {
    match fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(TlsError::Read { path: path.to_owned(), source }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    let mut octets = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(PEM_BYTES_MAX).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

fn write_new(path: &Path, octets: &[u8], mode: u32) -> Result<(), TlsError> {
    let failed = |source| TlsError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(failed)
}
