use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use model::{Digest, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateFacts, Loaded, PEM_BYTES_MAX, SELF_SIGNED_DAYS, TlsError, TlsFiles};

/// What tells a changed pair of files from the one seen before; `None` is a file that cannot be
/// read. Of the octets: a file that is written anew within one tick of the clock, in the same
/// length, has the same times.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([Option<Digest>; 2]);

impl TlsFiles {
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([&self.cert, &self.key].map(|path| Some(Digest::of(&read(path).ok()?))))
    }

    /// Whether neither file exists; one without the other is an error.
    pub(super) fn missing(&self) -> Result<bool, TlsError> {
        match (exists(&self.cert)?, exists(&self.key)?) {
            (false, false) => Ok(true),
            (true, true) => Ok(false),
            // A renewal was interrupted: the old certificate is gone, the new one not there.
            (false, true) if exists(&self.marker())? => {
                let aside = self.key.with_extension("old");
                fs::rename(&self.key, &aside)
                    .map_err(|source| TlsError::Write { path: aside, source })?;
                Ok(true)
            }
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

    /// Loads the pair without using it.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not belong together.
    pub fn check(&self) -> Result<CertificateFacts, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(self.load(&provider)?.facts)
    }

    /// Whether the certificate is one that [`TlsFiles::create_self_signed`] made.
    pub(super) fn is_made_here(&self) -> Result<bool, TlsError> {
        let wanted = Digest::of(&read(&self.cert)?).to_hex();
        match fs::read_to_string(self.marker()) {
            Ok(text) => Ok(text.lines().any(|line| line == wanted)),
            // Early releases made certificates without a mark, all with the same odd end.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let facts = self.check()?;
                Ok(facts.self_signed && facts.not_after.to_string().starts_with("4096-01-01"))
            }
            Err(source) => Err(TlsError::Read { path: self.marker(), source }),
        }
    }

    /// Names the certificates that were made here, one to a line.
    fn marker(&self) -> PathBuf {
        self.cert.with_extension("self-signed")
    }

    /// Puts a fresh pair in the place of one that was made here. A crash in between leaves a key
    /// without a certificate, which [`TlsFiles::missing`] knows.
    pub(super) fn replace_self_signed(&self, names: &[String]) -> Result<(), TlsError> {
        for path in [&self.cert, &self.key] {
            let removed = fs::remove_file(path);
            if let Err(source) = removed.or_else(ignore_missing) {
                return Err(TlsError::Write { path: path.clone(), source });
            }
        }
        self.create_self_signed(names)
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
        let (not_before, not_after) = validity();
        let date = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
        params.not_before = date(not_before);
        params.not_after = date(not_after);
        let certificate = params.self_signed(&key).map_err(create)?;
        let pem = certificate.pem();
        let mark = Digest::of(pem.as_bytes()).to_hex();
        append(&self.marker(), &format!("{mark}\n"))?;
        write_new(&self.key, key.serialize_pem().as_bytes(), 0o600)?;
        write_new(&self.cert, pem.as_bytes(), 0o644)
    }
}

/// Year, month and day.
type Day = (i32, u8, u8);

/// From yesterday, for clients whose clock is behind.
fn validity() -> (Day, Day) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0));
    let day = |count: i64| {
        let text = now.saturating_add_seconds(count * 86_400).to_string();
        let number = |range| text.get(range).and_then(|digits: &str| digits.parse().ok());
        // RFC 3339: the date stands at the beginning.
        let small = |range| number(range).and_then(|it: i32| u8::try_from(it).ok()).unwrap_or(1);
        (number(0..4).unwrap_or(1970), small(5..7), small(8..10))
    };
    (day(-1), day(SELF_SIGNED_DAYS - 1))
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
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

fn append(path: &Path, text: &str) -> Result<(), TlsError> {
    let failed = |source| TlsError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
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
