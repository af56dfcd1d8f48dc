use proptest::prelude::*;

use crate::files::{MboxReader, Quoting, Reason, WalkSettings};

const FROM: &str = "From anna@example.org Tue Jan  7 08:15:02 2025\n";

fn read_with(settings: &WalkSettings, file: &[u8]) -> Vec<Result<Vec<u8>, Reason>> {
    let mut reader = MboxReader::new(file, settings);
    let mut mails = Vec::new();
    while let Some(mail) = reader.next_mail() {
        mails.push(mail.map(|mail| mail.octets));
    }
    assert_eq!(reader.consumed_bytes(), file.len() as u64);
    mails
}

fn read(quoting: Quoting, file: &str) -> Vec<String> {
    let settings = WalkSettings { quoting, ..WalkSettings::default() };
    let mails = read_with(&settings, file.as_bytes());
    mails.into_iter().map(|mail| String::from_utf8(mail.unwrap()).unwrap()).collect()
}

fn check(file: &str, expected: &[&str]) {
    assert_eq!(read(Quoting::Auto, file), expected, "{file}");
}

#[test]
fn mails_are_what_stands_between_from_lines() {
    check("", &[]);
    check("\n\n", &[]);
    check(
        &format!("{FROM}Subject: a\n\none\n\n{FROM}Subject: b\n\ntwo\n\n"),
        &["Subject: a\n\none\n", "Subject: b\n\ntwo\n"],
    );
    check(&format!("{FROM}Subject: a\n\none"), &["Subject: a\n\none"]);
    check(
        &format!("{FROM}Subject: a\n\none\n\n\n\n{FROM}Subject: b\n\n"),
        &["Subject: a\n\none\n\n\n", "Subject: b\n"],
    );
    check(
        &format!("{FROM}\nno header\n\n{FROM}Subject: b\n\n\n"),
        &["\nno header\n", "Subject: b\n\n"],
    );
    check(FROM, &[""]);
}

#[test]
fn a_mail_whose_last_line_ends_only_once_is_divided_from_the_next() {
    check(&format!("{FROM}A: 1\n\none\n{FROM}B: 2\n\ntwo\n"), &["A: 1\n\none\n", "B: 2\n\ntwo\n"]);
    let file = "\u{feff}From -\nA: 1\n\none\nFrom - \nB: 2\n\nFrom far away\nC: no\n";
    check(file, &["A: 1\n\none\n", "B: 2\n\nFrom far away\nC: no\n"]);
}

#[test]
fn line_ends_are_kept() {
    let from = FROM.replace('\n', "\r\n");
    check(
        &format!("{from}Subject: a\r\n\r\none\r\n\r\n{from}Subject: b\r\n\r\ntwo\r\n\r\n"),
        &["Subject: a\r\n\r\none\r\n", "Subject: b\r\n\r\ntwo\r\n"],
    );
}

#[test]
fn from_in_a_text_divides_nothing() {
    for line in [
        "From here on it is easy\n",
        "From Tue to Wed in Jan 2025 at 10:00 we rest\n",
        "From anna Tue Jan  7 08:15:02 2025 and so on and on\n",
        "From anna Tue Jan  7 2025\n",
        "From anna Jan  7 08:15:02 2025\n",
    ] {
        let mail = format!("Subject: a\n\none\n\n{line}Name: x\n");
        check(&format!("{FROM}{mail}"), &[&mail]);
    }
    // A date, but no header behind it.
    for middle in [format!("text\n{FROM}\nName: x\n"), format!("text\n\n{FROM}no field\n")] {
        let mail = format!("Subject: a\n\n{middle}");
        check(&format!("{FROM}{mail}"), &[&mail]);
    }
}

#[test]
fn from_lines_of_many_writers_are_known() {
    for line in [
        "From - Tue Jan  7 08:15:02 2025",
        "From MAILER-DAEMON Tue Jan  7 08:15 2025",
        "From 1234@xxx Tue Jan 07 08:15:02 +0000 2025",
        "From a@b Tue Jan  7 08:15:02 CET 2025",
        "From a@b Tue Jan  7 08:15:02 2025 +0100 (CET)",
        "From a@b  Tue, 7 Jan 2025 08:15:02 +0100",
        "From \"a b\"@c.example Tue Jan  7 08:15:02 2025",
        "From Tue Jan  7 08:15:02 2025",
        "From ???@??? Tue Jan 07 08:15:02 1997",
    ] {
        check(
            &format!("{line}\nA: 1\n\nx\n\n{line}\nB: 2\n\ny\n"),
            &["A: 1\n\nx\n", "B: 2\n\ny\n"],
        );
    }
}

