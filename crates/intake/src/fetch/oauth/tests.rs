use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Clock, Timestamp};
use serde_json::{Value, json};

use super::{
    AssertionAlgorithm, ClientKey, MailProtocol, Remedy, SignInFacts, TokenAnswer, TokenClient,
    TokenRequest, TokenSettings, TokenWeb, explain_sign_in, explained, where_others_open,
};
use crate::fetch::sasl::Credentials;
use crate::fetch::{ConnectionFailure, FetchError, FetchErrorKind};

const NOW: i64 = 1_800_000_000;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

type Form = Vec<(String, String)>;

/// Gives these answers in turn; none left is a provider out of reach.
#[derive(Default)]
struct Fake {
    answers: Mutex<VecDeque<(u16, Option<u64>, Value)>>,
    asked: Mutex<Vec<(String, Form)>>,
}

impl TokenWeb for Fake {
    fn post(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, FetchError> {
        let form = request.form.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        self.asked.lock().expect("sound").push((request.url.to_owned(), form.collect()));
        let Some((status, retry, body)) = self.answers.lock().expect("sound").pop_front() else {
            let text = "nobody there".to_owned();
            return Err(FetchError::NoConnection { reason: ConnectionFailure::Io, text });
        };
        let retry_after = retry.map(Duration::from_secs);
        Ok(TokenAnswer { status, retry_after, octets: body.to_string().into_bytes() })
    }
}

struct World {
    fake: Arc<Fake>,
    clock: Arc<TestClock>,
    client: TokenClient,
}

impl World {
    fn new(answers: &[(u16, Value)]) -> Self {
        let answers = answers.iter().map(|(status, body)| (*status, None, body.clone())).collect();
        let fake = Arc::new(Fake { answers: Mutex::new(answers), ..Fake::default() });
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let client = TokenClient::new(Arc::clone(&fake) as _, Arc::clone(&clock) as _);
        Self { fake, clock, client }
    }

    fn asked(&self) -> usize {
        self.fake.asked.lock().expect("sound").len()
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn form(&self) -> Form {
        self.fake.asked.lock().expect("sound").last().expect("asked").1.clone()
    }
}

fn token(text: &str, seconds: i64) -> (u16, Value) {
    (200, json!({ "token_type": "Bearer", "expires_in": seconds, "access_token": text }))
}

fn settings() -> TokenSettings {
    let key = ClientKey::Secret("geheim".to_owned().into());
    TokenSettings::microsoft365("1111", "app", key)
}

#[test]
fn a_token_is_asked_for_once_and_renewed_before_it_ends() {
    let world = World::new(&[token("one", 3600), token("two", 3600)]);
    for _ in 0..3 {
        assert_eq!(world.client.token(&settings()).expect("given").secret.as_str(), "one");
    }
    world.pass(3600 - 301);
    assert_eq!(world.client.token(&settings()).expect("kept").secret.as_str(), "one");
    assert_eq!(world.asked(), 1);
    world.pass(2);
    assert_eq!(world.client.token(&settings()).expect("renewed").secret.as_str(), "two");
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_token_outlives_a_provider_out_of_reach() {
    let world = World::new(&[token("one", 3600)]);
    world.client.token(&settings()).expect("given");
    world.pass(3500);
    assert_eq!(world.client.token(&settings()).expect("kept").secret.as_str(), "one");
    world.pass(100);
    let error = world.client.token(&settings()).expect_err("ended");
    assert_eq!(error.kind(), FetchErrorKind::NoConnection);
}

#[test]
fn a_refusal_is_not_asked_for_again_at_once() {
    let wrong = json!({ "error": "invalid_client", "error_codes": [7_000_215] });
    let world = World::new(&[(401, wrong), token("one", 3600)]);
    for _ in 0..5 {
        let error = world.client.token(&settings()).expect_err("refused");
        let expected = Some(Remedy::SecretWrong);
        assert!(matches!(error, FetchError::SignInRefused { remedy, .. } if remedy == expected));
    }
    assert_eq!(world.asked(), 1);
    world.pass(61);
    world.client.token(&settings()).expect("mended");
}

#[test]
fn another_secret_or_a_fresh_start_asks_anew() {
    let world = World::new(&[token("one", 3600), token("two", 3600), token("three", 3600)]);
    world.client.token(&settings()).expect("given");
    let key = ClientKey::Secret("other".to_owned().into());
    let other = TokenSettings { key, ..settings() };
    assert_eq!(world.client.token(&other).expect("given").secret.as_str(), "two");
    world.client.forget(&settings());
    assert_eq!(world.client.token(&settings()).expect("given").secret.as_str(), "three");
}

#[test]
fn a_token_that_a_mail_server_refuses_is_replaced_but_not_at_once() {
    let world = World::new(&[token("one", 3600), token("two", 3600)]);
    world.client.token(&settings()).expect("given");
    world.client.refused(&settings());
    assert_eq!(world.client.token(&settings()).expect("kept").secret.as_str(), "one");
    world.pass(300);
    world.client.refused(&settings());
    assert_eq!(world.client.token(&settings()).expect("new").secret.as_str(), "two");
}

#[test]
fn a_token_without_permissions_is_soon_replaced() {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let bare = format!("h.{}.s", part(json!({})));
    let full = format!("h.{}.s", part(json!({ "roles": ["IMAP.AccessAsApp"] })));
    let world = World::new(&[token(&bare, 3600), token(&full, 3600)]);
    assert!(world.client.token(&settings()).expect("given").roles.is_empty());
    world.pass(299);
    world.client.token(&settings()).expect("kept");
    assert_eq!(world.asked(), 1);
    world.pass(1);
    assert_eq!(world.client.token(&settings()).expect("new").roles, ["IMAP.AccessAsApp"]);
    world.pass(3000);
    world.client.token(&settings()).expect("kept");
    assert_eq!(world.asked(), 2);
}

#[test]
fn many_threads_share_one_question() {
    let world = World::new(&[token("one", 3600)]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| world.client.token(&settings()).expect("given"));
        }
    });
    assert_eq!(world.asked(), 1);
}

