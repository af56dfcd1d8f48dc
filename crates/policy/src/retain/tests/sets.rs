use super::*;

fn values(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_set_that_cannot_be_meant_is_refused_by_name() {
    let one = |condition| vec![policy("p", None, vec![condition])];
    let mut without_minimum = policy("p", None, Vec::new());
    without_minimum.at_most = Some(Period::years(1));
    for (policies, expected) in [
        (vec![policy(" ", None, Vec::new())], SetError::Name),
        (vec![policy("p", None, Vec::new()), policy("p", None, Vec::new())], SetError::Name),
        (vec![policy("p", Some(Period::years(101)), Vec::new())], SetError::Period("p".into())),
        (vec![without_minimum], SetError::Period("p".into())),
        (one(Condition::Query { text: String::new() }), SetError::Values("p".into())),
        (one(Condition::Tag { any_of: Vec::new() }), SetError::Values("p".into())),
        (one(Condition::Size { at_least: None, at_most: None }), SetError::Values("p".into())),
        (one(Condition::AttachmentType { any_of: values(&["a b"]) }), SetError::Values("p".into())),
        (
            one(Condition::Sender { any_of: values(&["nobody"]) }),
            SetError::Address { name: "p".into(), what: "nobody".into() },
        ),
        (
            one(Condition::Domain { any_of: values(&["a b"]) }),
            SetError::Domain { name: "p".into(), what: "a b".into() },
        ),
    ] {
        assert_eq!(set(policies), Err(expected));
    }
    let draft = SetDraft {
        zone: Zone::default(),
        valid_from: date(2024, 1, 1),
        reason: " ".into(),
        policies: Vec::new(),
    };
    assert_eq!(PolicySet::new(1, draft), Err(SetError::Reason));
}

/// 31 days are longer than a month in February only.
#[test]
fn a_maximum_may_not_end_before_the_minimum_on_any_day() {
    let with = |least, most| {
        let mut one = policy("p", Some(least), Vec::new());
        one.begins = Begins::AtEvent;
        one.at_most = Some(most);
        set(vec![one])
    };
    let refused = Err(SetError::MaximumBeforeMinimum("p".into()));
    assert_eq!(with(Period::days(31), Period::months(1)), refused);
    assert_eq!(with(Period::days(365), Period::days(364)), refused);
    assert!(with(Period::days(28), Period::months(1)).is_ok());
    assert!(with(Period::years(1), Period::years(1)).is_ok());
}

#[test]
fn the_newest_version_that_is_valid_already_decides() {
    let version = |number, from| {
        let draft = SetDraft {
            zone: Zone::default(),
            valid_from: from,
            reason: "r".into(),
            policies: Vec::new(),
        };
        PolicySet::new(number, draft).expect("a set")
    };
    let sets =
        [version(1, date(2020, 1, 1)), version(2, date(2030, 1, 1)), version(3, date(2025, 1, 1))];
    let decides = |now| in_force(&sets, at(now)).map(PolicySet::version);
    assert_eq!(decides("2019-12-31T22:59:59Z"), None);
    assert_eq!(decides("2019-12-31T23:00:00Z"), Some(1));
    assert_eq!(decides("2026-01-01T00:00:00Z"), Some(3));
    assert_eq!(decides("2031-01-01T00:00:00Z"), Some(3));
}

#[test]
fn ready_made_sets_are_sound_and_survive_json() {
    for language in [ReadyLanguage::English, ReadyLanguage::German] {
        let sets = ready_sets(language);
        assert_eq!(
            sets.iter().map(|set| set.id).collect::<Vec<_>>(),
            ["applicants", "gdpr-minimum", "de-hgb-ao", "us-sec-17a-4", "us-sox"]
        );
        sound(sets);
    }
}

fn sound(sets: Vec<ReadySet>) {
    for ready in sets {
        let checked = set(ready.policies.clone()).expect(ready.id);
        let json = serde_json::to_string(checked.draft()).expect("JSON");
        let again: SetDraft = serde_json::from_str(&json).expect("a draft");
        assert_eq!(PolicySet::new(1, again), Ok(checked), "{}", ready.id);
    }
}

/// A person who changes the language changes no decision.
#[test]
fn ready_made_sets_decide_alike_in_both_languages_and_are_named_in_each() {
    let both = [ReadyLanguage::of("en-GB"), ReadyLanguage::of("de-AT")].map(ready_sets);
    let [english, german] = &both;
    for (english, german) in english.iter().zip(german) {
        assert_ne!(english.title, german.title);
        assert_ne!(english.note, german.note);
        assert_eq!(english.policies.len(), german.policies.len());
        for (english, german) in english.policies.iter().zip(&german.policies) {
            assert_ne!(english.name, german.name);
            let (name, reason) = (english.name.clone(), english.reason.clone());
            assert_eq!(&RetentionPolicy { name, reason, ..german.clone() }, english);
        }
    }
}

/// (a): 2-06 counts from the end of the audit, which for mail of 2024 may be in 2025.
#[test]
fn american_periods_are_not_shorter_than_the_rules() {
    let verdict_of = |id: &str, class: Option<&str>| {
        let sets = ready_sets(ReadyLanguage::English);
        let ready = sets.into_iter().find(|set| set.id == id).expect("the set");
        let sets = set(ready.policies).expect("a set");
        let mail = Mail { class: class.map(str::to_owned), ..Mail::default() };
        mail.with(|facts| verdict(&sets, facts)).expect("a verdict").kept_through
    };
    assert_eq!(verdict_of("us-sox", None), Some(date(2032, 12, 31)));
    assert_eq!(verdict_of("us-sec-17a-4", None), Some(date(2027, 2, 28)));
    assert_eq!(verdict_of("us-sec-17a-4", Some("ledgers")), Some(date(2030, 2, 28)));
}

#[test]
fn german_periods_are_those_of_the_law() {
    let ready = ready_sets(ReadyLanguage::German)
        .into_iter()
        .find(|set| set.id == "de-hgb-ao")
        .expect("the set");
    let sets = set(ready.policies).expect("a set");
    for (class, indexed, expected) in [
        (Some("books"), Matched::No, ("books", date(2034, 12, 31))),
        (Some("vouchers"), Matched::No, ("vouchers", date(2032, 12, 31))),
        (None, Matched::Yes, ("vouchers", date(2032, 12, 31))),
        (None, Matched::No, ("letters", date(2030, 12, 31))),
    ] {
        let mail = Mail { class: class.map(str::to_owned), indexed, ..Mail::default() };
        let found = mail.with(|facts| verdict(&sets, facts)).expect("a verdict");
        assert_eq!((found.class.as_str(), found.kept_through), (expected.0, Some(expected.1)));
    }
}

#[test]
fn applicants_go_after_six_months_and_before_seven() {
    let ready = ready_sets(ReadyLanguage::German)
        .into_iter()
        .find(|set| set.id == "applicants")
        .expect("the set");
    let sets = set(ready.policies).expect("a set");
    let found = Mail::default().with(|facts| verdict(&sets, facts)).expect("a verdict");
    assert_eq!(found.kept_through, Some(date(2024, 8, 29)));
    assert_eq!(found.gone_after, Some(date(2024, 9, 29)));
}

#[test]
fn the_queries_of_a_set_are_asked_once() {
    let query = || Condition::Query { text: "b".into() };
    let types = Condition::AttachmentType { any_of: values(&[".PDF", "xml"]) };
    let sets = set(vec![policy("1", None, vec![query(), types]), policy("2", None, vec![query()])]);
    assert_eq!(sets.expect("a set").queries(), ["b", "filename:\"pdf\" OR filename:\"xml\""]);
}
