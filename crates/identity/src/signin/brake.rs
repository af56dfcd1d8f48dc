use std::net::IpAddr;

use catalog::{Attempt, ThrottleRule};
use model::{AccountId, Digest, Timestamp};

use crate::Identity;
use crate::error::IdentityError;

/// Wrong guesses that cost nothing: typing errors.
const FREE_ATTEMPTS: u32 = 5;

/// For a whole network or a whole account: many people behind one address, many strangers.
const FREE_ATTEMPTS_SHARED: u32 = 20;

const PAUSE_SECONDS_MAX: i64 = 15 * 60;

/// What strangers can do to an account from elsewhere is short, and nothing where its owner signed
/// in before: guessing slows down, but nobody is locked out.
const PAUSE_SECONDS_MAX_ACCOUNT: i64 = 60;
const PLACE_TRUST_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Something that can be guessed.
pub(crate) struct Guess<'a> {
    /// Which counter, besides the name: passwords and codes are counted apart.
    what: &'static str,
    user_name: &'a str,
    ip: Option<IpAddr>,
    account: Option<AccountId>,
    account_pause_seconds_max: i64,
    trusts_places: bool,
}

impl<'a> Guess<'a> {
    pub(crate) fn password(
        user_name: &'a str,
        ip: Option<IpAddr>,
        account: Option<AccountId>,
    ) -> Self {
        let account_pause_seconds_max = PAUSE_SECONDS_MAX_ACCOUNT;
        Self { what: "", user_name, ip, account, account_pause_seconds_max, trusts_places: true }
    }

    /// Who guesses here knows the password: no stranger. The pause may be long, and a place from
    /// which the password was right earns no trust by that.
    pub(crate) fn code(user_name: &'a str, ip: Option<IpAddr>, account: AccountId) -> Self {
        Self {
            what: "code ",
            user_name,
            ip,
            account: Some(account),
            account_pause_seconds_max: PAUSE_SECONDS_MAX,
            trusts_places: false,
        }
    }
}

impl Identity {
    /// Runs `check` if the brake allows it, and tells the brake how it went. `None` from `check`
    /// is a wrong guess.
    pub(crate) fn try_once<T>(
        &self,
        guess: &Guess<'_>,
        now: Timestamp,
        check: impl FnOnce() -> Result<Option<T>, IdentityError>,
    ) -> Result<T, IdentityError> {
        let place = guess.ip.map_or_else(|| "local".to_owned(), network);
        // Names are hashed: people type passwords into the wrong field.
        let name = &Digest::of(guess.user_name.to_lowercase().as_bytes()).to_hex()[..32];
        let what = guess.what;
        let pair = format!("{what}pair {name} {place}");
        let shared = format!("place {place}");
        let whole = format!("{what}account {name}");
        let rule = |key: &String, free, pause_seconds_max| ThrottleRule {
            key: key.clone(),
            free,
            pause_seconds_max,
        };
        let mut rules = vec![
            rule(&pair, FREE_ATTEMPTS, PAUSE_SECONDS_MAX),
            rule(&shared, FREE_ATTEMPTS_SHARED, PAUSE_SECONDS_MAX),
        ];
        let since = now.saturating_add_seconds(-PLACE_TRUST_SECONDS);
        let trusted = match guess.account.filter(|_| guess.trusts_places) {
            Some(account) => self.catalog.knows_place(account, &place, since)?,
            None => false,
        };
        if !trusted {
            rules.push(rule(&whole, FREE_ATTEMPTS_SHARED, guess.account_pause_seconds_max));
        }
        if let Attempt::Wait(until) = self.catalog.attempt(&rules, now)? {
            return Err(IdentityError::Throttled { until });
        }
        let found = match check() {
            Err(error @ IdentityError::DirectoryUnreachable) => {
                // Nothing was guessed: who could not be asked must not lock anybody out.
                self.catalog.forgive(&[], &[pair, shared, whole], now)?;
                return Err(error);
            }
            found => found?.ok_or(IdentityError::BadCredentials)?,
        };
        // The network's counter only loses this attempt: a stranger with an account of their own
        // must not reset it.
        let undo = if trusted { vec![shared] } else { vec![shared, whole] };
        self.catalog.forgive(&[pair], &undo, now)?;
        if let Some(account) = guess.account {
            self.catalog.remember_place(account, &place, now)?;
        }
        Ok(found)
    }
}

/// Where an address belongs: an IPv4 address, or the /64 of an IPv6 address, which is one
/// customer's (RFC 6177).
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
