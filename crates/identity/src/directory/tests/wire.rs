use crate::directory::ber::{self, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE};
use crate::directory::connect::Host;
use crate::directory::entry::{dn_key, guid};
use crate::directory::error::BindFailure;
use crate::directory::filter::{encode, escape};
use catalog::DirectorySecurity;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn integers_survive_their_octets() {
    for value in [0, 1, -1, 127, 128, -128, -129, 255, 256, 65_535, i32::MAX, i32::MIN] {
        let octets = ber::integer(INTEGER, value);
        assert_eq!(Reader::new(&octets).integer(INTEGER), Ok(value));
    }
    assert_eq!(hex(&ber::integer(INTEGER, 128)), "02020080");
    assert_eq!(hex(&ber::integer(INTEGER, -128)), "020180");
}

#[test]
fn lengths_of_all_sizes_survive() {
    for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 20] {
        let octets = ber::element(OCTET_STRING, &vec![7; length]);
        let found = Reader::new(&octets).expect(OCTET_STRING).map(<[u8]>::len);
        assert_eq!(found, Ok(length));
    }
}

#[test]
fn what_is_not_ber_is_malformed_and_never_read_beyond_its_end() {
    let malformed: &[&[u8]] = &[
        &[SEQUENCE],
        &[SEQUENCE, 5, 1],
        &[SEQUENCE, 0x80, 0, 0],
        &[SEQUENCE, 0x85, 1, 1, 1, 1, 1],
        &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x3f, 0x81, 0x01, 0x00],
    ];
    for octets in malformed {
        assert_eq!(Reader::new(octets).next(), Err(Malformed), "{octets:?}");
    }
    assert_eq!(Reader::new(&[2, 0]).integer(INTEGER), Err(Malformed));
    assert_eq!(Reader::new(&[2, 5, 1, 1, 1, 1, 1]).integer(INTEGER), Err(Malformed));
}

fn check_filter(filter: &str, expected: &str) {
    assert_eq!(encode(filter).map(|octets| hex(&octets)), Ok(expected.to_owned()), "{filter}");
}

#[test]
fn filters_have_the_octets_of_rfc_4511() {
    check_filter(
        "(cn=a)",
        "a307".to_owned().as_str().replace("a307", "a3070402636e040161").as_str(),
    );
    check_filter("cn=a", "a3070402636e040161");
    check_filter("(cn=*)", "8702636e");
    check_filter("(cn=a*b*c)", "a40f0402636e3009800161810162820163");
    check_filter("(cn=*b*)", "a4090402636e3003810162");
    check_filter("(n>=1)", "a50604016e040131");
    check_filter("(!(cn=a))", "a209a3070402636e040161");
    check_filter("(&(a=1)(|(b=2)))", "a012a306040161040131a108a306040162040132");
    check_filter("(&)", "a000");
    check_filter("(cn=\\2a\\00)", "a3080402636e04022a00");
    check_filter("(u:1.2.3:=2)", "a90d8105312e322e33820175830132");
}

#[test]
fn what_is_no_filter_says_where() {
    for (filter, at) in [
        ("(cn=a", 5),
        ("(cn=a))", 6),
        ("(cn)", 1),
        ("(=a)", 1),
        ("(&(cn=a)", 8),
        ("(cn=\\zz)", 4),
        ("(c n=a)", 1),
        ("", 1),
    ] {
        assert_eq!(encode(filter).map_err(|bad| bad.at), Err(at), "{filter}");
    }
    let deep = format!("{}(cn=a){}", "(!".repeat(100), ")".repeat(100));
    assert!(encode(&deep).is_err());
}

#[test]
fn a_value_in_a_filter_means_itself() {
    for value in ["plain", "a*b", "(x)", "back\\slash", "ä", "\0", "CN=a\\, b,DC=x"] {
        let filter = format!("(cn={})", escape(value.as_bytes()));
        let octets = encode(&filter).expect("a filter");
        let mut parts = Reader::new(Reader::new(&octets).expect(0xa3).expect("equality"));
        parts.expect(OCTET_STRING).expect("a name");
        assert_eq!(parts.expect(OCTET_STRING), Ok(value.as_bytes()));
    }
}

#[test]
fn distinguished_names_are_compared_as_people_read_them() {
    for (one, other) in [
        ("CN=Anna,OU=People,DC=x", "cn=anna, ou=people , dc=X"),
        ("CN=a\\, b,DC=x", "cn=a\\2c b,dc=x"),
        ("CN=Ä,DC=x", "cn=\\c3\\a4,dc=x"),
        ("CN=two  words,DC=x", "cn=two  words,dc=x"),
    ] {
        assert_eq!(dn_key(one), dn_key(other));
    }
    assert_ne!(dn_key("CN=a,DC=x"), dn_key("CN=b,DC=x"));
    assert_ne!(dn_key("CN=a\\,DC=x"), dn_key("CN=a,DC=x"));
}

#[test]
fn a_guid_has_its_first_groups_reversed() {
    let octets: Vec<u8> = (0..16).collect();
    assert_eq!(guid(&octets).as_deref(), Some("03020100-0504-0706-0809-0a0b0c0d0e0f"));
    assert_eq!(guid(&octets[1..]), None);
}

#[test]
fn hosts_are_read_with_and_without_port() {
    let check = |text: &str, name: &str, port: u16| {
        let host = Host::parse(text, DirectorySecurity::Ldaps).expect("a host");
        assert_eq!((host.name.as_str(), host.port), (name, port));
    };
    check("dc1.corp.test", "dc1.corp.test", 636);
    check("dc1:1636", "dc1", 1636);
    check(" ldaps://dc1:1636/ ", "dc1", 1636);
    check("[::1]:636", "::1", 636);
    check("[::1]", "::1", 636);
    check("2001:db8::1", "2001:db8::1", 636);
    for wrong in ["", "a b", "dc1:port", "dc1:70000", "[::1", "user@host"] {
        assert!(Host::parse(wrong, DirectorySecurity::Ldaps).is_err(), "{wrong}");
    }
}

#[test]
fn codes_of_active_directory_are_translated() {
    let text =
        "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 775, v2580";
    assert_eq!(BindFailure::new(49, text).code(), "bind-locked");
    assert_eq!(BindFailure::new(49, "").code(), "bind-credentials");
    assert!(BindFailure::new(52, "").is_passing());
    assert!(!BindFailure::new(49, text).is_passing());
}
