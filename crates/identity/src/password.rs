use std::fmt;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordVerifier as _, Version};

use crate::error::{IdentityError, WeakPassword};
use crate::random::Random;

pub const PASSWORD_CHARS_MIN: usize = 12;

/// Longer ones are refused: hashing them would be work that a stranger orders.
pub const PASSWORD_CHARS_MAX: usize = 1_000;

/// OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SALT_BYTES: usize = 16;

/// 32 characters; o, 0, 1 and l are left out, which people confuse.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ONE_TIME_GROUPS: usize = 5;
const ONE_TIME_GROUP_CHARS: usize = 4;

/// Whether `password` may become the password of `user_name`.
pub fn check_password(user_name: &str, password: &str) -> Result<(), WeakPassword> {
    let count = password.chars().count();
    let lower = password.trim().to_lowercase();
    let name = user_name.trim().to_lowercase();
    let local = name.split('@').next().unwrap_or_default();
    let first = password.chars().next();
    if count < PASSWORD_CHARS_MIN {
        Err(WeakPassword::TooShort)
    } else if count > PASSWORD_CHARS_MAX {
        Err(WeakPassword::TooLong)
    } else if lower == name || lower == local {
        Err(WeakPassword::IsUserName)
    } else if password.chars().all(|one| Some(one) == first) {
        Err(WeakPassword::Monotonous)
    } else {
        Ok(())
    }
}

/// Hashes so many drawn passwords one after the other and throws the hashes away: a measure of
/// what no sign-in can fall below.
///
/// # Errors
/// When the machine has no memory for it.
pub fn hash_passwords(times: u32) -> Result<(), IdentityError> {
    let random = crate::SystemRandom;
    let hasher = Hasher::new(&random)?;
    for _ in 0..times {
        hasher.hash(OneTimePassword::draw(&random).reveal(), &random)?;
    }
    Ok(())
}

/// A password that is shown once and must be changed at the first sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimePassword(String);

impl OneTimePassword {
    /// Five groups of four characters: 100 bits.
    pub(crate) fn draw(random: &dyn Random) -> Self {
        let mut bytes = [0; ONE_TIME_GROUPS * ONE_TIME_GROUP_CHARS];
        random.fill(&mut bytes);
        let groups: Vec<String> = bytes
            .chunks(ONE_TIME_GROUP_CHARS)
            .map(|group| {
                group.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
            })
            .collect();
        Self(groups.join("-"))
    }

    /// The password, to be shown to a person once; never logged.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePassword(…)")
    }
}

/// Argon2id with fixed parameters, and a hash that nobody's password has.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    decoy: String,
}

impl Hasher {
    pub(crate) fn new(random: &dyn Random) -> Result<Self, IdentityError> {
        let params =
            Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| IdentityError::Hash)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hasher = Self { argon2, decoy: String::new() };
        hasher.decoy = hasher.hash(OneTimePassword::draw(random).reveal(), random)?;
        Ok(hasher)
    }

    /// The PHC string of `password` under a fresh salt.
    pub(crate) fn hash(
        &self,
        password: &str,
        random: &dyn Random,
    ) -> Result<String, IdentityError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let hash = self.argon2.hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|_| IdentityError::Hash)
    }

    /// Whether the PHC string was made with today's parameters.
    pub(crate) fn is_current(&self, hash: &str) -> bool {
        hash.starts_with(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"))
    }

    /// Whether `password` belongs to the PHC string; compares in constant time. Without a string
    /// the answer is no, after the same work.
    pub(crate) fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, IdentityError> {
        // What cannot be anybody's password costs the same as well, but is not hashed whole.
        let end = password.char_indices().nth(PASSWORD_CHARS_MAX).map(|(end, _)| end);
        let (password, fits) = match end {
            Some(end) => (&password[..end], false),
            None => (password, true),
        };
        let parsed =
            PasswordHash::new(hash.unwrap_or(&self.decoy)).map_err(|_| IdentityError::Hash)?;
        match self.argon2.verify_password(password.as_bytes(), &parsed) {
            Ok(()) => Ok(fits && hash.is_some()),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(IdentityError::Hash),
        }
    }
}
