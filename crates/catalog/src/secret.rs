use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// Seals the secrets that stand in the catalog: passwords of directories, sources and smarthosts,
/// seeds of second factors. AES-256-GCM under a key derived from the master key, with a fresh
/// nonce each.
///
/// A sealed text is bound to its `place`, such as `directory <id> password`: copied to another
/// row it does not open.
pub struct SecretBox {
    key: LessSafeKey,
}

/// The text was not sealed with this key for this place, or it is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret cannot be opened: it was sealed under another master key, or is damaged")]
pub struct SecretError;

impl SecretBox {
    /// `secret` is `store::MasterKey::settings_secret`.
    ///
    /// # Errors
    /// Never for 32 bytes; the library says so only at run time.
    pub fn new(secret: &[u8; 32]) -> Result<Self, SecretError> {
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| SecretError)?;
        Ok(Self { key: LessSafeKey::new(key) })
    }

    /// Base64 of nonce, ciphertext and tag.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<String, SecretError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SecretError)?;
        let mut octets = secret.to_vec();
        let (once, place) = (Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()));
        self.key.seal_in_place_append_tag(once, place, &mut octets).map_err(|_| SecretError)?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &octets].concat()))
    }

    /// # Errors
    /// When the text was sealed for another place or under another key, or one bit differs.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let octets = STANDARD_NO_PAD.decode(sealed).map_err(|_| SecretError)?;
        let (nonce, octets) = octets.split_first_chunk::<NONCE_LEN>().ok_or(SecretError)?;
        let mut octets = Zeroizing::new(octets.to_vec());
        let (once, place) = (Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()));
        let length =
            self.key.open_in_place(once, place, &mut octets).map_err(|_| SecretError)?.len();
        octets.truncate(length);
        Ok(octets)
    }
}

impl fmt::Debug for SecretBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBox")
    }
}

#[cfg(test)]
mod tests {
    use super::SecretBox;

    #[test]
    fn a_secret_opens_in_its_place_and_under_its_key_only() {
        let own = SecretBox::new(&[1; 32]).expect("a key");
        let other = SecretBox::new(&[2; 32]).expect("a key");
        let sealed = own.seal("directory 1", b"geheim").expect("sealed");
        assert!(!sealed.contains("geheim"));
        assert_ne!(sealed, own.seal("directory 1", b"geheim").expect("sealed"));
        assert_eq!(own.open("directory 1", &sealed).expect("opened").as_slice(), b"geheim");
        assert!(own.open("directory 2", &sealed).is_err());
        assert!(other.open("directory 1", &sealed).is_err());
        for damaged in ["", "AAAA", &sealed[..sealed.len() - 2], "%%%"] {
            assert!(own.open("directory 1", damaged).is_err(), "{damaged}");
        }
    }
}