#[test]
fn every_host_scope_and_audience_is_the_administrators() {
    let world = World::new(&[token("one", 3600)]);
    let elsewhere = TokenSettings {
        token_url: "https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token".to_owned(),
        scope: Some("https://partner.outlook.cn/.default".to_owned()),
        audience: Some("https://mail.example".to_owned()),
        ..settings()
    };
    world.client.token(&elsewhere).expect("given");
    let asked = world.fake.asked.lock().expect("sound");
    assert_eq!(asked[0].0, elsewhere.token_url);
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "app"),
        ("client_secret", "geheim"),
        ("scope", "https://partner.outlook.cn/.default"),
        ("audience", "https://mail.example"),
    ];
    assert_eq!(asked[0].1, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// Certificate and key of an application, and the certificate as DER.
fn application() -> (String, String, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    let certificate = params.self_signed(&key).expect("signed");
    (certificate.pem(), key.serialize_pem(), certificate.der().to_vec())
}

fn with_certificate(pem: &str, key: &str, algorithm: AssertionAlgorithm) -> TokenSettings {
    let key = ClientKey::Certificate {
        certificate_pem: pem.to_owned(),
        key_pem: key.to_owned().into(),
        algorithm,
    };
    TokenSettings { key, ..settings() }
}

#[test]
fn an_assertion_names_the_certificate_and_is_signed_by_its_key() {
    use x509_cert::der::Decode as _;
    let (pem, key, der) = application();
    let parsed = x509_cert::Certificate::from_der(&der).expect("made here");
    let public = parsed.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    for algorithm in [AssertionAlgorithm::Ps256, AssertionAlgorithm::Rs256] {
        let world = World::new(&[token("one", 3600)]);
        world.client.token(&with_certificate(&pem, &key, algorithm)).expect("given");
        let form = world.form();
        assert!(!form.iter().any(|(name, _)| name == "client_secret"));
        let (_, assertion) =
            form.iter().find(|(name, _)| name == "client_assertion").expect("there");
        let parts: Vec<&str> = assertion.split('.').collect();
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64");
        let head: Value = serde_json::from_slice(&decode(parts[0])).expect("JSON");
        let claims: Value = serde_json::from_slice(&decode(parts[1])).expect("JSON");
        let (name, thumbprint, verifier): (_, _, &dyn aws_lc_rs::signature::VerificationAlgorithm) =
            match algorithm {
                AssertionAlgorithm::Ps256 => {
                    ("x5t#S256", digest(&SHA256, &der), &RSA_PSS_2048_8192_SHA256)
                }
                AssertionAlgorithm::Rs256 => {
                    ("x5t", digest(&SHA1_FOR_LEGACY_USE_ONLY, &der), &RSA_PKCS1_2048_8192_SHA256)
                }
            };
        assert_eq!(head[name], URL_SAFE_NO_PAD.encode(thumbprint));
        assert_eq!(head["alg"], algorithm.name());
        assert_eq!(claims["aud"], settings().token_url);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app"), &json!("app")));
        assert_eq!(claims["exp"].as_i64(), Some(NOW + 600));
        let signed = format!("{}.{}", parts[0], parts[1]);
        let verified =
            UnparsedPublicKey::new(verifier, public).verify(signed.as_bytes(), &decode(parts[2]));
        assert!(verified.is_ok());
    }
}

#[test]
fn a_key_that_cannot_work_is_told_before_anybody_is_asked() {
    let (pem, key, _) = application();
    let (_, other_key, _) = application();
    let elliptic = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    for (pem, key) in [
        (pem.as_str(), other_key.as_str()),
        (&pem, &elliptic),
        (&pem, "no PEM"),
        ("no PEM", &key),
        (&key, &key),
    ] {
        let world = World::new(&[]);
        let settings = with_certificate(pem, key, AssertionAlgorithm::Ps256);
        let error = world.client.token(&settings).expect_err("wrong");
        assert_eq!(error.kind(), FetchErrorKind::Config, "{error}");
        assert_eq!(world.asked(), 0);
    }
    let world = World::new(&[]);
    let plain = TokenSettings { token_url: "http://idp.test/token".to_owned(), ..settings() };
    assert_eq!(world.client.token(&plain).expect_err("clear").kind(), FetchErrorKind::Config);
}

fn remedy(status: u16, body: Value) -> Option<Remedy> {
    match World::new(&[(status, body)]).client.token(&settings()).expect_err("refused") {
        FetchError::SignInRefused { remedy, .. } => remedy,
        error => panic!("{error}"),
    }
}

#[test]
fn errors_of_the_provider_become_what_to_do() {
    for (code, expected) in [
        (700_016, Remedy::AppUnknown),
        (700_027, Remedy::CertificateUnknown),
        (700_024, Remedy::ClockWrong),
        (7_000_215, Remedy::SecretWrong),
        (7_000_222, Remedy::SecretExpired),
        (65_001, Remedy::ConsentMissing),
        (90_002, Remedy::TenantUnknown),
        (53_003, Remedy::ConditionalAccess),
        (500_011, Remedy::ResourceUnknown),
        (1_002_012, Remedy::ScopeWrong),
    ] {
        let listed = json!({ "error": "invalid_request", "error_codes": [code] });
        assert_eq!(remedy(400, listed), Some(expected), "{code}");
        let said = format!("AADSTS{code}: words.\r\nTrace ID: 1");
        let described = json!({ "error": "x", "error_description": said });
        assert_eq!(remedy(401, described), Some(expected), "{code}");
        assert!(!expected.advice().ends_with('.') && !expected.code().contains(' '));
    }
    assert_eq!(remedy(401, json!({ "error": "invalid_client" })), Some(Remedy::SecretWrong));
    assert_eq!(remedy(400, json!({ "error": "invalid_scope" })), Some(Remedy::ScopeWrong));
    let consent = Some(Remedy::ConsentMissing);
    assert_eq!(remedy(400, json!({ "error": "unauthorized_client" })), consent);
    assert_eq!(remedy(404, json!("no page")), None);
}

#[test]
fn a_busy_provider_is_no_refusal() {
    for status in [429, 500, 503] {
        let world = World::new(&[]);
        let answer = (status, Some(17), json!({ "error": "temporarily_unavailable" }));
        world.fake.answers.lock().expect("sound").push_back(answer);
        let error = world.client.token(&settings()).expect_err("busy");
        let FetchError::ServerBusy { retry_after, .. } = error else { panic!("{error}") };
        assert_eq!(retry_after, Some(Duration::from_secs(17)));
    }
}

#[test]
fn answers_that_are_no_token_are_refused() {
    for body in [
        json!({}),
        json!({ "token_type": "mac", "access_token": "x" }),
        json!({ "token_type": "Bearer", "access_token": "" }),
        json!({ "token_type": "Bearer", "access_token": "x\r\nDELE 1" }),
    ] {
        let error = World::new(&[(200, body)]).client.token(&settings()).expect_err("none");
        assert_eq!(error.kind(), FetchErrorKind::Protocol);
    }
    let world = World::new(&[(
        200,
        json!({ "token_type": "bearer", "access_token": "x", "expires_in": "99999999999" }),
    )]);
    let token = world.client.token(&settings()).expect("odd but one");
    assert_eq!(token.expires_at, Timestamp::from_seconds(NOW + 86_400));
}

#[test]
fn no_secret_stands_in_errors_or_debug_texts() {
    let said = json!({ "error": "invalid_client", "error_description": "geheim is wrong" });
    let error = World::new(&[(401, said)]).client.token(&settings()).expect_err("refused");
    assert!(!format!("{error} {error:?} {:?}", settings()).contains("geheim"));
    let token = World::new(&[token("ey.J", 60)]).client.token(&settings()).expect("given");
    assert!(!format!("{token:?}").contains("ey.J"));
}

#[test]
fn a_token_that_opens_nothing_is_explained() {
    let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let check = |roles: &[String], text, others_sign_in, expected| {
        let protocol = MailProtocol::Imap;
        let facts = SignInFacts { protocol, roles, text, others_sign_in };
        assert_eq!(explain_sign_in(&facts), expected, "{text}");
    };
    let right = roles(&["IMAP.AccessAsApp"]);
    check(&roles(&["Mail.Read"]), "AUTHENTICATE failed.", false, Remedy::PermissionMissing);
    check(&right, "AUTHENTICATE failed.", false, Remedy::ServicePrincipalWrong);
    check(&right, "AUTHENTICATE failed.", true, Remedy::MailboxPermissionMissing);
    let text = "User is authenticated but not connected.";
    check(&right, text, false, Remedy::ProtocolDisabled);
    check(&[], "IMAP is disabled", false, Remedy::ProtocolDisabled);
}

#[test]
fn a_mailbox_that_does_not_open_where_others_do_lacks_its_permission() {
    let refused = |remedy| FetchError::SignInRefused { remedy, text: "no".to_owned() };
    let told = |remedy| where_others_open(refused(remedy)).remedy();
    let (principal, disabled) = (Remedy::ServicePrincipalWrong, Remedy::ProtocolDisabled);
    assert_eq!(told(Some(principal)), Some(Remedy::MailboxPermissionMissing));
    assert_eq!(told(Some(disabled)), Some(disabled));
    assert_eq!(told(None), None);
}

/// The console says them in the language of who reads.
#[test]
fn what_to_do_is_said_in_german_and_english() {
    for language in ["de", "en"] {
        let path = format!("../../web/src/i18n/console/fetch.{language}.json");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let texts: Value =
            serde_json::from_slice(&std::fs::read(path).expect("there")).expect("JSON");
        for remedy in Remedy::ALL {
            let key = format!("fetch.remedy.{}", remedy.code());
            assert!(
                texts[&key].as_str().is_some_and(|text| text.len() > 20),
                "{key} in {language}"
            );
        }
        for kind in ["config", "corrupt-mail", "no-connection", "sign-in-refused", "tls-mismatch"] {
            assert!(texts[format!("fetch.kind.{kind}.text")].is_string(), "{kind} in {language}");
        }
    }
}

#[test]
fn words_for_exchange_online_are_not_for_others() {
    let text = "AUTHENTICATE failed.".to_owned();
    let refused = |roles: &[&str], host| {
        let payload = URL_SAFE_NO_PAD.encode(json!({ "roles": roles }).to_string());
        let token = format!("h.{payload}.s").into();
        let bearer = Credentials::Bearer { user: "box".to_owned(), token };
        let error = FetchError::SignInRefused { remedy: None, text: text.clone() };
        match explained(error, MailProtocol::Pop3, &bearer, host) {
            FetchError::SignInRefused { remedy, .. } => remedy,
            error => panic!("{error}"),
        }
    };
    let right = ["POP.AccessAsApp"];
    let wrong = Some(Remedy::ServicePrincipalWrong);
    assert_eq!(refused(&right, "outlook.office365.com"), wrong);
    assert_eq!(refused(&right, "partner.outlook.cn"), wrong);
    assert_eq!(refused(&right, "mail.x.test"), None);
    assert_eq!(refused(&right, "notoutlook.com"), None);
    assert_eq!(refused(&["Mail.Read"], "mail.x.test"), Some(Remedy::PermissionMissing));
}

#[test]
fn the_roles_of_a_token_are_read() {
    let payload = URL_SAFE_NO_PAD.encode(json!({ "roles": ["POP.AccessAsApp"] }).to_string());
    let world = World::new(&[token(&format!("h.{payload}.s"), 60)]);
    let token = world.client.token(&settings()).expect("given");
    assert_eq!(token.roles, ["POP.AccessAsApp"]);
}
