//! From an entry to a person or shared mailbox.

use std::collections::HashSet;

use catalog::{DirectoryConfig, DirectoryKind, SharedRule, USER_NAME_CHARS_MAX};
use model::{EmailAddress, Timestamp};

use super::entry::{Entry, guid, sid_parts};

/// Further addresses of one entry are left out.
pub const ADDRESSES_MAX: usize = 1_000;

/// Longer names are cut.
const NAME_CHARS_MAX: usize = 200;
const ADDRESS_CHARS_MAX: usize = 320;

/// `ADS_UF_ACCOUNTDISABLE` (MS-ADTS §2.2.16).
const ACCOUNT_DISABLED: i64 = 0x2;

/// `msExchRecipientTypeDetails`: shared mailbox, room, equipment, and their remote twins.
const SHARED_TYPES: [i64; 6] = [0x4, 0x10, 0x20, 0x2_0000_0000, 0x4_0000_0000, 0x8_0000_0000];

/// `accountExpires` of an account that never does (MS-ADA1 §2.2, [MS-ADTS] §2.2.16): none, or all
/// bits of a positive number.
const NEVER: [i64; 2] = [0, i64::MAX];

/// From 1601, where Windows begins to count, to 1970.
const SECONDS_FROM_1601: i64 = 11_644_473_600;

/// What makes a permanently locked account of OpenLDAP's password policy.
const LOCKED_FOR_EVER: &str = "000001010000Z";

/// One person or shared mailbox, as the directory says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// `objectGUID`, `entryUUID`: survives renaming.
    pub key: String,
    pub dn: String,
    /// What a list of members may call it besides its name.
    pub login: String,
    /// What changes whenever the entry does.
    pub stamp: String,
    /// The domain and the relative id of the primary group.
    pub primary_group: Option<(Vec<u8>, u32)>,
    /// `None`: unchanged since the last run, and not read again.
    pub details: Option<Details>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// With the prefix of the configuration.
    pub user_name: String,
    pub first_name: String,
    pub last_name: String,
    pub display_name: String,
    /// The primary one first; at least one.
    pub addresses: Vec<EmailAddress>,
    pub disabled: bool,
    pub shared: bool,
}

/// Why an entry is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// If it has one.
    pub key: Option<String>,
    pub dn: String,
    pub stamp: String,
    /// Its user name, or its distinguished name.
    pub name: String,
    pub code: &'static str,
}

pub(super) enum Reading {
    Person(Person),
    Skipped(Skipped),
}

/// What changes whenever an entry does.
fn stamp_attribute(config: &DirectoryConfig) -> &'static str {
    match config.kind {
        DirectoryKind::ActiveDirectory => "uSNChanged",
        DirectoryKind::Generic => "modifyTimestamp",
        DirectoryKind::OpenLdap => "entryCSN",
    }
}

/// The attributes that [`glance`] looks at: enough to know who is there and who changed.
pub(super) fn glance_attributes(config: &DirectoryConfig) -> Vec<String> {
    let mut names = config.attributes.user_name.clone();
    names.push(config.attributes.key.clone());
    let own = ["accountExpires", "objectSid", "primaryGroupID", stamp_attribute(config)];
    names.extend(own.map(str::to_owned));
    names
}

/// Who an entry is, without details; `None` for one without key or user name.
pub(super) fn glance(entry: &Entry, config: &DirectoryConfig, now: Timestamp) -> Option<Person> {
    let map = &config.attributes;
    let primary = entry.number("primaryGroupID").and_then(|rid| u32::try_from(rid).ok());
    let domain = entry.values("objectSid").next().and_then(sid_parts);
    Some(Person {
        key: key(entry, &map.key)?,
        dn: entry.dn.clone(),
        login: entry.first_text(&map.user_name)?.to_owned(),
        stamp: stamp(entry, config, now),
        primary_group: domain.zip(primary).map(|((domain, _), rid)| (domain.to_vec(), rid)),
        details: None,
    })
}

/// The end of an account changes nothing in its entry: it is part of the stamp.
fn stamp(entry: &Entry, config: &DirectoryConfig, now: Timestamp) -> String {
    let stamp = entry.text(stamp_attribute(config)).unwrap_or_default();
    // Without a stamp the entry is read every time.
    let ended = !stamp.is_empty() && has_expired(entry, now);
    if ended { format!("{stamp} expired") } else { stamp.to_owned() }
}

/// Whether the last moment of the account is over (`accountExpires`, in units of 100 ns).
fn has_expired(entry: &Entry, now: Timestamp) -> bool {
    let end = entry.number("accountExpires").filter(|end| !NEVER.contains(end) && *end > 0);
    end.is_some_and(|end| end / 10_000_000 - SECONDS_FROM_1601 <= now.as_seconds())
}

