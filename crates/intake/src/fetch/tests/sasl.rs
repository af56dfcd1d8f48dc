use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fetch::sasl::{CHALLENGE, CHALLENGES, Credentials, Exchange, Mechanism};
use crate::fetch::{FetchError, FetchErrorKind};

fn password(act_as: Option<&str>) -> Credentials {
    Credentials::Password {
        user: "jörg".to_owned(),
        password: "pass word".to_owned().into(),
        act_as: act_as.map(str::to_owned),
    }
}

fn bearer() -> Credentials {
    Credentials::Bearer { user: "a,b=c@x.test".to_owned(), token: "ey.J".to_owned().into() }
}

fn exchange(mechanism: Mechanism, credentials: &Credentials) -> Exchange {
    Exchange::new(mechanism, credentials, "mail.x.test", 993).expect("possible")
}

fn decoded(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text")
}

fn initial(mechanism: Mechanism, credentials: &Credentials, expected: &str) {
    let mut exchange = exchange(mechanism, credentials);
    assert_eq!(decoded(&exchange.initial().expect("has one")), expected);
}

#[test]
fn initial_responses_are_those_of_the_standards() {
    initial(Mechanism::Plain, &password(None), "\0jörg\0pass word");
    initial(Mechanism::Plain, &password(Some("box@x.test")), "box@x.test\0jörg\0pass word");
    initial(Mechanism::Xoauth2, &bearer(), "user=a,b=c@x.test\u{1}auth=Bearer ey.J\u{1}\u{1}");
    initial(
        Mechanism::OauthBearer,
        &bearer(),
        "n,a=a=2Cb=3Dc@x.test,\u{1}host=mail.x.test\u{1}port=993\u{1}auth=Bearer ey.J\u{1}\u{1}",
    );
}

#[test]
fn login_answers_two_questions_whatever_they_say() {
    let mut exchange = exchange(Mechanism::Login, &password(None));
    assert!(exchange.initial().is_none());
    assert_eq!(decoded(&exchange.answer(b"VXNlciBOYW1lAA==").expect("asked")), "jörg");
    assert_eq!(decoded(&exchange.answer(b"").expect("asked")), "pass word");
}

#[test]
fn without_an_initial_response_the_first_question_gets_it() {
    let mut exchange = exchange(Mechanism::Plain, &password(None));
    assert_eq!(decoded(&exchange.answer(b"").expect("asked")), "\0jörg\0pass word");
}

#[test]
fn a_refused_token_is_answered_and_its_reason_kept() {
    let reason = STANDARD.encode("{\"status\":\"401\",\"schemes\":\"bearer\"}");
    for (mechanism, answer) in [(Mechanism::Xoauth2, ""), (Mechanism::OauthBearer, "AQ==")] {
        let mut exchange = exchange(mechanism, &bearer());
        exchange.initial().expect("has one");
        assert_eq!(exchange.answer(reason.as_bytes()).expect("asked").as_str(), answer);
        assert!(exchange.refusal().expect("said").contains("\"401\""));
    }
}

#[test]
fn a_server_that_asks_for_ever_is_left() {
    let mut exchange = exchange(Mechanism::Xoauth2, &bearer());
    let error = (0..100).find_map(|_| exchange.answer(b"").err()).expect("ends");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == CHALLENGES));
    let mut exchange = self::exchange(Mechanism::Xoauth2, &bearer());
    let long = vec![b'A'; 100_000];
    let error = exchange.answer(&long).expect_err("too long");
    assert!(matches!(error, FetchError::LimitExceeded(limit) if limit == CHALLENGE));
}

#[test]
fn what_would_break_the_message_is_refused() {
    let evil =
        Credentials::Bearer { user: "a\u{1}auth=x".to_owned(), token: "t".to_owned().into() };
    for mechanism in [Mechanism::Xoauth2, Mechanism::OauthBearer] {
        let error = Exchange::new(mechanism, &evil, "h", 1).err().expect("refused");
        assert_eq!(error.kind(), FetchErrorKind::Config);
    }
    let evil = Credentials::Password {
        user: "a\0b".to_owned(),
        password: "c".to_owned().into(),
        act_as: None,
    };
    assert!(Exchange::new(Mechanism::Plain, &evil, "h", 1).is_err());
}

#[test]
fn the_mechanism_fits_credentials_and_server() {
    let all = |_: &str| true;
    assert_eq!(Mechanism::choose(&password(None), all), Some(Mechanism::Plain));
    assert_eq!(Mechanism::choose(&bearer(), all), Some(Mechanism::Xoauth2));
    let login = |name: &str| name == "LOGIN";
    assert_eq!(Mechanism::choose(&password(None), login), Some(Mechanism::Login));
    assert_eq!(Mechanism::choose(&password(Some("b")), login), None);
    assert_eq!(Mechanism::choose(&bearer(), login), None);
    let modern = |name: &str| name == "OAUTHBEARER";
    assert_eq!(Mechanism::choose(&bearer(), modern), Some(Mechanism::OauthBearer));
}

#[test]
fn credentials_do_not_show_themselves() {
    let shown = format!("{:?} {:?}", password(Some("box")), bearer());
    for secret in ["pass word", "ey.J", "jörg", "x.test", "box"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
