use model::{MailKind, Mark};

use crate::{describe, display, html_to_text};

fn mail(header: &str, body: &str) -> Vec<u8> {
    format!("From: Anna <anna@a.example>\r\nSubject: s\r\n{header}\r\n\r\n{body}").into_bytes()
}

fn multipart(kind: &str, parts: &[&str]) -> Vec<u8> {
    let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
    mail(&format!("Content-Type: multipart/{kind}; boundary=b"), &format!("{parts}--b--\r\n"))
}

#[test]
fn html_becomes_words_that_are_neither_joined_nor_torn() {
    for (html, text) in [
        ("<p>Gr&ouml;&szlig;e&nbsp;5&euro;</p><p>zwei</p>", "Größe 5€\nzwei"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<b>Wo</b>rt <style>p{}</style><script>if (a<b) {}</script>x<br>y", "Wort x\ny"),
        ("a &lt;b&gt; &#8364; &#x41; &unknown; &amp c &#150;", "a <b> € A &unknown; & c –"),
        ("<img alt=\"Logo der Firma\" src='x>y'>Text<!-- no <b> -->!", "Logo der Firma Text!"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("Donau&shy;dampf&#8203;schiff", "Donaudampfschiff"),
        ("<a href=\"x\"title='>'>link</a> <unclosed", "link <unclosed"),
        ("mi<himum>ll<o:p></o:p>ion<? x >!", "million!"),
        ("<html><head><title>T</title></head><body>B</body></html>", "B"),
    ] {
        assert_eq!(html_to_text(html), text, "{html}");
    }
}

#[test]
fn an_alternative_adds_only_the_lines_that_the_plain_text_lacks() {
    let mail = multipart(
        "alternative",
        &[
            "Content-Type: text/plain\r\n\r\nHallo Welt\r\nzweite Zeile",
            "Content-Type: text/html\r\n\r\n<p>Hallo Welt</p><p>zweite Zeile</p><p>nur hier</p>",
        ],
    );
    assert_eq!(describe(&mail).text, "Hallo Welt\r\nzweite Zeile\nnur hier");
    let shown = display(&mail);
    assert_eq!(shown.text.as_deref(), Some("Hallo Welt\r\nzweite Zeile"));
    assert_eq!(shown.html.as_deref(), Some("<p>Hallo Welt</p><p>zweite Zeile</p><p>nur hier</p>"));
}

#[test]
fn pieces_of_a_mixed_mail_are_shown_in_their_order() {
    let mail = multipart(
        "mixed",
        &["\r\n1 < 2", "Content-Type: text/html\r\n\r\n<p>zwei</p>", "\r\ndrei"],
    );
    let shown = display(&mail);
    assert_eq!(shown.text.as_deref(), Some("1 < 2\nzwei\ndrei"));
    let html = "<pre style=\"white-space:pre-wrap\">1 &lt; 2</pre><p>zwei</p><pre style=\"white-space:pre-wrap\">drei</pre>";
    assert_eq!(shown.html.as_deref(), Some(html));
    assert_eq!(describe(&mail).text, "1 < 2\nzwei\ndrei");
}

#[test]
fn an_attached_mail_is_searched_with_its_subject_addresses_and_attachments() {
    let inner = "From: Inner <inner@x.example>\r\nTo: \"Zwei, Name\" <two@x.example>\r\nSubject: =?utf-8?q?Pr=C3=BCfung?=\r\n\
                 Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ninnen\r\n--c\r\nContent-Type: application/pdf; name=x.pdf\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n\r\n--c--\r\n";
    let mail = multipart(
        "mixed",
        &["\r\naussen", &format!("Content-Type: message/rfc822\r\n\r\n{inner}"), "\r\nschluss"],
    );
    let view = describe(&mail);
    for text in
        ["aussen", "Prüfung", "Zwei, Name two@x.example", "inner@x.example", "innen", "schluss"]
    {
        assert!(view.text.contains(text), "{text}: {}", view.text);
    }
    let names: Vec<&str> = view.attachments.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(names, ["Prüfung.eml", "x.pdf"]);
    assert_eq!(
        view.encoded_parts.iter().map(|range| &mail[range.clone()]).collect::<Vec<_>>(),
        [b"QUJD"]
    );
    let attached = crate::attachment(&mail, 0).unwrap();
    assert_eq!(
        attached.octets,
        inner
            .trim_end_matches("\r\n")
            .as_bytes()
            .to_vec()
            .into_iter()
            .chain(*b"\r\n")
            .collect::<Vec<_>>()
    );
    assert_eq!(crate::attachment(&mail, 1).unwrap().octets, b"ABC");
    assert_eq!(display(&mail).text.as_deref(), Some("aussen\nschluss"));
}

#[test]
fn an_encoded_attached_mail_is_read_and_one_that_only_claims_to_be_is_too() {
    for (encoding, body) in [
        ("base64", "U3ViamVjdDogdGllZg0KDQppbm5lcmVyIHRleHQ="),
        ("base64", "Subject: tief\r\n\r\ninnerer text"),
    ] {
        let part = format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        );
        let view = describe(&multipart("mixed", &["\r\naussen", &part]));
        assert!(view.text.contains("tief") && view.text.contains("innerer text"), "{}", view.text);
        assert_eq!(view.attachments[0].name, "tief.eml");
    }
}

#[test]
fn an_outer_boundary_ends_what_is_open_inside() {
    let mail = mail(
        "Content-Type: multipart/mixed; boundary=o",
        "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\neins\r\n--o\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nX\r\n--o--\r\nfooter of a list",
    );
    let view = describe(&mail);
    assert_eq!(view.text, "eins\nfooter of a list");
    assert_eq!(view.attachments[0].name, "a.pdf");
    assert_eq!(view.attachments[0].size_bytes, 1);
}

#[test]
fn kinds_are_told_apart() {
    let kind = |mail: &[u8]| describe(mail).summary.kind;
    assert_eq!(kind(&mail("", "x")), MailKind::Mail);
    let invitation = "BEGIN:VCALENDAR\r\nSUMMARY:Treffen\\, wichtig\r\nLOCATION:Raum\r\n  7\r\nATTENDEE;CN=\"Anna: B\":mailto:a@b.example\r\nEND:VCALENDAR";
    let calendar = mail("Content-Type: text/calendar; method=REQUEST", invitation);
    assert_eq!(kind(&calendar), MailKind::Calendar);
    assert_eq!(describe(&calendar).text, "Treffen, wichtig\nRaum 7\nAnna: B\na@b.example");
    assert_eq!(
        kind(&mail("Content-Type: multipart/encrypted; boundary=b", "--b\r\n\r\nx\r\n--b--")),
        MailKind::Encrypted
    );
    assert_eq!(kind(&mail("", "-----BEGIN PGP MESSAGE-----\r\n")), MailKind::Encrypted);
    assert_eq!(
        kind(&mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "x")),
        MailKind::Encrypted
    );
    assert_eq!(
        kind(&mail(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
            "--b\r\n\r\nx\r\n--b--"
        )),
        MailKind::Report
    );
    let attached = format!(
        "Content-Type: message/rfc822\r\n\r\nContent-Type: text/calendar\r\n\r\n{invitation}"
    );
    assert_eq!(kind(&multipart("mixed", &[&attached])), MailKind::Mail);
}

