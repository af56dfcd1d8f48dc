//! The 300 generated reports with their truth.

use std::collections::BTreeSet;
use std::path::Path;

use model::{Digest, RecipientField, Shape};
use serde_json::Value;

use super::{examine, fixtures};

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_lowercase()).collect()
}

/// The mail of one mboxrd record: `From ` line and closing blank line off, quoting undone.
fn unquoted(record: &[u8]) -> Vec<u8> {
    let body = &record[record.iter().position(|&byte| byte == b'\n').unwrap() + 1..];
    let mut mail = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let marks = line.iter().take_while(|&&byte| byte == b'>').count();
        let quoted = marks > 0 && line[marks..].starts_with(b"From ");
        mail.extend_from_slice(if quoted { &line[1..] } else { line });
    }
    mail.pop();
    mail
}

fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n").map(|text| text.strip_suffix(b"\r").unwrap_or(text));
        output.extend_from_slice(text.unwrap_or(line));
        if text.is_some() {
            output.extend_from_slice(b"\r\n");
        }
    }
    output
}

fn check(octets: &[u8], truth: &Value) {
    let number = &truth["i"];
    let examined = examine(octets);
    assert_eq!(examined.shape, Shape::JournalReport, "{number}");
    let report = examined.report.as_ref().unwrap();
    let expected = truth["recipients"].as_array().unwrap();
    assert_eq!(report.recipients.len(), expected.len(), "{number}");
    for (found, expected) in report.recipients.iter().zip(expected) {
        let kind = match found.field {
            RecipientField::To => "To",
            RecipientField::Cc => "Cc",
            RecipientField::Bcc => "Bcc",
            RecipientField::Recipient => "Recipient",
        };
        assert_eq!(kind, expected["kind"], "{number}");
        assert_eq!(found.address.as_str(), expected["addr"], "{number}");
        let via = |address: &Option<model::EmailAddress>| {
            address.as_ref().map(|address| address.as_str().to_owned())
        };
        assert_eq!(via(&found.expanded_from).as_deref(), expected["expanded"].as_str(), "{number}");
        assert_eq!(
            via(&found.forwarded_from).as_deref(),
            expected["forwarded"].as_str(),
            "{number}"
        );
    }
    let participants: BTreeSet<String> =
        examined.participants.iter().map(|found| found.address.key()).collect();
    let internal = |address: &&String| {
        address.ends_with("@muster-werke.example") || address.ends_with("@muster-holding.example")
    };
    let owners: BTreeSet<String> = participants.iter().filter(internal).cloned().collect();
    assert!(strings(&truth["owners"]).is_subset(&owners), "{number}: {owners:?}");

    let mut mail = with_crlf(examined.mail(octets));
    while matches!(mail.last(), Some(b'\r' | b'\n')) {
        mail.pop();
    }
    assert_eq!(Digest::of(&mail).to_hex(), truth["inner_sha256"].as_str().unwrap(), "{number}");

    let view = crate::describe(examined.mail(octets));
    assert!(view.marks.is_empty(), "{number}: {:?}", view.marks);
    assert_eq!(view.summary.subject, truth["subject"], "{number}");
    assert_eq!(
        format!("<{}>", view.summary.message_id.unwrap()),
        truth["message_id"].as_str().unwrap(),
        "{number}"
    );
    assert!(view.text.contains(truth["body_token"].as_str().unwrap()), "{number}");
    for (index, expected) in truth["attachments"].as_array().unwrap().iter().enumerate() {
        let same = |found: &model::Attachment| {
            found.name == expected["name"].as_str().unwrap()
                && found.media_type == expected["type"].as_str().unwrap()
        };
        let places = view
            .attachments
            .iter()
            .enumerate()
            .filter(|(_, found)| same(found))
            .map(|(place, _)| place);
        let bodies =
            places.map(|place| crate::attachment(examined.mail(octets), place).unwrap().octets);
        let wanted = expected["sha256"].as_str().unwrap();
        let digests: Vec<String> = bodies.map(|body| Digest::of(&body).to_hex()).collect();
        assert!(
            !digests.is_empty(),
            "{number}.{index}: {} among {:?}",
            expected["name"],
            view.attachments
        );
        assert!(
            digests.iter().any(|digest| digest == wanted),
            "{number}.{index}: {}",
            expected["name"]
        );
    }
    let own = truth["attachments"].as_array().unwrap().len();
    assert!(view.attachments.len() >= own, "{number}");
}

#[test]
fn all_300_generated_reports_give_their_owners_octets_words_and_attachments() {
    assert_eq!(check_set(&fixtures().join("journal300")), 300);
}

/// Checks a generated set; answers how many reports it has.
fn check_set(folder: &Path) -> usize {
    let file = std::fs::read(folder.join("part-0000.mboxrd")).unwrap();
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let mut count = 0;
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let start = truth["offset"].as_u64().unwrap() as usize;
        let length = truth["length"].as_u64().unwrap() as usize;
        check(&unquoted(&file[start..start + length]), &truth);
        count += 1;
    }
    count
}
