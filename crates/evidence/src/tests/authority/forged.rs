//! Tokens that no honest authority makes: signed by `openssl cms` over a content of our choice.

use std::ffi::OsString;
use std::path::Path;

use testkit::authority::{Authority, has_authority, succeed};

use super::{SHA256, anchors_of, make, refused, system_now, write};
use crate::der::{self, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, constructed};
use crate::{Limits, TimeStampToken, VerifiedToken, oid, time, verify_token};

/// A TSTInfo over `b"document"` with these extensions.
fn content(extensions: &[u8]) -> Vec<u8> {
    let imprint = der::sequence(&[
        &SHA256.identifier(),
        &der::tlv(OCTET_STRING, SHA256.hash(b"document").as_slice()),
    ]);
    let whole_second = model::Timestamp::from_seconds(system_now().as_seconds());
    der::sequence(&[
        &der::unsigned(INTEGER, 1),
        &der::tlv(OID, &oid::parse_dotted("0.4.0.2023.1.1").unwrap()),
        &imprint,
        &der::unsigned(INTEGER, 77),
        &time::write_generalized(whole_second),
        extensions,
    ])
}

/// Signs `content` with a key and certificate of the folder.
fn sign(authority: &Authority, name: &str, content: &[u8], more: &[&str]) -> Vec<u8> {
    let folder = authority.file("");
    write(&folder, "content", content);
    let mut words: Vec<OsString> = ["cms", "-sign", "-binary", "-nodetach", "-outform", "DER"]
        .iter()
        .chain(&["-md", "sha256", "-econtent_type", "1.2.840.113549.1.9.16.1.4"])
        .map(Into::into)
        .collect();
    let file = |name: &str| authority.file(name).into_os_string();
    for (option, path) in [
        ("-signer", file(&format!("{name}.pem"))),
        ("-inkey", file(&format!("{name}.key"))),
        ("-certfile", file("issuing.pem")),
        ("-in", file("content")),
        ("-out", file("token")),
    ] {
        words.extend([option.into(), path]);
    }
    // Options of the key follow it, and the last file of certificates counts.
    words.extend(more.iter().map(Into::into));
    succeed("openssl", words);
    authority.read("token")
}

/// A certificate for the signer's key with another section of the configuration.
fn certify(authority: &Authority, name: &str, section: &str) {
    let path = |name: &str| authority.file(name).to_string_lossy().into_owned();
    std::fs::copy(path("tsa.key"), path(&format!("{name}.key"))).unwrap();
    let script = format!(
        "openssl x509 -req -in {} -CA {} -CAkey {} -set_serial 0x4{name_hex} -days 30 -sha256 \
         -extfile {} -extensions {section} -out {}",
        path("tsa.csr"),
        path("issuing.pem"),
        path("issuing.key"),
        path("ca.cnf"),
        path(&format!("{name}.pem")),
        name_hex = name.len(),
    );
    succeed("bash", [Path::new("-c"), Path::new(&script)]);
}

fn check(authority: &Authority, octets: &[u8]) -> Result<VerifiedToken, crate::EvidenceError> {
    let token = TimeStampToken::parse(octets, &Limits::default())?;
    verify_token(&token, &anchors_of(authority))
}

#[test]
fn a_token_that_another_program_signed_is_read_and_its_claim_is_shown() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("rsa:2048");
    let plain = check(&authority, &sign(&authority, "tsa", &content(&[]), &["-cades"])).unwrap();
    assert!(!plain.token.info().claims_qualified);
    assert_eq!(plain.token.info().serial_hex(), "4d");
    let statement = der::sequence(&[&der::sequence(&[&der::tlv(OID, oid::QUALIFIED_STAMP)])]);
    let extension =
        der::sequence(&[&der::tlv(OID, oid::QC_STATEMENTS), &der::tlv(OCTET_STRING, &statement)]);
    let content = content(&der::tlv(constructed(1), &extension));
    let claimed = check(&authority, &sign(&authority, "tsa", &content, &["-cades"])).unwrap();
    assert!(claimed.token.info().claims_qualified);
}

#[test]
fn a_signature_with_pss_is_read() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("rsa:2048");
    let options = [
        "-cades",
        "-keyopt",
        "rsa_padding_mode:pss",
        "-keyopt",
        "rsa_pss_saltlen:32",
        "-keyopt",
        "rsa_mgf1_md:sha256",
    ];
    check(&authority, &sign(&authority, "tsa", &content(&[]), &options)).unwrap();
}

#[test]
fn a_critical_extension_that_is_not_known_is_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let extension = der::sequence(&[
        &der::tlv(OID, oid::KEY_USAGE),
        &der::tlv(der::BOOLEAN, &[0xff]),
        &der::tlv(OCTET_STRING, &[der::NULL, 0]),
    ]);
    let content = content(&der::tlv(constructed(1), &extension));
    let token = sign(&authority, "tsa", &content, &["-cades"]);
    assert!(refused(check(&authority, &token)).contains("critical extension"));
}

#[test]
fn a_certificate_for_other_purposes_is_refused_by_name() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    for (name, section, why) in [
        ("a", "uncritical", "its purpose is not marked as critical"),
        ("bb", "manifold", "time stamps are not its only purpose"),
        ("ccc", "purposeless", "it is not made for time stamps"),
        ("dddd", "responder", "its purpose is not marked as critical"),
    ] {
        certify(&authority, name, section);
        let token = sign(&authority, name, &content(&[]), &["-cades"]);
        let found = refused(check(&authority, &token));
        assert!(found.ends_with(why), "{section}: {found}");
    }
}

#[test]
fn a_token_that_does_not_name_its_certificate_or_has_two_signers_is_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let unnamed = sign(&authority, "tsa", &content(&[]), &[]);
    assert!(refused(check(&authority, &unnamed)).contains("do not name the signing certificate"));
    certify(&authority, "a", "manifold");
    let signer = authority.file("a.pem").to_string_lossy().into_owned();
    let key = authority.file("tsa.key").to_string_lossy().into_owned();
    let two = ["-cades", "-signer", &signer, "-inkey", &key];
    let double = sign(&authority, "tsa", &content(&[]), &two);
    let why = refused(check(&authority, &double));
    assert!(why.contains("more than one signer") || why.contains("twice"), "{why}");
    let bare = sign(&authority, "tsa", &content(&[]), &["-cades", "-nocerts"]);
    assert!(check(&authority, &bare).is_err());
}

#[test]
fn another_content_or_indefinite_lengths_are_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let streamed = sign(&authority, "tsa", &content(&[]), &["-cades", "-stream"]);
    assert!(refused(check(&authority, &streamed)).contains("a length is indefinite"));
    let text = sign(&authority, "tsa", b"no time stamp at all", &["-cades"]);
    assert!(refused(check(&authority, &text)).contains("is not valid DER"));
    let later = der::tlv(GENERALIZED_TIME, b"20260101000000.500Z");
    assert!(der::Reader::whole(&later, SEQUENCE, "a test").is_err());
}

#[test]
fn a_certificate_that_belongs_to_nothing_is_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let (_other_folder, other) = make("ec:P-256");
    let both = [authority.read("issuing.pem"), other.read("root.pem")].concat();
    let stranger = write(&authority.file(""), "both.pem", &both);
    let stranger = stranger.to_string_lossy().into_owned();
    let token = sign(&authority, "tsa", &content(&[]), &["-cades", "-certfile", &stranger]);
    let why = refused(check(&authority, &token));
    assert!(why.contains("leads to no trusted authority"), "{why}");
}
