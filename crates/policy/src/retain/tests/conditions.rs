use super::*;

fn values(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// What a condition says of the mail after it went through the check of a set.
fn holds(mail: &Mail, condition: Condition) -> Matched {
    let checked = set(vec![policy("p", None, vec![condition])]).expect("a set");
    mail.with(|facts| checked.policies()[0].clauses[0].holds(facts, checked.zone()))
}

#[test]
fn each_condition_holds_for_what_it_names_and_for_nothing_else() {
    let of = values;
    let day = |year, month, day| Some(date(year, month, day));
    for (condition, expected) in [
        (Condition::Sender { any_of: of(&["ANNA@Own.Example"]) }, true),
        (Condition::Sender { any_of: of(&["@own.example"]) }, true),
        (Condition::Sender { any_of: of(&["jobs@"]) }, false),
        (Condition::Recipient { any_of: of(&["Jobs@"]) }, true),
        (Condition::Recipient { any_of: of(&["@wn.example"]) }, false),
        (Condition::Recipient { any_of: of(&["anna@own.example"]) }, false),
        (Condition::Domain { any_of: of(&["FAR.example"]) }, true),
        (Condition::Domain { any_of: of(&["ar.example"]) }, false),
        (Condition::Direction { any_of: vec![Direction::Internal, Direction::Outgoing] }, true),
        (Condition::Direction { any_of: vec![Direction::Incoming] }, false),
        (Condition::Subject { any_of: of(&["other", "STRAßE NACH"]) }, true),
        (Condition::Subject { any_of: of(&["norden"]) }, false),
        (Condition::Size { at_least: Some(1_000), at_most: None }, true),
        (Condition::Size { at_least: None, at_most: Some(999) }, false),
        (Condition::Source { any_of: vec![SourceId::from_bytes([1; 16])] }, true),
        (Condition::Source { any_of: vec![SourceId::from_bytes([2; 16])] }, false),
        (Condition::Folder { any_of: of(&["inbox"]) }, true),
        (Condition::Folder { any_of: of(&["INBOX/Projekte/"]) }, true),
        (Condition::Folder { any_of: of(&["INBOX/Pro"]) }, false),
        (Condition::Mailbox { any_of: vec![person(1)] }, true),
        (Condition::Mailbox { any_of: vec![person(2)] }, false),
        (Condition::Tag { any_of: of(&["wichtig"]) }, true),
        (Condition::Class { any_of: of(&["letters"]) }, false),
        (Condition::Received { from: day(2024, 2, 29), through: day(2024, 2, 29) }, true),
        (Condition::Received { from: day(2024, 3, 1), through: None }, false),
        (Condition::Query { text: "rechnung".into() }, true),
    ] {
        let text = format!("{condition:?}");
        let mail = Mail::default();
        assert_eq!(holds(&mail, condition), Matched::from(expected), "{text}");
    }
}

#[test]
fn a_domain_counts_with_what_is_below_it() {
    let mail = Mail { senders: values(&["a@mail.big.example"]), ..Mail::default() };
    assert_eq!(holds(&mail, Condition::Domain { any_of: values(&["big.example"]) }), Matched::Yes);
}

#[test]
fn the_first_policy_that_fits_decides() {
    let sets = set(vec![
        policy("one", Some(Period::years(10)), vec![Condition::Class { any_of: values(&["x"]) }]),
        policy(
            "two",
            Some(Period::years(8)),
            vec![Condition::Class { any_of: values(&["books"]) }],
        ),
        policy("three", Some(Period::years(6)), Vec::new()),
    ])
    .expect("a set");
    let mail = Mail::default();
    let found = mail.with(|facts| verdict(&sets, facts)).expect("a verdict");
    assert_eq!((found.policy.as_str(), found.version), ("two", 1));
    assert_eq!(found.kept_through, Some(date(2032, 12, 31)));
    assert_eq!(found.disposable_from, Some(at("2032-12-31T23:00:00Z")));
    assert_eq!(found.gone_after, None);
    let other = Mail { class: None, ..mail };
    let found = other.with(|facts| verdict(&sets, facts)).expect("a verdict");
    assert_eq!(found.kept_through, Some(date(2030, 12, 31)));
}

#[test]
fn what_the_index_has_not_answered_stays_open_even_when_a_later_policy_would_fit() {
    let sets = set(vec![
        policy("asks", Some(Period::years(1)), vec![Condition::Query { text: "word".into() }]),
        policy("all", Some(Period::default()), Vec::new()),
    ])
    .expect("a set");
    let asked = |indexed| {
        let mail = Mail { indexed, ..Mail::default() };
        mail.with(|facts| verdict(&sets, facts)).map(|verdict| verdict.policy)
    };
    assert_eq!(asked(Matched::Unknown), Err(Undetermined::NotIndexed("asks".into())));
    assert_eq!(asked(Matched::No), Ok("all".to_owned()));
    assert_eq!(asked(Matched::Yes), Ok("asks".to_owned()));
}

#[test]
fn a_condition_that_does_not_hold_settles_what_the_index_has_not_answered() {
    let other = Condition::Direction { any_of: vec![Direction::Incoming] };
    let query = Condition::Query { text: "word".into() };
    let sets = set(vec![policy("asks", None, vec![query, other]), policy("all", None, Vec::new())])
        .expect("a set");
    let mail = Mail { indexed: Matched::Unknown, ..Mail::default() };
    let found = mail.with(|facts| verdict(&sets, facts)).expect("a verdict");
    assert_eq!(found.policy, "all");
}

#[test]
fn a_negated_condition_holds_when_it_does_not() {
    let mut one = policy("p", None, vec![Condition::Class { any_of: values(&["books"]) }]);
    one.clauses[0].not = true;
    let sets = set(vec![one]).expect("a set");
    let mail = Mail::default();
    assert_eq!(mail.with(|facts| verdict(&sets, facts)), Err(Undetermined::NoPolicy));
    let other = Mail { class: None, ..mail };
    assert!(other.with(|facts| verdict(&sets, facts)).is_ok());
}

#[test]
fn periods_count_from_sending_where_the_policy_says_so() {
    let mut one = policy("p", Some(Period::days(1)), Vec::new());
    one.from = CountsFrom::Sending;
    one.begins = Begins::AtEvent;
    one.at_most = Some(Period::days(2));
    let sets = set(vec![one]).expect("a set");
    let found = Mail::default().with(|facts| verdict(&sets, facts)).expect("a verdict");
    assert_eq!(found.counted_from, date(2024, 2, 28));
    assert_eq!(found.kept_through, Some(date(2024, 2, 29)));
    assert_eq!(found.gone_after, Some(date(2024, 3, 1)));
    assert_eq!(found.overdue_from, Some(at("2024-03-01T23:00:00Z")));
}

#[test]
fn an_excluded_mailbox_is_named_by_address_and_condition() {
    let rule = Exclusion {
        name: "works council".into(),
        addresses: values(&["BR@own.example", "@council.example"]),
        clauses: vec![Clause::from(Condition::Direction { any_of: vec![Direction::Internal] })],
        reason: "works agreement".into(),
    };
    let rules = Exclusions::new(vec![rule.clone()], Zone::default()).expect("rules");
    let internal = Mail { direction: Direction::Internal, ..Mail::default() };
    let excluded = |mail: &Mail, address: &str| {
        mail.with(|facts| rules.excludes(&model::EmailAddress::new(address), facts).is_some())
    };
    assert!(excluded(&internal, "br@OWN.example"));
    assert!(excluded(&internal, "anyone@council.example"));
    assert!(!excluded(&internal, "anna@own.example"));
    assert!(!excluded(&Mail::default(), "br@own.example"));
    let later = Exclusion {
        clauses: vec![Clause::from(Condition::Query { text: "x".into() })],
        ..rule.clone()
    };
    assert_eq!(
        Exclusions::new(vec![later], Zone::default()),
        Err(ExclusionError::NotKnownYet("works council".into()))
    );
    let silent = Exclusion { reason: " ".into(), ..rule };
    assert!(Exclusions::new(vec![silent], Zone::default()).is_err());
}
