use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

use crate::cipher::{KEY_BYTES, Secret, fresh_key, hex};
use crate::{Result, StoreError, files};

const NAME: &str = "chancery-master-key-v1";
const ID_LABEL: &[u8] = b"chancery master key";
const SPOOL_LABEL: &[u8] = b"chancery spool v1";
const SETTINGS_LABEL: &[u8] = b"chancery settings v1";
const SEALING_LABEL: &[u8] = b"chancery sealing v1";

/// Names a master key without telling anything of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key that wraps all others. Without it the vault and the spool are noise.
#[derive(Clone)]
pub struct MasterKey {
    id: KeyId,
    secret: Secret,
}

impl MasterKey {
    /// Reads the key file.
    ///
    /// # Errors
    /// `MasterKeyMissing`, `MasterKeyUnreadable`, `Io`.
    pub fn open(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::MasterKeyMissing { path: path.to_owned() });
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(StoreError::MasterKeyUnreadable {
                    path: path.to_owned(),
                    why: "not a text",
                });
            }
            Err(error) => return Err(StoreError::io("read", path, error)),
        };
        if let Ok(metadata) = path.metadata()
            && metadata.permissions().mode() & 0o077 != 0
        {
            tracing::warn!(path = %path.display(), "the master key file can be read by others; chmod 600 it");
        }
        Self::parse(&text)
            .map_err(|why| StoreError::MasterKeyUnreadable { path: path.to_owned(), why })
    }

    /// Reads the key from the text of a key file, such as out of the environment.
    ///
    /// # Errors
    /// `MasterKeyUnreadable`.
    pub fn from_text(text: &str) -> Result<Self> {
        let path = Path::new("(environment)").to_owned();
        Self::parse(text).map_err(|why| StoreError::MasterKeyUnreadable { path, why })
    }

    /// Reads the key file, or makes a fresh key if there is none and `vault_dir` holds no tenant.
    /// A new file is durable on return, has mode 0600, and never replaces another.
    ///
    /// # Errors
    /// As [`MasterKey::open`]; `MasterKeyMissing` when tenants exist that need the lost key.
    pub fn open_or_create(path: &Path, vault_dir: &Path) -> Result<Self> {
        if path.exists() || files::has_tenants(vault_dir)? {
            return Self::open(path);
        }
        Self::create(path)
    }

    fn create(path: &Path) -> Result<Self> {
        let secret = fresh_key()?;
        let key = Self { id: id_of(&secret), secret };
        let line = Zeroizing::new(format!("{NAME} {} {}\n", key.id, hex(&key.secret[..])));
        let draft = path.with_extension("key.new");
        let io = |error| StoreError::io("create", path, error);
        files::remove(&draft).map_err(io)?;
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::hard_link(&draft, path).map_err(io)?;
        files::remove(&draft).map_err(io)?;
        files::sync_dir(path.parent().unwrap_or(Path::new("."))).map_err(io)?;
        Ok(key)
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().ok_or("the file is empty")?;
        if name != NAME {
            return Err("it does not begin with chancery-master-key-v1");
        }
        let id =
            words.next().and_then(unhex::<8>).ok_or("the key id is not 16 hexadecimal digits")?;
        let secret = words.next().and_then(unhex::<KEY_BYTES>).map(Zeroizing::new);
        let secret = secret.ok_or("the key is not 64 hexadecimal digits")?;
        if words.next().is_some() {
            return Err("there is more than one key in it");
        }
        if id_of(&secret) != KeyId(id) {
            return Err("the key does not match its key id");
        }
        Ok(Self { id: KeyId(id), secret })
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key of the spool, which carries this key's id. Derived: the same at every start.
    pub fn spool_secret(&self) -> ([u8; 8], Zeroizing<[u8; 32]>) {
        (self.id.0, self.derived(SPOOL_LABEL))
    }

    /// The key of the secrets that stand among the settings: passwords of directories, of sources
    /// and of the smarthost, seeds of second factors. Derived: the same at every start.
    pub fn settings_secret(&self) -> Zeroizing<[u8; 32]> {
        self.derived(SETTINGS_LABEL)
    }

    /// The seed of the key that seals ledger batches while no authority does. Derived: the same at
    /// every start.
    pub fn sealing_secret(&self) -> Zeroizing<[u8; 32]> {
        self.derived(SEALING_LABEL)
    }

    fn derived(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret[..]);
        let tag = hmac::sign(&key, label);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(tag.as_ref());
        secret
    }

    pub(crate) fn secret(&self) -> &[u8; KEY_BYTES] {
        &self.secret
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn id_of(secret: &[u8; KEY_BYTES]) -> KeyId {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(ID_LABEL);
    hash.update(secret);
    let mut id = [0; 8];
    id.copy_from_slice(&hash.finish().as_ref()[..8]);
    KeyId(id)
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(bytes)
}
