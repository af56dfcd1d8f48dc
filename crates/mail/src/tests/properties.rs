use std::sync::LazyLock;

use proptest::prelude::*;

use super::{corpus, examine, fixtures};

/// Samples to mutate: written for this project, each a different shape.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let entries = std::fs::read_dir(fixtures().join("journal")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mails = paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
    mails.map(|path| std::fs::read(path).unwrap()).filter(|mail| mail.len() < 20_000).collect()
});

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..6u8, any::<u8>(), 0..40usize);
    (any::<prop::sample::Index>(), prop::collection::vec(change, 1..12)).prop_map(
        |(sample, changes)| {
            let mut mail = SAMPLES[sample.index(SAMPLES.len())].clone();
            for (place, kind, byte, length) in changes {
                if mail.is_empty() {
                    break;
                }
                let at = place.index(mail.len());
                let end = (at + length).min(mail.len());
                match kind {
                    0 => mail[at] = byte,
                    1 => drop(mail.drain(at..end)),
                    2 => mail.insert(at, byte),
                    3 => mail.truncate(at),
                    4 => {
                        let piece = mail[at..end].to_vec();
                        mail.splice(at..at, piece);
                    }
                    _ => mail[at..end].fill(b'\n'),
                }
            }
            mail
        },
    )
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"--",
        b"--b",
        b"--b--",
        b"Content-Type: ",
        b"multipart/mixed; boundary=b",
        b"message/rfc822",
        b"text/html",
        b"Content-Transfer-Encoding: base64",
        b"quoted-printable",
        b"=?utf-8?B?",
        b"?=",
        b"=?iso-2022-jp?Q?",
        b"=C3",
        b"\x1b$B",
        b"<",
        b">",
        b"\"",
        b"(",
        b"&#x",
        b"To: ",
        b"Date: ",
        b"filename*0*=utf-8''%",
        b"begin 644 x\n",
        b"X-MS-Journal-Report:\n",
        b"\xff\xfe",
        b"\xf0\x9f",
        b"Subject: ",
        b"-",
        b" ",
    ];
    prop_oneof![
        3 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn field() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z-]{0,12}: [ -~]{0,60}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutation_of_a_sample_brings_the_reader_down(mail in mutated()) {
        corpus::check(&mail, "mutated");
    }

    #[test]
    fn no_heap_of_mime_fragments_brings_the_reader_down(tokens in prop::collection::vec(token(), 0..60)) {
        corpus::check(&tokens.concat(), "fragments");
    }

    #[test]
    fn no_tnef_rtf_or_signature_brings_the_reader_down(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let tnef = [&[0x78, 0x9f, 0x3e, 0x22, 0, 0, 1, 3, 0x90, 0, 0, 200, 0, 0, 0][..], &octets].concat();
        let _ = crate::tnef::read(&tnef);
        let _ = crate::tnef::rtf_to_text(&octets);
        let _ = crate::cms::signed_content(&octets);
    }

    #[test]
    fn the_inner_mail_of_a_generated_report_is_exact(
        header in prop::collection::vec(field(), 1..20),
        body in prop::collection::vec(any::<u8>(), 0..400),
        bare in any::<bool>(),
        recipients in prop::collection::vec("[a-z]{1,8}@[a-z]{1,8}\\.example", 0..30),
    ) {
        let end = if bare { "\n" } else { "\r\n" };
        let inner = [format!("Subject: first{end}{}{end}{end}", header.join(end)).into_bytes(), body].concat();
        let lines: Vec<String> = recipients.iter().map(|to| format!("Recipient: {to}")).collect();
        let boundary = "_0f6e3a52-9b1c-4c4e-8d7e-5a1d2c3b4a59_";
        let head = [
            "X-MS-Journal-Report:", &format!("Content-Type: multipart/mixed; boundary=\"{boundary}\""), "",
            &format!("--{boundary}"), "Content-Type: text/plain; charset=us-ascii", "", "Sender: s@x.example",
            &lines.join(end), "", &format!("--{boundary}"), "Content-Type: message/rfc822", "", "",
        ].join(end);
        let octets = [head.as_bytes(), &inner, format!("{end}--{boundary}--{end}").as_bytes()].concat();
        let examined = examine(&octets);
        prop_assert_eq!(examined.mail(&octets), &inner[..]);
        let found: Vec<&str> = examined.report.as_ref().unwrap().recipients.iter().map(|r| r.address.as_str()).collect();
        prop_assert_eq!(found, recipients);
    }

    #[test]
    fn base64_of_any_length_is_decoded_and_measured(octets in prop::collection::vec(any::<u8>(), 0..200), width in 1..80usize) {
        use crate::transfer::{Encoding, decode, decoded_length};
        let mut text = Vec::new();
        crate::encoded::encode_base64(&mut text, &octets);
        let folded = text.chunks(width).map(<[u8]>::to_vec).collect::<Vec<_>>().join(&b"\r\n"[..]);
        prop_assert_eq!(decode(Encoding::Base64, &folded).into_owned(), octets.clone());
        prop_assert_eq!(decoded_length(Encoding::Base64, &folded), octets.len() as u64);
    }
}
