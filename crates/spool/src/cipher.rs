use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{Result, SpoolError};

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const WRAPPED_BYTES: usize = 40;
pub(crate) const TAG_BYTES: usize = 16;

/// The key that wraps segment keys; derived from the master key, whose id it carries.
#[derive(Clone)]
pub struct SpoolKey {
    id: [u8; 8],
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

impl SpoolKey {
    /// `id` names the key in messages and in segment headers; it is no secret.
    pub fn new(id: [u8; 8], secret: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self { id, secret }
    }

    pub(crate) fn id(&self) -> [u8; 8] {
        self.id
    }

    pub(crate) fn wrap(&self, key: &[u8; KEY_BYTES]) -> Result<[u8; WRAPPED_BYTES]> {
        let mut wrapped = [0; WRAPPED_BYTES];
        let kek = AesKek::new(&AES_256, &self.secret[..]).map_err(|_| SpoolError::Encryption)?;
        kek.wrap(key, &mut wrapped).map_err(|_| SpoolError::Encryption)?;
        Ok(wrapped)
    }

    /// `None` when the wrapped key is damaged or was wrapped under another key.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let kek = AesKek::new(&AES_256, &self.secret[..]).ok()?;
        let length = kek.unwrap(wrapped, &mut key[..]).ok()?.len();
        (length == KEY_BYTES).then_some(key)
    }
}

impl std::fmt::Debug for SpoolKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SpoolKey({})", hex(&self.id))
    }
}

/// AES-256-GCM with counted nonces: the caller never uses a pair of numbers twice.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SpoolError::Encryption)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts `buffer[from..]` in place and appends the tag.
    pub(crate) fn seal(
        &self,
        (domain, counter): (u32, u64),
        aad: &[u8],
        buffer: &mut Vec<u8>,
        from: usize,
    ) -> Result<()> {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(domain, counter), Aad::from(aad), &mut buffer[from..])
            .map_err(|_| SpoolError::Encryption)?;
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Decrypts in place; `None` when one bit differs.
    pub(crate) fn open<'a>(
        &self,
        (domain, counter): (u32, u64),
        aad: &[u8],
        buffer: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        self.0.open_in_place(nonce(domain, counter), Aad::from(aad), buffer).ok()
    }
}

fn nonce(domain: u32, counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&domain.to_be_bytes());
    bytes[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

pub(crate) fn fresh_key() -> Result<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(&mut key[..]).map_err(|_| SpoolError::Encryption)?;
    Ok(key)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