/// The attributes that [`read`] looks at.
pub(super) fn attributes(config: &DirectoryConfig) -> Vec<String> {
    let map = &config.attributes;
    let own = [
        "accountExpires",
        "objectSid",
        "primaryGroupID",
        "userAccountControl",
        "msExchRecipientTypeDetails",
        "nsAccountLock",
        "pwdAccountLockedTime",
    ];
    let lists = [
        &map.user_name,
        &map.first_name,
        &map.last_name,
        &map.display_name,
        &map.mail,
        &map.addresses,
    ];
    let mut names: Vec<String> = lists.into_iter().flatten().cloned().collect();
    names.push(map.key.clone());
    names.extend(own.map(str::to_owned));
    names.push(stamp_attribute(config).to_owned());
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.to_lowercase()));
    names
}

/// The key of an entry: a GUID in its usual form, text as it is, other octets in hexadecimal.
pub(super) fn key(entry: &Entry, attribute: &str) -> Option<String> {
    let octets = entry.values(attribute).next()?;
    if attribute.eq_ignore_ascii_case("objectGUID") {
        return guid(octets);
    }
    let text = std::str::from_utf8(octets).ok().map(str::trim);
    let text = text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control));
    let key = match text {
        Some(text) => text.to_lowercase(),
        None => octets.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    (!key.is_empty() && key.len() <= NAME_CHARS_MAX).then_some(key)
}

/// What `entry` is under a completed configuration.
pub(super) fn read(entry: &Entry, config: &DirectoryConfig, now: Timestamp) -> Reading {
    let map = &config.attributes;
    let login = entry.first_text(&map.user_name);
    let skipped = |code| {
        Reading::Skipped(Skipped {
            key: key(entry, &map.key),
            dn: entry.dn.clone(),
            stamp: stamp(entry, config, now),
            name: login.unwrap_or(&entry.dn).to_owned(),
            code,
        })
    };
    if key(entry, &map.key).is_none() {
        return skipped("no-key");
    }
    let Some(person) = glance(entry, config, now) else { return skipped("no-user-name") };
    let user_name = format!("{}{}", config.user_name_prefix.trim(), person.login);
    if user_name.chars().count() > USER_NAME_CHARS_MAX || user_name.chars().any(char::is_control) {
        return skipped("user-name");
    }
    let addresses = addresses(entry, config);
    if addresses.is_empty() {
        return skipped("no-mail");
    }
    let cut = |names: &[String]| -> String {
        entry.first_text(names).unwrap_or_default().chars().take(NAME_CHARS_MAX).collect()
    };
    let disabled = is_disabled(entry);
    let details = Details {
        user_name,
        first_name: cut(&map.first_name),
        last_name: cut(&map.last_name),
        display_name: cut(&map.display_name),
        addresses,
        disabled: disabled || has_expired(entry, now),
        shared: is_shared(entry, config, disabled),
    };
    Reading::Person(Person { details: Some(details), ..person })
}

/// All addresses, the primary one first: what `SMTP:` marks, else that of the mail attribute.
/// Other kinds of `proxyAddresses` (`X500:`, `sip:`) are no mail addresses.
fn addresses(entry: &Entry, config: &DirectoryConfig) -> Vec<EmailAddress> {
    let map = &config.attributes;
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for text in map.addresses.iter().flat_map(|name| entry.texts(name)) {
        match text.split_once(':') {
            Some(("SMTP", address)) => first.push(address),
            Some((kind, address)) if kind.eq_ignore_ascii_case("smtp") => rest.push(address),
            Some(_) => {}
            None => rest.push(text),
        }
    }
    let mail = map.mail.iter().flat_map(|name| entry.texts(name));
    let mut seen = HashSet::new();
    first
        .into_iter()
        .chain(mail)
        .chain(rest)
        .map(EmailAddress::new)
        .filter(is_usable)
        .filter(|address| seen.insert(address.key()))
        .take(ADDRESSES_MAX)
        .collect()
}

fn is_usable(address: &EmailAddress) -> bool {
    let text = address.as_str();
    let plain = !text.chars().any(|one| one.is_control() || one.is_whitespace());
    let local = text.rsplit_once('@').is_some_and(|(local, _)| !local.is_empty());
    plain && local && address.domain().is_some() && text.chars().count() <= ADDRESS_CHARS_MAX
}

fn is_disabled(entry: &Entry) -> bool {
    let control = entry.number("userAccountControl");
    control.is_some_and(|flags| flags & ACCOUNT_DISABLED != 0)
        || entry.text("nsAccountLock").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || entry.text("pwdAccountLockedTime") == Some(LOCKED_FOR_EVER)
}

fn is_shared(entry: &Entry, config: &DirectoryConfig, disabled: bool) -> bool {
    match config.shared {
        SharedRule::DisabledWithMail => disabled,
        SharedRule::ExchangeType => entry
            .number("msExchRecipientTypeDetails")
            .is_some_and(|kind| SHARED_TYPES.contains(&kind)),
        SharedRule::Never => false,
    }
}
