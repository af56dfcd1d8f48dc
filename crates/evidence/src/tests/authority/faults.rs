use testkit::authority::{Authority, has_authority, has_tool};

use super::{SHA256, anchors_of, make, refused, request, stamp, system_now};
use crate::{HashAlgorithm, Limits, Request, TrustAnchors, check_response};

/// Asks at a path of the server and returns why the answer is refused.
fn ask(authority: &Authority, path: &str) -> String {
    let request = request(SHA256, SHA256.hash(b"document"));
    let (status, _, body) = authority.post(path, &request.to_der().unwrap());
    assert_eq!(status, 200, "{path}");
    refused(check_response(
        &request,
        &body,
        &anchors_of(authority),
        system_now(),
        &Limits::default(),
    ))
}

#[test]
fn an_authority_stamps_under_all_algorithms_and_keys() {
    if !has_authority() {
        return;
    }
    for key in ["ec:P-256", "ec:P-384", "rsa:2048"] {
        let (_folder, authority) = make(key);
        for algorithm in HashAlgorithm::ALL {
            let verified = stamp(&authority, algorithm, algorithm.hash(b"document"), None);
            let info = verified.token.info();
            assert_eq!(info.imprint, algorithm.hash(b"document"));
            assert_eq!(info.policy, "1.2.3.4.1");
            assert_eq!(verified.path.len(), 2);
            assert_eq!(verified.anchor, "CN=Test Root,O=Test Trust,C=DE");
            assert!(!verified.legacy_certificate_id);
        }
    }
}

#[test]
fn the_answers_over_http_are_good_or_refused_by_name() {
    if !has_authority() || !has_tool("python3", "python3") {
        return;
    }
    let (_folder, mut authority) = make("ec:P-256");
    authority.serve();
    let request = request(SHA256, SHA256.hash(b"document"));
    let (status, kind, body) = authority.post("/", &request.to_der().unwrap());
    assert_eq!((status, kind.as_str()), (200, "application/timestamp-reply"));
    let (anchors, limits) = (anchors_of(&authority), Limits::default());
    check_response(&request, &body, &anchors, system_now(), &limits).unwrap();
    assert_eq!(authority.post("/500", b"").0, 500);
    assert_eq!(
        ask(&authority, "/reject"),
        "the authority refused: the request was rejected; request not allowed or not supported \
         (badRequest)"
    );
    assert_eq!(ask(&authority, "/badsig"), "the signature of the time-stamp token does not hold");
    assert!(ask(&authority, "/html").contains("is not valid DER"));
    if has_tool("faketime", "faketime") {
        assert!(ask(&authority, "/skew").contains("the time stamp says"));
    }
}

#[test]
fn a_policy_that_was_asked_for_must_be_granted() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let with = |policy: &str| Request {
        policy: Some(policy.to_owned()),
        ..request(SHA256, SHA256.hash(b"document"))
    };
    let (anchors, limits) = (anchors_of(&authority), Limits::default());
    let check = |request: &Request, answer: &[u8]| {
        check_response(request, answer, &anchors, system_now(), &limits)
    };
    let wanted = with("1.2.3.4.5");
    let answer = authority.reply(&wanted.to_der().unwrap(), None);
    assert_eq!(check(&wanted, &answer).unwrap().token.info().policy, "1.2.3.4.5");
    let other = with("1.2.3.4.1");
    let why = "the time stamp answer does not carry the requested policy";
    assert_eq!(refused(check(&other, &answer)), why);
    let unknown = with("1.2.3.4.9");
    let answer = authority.reply(&unknown.to_der().unwrap(), None);
    assert!(refused(check(&unknown, &answer)).contains("unacceptedPolicy"));
}

#[test]
fn another_nonce_imprint_or_algorithm_is_refused() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let asked = request(SHA256, SHA256.hash(b"document"));
    let answer = authority.reply(&asked.to_der().unwrap(), None);
    let (anchors, limits) = (anchors_of(&authority), Limits::default());
    let check = |request: &Request| {
        refused(check_response(request, &answer, &anchors, system_now(), &limits))
    };
    assert!(check(&Request { nonce: 1, ..asked.clone() }).ends_with("requested nonce"));
    let imprint = SHA256.hash(b"other");
    assert!(check(&Request { imprint, ..asked.clone() }).ends_with("requested hash value"));
    let algorithm = HashAlgorithm::Sha512;
    let imprint = algorithm.hash(b"document");
    let other = Request { algorithm, imprint, ..asked.clone() };
    assert!(check(&other).ends_with("requested hash value"));
    let nobody = check_response(&asked, &answer, &TrustAnchors::default(), system_now(), &limits);
    assert!(refused(nobody).contains("none of the trusted authorities"));
}

#[test]
fn a_clock_that_is_off_or_a_certificate_that_ended_is_refused() {
    if !has_authority() || !has_tool("faketime", "faketime") {
        return;
    }
    let (_folder, authority) = make("ec:P-256");
    let asked = request(SHA256, SHA256.hash(b"document"));
    let answer = authority.reply(&asked.to_der().unwrap(), None);
    let (anchors, limits) = (anchors_of(&authority), Limits::default());
    let later = system_now().saturating_add_seconds(301);
    let result = check_response(&asked, &answer, &anchors, later, &limits);
    assert!(refused(result).contains("the time stamp says"));
    let late = authority.reply(&asked.to_der().unwrap(), Some("2046-01-01 00:00:00"));
    let then = "2046-01-01T00:00:00Z".parse().unwrap();
    let result = check_response(&asked, &late, &anchors, then, &limits);
    assert!(refused(result).contains("a certificate had ended"));
}

#[test]
fn a_key_on_a_curve_that_is_not_supported_is_named() {
    if !has_authority() {
        return;
    }
    let (_folder, authority) = make("ec:brainpoolP256r1");
    let asked = request(SHA256, SHA256.hash(b"document"));
    let answer = authority.reply(&asked.to_der().unwrap(), None);
    let result =
        check_response(&asked, &answer, &anchors_of(&authority), system_now(), &Limits::default());
    let why = refused(result);
    assert!(why.contains("1.3.36.3.3.2.8.1.1.7"), "{why}");
}
