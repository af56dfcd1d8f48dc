use testkit::authority::{Authority, has_authority, succeed};

use super::{SHA256, anchors_of, make, request, stamp, system_now};
use crate::{
    ArchiveTimeStamp, DataObjects, EvidenceError, EvidenceRecord, Limits, Options, RevocationInfo,
    RevocationReason, TimeStampToken, Verifier, check_response, revocation_sources, verify_token,
};

fn crls(authority: &Authority) -> Vec<RevocationInfo> {
    ["issuing.crl", "root.crl"]
        .map(|name| RevocationInfo::crl(&authority.read(name), &Limits::default()).unwrap())
        .to_vec()
}

/// Revokes the signer's certificate as of a time such as `20270101000000Z`.
fn revoke(authority: &Authority, reason: &[&str]) {
    let path = |name: &str| authority.file(name).to_string_lossy().into_owned();
    let (config, certificate, key) = (path("ca.cnf"), path("issuing.pem"), path("issuing.key"));
    let common = ["ca", "-config", &config, "-name", "issuing", "-cert", &certificate];
    let common = [common.as_slice(), &["-keyfile", &key]].concat();
    succeed("openssl", [&common[..], &["-revoke", &path("tsa.pem")], reason].concat());
    succeed("openssl", [&common[..], &["-gencrl", "-out", &path("issuing.crl.pem")]].concat());
    let convert = ["crl", "-in", &path("issuing.crl.pem"), "-outform", "DER", "-out"];
    succeed("openssl", [convert.as_slice(), &[&path("issuing.crl")]].concat());
}

/// The BasicOCSPResponse about the signer, from the issuing authority or a responder of its.
fn ocsp(authority: &Authority, request: &[u8], signer: &str) -> Vec<u8> {
    std::fs::write(authority.file("ocsp.req"), request).unwrap();
    // The line of the signer in the index of the issuing authority: valid.
    let serial = succeed(
        "openssl",
        ["x509", "-noout", "-serial", "-in", &authority.file("tsa.pem").to_string_lossy()],
    );
    let serial = serial.trim().trim_start_matches("serial=");
    let line =
        format!("V\t360101000000Z\t\t{serial}\tunknown\t/C=DE/O=Test Trust/CN=Test Stamps\n");
    std::fs::write(authority.file("ocsp.txt"), line).unwrap();
    let path = |name: &str| authority.file(name).to_string_lossy().into_owned();
    succeed(
        "openssl",
        [
            "ocsp",
            "-index",
            &path("ocsp.txt"),
            "-CA",
            &path("issuing.pem"),
            "-rsigner",
            &path(&format!("{signer}.pem")),
            "-rkey",
            &path(&format!("{signer}.key")),
            "-reqin",
            &path("ocsp.req"),
            "-respout",
            &path("ocsp.resp"),
        ],
    );
    authority.read("ocsp.resp")
}

fn responder(authority: &Authority) {
    let path = |name: &str| authority.file(name).to_string_lossy().into_owned();
    std::fs::copy(path("tsa.key"), path("responder.key")).unwrap();
    let extensions = ["-extfile", &path("ca.cnf"), "-extensions", "responder"];
    let from = ["x509", "-req", "-in", &path("tsa.csr"), "-CA", &path("issuing.pem")];
    let more = ["-CAkey", &path("issuing.key"), "-set_serial", "0x51", "-days", "30"];
    let out = ["-out", &path("responder.pem")];
    succeed("openssl", [&from[..], &more[..], &extensions[..], &out[..]].concat());
}

#[test]
fn a_token_that_carries_lists_for_its_chain_needs_nothing_from_outside() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let bare = stamp(&authority, SHA256, SHA256.hash(b"document"), None);
    assert!(bare.revocation.iter().all(|status| status.as_of.is_none()));
    let full = bare.token.carrying(&bare.path, &crls(&authority), &Limits::default()).unwrap();
    let full = verify_token(&full, &anchors_of(&authority)).unwrap();
    assert!(full.revocation.iter().all(|status| status.as_of.is_some()));
    assert!(full.revocation.iter().all(|status| status.revoked.is_none()));
    let options = Options { require_revocation: true, ..Options::at(system_now()) };
    let verifier = Verifier::new(anchors_of(&authority), options);
    let objects = DataObjects::new([b"document".as_slice()]).unwrap();
    let record = |token: &TimeStampToken| {
        EvidenceRecord::first(ArchiveTimeStamp::new(SHA256, Vec::new(), token.der()))
    };
    let proof = verifier.record(&record(&full.token), &objects).unwrap();
    assert!(proof.without_revocation().is_empty());
    let error = verifier.record(&record(&bare.token), &objects).unwrap_err();
    assert!(matches!(error, EvidenceError::RevocationMissing(_)), "{error}");
}