#[test]
fn an_opaque_signature_is_opened() {
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut octets = vec![tag, 0x82];
        octets.extend_from_slice(&(content.len() as u16).to_be_bytes());
        octets.extend_from_slice(content);
        octets
    }
    let inner = b"Content-Type: text/plain\r\n\r\nsigned words\r\n";
    let pieces =
        element(0x24, &[element(0x04, &inner[..20]), element(0x04, &inner[20..])].concat());
    let content = element(0x30, &[element(0x06, &[1]), element(0xa0, &pieces)].concat());
    let signed = element(0x30, &[element(0x02, &[1]), element(0x31, &[]), content].concat());
    let oid = element(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]);
    let info = element(0x30, &[oid, element(0xa0, &signed)].concat());
    let mut mail =
        mail("Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "");
    mail.extend_from_slice(&info);
    let view = describe(&mail);
    assert_eq!(view.text, "signed words");
    assert_eq!(view.attachments[0].name, "smime.p7m");
    assert_eq!(display(&mail).text.as_deref(), Some("signed words\r\n"));
}

#[test]
fn pictures_in_the_text_are_inline_and_linked_by_their_content_id() {
    let mail = multipart(
        "related",
        &[
            "Content-Type: text/html\r\n\r\n<img src=\"cid:logo@x\">",
            "Content-Type: image/png; name=l.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n\r\nPNG",
        ],
    );
    let shown = display(&mail);
    assert!(shown.attachments[0].attachment.inline);
    assert_eq!(shown.content_ids.get("logo@x"), Some(&0));
    assert_eq!(shown.summary.attachments, 0);
}

