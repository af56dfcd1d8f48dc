use super::*;

fn tokens(text: &str) -> Vec<(String, u32, Kind)> {
    let mut tokens = Vec::new();
    analyze(text, &mut |token| {
        assert!(token.start < token.end, "{text:?}");
        assert!(text.get(token.start..token.end).is_some(), "{text:?}");
        tokens.push((token.text.to_owned(), token.position, token.kind));
    });
    tokens
}

fn check(text: &str, expected: &[(&str, u32, Kind)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(term, position, kind)| ((*term).to_owned(), *position, *kind))
        .collect();
    assert_eq!(tokens(text), expected, "{text:?}");
}

fn one(text: &str) -> String {
    let tokens = tokens(text);
    assert_eq!(tokens.len(), 1, "{text:?} is {tokens:?}");
    tokens[0].0.clone()
}

#[test]
fn umlauts_their_spellings_and_their_bare_letters_are_one() {
    for words in [
        ["Müller", "Mueller", "MULLER", "Mu\u{308}ller"],
        ["Straße", "Strasse", "STRASSE", "STRAẞE"],
        ["Köln", "Koeln", "koln", "KÖLN"],
        ["Verträge", "Vertraege", "vertrage", "VERTRÄGE"],
        ["Müesli", "Mueesli", "musli", "muesli"],
        ["façade", "facade", "FAÇADE", "fac\u{327}ade"],
        ["Ｆｕｌｌ", "full", "FULL", "fu\u{ad}ll"],
    ] {
        for word in words {
            assert_eq!(one(word), one(words[0]), "{word}");
        }
    }
}

#[test]
fn signs_part_words_and_keep_their_order() {
    use Kind::Word as W;
    check("4711-2 foo_bar", &[("4711", 0, W), ("2", 1, W), ("foo", 2, W), ("bar", 3, W)]);
    check("…—!", &[]);
    check("", &[]);
}

#[test]
fn an_address_is_found_whole_by_domain_and_by_parts() {
    use Kind::{Address, Domain, Word as W};
    check(
        "an <D.Mueller@Example.de>,",
        &[
            ("an", 0, W),
            ("d.mueller@example.de", 1, Address),
            ("d", 1, W),
            ("muller", 2, W),
            ("@example.de", 3, Domain),
            ("example", 3, W),
            ("de", 4, W),
        ],
    );
    assert_eq!(whole_address("D.Mueller@Example.de").as_deref(), Some("d.mueller@example.de"));
    assert_eq!(whole_address("<a@b.de>").as_deref(), Some("a@b.de"));
    assert_eq!(whole_address("a@b.de c@d.de"), None);
    assert_eq!(whole_address("hello a@b.de"), None);
    assert_eq!(whole_address("@b.de"), None);
    assert_eq!(address_prefix("Anna@ex").as_deref(), Some("anna@ex"));
    assert_eq!(address_prefix("@ex").as_deref(), Some("@ex"));
    assert_eq!(address_prefix("@"), None);
    assert_eq!(address_prefix("x y@z"), None);
}

#[test]
fn scripts_without_spaces_become_pairs() {
    use Kind::{Pair, Single, Word as W};
    check("東京都 ok", &[("東京", 0, Pair), ("京都", 1, Pair), ("都", 2, Single), ("ok", 3, W)]);
    check("東x", &[("東", 0, Single), ("x", 1, W)]);
    assert_eq!(
        asked("東京都").iter().map(|word| word.text.as_str()).collect::<Vec<_>>(),
        ["東京", "京都"]
    );
    assert_eq!(asked("東").len(), 1);
}

#[test]
fn a_very_long_word_is_cut_into_pieces_and_not_shortened() {
    let word = "ß".repeat(WORD_BYTES_MAX);
    let pieces = tokens(&word);
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces.iter().map(|(piece, ..)| piece.len()).sum::<usize>(), word.len());
    assert_eq!(asked(&word).len(), 2);
}

#[test]
fn german_and_english_forms_meet_in_a_stem() {
    let of = |word: &str| {
        let word = &asked(word)[0];
        stems(&word.folded, &word.text, Stems::clone)
    };
    for (a, b) in [
        ("Vertrag", "Verträge"),
        ("Haus", "Häuser"),
        ("Rechnung", "Rechnungen"),
        ("kündigen", "Kuendigen"),
        ("issue", "issues"),
        ("contract", "contracts"),
        ("value", "values"),
        ("party", "parties"),
        ("running", "run"),
    ] {
        assert!(of(a).meets(&of(b)), "{a} {:?} {b} {:?}", of(a), of(b));
    }
    assert!(!of("Vertrag").meets(&of("Auftrag")));
}

#[test]
fn terms_never_hold_a_space() {
    for c in ['\u{fdfa}', '½', '㎏', '\u{1f250}', 'ﬁ', 'İ', '\u{149}'] {
        for (term, ..) in tokens(&format!("a{c}b")) {
            assert!(term.chars().all(char::is_alphanumeric), "{c:?} {term:?}");
        }
    }
}

#[test]
fn a_text_full_of_at_signs_takes_linear_time() {
    let text = "a@".repeat(200_000);
    assert!(tokens(&text).len() >= 200_000);
}
