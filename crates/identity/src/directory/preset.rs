//! What is usual for each kind of directory, and what no configuration may say.

use catalog::{AttributeMap, DirectoryConfig, DirectoryKind, MappingEffect};
use policy::AccountRole;

use super::connect::{HOSTS_MAX, Host};
use super::error::DirectoryError;
use super::filter;

/// Bases for people, and for groups.
pub const BASES_MAX: usize = 20;

/// Rules of one directory.
pub const RULES_MAX: usize = 500;

/// Attribute names for one purpose.
const NAMES_MAX: usize = 10;

/// More entries are never read, whatever the configuration says.
pub const ENTRIES_MAX: u32 = 500_000;

/// Longer texts are refused.
const TEXT_CHARS_MAX: usize = 1_000;
const PEM_BYTES_MAX: usize = 32 * 1024;

/// The usual configuration for a kind, without hosts and bases.
pub fn preset(kind: DirectoryKind) -> DirectoryConfig {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let active = kind == DirectoryKind::ActiveDirectory;
    let attributes = AttributeMap {
        key: if active { "objectGUID" } else { "entryUUID" }.to_owned(),
        user_name: names(if active { &["sAMAccountName"] } else { &["uid", "cn"] }),
        first_name: names(&["givenName"]),
        last_name: names(&["sn"]),
        display_name: names(&["displayName", "cn"]),
        mail: names(&["mail"]),
        addresses: names(if active {
            &["proxyAddresses"]
        } else {
            &["mailAlternateAddress", "proxyAddresses"]
        }),
        member: names(if active { &["member"] } else { &["member", "uniqueMember", "memberUid"] }),
        group_name: names(if active { &["sAMAccountName", "cn"] } else { &["cn"] }),
    };
    DirectoryConfig {
        kind,
        people_filter: if active {
            "(&(objectCategory=person)(objectClass=user))"
        } else {
            "(objectClass=inetOrgPerson)"
        }
        .to_owned(),
        group_filter: if active {
            "(objectClass=group)"
        } else {
            "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
        }
        .to_owned(),
        attributes,
        ..DirectoryConfig::default()
    }
}

/// The configuration with the preset of its kind where it says nothing.
pub(super) fn completed(config: &DirectoryConfig) -> DirectoryConfig {
    let usual = preset(config.kind);
    let text =
        |own: &String, usual: String| if own.trim().is_empty() { usual } else { own.clone() };
    let list =
        |own: &Vec<String>, usual: Vec<String>| if own.is_empty() { usual } else { own.clone() };
    let (own, base) = (&config.attributes, usual.attributes);
    DirectoryConfig {
        people_filter: text(&config.people_filter, usual.people_filter),
        group_filter: text(&config.group_filter, usual.group_filter),
        attributes: AttributeMap {
            key: text(&own.key, base.key),
            user_name: list(&own.user_name, base.user_name),
            first_name: list(&own.first_name, base.first_name),
            last_name: list(&own.last_name, base.last_name),
            display_name: list(&own.display_name, base.display_name),
            mail: list(&own.mail, base.mail),
            addresses: list(&own.addresses, base.addresses),
            member: list(&own.member, base.member),
            group_name: list(&own.group_name, base.group_name),
        },
        ..config.clone()
    }
}

/// Whether a (completed) configuration can work at all; nothing is contacted.
///
/// # Errors
/// With what to change.
pub fn check(config: &DirectoryConfig) -> Result<(), DirectoryError> {
    let config = &completed(config);
    let wrong = |what: String| Err(DirectoryError::Config(what));
    if config.hosts.is_empty() || config.hosts.len() > HOSTS_MAX {
        return wrong(format!("name between one and {HOSTS_MAX} hosts"));
    }
    for host in &config.hosts {
        Host::parse(host, config.security)?;
    }
    if config.people_bases.is_empty() {
        return wrong("name the base below which people are".to_owned());
    }
    if config.people_bases.len().max(config.group_bases.len()) > BASES_MAX {
        return wrong(format!("name at most {BASES_MAX} bases"));
    }
    if config.rules.len() > RULES_MAX {
        return wrong(format!("write at most {RULES_MAX} rules"));
    }
    let operator = MappingEffect::Role { role: AccountRole::Operator };
    let makes_operators = config.rules.iter().any(|rule| rule.effect == operator);
    if makes_operators || config.default_role == Some(AccountRole::Operator) {
        return wrong("operators belong to no tenant and come from no directory".to_owned());
    }
    if config.rules.iter().any(|rule| rule.group.trim().is_empty()) {
        return wrong("every rule names a group".to_owned());
    }
    filter::encode(&config.people_filter)?;
    filter::encode(&config.group_filter)?;
    check_lengths(config)
}

fn check_lengths(config: &DirectoryConfig) -> Result<(), DirectoryError> {
    let map = &config.attributes;
    let lists = [
        &map.user_name,
        &map.first_name,
        &map.last_name,
        &map.display_name,
        &map.mail,
        &map.addresses,
        &map.member,
        &map.group_name,
    ];
    let is_name = |name: &String| {
        let fits = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '.' | ';');
        !name.is_empty() && name.chars().all(fits)
    };
    let names = lists.iter().copied().flatten().chain([&map.key]);
    if lists.iter().any(|list| list.len() > NAMES_MAX) || !names.clone().all(is_name) {
        let what = format!("name at most {NAMES_MAX} attributes for each purpose, by letters");
        return Err(DirectoryError::Config(what));
    }
    let rules = config.rules.iter().map(|rule| &rule.group);
    let texts = config.hosts.iter().chain(&config.people_bases).chain(&config.group_bases);
    let mut texts =
        texts.chain(rules).chain([&config.bind_dn, &config.user_name_prefix]).chain(names);
    if texts.any(|text| text.chars().count() > TEXT_CHARS_MAX) {
        let what = format!("texts have at most {TEXT_CHARS_MAX} characters");
        return Err(DirectoryError::Config(what));
    }
    if config.ca_pem.as_ref().is_some_and(|pem| pem.len() > PEM_BYTES_MAX) {
        return Err(DirectoryError::Config("the authority's certificates are too long".to_owned()));
    }
    let ranges = [
        (config.entries_max, 1, ENTRIES_MAX, "entries"),
        (config.page_size, 1, 10_000, "entries of a page"),
        (config.timeout_seconds, 1, 300, "seconds to wait"),
        (config.every_minutes.unwrap_or(60), 1, 7 * 24 * 60, "minutes between runs"),
        (config.full_every_hours, 1, 31 * 24, "hours between complete runs"),
        (u32::from(config.vanish_percent_max), 0, 100, "per cent that may vanish"),
    ];
    for (value, least, most, what) in ranges {
        if value < least || value > most {
            let what = format!("between {least} and {most} {what} are possible, not {value}");
            return Err(DirectoryError::Config(what));
        }
    }
    Ok(())
}