#[test]
fn names_that_leave_their_folder_or_deceive_are_made_safe() {
    for (name, safe) in [
        ("../../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.exe", "x.exe"),
        ("a\u{202e}txt.exe", "atxt.exe"),
        ("..", "attachment-1.bin"),
        ("a\0b\n?.txt", "ab_.txt"),
    ] {
        assert_eq!(crate::attachment::safe_name(name, "application/x", 0), safe);
    }
    let long =
        crate::attachment::safe_name(&format!("{}.pdf", "ä".repeat(500)), "application/pdf", 0);
    assert!(long.len() <= 200 && long.ends_with(".pdf"));
}

#[test]
fn characters_split_between_encoded_words_are_whole_in_subject_and_names() {
    let mail = b"From: =?utf-8?B?R3LD?= =?utf-8?B?tsOfZQ==?= <g@x.example>\nSubject: =?utf-8?Q?Gr=C3?=\n =?utf-8?Q?=B6=C3=9Fe?= am =?iso-8859-1?Q?M=E4rz?=\n\nx";
    let view = describe(mail);
    assert_eq!(view.summary.subject, "Größe am März");
    assert_eq!(view.from[0].name, "Größe");
}

#[test]
fn a_header_with_foreign_lines_in_it_goes_on_behind_them() {
    let mail = b"Received: a\njunk\nmore junk\n\x01\x02\nSubject: =?utf-8?B?w7w=?=\n=?utf-8?Q?_b:_c?=\nFrom: a@x.example\n\nbody";
    let view = describe(mail);
    assert_eq!(view.summary.subject, "ü b: c");
    assert_eq!(view.summary.from.unwrap().address.as_str(), "a@x.example");
    assert_eq!(view.text, "body");
    let view = describe(b"Subject: x\nDear all,\nthis has no empty line.\nNote: really\n\nend");
    assert_eq!(view.text, "Dear all,\nthis has no empty line.\nNote: really\n\nend");
}

#[test]
fn text_that_stands_where_no_reader_looks_is_found() {
    let mail = mail(
        "Content-Type: multipart/mixed; boundary=b",
        "This is a multi-part message in MIME format.\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n\
         vorwort\r\n--c\r\n\r\ntext\r\n--c--\r\nnachwort\r\n--b--\r\nschluss",
    );
    assert_eq!(describe(&mail).text, "vorwort\ntext\nnachwort\nschluss");
}

#[test]
fn what_follows_the_padding_of_base64_in_its_line_is_no_data() {
    let mail = mail(
        "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8",
        "ecO2dMOkIHZhYW4uCg== ignored\r\nZWluICA=\r\n",
    );
    assert_eq!(describe(&mail).text, "yötä vaan.\nein");
}

