use proptest::prelude::*;

use super::*;

fn check(input: &str, printed: &str) {
    let query = parse(input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
    assert_eq!(query.to_string(), printed, "{input:?}");
    let again = parse(printed).unwrap_or_else(|error| panic!("{printed:?}: {error}"));
    assert!(again.same_as(&query), "{input:?} {printed:?}");
}

fn fails(input: &str, code: ErrorCode, start: usize, end: usize) {
    let error = parse(input).map(|query| query.to_string()).expect_err(input);
    assert_eq!(error, QueryError { code, span: Span { start, end } }, "{input:?}");
}

#[test]
fn a_query_prints_in_one_form() {
    for (input, printed) in [
        ("", "*"),
        ("  * ", "*"),
        ("a  b", "a b"),
        ("a AND b UND c", "a b c"),
        ("a OR b c", "a OR b c"),
        ("(a ODER b) c", "(a OR b) c"),
        ("a (b c)", "a (b c)"),
        ("-a", "NOT a"),
        ("NICHT (a b)", "NOT (a b)"),
        ("-\"a b\" -(c)", "NOT \"a b\" NOT c"),
        ("Rech* „Müller und Söhne“", "Rech* \"Müller und Söhne\""),
        ("\"a b\"~5 \"rechnung jan\"*", "\"a b\"~5 \"rechnung jan*\""),
        ("\"rechnung jan*\"", "\"rechnung jan*\""),
        ("a NEAR/5 b", "a NEAR/5 b"),
        ("a NEAR b", "a NEAR/10 b"),
        ("a NEAR/2 b NEAR/3 c", "a NEAR/2 b b NEAR/3 c"),
        ("NOT a NEAR/2 b", "NOT (a NEAR/2 b)"),
        ("from:anna", "from:anna"),
        ("von: anna", "from:anna"),
        ("FROM:\"Müller, Dieter\"", "from:\"Müller, Dieter\""),
        ("to:@example.de", "to:@example.de"),
        ("betreff:(a OR b)", "subject:a OR subject:b"),
        ("has:attachment hat:Anhang", "has:attachment has:attachment"),
        ("larger:10M größer:1,5MB smaller:500k", "larger:10M larger:1536K smaller:500K"),
        ("before:2024 after:2024-3 on:1.3.2024", "before:2024 after:2024-03 on:2024-03-01"),
        ("am:heute seit:7t vor:3.2024", "on:today after:7d before:2024-03"),
        ("id:<A@b.c> source:SMTP kind:kalender", "id:\"A@b.c\" source:\"smtp\" kind:calendar"),
        ("http://example.de/x", "http://example.de/x"),
        ("Müller & Söhne", "Müller Söhne"),
        ("and or not und", "and or not und"),
        ("from:AND", "from:AND"),
        ("&", "*"),
    ] {
        check(input, printed);
    }
}

#[test]
fn an_error_says_where_it_is() {
    use ErrorCode::*;
    for (input, code, start, end) in [
        ("a \"b", UnclosedQuote, 2, 4),
        ("(a", UnclosedParenthesis, 0, 1),
        ("a )", UnexpectedParenthesis, 2, 3),
        (")", UnexpectedParenthesis, 0, 1),
        ("()", MissingOperand, 1, 2),
        ("a OR", MissingOperand, 4, 4),
        ("AND a", MissingOperand, 0, 3),
        ("a AND OR b", MissingOperand, 6, 8),
        ("NOT", MissingOperand, 3, 3),
        ("from:", EmptyValue, 0, 5),
        ("from:\"\"", EmptyValue, 0, 7),
        ("\"--\"", EmptyValue, 0, 4),
        ("before:gestern1", BadDate, 7, 15),
        ("on:30.2.2024", BadDate, 3, 12),
        ("larger:big", BadSize, 7, 10),
        ("has:fun", BadValue, 4, 7),
        ("kind:fax", BadKind, 5, 8),
        ("re*ch", WildcardInside, 0, 5),
        ("r*", PrefixTooShort, 0, 2),
        ("a NEAR/x b", BadDistance, 2, 8),
        ("a NEAR/5 from:b", NearOperand, 9, 15),
        ("a NEAR/5 (b c)", NearOperand, 9, 14),
        ("\"a b\"~999", BadDistance, 5, 9),
        ("a NEAR/5", MissingOperand, 8, 8),
    ] {
        fails(input, code, start, end);
    }
}

#[test]
fn what_goes_beyond_a_limit_is_an_error() {
    let code = |input: &str| parse(input).map(|_| ()).map_err(|error| error.code);
    assert_eq!(code(&"ä".repeat(LENGTH_MAX)), Ok(()));
    assert_eq!(code(&"ä".repeat(LENGTH_MAX + 1)), Err(ErrorCode::TooLong));
    assert_eq!(code(&"ab ".repeat(TERMS_MAX)), Ok(()));
    assert_eq!(code(&"ab ".repeat(TERMS_MAX + 1)), Err(ErrorCode::TooManyTerms));
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(code(&nested(DEPTH_MAX)), Ok(()));
    assert_eq!(code(&nested(DEPTH_MAX + 1)), Err(ErrorCode::TooDeep));
    assert_eq!(code(&"NOT ".repeat(1000)), Err(ErrorCode::TooDeep));
}

#[test]
fn notes_say_what_was_passed_over() {
    let codes = |input: &str| -> Vec<NoteCode> {
        parse(input).expect("parses").notes.iter().map(|note| note.code).collect()
    };
    assert_eq!(codes("form:anna"), [NoteCode::UnknownOperator]);
    assert_eq!(codes("a & b"), [NoteCode::IgnoredSigns]);
    assert!(codes("http://x.de 10:30 Re: from:anna").is_empty());
}

#[test]
fn dates_mean_days_where_the_reader_is() {
    let now: model::Timestamp = "2024-03-31T22:30:00Z".parse().expect("a moment");
    let berlin = Calendar::in_zone(now, "Europe/Berlin");
    let period = |calendar: &Calendar, text: &str| {
        let (from, until) = calendar.period(DateSpec::parse(text).expect(text));
        format!("{from} {until}")
    };
    if berlin.zone != jiff::tz::TimeZone::UTC {
        assert_eq!(period(&berlin, "today"), "2024-03-31T22:00:00Z 2024-04-01T22:00:00Z");
        assert_eq!(period(&berlin, "31.3.2024"), "2024-03-30T23:00:00Z 2024-03-31T22:00:00Z");
    }
    let utc = Calendar::utc(now);
    for (text, expected) in [
        ("today", "2024-03-31T00:00:00Z 2024-04-01T00:00:00Z"),
        ("1m", "2024-02-29T00:00:00Z 2024-03-01T00:00:00Z"),
        ("2w", "2024-03-17T00:00:00Z 2024-03-18T00:00:00Z"),
        ("2023", "2023-01-01T00:00:00Z 2024-01-01T00:00:00Z"),
        ("2023/12", "2023-12-01T00:00:00Z 2024-01-01T00:00:00Z"),
    ] {
        assert_eq!(period(&utc, text), expected, "{text}");
    }
    for text in ["9999d", "9999y", "9999", "0000", "0000-01-01", "9999-12-31"] {
        let (from, until) = utc.period(DateSpec::parse(text).expect(text));
        assert!(from <= until, "{text}");
    }
    for text in ["", "20", "2024-13", "32.1.2024", "2024-1-1-1", "d", "1..2024", "99999d", "١٢٣٤"]
    {
        assert_eq!(DateSpec::parse(text), None, "{text}");
    }
}

#[test]
fn completion_offers_operators_values_and_connectives() {
    let offered = |input: &str| -> Vec<String> {
        suggest(input, input.len()).into_iter().map(|completion| completion.insert).collect()
    };
    assert_eq!(offered("a fr"), ["from:"]);
    assert_eq!(offered("-be"), ["before:", "subject:", "with:"]);
    assert_eq!(offered("kind:"), ["calendar", "encrypted", "mail", "report"]);
    assert_eq!(offered("hat:att"), ["attachment"]);
    assert_eq!(offered("a N"), ["NOT ", "NEAR/5 ", "after:"]);
    assert_eq!(offered("\"fr"), Vec::<String>::new());
    assert!(!offered("").is_empty());
    let replaced = suggest("a -fr", 5);
    assert_eq!(replaced[0].replace, Span { start: 3, end: 5 });
    let address = address_at("x von:ann", 9).expect("an address");
    assert_eq!((address.replace, address.text.as_str()), (Span { start: 6, end: 9 }, "ann"));
    assert_eq!(address_at("subject:ann", 11), None);
}

#[test]
fn spans_are_told_in_utf16_too() {
    let input = "ä😀 \"x";
    let error = parse(input).expect_err("not closed");
    assert_eq!(error.span.to_utf16(input), Span { start: 4, end: 6 });
    assert_eq!(Span::byte_of_utf16(input, 4), error.span.start);
}

fn snippet() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a",
        "Rechnung",
        "rech*",
        "\"",
        "(",
        ")",
        " ",
        " ",
        "-",
        "NOT ",
        " OR ",
        " AND ",
        "from:",
        "subject:",
        "to:(",
        "\"a b\"~3",
        " NEAR/2 ",
        "NEAR",
        "before:",
        "2024",
        "1.3.2024",
        "7d",
        "larger:",
        "10M",
        "*",
        "&",
        "@x.de",
        "a@x.de",
        "id:",
        "<",
        ">",
        "kind:mail",
        "東京",
        "ü",
        "„",
        "“",
        "~5",
        "source:",
        ":",
        "has:attachment",
        "\\",
        "\u{308}",
        "/",
    ]);
    prop::collection::vec(parts, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_or_fails_in_place_and_prints_stably(input in prop_oneof![snippet(), ".{0,60}"]) {
        if let Err(error) = parse(&input) {
            prop_assert!(error.span.start <= error.span.end && error.span.end <= input.len());
            prop_assert!(input.get(error.span.start..error.span.end).is_some());
        }
        crate::fuzz::query(input.as_bytes());
        for caret in 0..=input.len() {
            suggest(&input, caret);
        }
    }
}
