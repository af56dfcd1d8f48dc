use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{Result, StoreError};

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const WRAPPED_BYTES: usize = 40;
pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const NONCE_BYTES: usize = 12;

pub(crate) type Secret = Zeroizing<[u8; KEY_BYTES]>;

pub(crate) fn fresh_key() -> Result<Secret> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(&mut key[..]).map_err(|_| StoreError::Encryption)?;
    Ok(key)
}

pub(crate) fn fresh_nonce() -> Result<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    SystemRandom::new().fill(&mut nonce).map_err(|_| StoreError::Encryption)?;
    Ok(nonce)
}

/// AES Key Wrap (RFC 3394).
pub(crate) fn wrap(kek: &[u8; KEY_BYTES], key: &[u8; KEY_BYTES]) -> Result<[u8; WRAPPED_BYTES]> {
    let mut wrapped = [0; WRAPPED_BYTES];
    let kek = AesKek::new(&AES_256, kek).map_err(|_| StoreError::Encryption)?;
    kek.wrap(key, &mut wrapped).map_err(|_| StoreError::Encryption)?;
    Ok(wrapped)
}

/// `None` when the wrapped key is damaged or was wrapped under another key.
pub(crate) fn unwrap(kek: &[u8; KEY_BYTES], wrapped: &[u8; WRAPPED_BYTES]) -> Option<Secret> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let kek = AesKek::new(&AES_256, kek).ok()?;
    let length = kek.unwrap(wrapped, &mut key[..]).ok()?.len();
    (length == KEY_BYTES).then_some(key)
}

/// Encrypts in place and appends the tag (AES-256-GCM).
pub(crate) fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<()> {
    aead(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buffer)
        .map_err(|_| StoreError::Encryption)
}

/// Decrypts in place and removes the tag; `None` when one bit differs.
pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    buffer: &mut Vec<u8>,
) -> Option<()> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = aead(key).ok()?.open_in_place(nonce, Aad::from(aad), buffer).ok()?.len();
    buffer.truncate(length);
    Some(())
}

fn aead(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| StoreError::Encryption)?;
    Ok(LessSafeKey::new(key))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