#[test]
fn japanese_words_are_joined_without_a_break() {
    let mail = b"Subject: =?iso-2022-jp?B?GyRCJSIbKEI=?=\n =?iso-2022-jp?B?GyRCJSQbKEI=?=\n\nx";
    assert_eq!(describe(mail).summary.subject, "アイ");
}

#[test]
fn raw_8bit_headers_are_read_by_the_charset_of_the_body() {
    let mail = b"Subject: \xd0\xd2\xc9\xd7\xc5\xd4\nContent-Type: text/plain; charset=koi8-r\n\n\xd0\xd2\xc9\xd7\xc5\xd4";
    let view = describe(mail);
    assert_eq!(view.summary.subject, "привет".to_uppercase().to_lowercase());
    assert_eq!(view.text, "привет");
}

#[test]
fn a_limit_is_marked_and_what_is_within_it_is_found() {
    let deep: String = (0..400).map(|_| "Content-Type: message/rfc822\r\n\r\n").collect();
    let view = describe(deep.as_bytes());
    assert_eq!(view.marks, [Mark::TooComplex]);
    let parts: String = (0..20_000).map(|number| format!("--b\r\n\r\nteil{number}\r\n")).collect();
    let view = describe(&mail("Content-Type: multipart/mixed; boundary=b", &parts));
    assert_eq!(view.marks, [Mark::TooComplex]);
    assert!(view.text.contains("teil9000"));
    let view = describe(&mail("", &"wort ".repeat(crate::TEXT_BYTES_MAX / 4)));
    assert_eq!(view.marks, [Mark::TooComplex]);
    assert!(view.text.len() <= crate::TEXT_BYTES_MAX);
}

#[test]
fn what_is_no_mail_is_marked_and_still_described() {
    for octets in
        [&b""[..], b"\n", b"\x00\x01\x02", b"Hello, no header here\nat all\n", &[0xff; 3000]]
    {
        assert_eq!(describe(octets).marks, [Mark::NotAMail], "{octets:?}");
        assert!(super::examine(octets).marks.contains(&Mark::NotAMail));
    }
    assert_eq!(describe(b"Subject: x").summary.subject, "x");
}

#[test]
fn a_huge_nested_or_hostile_mail_takes_linear_time() {
    let deep = "Content-Type: message/rfc822\n\n".repeat(200_000);
    let words = format!("Subject: {}\n\n", "=?utf-8?Q?a ".repeat(300_000));
    let dashes = mail("Content-Type: multipart/mixed; boundary=x", &"\n--".repeat(1_000_000));
    let quotes = mail("Content-Type: text/html", &"<a x=\"".repeat(500_000));
    let addresses = format!("To: {}\n\n", "(((<\"a@b.example,".repeat(200_000));
    let styles = mail("Content-Type: text/html", &"<style></styl".repeat(300_000));
    let entities = mail("Content-Type: text/html", &"&a".repeat(1_000_000));
    let begins = mail("", &"begin 644 x\n".repeat(300_000));
    let names = format!("To: {}\n\n", "=?utf-8?Q?a ".repeat(200_000));
    let answers = format!(
        "References: {}\n{}\n",
        "<a@b>".repeat(100_000),
        "In-Reply-To: <c@d>\n".repeat(50_000)
    );
    let alternatives: String = (0..9_000)
        .map(|n| format!("--b\nContent-Type: text/html\n\n<p>w{n} {}</p>\n", "x".repeat(900)))
        .collect();
    let alternatives = mail("Content-Type: multipart/alternative; boundary=b", &alternatives);
    let parameters = format!("Content-Type: text/plain{}\n\n", "; name*1*=%41".repeat(200_000));
    for octets in [names.as_bytes(), answers.as_bytes(), &alternatives, parameters.as_bytes()] {
        super::corpus::check(octets, "hostile");
    }
    for octets in [
        deep.as_bytes(),
        words.as_bytes(),
        &dashes,
        &quotes,
        addresses.as_bytes(),
        &styles,
        &entities,
        &begins,
    ] {
        super::corpus::check(octets, "hostile");
    }
}