#[test]
fn the_places_of_revocation_data_are_named_with_a_request_that_openssl_reads() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let bare = stamp(&authority, SHA256, SHA256.hash(b"document"), None);
    let sources = revocation_sources(&bare, &anchors_of(&authority)).unwrap();
    assert_eq!(sources.len(), 2);
    assert_eq!(sources[0].crl_addresses, ["http://crl.example/issuing.crl"]);
    assert_eq!(sources[0].ocsp_addresses, ["http://ocsp.example/"]);
    assert!(sources[1].crl_addresses.is_empty());
    for signer in ["issuing", "responder"] {
        responder(&authority);
        let answer = ocsp(&authority, &sources[0].ocsp_request, signer);
        let info = RevocationInfo::ocsp_answer(&answer).unwrap();
        let infos = [info, crls(&authority).remove(1)];
        let limits = Limits::default();
        let full = bare.token.carrying(&bare.path, &infos, &limits).unwrap();
        let full = verify_token(&full, &anchors_of(&authority)).unwrap();
        assert!(full.revocation.iter().all(|it| it.as_of.is_some()), "{signer}");
        assert_eq!(full.token.revocation().len(), 2);
        let mut flipped = full.token.der().to_vec();
        for at in (0..flipped.len()).step_by(3) {
            flipped[at] ^= 0x04;
            let passes = TimeStampToken::parse(&flipped, &limits)
                .and_then(|token| verify_token(&token, &anchors_of(&authority)));
            assert!(passes.is_err(), "{signer}: octet {at}");
            flipped[at] ^= 0x04;
        }
    }
    let error = RevocationInfo::ocsp_answer(&[0x30, 3, 0x0a, 1, 6]).unwrap_err();
    assert!(error.to_string().contains("status 6"), "{error}");
}

#[test]
fn a_lost_key_spoils_its_stamps_and_a_retired_one_does_not() {
    if !has_authority() {
        return;
    }
    for (reason, expected) in [
        (&["-crl_reason", "superseded"][..], RevocationReason::Retired),
        (&["-crl_reason", "keyCompromise"][..], RevocationReason::Compromised),
        (&[][..], RevocationReason::Compromised),
    ] {
        let (_folder, authority) = make("ec:P-256");
        let asked = request(SHA256, SHA256.hash(b"document"));
        let answer = authority.reply(&asked.to_der().unwrap(), None);
        let (anchors, limits) = (anchors_of(&authority), Limits::default());
        let bare = check_response(&asked, &answer, &anchors, system_now(), &limits).unwrap();
        revoke(&authority, reason);
        let full = bare.token.carrying(&bare.path, &crls(&authority), &limits).unwrap();
        let verified = verify_token(&full, &anchors).unwrap();
        let (at, found) = verified.revocation[0].revoked.unwrap();
        assert_eq!(found, expected, "{reason:?}");
        let stamped = verified.token.info().gen_time;
        let day = 86_400;
        let after = at.saturating_add_seconds(day);
        let status = &verified.revocation[0];
        // A stamp that was made and renewed before the revocation stays good in any case.
        let before = at.saturating_add_seconds(-day);
        status.check(before, before).unwrap();
        // After it nothing counts, whatever the reason.
        assert!(status.check(after, after).is_err());
        let early = stamped.min(at.saturating_add_seconds(-1));
        let retired = expected == RevocationReason::Retired;
        assert_eq!(status.check(early, after).is_ok(), retired, "{reason:?}");
    }
}

#[test]
fn a_list_of_another_authority_is_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let (_other_folder, other) = make("ec:P-256");
    let bare = stamp(&authority, SHA256, SHA256.hash(b"document"), None);
    // The names are the same, the keys are not.
    let full = bare.token.carrying(&bare.path, &crls(&other), &Limits::default()).unwrap();
    let error = verify_token(&full, &anchors_of(&authority)).unwrap_err();
    assert!(matches!(error, EvidenceError::SignatureBroken(_)), "{error}");
    assert!(RevocationInfo::crl(b"no list", &Limits::default()).is_err());
}
