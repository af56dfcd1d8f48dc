use crate::query::Field;
use crate::{Piece, SNIPPET_CHARS, highlighter, parse};

fn shown(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| if piece.hit { format!("[{}]", piece.text) } else { piece.text.clone() })
        .collect()
}

fn check(query: &str, text: &str, expected: &str) {
    let marked = highlighter(&parse(query).expect(query)).mark(text);
    assert_eq!(shown(&marked), expected, "{query}");
    assert_eq!(marked.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
}

#[test]
fn words_are_marked_in_every_form_that_they_are_found_by() {
    check("vertrag", "Die Verträge und der VERTRAG", "Die [Verträge] und der [VERTRAG]");
    check("mueller", "Herr Müller", "Herr [Müller]");
    check("\"vertrag\"", "Verträge, Vertrag", "Verträge, [Vertrag]");
    check("rech*", "Rechnung, Recht, echt", "[Rechnung], [Recht], echt");
    check("\"b c\"", "a b c b a c", "a [b c] b a c");
    check("4711-2", "Nr. 4711-2/4711", "Nr. [4711-2]/4711");
    check("a NEAR/1 c", "a b c d c", "[a] b [c] d c");
    check("\"c a\"~1", "a b c", "[a] b [c]");
    check("anna@x.de", "an anna@x.de!", "an [anna@x.de]!");
    check("@x.de", "an anna@x.de!", "an anna[@x.de]!");
    check("東京", "東京都", "[東京]都");
    check("a NOT b", "a b", "[a] b");
    check("\"jahres ab*\"", "Jahres Abschluss", "[Jahres Abschluss]");
    check("has:attachment", "attachment", "attachment");
    check("", "", "");
}

#[test]
fn what_was_asked_of_one_field_is_marked_there_only() {
    let highlighter = highlighter(&parse("from:anna subject:bericht zahl").expect("parses"));
    assert_eq!(
        shown(&highlighter.mark_in(Field::Subject, "anna bericht zahl")),
        "anna [bericht] [zahl]"
    );
    assert_eq!(
        shown(&highlighter.mark_in(Field::From, "anna bericht zahl")),
        "[anna] bericht [zahl]"
    );
}

#[test]
fn a_snippet_surrounds_the_best_place() {
    let noise = "füllwort ".repeat(100);
    let text = format!("alpha {noise}\n\n  alpha   beta {noise}");
    let found = highlighter(&parse("alpha beta").expect("parses")).snippet(&text);
    let text = shown(&found);
    assert!(text.contains("[alpha] [beta]"), "{text}");
    assert!(text.starts_with("… ") && text.ends_with(" …"), "{text}");
    let length: usize = found.iter().map(|piece| piece.text.chars().count()).sum();
    assert!(length <= SNIPPET_CHARS + 4, "{length}");
    let none = highlighter(&parse("gamma").expect("parses")).snippet("kurzer  Text");
    assert_eq!(shown(&none), "kurzer Text");
}