#[test]
fn a_file_without_dates_is_divided_by_bare_from_lines() {
    for line in ["From - ", "From 1844347792267117879@xxx", "From "] {
        check(
            &format!("{line}\nA: 1\n\nx\n\nFrom here on\nB: y\n\n{line}\nB: 2\n\ny\n"),
            &["A: 1\n\nx\n\nFrom here on\nB: y\n", "B: 2\n\ny\n"],
        );
    }
}

#[test]
fn quoting_is_undone_as_its_variant_did_it() {
    let body = ">From a\n>>From b\n> From c\nx >From d\n>>>From e\n";
    let file = format!("{FROM}Subject: a\n\n{body}");
    for (quoting, expected) in [
        (Quoting::None, body),
        (Quoting::Once, "From a\n>>From b\n> From c\nx >From d\n>>>From e\n"),
        (Quoting::Every, "From a\n>From b\n> From c\nx >From d\n>>From e\n"),
        (Quoting::Auto, "From a\n>From b\n> From c\nx >From d\n>>From e\n"),
    ] {
        assert_eq!(read(quoting, &file), [format!("Subject: a\n\n{expected}")], "{quoting:?}");
    }
    // A header is never quoted.
    check(&format!("{FROM}>From remote\nSubject: a\n\nx\n"), &[">From remote\nSubject: a\n\nx\n"]);
}

/// One mail with its Content-Length, as mboxcl and mboxcl2 write it.
fn with_length(body: &str, claimed: usize) -> String {
    format!("{FROM}Subject: a\nContent-Length: {claimed}\n\n{body}\n")
}

#[test]
fn a_content_length_that_leads_to_the_next_mail_is_believed() {
    let body = format!("one\n\n{FROM}Subject: forwarded as it is\n\n>From two\n");
    let file = format!("{}{}", with_length(&body, body.len()), with_length("x\n", 2));
    check(
        &file,
        &[
            &format!("Subject: a\nContent-Length: {}\n\n{body}", body.len()),
            "Subject: a\nContent-Length: 2\n\nx\n",
        ],
    );
    // Without a bare From line in any body it is mboxcl, which quotes.
    check(
        &with_length(">From a\n>>From b\n", 17),
        &["Subject: a\nContent-Length: 17\n\nFrom a\n>>From b\n"],
    );
    // No line end at the end.
    check(
        &format!("{}{FROM}B: 2\n\n", with_length("x", 1)),
        &["Subject: a\nContent-Length: 1\n\nx", "B: 2\n"],
    );
}

#[test]
fn a_content_length_that_leads_elsewhere_is_not_believed() {
    for claimed in [0, 1, 3, 6, 100, 1_000_000_000_000] {
        let file = format!("{}{FROM}B: 2\n\ny\n", with_length("one\n", claimed));
        let first = format!("Subject: a\nContent-Length: {claimed}\n\none\n");
        check(&file, &[&first, "B: 2\n\ny\n"]);
    }
}

#[test]
fn a_mail_above_the_limit_is_reported_and_the_next_is_read() {
    let settings = WalkSettings { mail_bytes_max: 100_000, ..WalkSettings::default() };
    for size in [100_000, 1_000_000, 20_000_000] {
        let long = "long line\n".repeat(size / 10);
        let file = format!("{FROM}A: 1\n\n{long}\n{FROM}B: 2\n\ntwo\n\n{FROM}C: 3\n\n{long}");
        let mails = read_with(&settings, file.as_bytes());
        assert_eq!(mails.len(), 3);
        assert!(matches!(mails[0], Err(Reason::TooLarge { limit_bytes: 100_000 })));
        assert_eq!(mails[1].as_deref().unwrap(), b"B: 2\n\ntwo\n");
        assert!(matches!(mails[2], Err(Reason::TooLarge { .. })));
    }
}

proptest! {
    #[test]
    fn what_mboxrd_wrote_is_read_as_it_was(
        mails in proptest::collection::vec(
            proptest::collection::vec(
                proptest::sample::select(vec![
                    "From x\n", ">From y\n", "\n", "text\n", FROM, ">>From z\n", "A: b\n", "\r\n",
                ]),
                0..12,
            ),
            1..8,
        ),
    ) {
        let mails: Vec<String> =
            mails.iter().map(|lines| format!("Subject: a\n\n{}", lines.concat())).collect();
        let mut file = String::new();
        for mail in &mails {
            file.push_str(FROM);
            for line in mail.split_inclusive('\n') {
                if line.trim_start_matches('>').starts_with("From ") {
                    file.push('>');
                }
                file.push_str(line);
            }
            file.push('\n');
        }
        prop_assert_eq!(read(Quoting::Auto, &file), mails);
    }

    #[test]
    fn no_file_panics_the_reader(parts in proptest::collection::vec(
        prop_oneof![
            Just(FROM.as_bytes().to_vec()),
            Just(b"\n".to_vec()),
            Just(b"Content-Length: 9\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..30),
        ],
        0..30,
    )) {
        crate::fuzz::mbox(&parts.concat());
    }
}
