use catalog::{DirectoryConfig, DirectoryKind, SharedRule};

use model::Timestamp;

use crate::directory::entry::Entry;
use crate::directory::person::{Details, Reading, read};
use crate::directory::preset::preset;

/// 2026-11-22T12:00:00Z, and the same in the units of Windows.
const NOW: Timestamp = Timestamp::from_seconds(1_795_348_800);
const NOW_IN_WINDOWS: i64 = (1_795_348_800 + 11_644_473_600) * 10_000_000;

fn entry(attributes: &[(&str, &str)]) -> Entry {
    let mut entry = Entry { dn: "CN=Anna,DC=x".into(), ..Entry::default() };
    let always = [("entryUUID", "KEY-1"), ("uid", "anna")];
    for (name, value) in always.iter().chain(attributes) {
        entry.attributes.push((name.to_lowercase(), vec![value.as_bytes().to_vec()]));
    }
    entry
}

fn config() -> DirectoryConfig {
    preset(DirectoryKind::OpenLdap)
}

fn details(attributes: &[(&str, &str)], config: &DirectoryConfig) -> Details {
    match read(&entry(attributes), config, NOW) {
        Reading::Person(person) => person.details.expect("read completely"),
        Reading::Skipped(skipped) => panic!("skipped: {}", skipped.code),
    }
}

fn check_addresses(attributes: &[(&str, &str)], expected: &[&str]) {
    let found = details(attributes, &config()).addresses;
    let found: Vec<&str> = found.iter().map(|address| address.as_str()).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_primary_address_is_the_first_and_other_kinds_are_none() {
    check_addresses(
        &[
            ("mail", "old@x.test"),
            ("proxyAddresses", "smtp:alias@x.test"),
            ("proxyAddresses", "SMTP:Anna@x.test"),
            ("proxyAddresses", "X500:/o=x/cn=anna"),
            ("proxyAddresses", "sip:anna@x.test"),
            ("proxyAddresses", "x400:c=us;a= ;p=x"),
            ("proxyAddresses", "Smtp:ANNA@X.TEST"),
        ],
        &["Anna@x.test", "old@x.test", "alias@x.test"],
    );
    check_addresses(
        &[("mail", "anna@x.test"), ("mailAlternateAddress", "other@x.test")],
        &["anna@x.test", "other@x.test"],
    );
    check_addresses(&[("mail", "no address"), ("proxyAddresses", "smtp:a@x.test")], &["a@x.test"]);
}

#[test]
fn entries_without_mail_key_or_name_are_left_out_with_the_reason() {
    let code = |entry: &Entry| match read(entry, &config(), NOW) {
        Reading::Person(_) => "person",
        Reading::Skipped(skipped) => skipped.code,
    };
    assert_eq!(code(&entry(&[])), "no-mail");
    let mut nameless = entry(&[("mail", "a@x.test")]);
    nameless.attributes.retain(|(name, _)| name != "uid");
    assert_eq!(code(&nameless), "no-user-name");
    let mut keyless = entry(&[("mail", "a@x.test")]);
    keyless.attributes.retain(|(name, _)| name != "entryuuid");
    assert_eq!(code(&keyless), "no-key");
}

#[test]
fn disabled_and_shared_are_told_apart() {
    let mail = ("mail", "a@x.test");
    let check = |attributes: &[(&str, &str)], shared: SharedRule, expected: (bool, bool)| {
        let found = details(attributes, &DirectoryConfig { shared, ..config() });
        assert_eq!((found.disabled, found.shared), expected, "{attributes:?}");
    };
    check(&[mail, ("userAccountControl", "512")], SharedRule::ExchangeType, (false, false));
    check(&[mail, ("userAccountControl", "514")], SharedRule::ExchangeType, (true, false));
    check(&[mail, ("userAccountControl", "514")], SharedRule::DisabledWithMail, (true, true));
    for kind in ["4", "16", "32", "34359738368"] {
        let exchange = [mail, ("userAccountControl", "514"), ("msExchRecipientTypeDetails", kind)];
        check(&exchange, SharedRule::ExchangeType, (true, true));
        check(&exchange, SharedRule::Never, (true, false));
    }
    check(&[mail, ("msExchRecipientTypeDetails", "1")], SharedRule::ExchangeType, (false, false));
    check(&[mail, ("nsAccountLock", "TRUE")], SharedRule::Never, (true, false));
    check(&[mail, ("pwdAccountLockedTime", "000001010000Z")], SharedRule::Never, (true, false));
}

#[test]
fn a_part_of_a_long_list_says_what_follows() {
    let mut group = entry(&[]);
    group.attributes.push(("member;range=0-1499".into(), vec![b"CN=a".to_vec()]));
    assert_eq!(group.range("member").and_then(|range| range.last), Some(1499));
    assert_eq!(group.texts("member").collect::<Vec<_>>(), ["CN=a"]);
    let mut last = entry(&[]);
    last.attributes.push(("member;range=1500-*".into(), vec![b"CN=b".to_vec()]));
    assert_eq!(last.range("member").map(|range| range.last), Some(None));
    assert_eq!(entry(&[("member", "CN=c")]).range("member"), None);
}

#[test]
fn an_account_is_disabled_from_its_last_moment_on_and_its_stamp_says_so() {
    let read = |expires: &str| {
        let attributes = [("mail", "a@x.test"), ("entryCSN", "1"), ("accountExpires", expires)];
        match read(&entry(&attributes), &config(), NOW) {
            Reading::Person(person) => (person.details.expect("read").disabled, person.stamp),
            Reading::Skipped(skipped) => panic!("skipped: {}", skipped.code),
        }
    };
    let at = |seconds: i64| (NOW_IN_WINDOWS + seconds * 10_000_000).to_string();
    for never in ["0", "9223372036854775807", "-1", "soon"] {
        assert_eq!(read(never), (false, "1".to_owned()), "{never}");
    }
    assert_eq!(read(&at(1)), (false, "1".to_owned()));
    assert_eq!(read(&at(0)), (true, "1 expired".to_owned()));
    assert_eq!(read(&at(-86_400)), (true, "1 expired".to_owned()));
    // Nobody's mailbox becomes a shared one by it.
    let config = DirectoryConfig { shared: SharedRule::DisabledWithMail, ..config() };
    let found = details(&[("mail", "a@x.test"), ("accountExpires", &at(0))], &config);
    assert!(found.disabled && !found.shared);
}
