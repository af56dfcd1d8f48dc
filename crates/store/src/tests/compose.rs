//! Octets go into bundles and come out as they were.
#![allow(clippy::single_range_in_vec_init, clippy::reversed_empty_ranges)]

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// Parts and mails in memory.
#[derive(Default)]
pub(super) struct Parts(pub HashMap<ContentId, Vec<u8>>);

impl PartSource for Parts {
    fn part(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        self.0.get(&content).cloned().map(Arc::new).ok_or(StoreError::PartMissing(content))
    }

    fn record_mail(&self, content: ContentId) -> Result<Arc<Vec<u8>>> {
        self.part(content)
    }
}

fn lines(text: &str, line: usize, end: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(line).map(|l| std::str::from_utf8(l).unwrap()).collect();
    lines.join(end)
}

fn given<'a>(octets: &'a [u8], encoded_parts: &'a [Range<usize>]) -> Octets<'a> {
    Octets { octets, content: ContentId::of(octets), encoded_parts }
}

/// Composes, reassembles and compares; returns the parts and the bundle.
fn check(octets: &[u8], ranges: &[Range<usize>]) -> Composed {
    let composed = compose_record(b"{}", given(octets, ranges), None, None);
    let parts =
        Parts(composed.parts.iter().map(|part| (part.content, part.octets.clone())).collect());
    for part in &composed.parts {
        assert_eq!(part.content, ContentId::of(&part.octets));
    }
    let bundle = Bundle::parse(&composed.bundle).unwrap();
    assert_eq!(bundle.facts(), b"{}");
    let mut referred: Vec<ContentId> = composed.parts.iter().map(|part| part.content).collect();
    referred.sort();
    assert_eq!(bundle.parts(), referred);
    let again = bundle.reassemble(SectionKind::Mail, &parts).unwrap().unwrap();
    assert!(again == octets, "the octets differ");
    assert_eq!(bundle.reassemble(SectionKind::Report, &parts).unwrap(), None);
    composed
}

fn attachment(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn a_base64_body_of_any_regular_layout_becomes_a_part() {
    for length in [900, 901, 902, 57 * 40, 200_000] {
        let decoded = attachment(length);
        for (line, end) in [
            (76, "\r\n"),
            (76, "\n"),
            (72, "\r\n"),
            (60, "\n"),
            (75, "\r\n"),
            (998, "\r\n"),
            (usize::MAX, ""),
        ] {
            for tail in ["", "\r\n", "\n\n", " \r\n\r\n"] {
                let body = lines(&STANDARD.encode(&decoded), line, end);
                let mail = format!("A: b\r\n\r\n{body}{tail}--x--\r\n");
                let range = 8..8 + body.len() + tail.len();
                let composed = check(mail.as_bytes(), &[range]);
                assert_eq!(composed.parts.len(), 1, "{length} {line} {end:?} {tail:?}");
                assert_eq!(composed.parts[0].octets, decoded);
                assert!(composed.bundle.len() < 250);
            }
        }
    }
}

#[test]
fn a_base64_body_that_would_come_out_differently_stays_as_it_is() {
    let good = lines(&STANDARD.encode(attachment(3001)), 76, "\r\n");
    let unpadded = good.trim_end_matches('=').to_owned();
    let mixed = good.replacen("\r\n", "\n", 3);
    let mixed_late = {
        let at = good.rfind("\r\n").unwrap();
        format!("{}\n{}", &good[..at], &good[at + 2..])
    };
    let short_line = {
        let mut text = good.clone();
        text.insert_str(100, "\r\n");
        text
    };
    let blank = good.replacen("\r\n", "\r\n\r\n", 2);
    let spaces = good.replacen("\r\n", " \r\n", 1);
    let stray_bits = format!("{}B==", &STANDARD.encode(attachment(3001))[..4000]);
    let garbage = good.replacen('A', "*", 1) + "*";
    for body in [unpadded, mixed, mixed_late, short_line, blank, spaces, stray_bits, garbage] {
        let composed = check(body.as_bytes(), &[0..body.len()]);
        assert!(composed.parts.is_empty());
    }
    let small = STANDARD.encode([1; 30]);
    assert!(check(small.as_bytes(), &[0..small.len()]).parts.is_empty());
}

#[test]
fn equal_parts_of_a_mail_are_given_once() {
    let body = lines(&STANDARD.encode(attachment(2000)), 76, "\r\n");
    let mail = format!("{body}\r\n--x\r\n{body}\r\n");
    let second = body.len() + 7;
    let ranges = [second..second + body.len(), 0..body.len(), 5..90, 0..usize::MAX, 3..1];
    assert_eq!(check(mail.as_bytes(), &ranges).parts.len(), 1);
}

#[test]
fn a_report_refers_to_the_mail_and_the_decrypted_copy_in_it() {
    let body = lines(&STANDARD.encode(attachment(50_000)), 76, "\r\n");
    let mail = format!("Subject: inner\r\n\r\n{body}\r\n");
    let copy = format!("Subject: clear\r\n\r\n{}", "words ".repeat(500));
    let report = format!(
        "X-MS-Journal-Report:\r\n\r\n--b\r\n\r\nSender: a@b\r\n--b\r\n\r\n{mail}--b\r\n\r\n{copy}--b--\r\n"
    );
    let place = |text: &str| {
        let at = report.find(text).unwrap();
        at..at + text.len()
    };
    let part = place(&body);
    let embedded = [
        Embedded { what: EmbeddedIn::Mail, range: place(&mail) },
        Embedded { what: EmbeddedIn::Decrypted, range: place(&copy) },
    ];
    let ranges = [17..17 + body.len() + 3];
    let inner = given(mail.as_bytes(), &ranges);
    let decrypted = given(copy.as_bytes(), &[]);
    let report_parts = [part];
    let outer = given(report.as_bytes(), &report_parts);
    let record = compose_record(b"facts", inner, Some(decrypted), Some((outer, &embedded)));
    let mut parts =
        Parts(record.parts.iter().map(|part| (part.content, part.octets.clone())).collect());
    assert_eq!(parts.0.len(), 1);
    assert!(record.bundle.len() < copy.len() + 700, "{}", record.bundle.len());
    let bundle = Bundle::parse(&record.bundle).unwrap();
    let section =
        |kind| String::from_utf8(bundle.reassemble(kind, &parts).unwrap().unwrap()).unwrap();
    assert_eq!(section(SectionKind::Mail), mail);
    assert_eq!(section(SectionKind::Decrypted), copy);
    assert_eq!(section(SectionKind::Report), report);
    assert_eq!(
        bundle.section(SectionKind::Report),
        Some((ContentId::of(report.as_bytes()), report.len() as u64))
    );

    let further = compose_report(b"more", inner, None, (outer, &embedded));
    assert_eq!((further.kind, further.content), (EntryKind::Report, inner.content));
    assert!(further.parts.is_empty());
    assert!(further.bundle.len() < copy.len() + 500);
    let bundle = Bundle::parse(&further.bundle).unwrap();
    assert!(bundle.reassemble(SectionKind::Report, &Parts::default()).is_err());
    parts.0.insert(inner.content, mail.clone().into_bytes());
    let again = bundle.reassemble(SectionKind::Report, &parts).unwrap().unwrap();
    assert!(again == report.as_bytes());
}

#[test]
fn a_mail_that_a_report_carries_in_base64_is_not_stored_twice() {
    let mail = format!("Subject: inner\r\n\r\n{}", "words ".repeat(500));
    let body = lines(&STANDARD.encode(&mail), 76, "\r\n");
    let report = format!("X-MS-Journal-Report:\r\n\r\n{body}\r\n--b--\r\n");
    let ranges = [24..24 + body.len()];
    let outer = given(report.as_bytes(), &ranges);
    let composed = compose_record(b"", given(mail.as_bytes(), &[]), None, Some((outer, &[])));
    assert!(composed.parts.is_empty() && composed.bundle.len() < mail.len() + 400);
    let bundle = Bundle::parse(&composed.bundle).unwrap();
    let again = bundle.reassemble(SectionKind::Report, &Parts::default()).unwrap().unwrap();
    assert!(again == report.as_bytes());
}

#[test]
fn a_claim_about_a_report_that_is_not_true_does_no_harm() {
    let (mail, report) = (b"A: b\r\n\r\nmail", b"X: y\r\n\r\nA: b\r\n\r\nMAIL more");
    for range in [8..20, 0..12, 20..usize::MAX, 5..2] {
        let embedded = [Embedded { what: EmbeddedIn::Mail, range }];
        let composed =
            compose_record(b"", given(mail, &[]), None, Some((given(report, &[]), &embedded)));
        let bundle = Bundle::parse(&composed.bundle).unwrap();
        let again = bundle.reassemble(SectionKind::Report, &Parts::default()).unwrap().unwrap();
        assert_eq!(again, report);
    }
}

#[test]
fn a_part_that_is_not_what_was_stored_is_noticed() {
    let body = lines(&STANDARD.encode(attachment(2000)), 76, "\r\n");
    let composed = compose_record(b"", given(body.as_bytes(), &[0..body.len()]), None, None);
    let bundle = Bundle::parse(&composed.bundle).unwrap();
    let mut wrong = composed.parts[0].octets.clone();
    wrong[7] ^= 1;
    let parts = Parts([(composed.parts[0].content, wrong)].into());
    assert!(matches!(
        bundle.reassemble(SectionKind::Mail, &parts),
        Err(StoreError::Damaged { .. })
    ));
}

fn mutated_mail() -> impl Strategy<Value = (Vec<u8>, Vec<Range<usize>>)> {
    let part = (1usize..4000, 1usize..100, any::<bool>());
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..4);
    (proptest::collection::vec(part, 0..4), edits).prop_map(|(parts, edits)| {
        let mut mail = b"Subject: x\r\n\r\n".to_vec();
        let mut ranges = Vec::new();
        for (length, line, crlf) in parts {
            let end = if crlf { "\r\n" } else { "\n" };
            let from = mail.len();
            mail.extend_from_slice(
                lines(&STANDARD.encode(attachment(length)), line, end).as_bytes(),
            );
            mail.extend_from_slice(end.as_bytes());
            ranges.push(from..mail.len());
            mail.extend_from_slice(b"--b\r\n\r\n");
        }
        for (place, byte, edit) in edits {
            let at = place.index(mail.len());
            match edit {
                0 => mail[at] = byte,
                1 => mail.insert(at, byte),
                _ => drop(mail.remove(at)),
            }
        }
        (mail, ranges)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_mail_comes_out_as_it_went_in((mail, ranges) in mutated_mail()) {
        check(&mail, &ranges);
    }

    #[test]
    fn any_octets_with_any_hints_come_out_as_they_went_in(
        octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'A'), Just(b'='), any::<u8>()], 0..5000),
        hints in proptest::collection::vec((0usize..6000, 0usize..6000), 0..5),
    ) {
        let hints: Vec<Range<usize>> = hints.into_iter().map(|(from, to)| from..to).collect();
        check(&octets, &hints);
    }

    #[test]
    fn no_octets_make_the_parsers_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz::pack(&octets);
        fuzz::key_table(&octets);
        fuzz::bundle(&octets);
        fuzz::base64(&octets);
    }

    #[test]
    fn a_mutated_bundle_is_read_or_refused(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let composed = compose_record(b"{\"f\":1}", given(b"Subject: x\r\n\r\ntext", &[]), None, None);
        let mut octets = composed.bundle;
        let at = place.index(octets.len());
        octets[at] = byte;
        fuzz::bundle(&octets);
    }
}
