//! Samples that say what must come out (`handmade/expect.jsonl` of the corpus).

use model::{Digest, HeaderRule, HeaderRules, RecipientField};
use serde_json::Value;

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn check_view(octets: &[u8], expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let view = crate::describe(octets);
    let subject = &view.summary.subject;
    let subjects: Vec<String> =
        texts(&expected["subject"]).into_iter().chain(texts(&expected["subject_any"])).collect();
    if !subjects.is_empty() && !subjects.contains(subject) {
        wrong.push(format!("subject {subject:?}"));
    }
    if texts(&expected["subject_contains"]).iter().any(|text| !subject.contains(text)) {
        wrong.push(format!("subject {subject:?}"));
    }
    let contained = texts(&expected["text_contains"])
        .into_iter()
        .chain(texts(&expected["text_contains_optional"]));
    for text in contained {
        if !view.text.contains(&text) {
            wrong.push(format!("text lacks {text:?}: {:?}", view.text));
        }
    }
    let any = texts(&expected["text_any"]);
    if !any.is_empty() && !any.iter().any(|text| view.text.contains(text)) {
        wrong.push(format!("text lacks any of {any:?}: {:?}", view.text));
    }
    let to: Vec<&str> = view.to.iter().map(|to| to.address.as_str()).collect();
    if texts(&expected["to_contains"]).iter().any(|wanted| !to.contains(&wanted.as_str())) {
        wrong.push(format!("to {:?}", view.to));
    }
    let found: Vec<(String, String)> = (0..view.attachments.len())
        .map(|index| {
            (
                view.attachments[index].name.clone(),
                Digest::of(&crate::attachment(octets, index).unwrap().octets).to_hex(),
            )
        })
        .collect();
    let is_there = |wanted: &Value| {
        found.iter().any(|(name, digest)| wanted["name"] == **name && wanted["sha256"] == **digest)
    };
    let all = ["attachments", "attachments_optional"]
        .map(|key| expected[key].as_array().cloned().unwrap_or_default())
        .concat();
    let any = expected["attachments_any"].as_array().cloned().unwrap_or_default();
    if !all.iter().all(is_there) || (!any.is_empty() && !any.iter().any(is_there)) {
        wrong.push(format!("attachments {found:?}"));
    }
    wrong
}

fn check_report(octets: &[u8], expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let examined = super::examine(octets);
    let mail = crate::describe(examined.mail(octets));
    let message_id = mail.summary.message_id.map(|id| format!("<{id}>"));
    if expected["inner_message_id"].is_string()
        && message_id.as_deref() != expected["inner_message_id"].as_str()
    {
        wrong.push(format!("inner mail {message_id:?}"));
    }
    let Some(report) = examined.report else {
        let needed = ["inner_message_id", "recipients", "sender", "recipient_count"]
            .iter()
            .any(|key| !expected[key].is_null());
        return if needed { vec!["no report".to_owned()] } else { wrong };
    };
    let sender = report.sender.as_ref().map(|sender| sender.as_str());
    if expected["sender"].is_string() && sender != expected["sender"].as_str() {
        wrong.push(format!("sender {sender:?}"));
    }
    let behalf = report.on_behalf_of.as_ref().map(|address| address.as_str());
    if expected["on_behalf_of"].is_string() && behalf != expected["on_behalf_of"].as_str() {
        wrong.push(format!("on behalf of {behalf:?}"));
    }
    if expected["recipient_count"]
        .as_u64()
        .is_some_and(|count| count != report.recipients.len() as u64)
    {
        wrong.push(format!("{} recipients", report.recipients.len()));
    }
    for (name, field) in
        [("To", RecipientField::To), ("Cc", RecipientField::Cc), ("Bcc", RecipientField::Bcc)]
    {
        let of_field = report.recipients.iter().filter(|recipient| recipient.field == field);
        let found: Vec<String> = of_field.map(|recipient| recipient.address.key()).collect();
        let wanted: Vec<String> =
            texts(&expected["recipients"][name]).iter().map(|text| text.to_lowercase()).collect();
        if expected["recipients"].is_object() && found != wanted {
            wrong.push(format!("{name} {found:?}"));
        }
    }
    wrong
}

fn check_envelope(octets: &[u8], expected: &Value) -> Vec<String> {
    let wanted = texts(&expected["envelope_to"]);
    if wanted.is_empty() {
        return Vec::new();
    }
    let custom = ["Envelope-To", "X-MS-Exchange-Organization-OriginalEnvelopeRecipients"];
    let mut rules = HeaderRules::default();
    rules.rules.extend(custom.map(|name| HeaderRule::Custom(name.to_owned())));
    let examined = crate::examine(octets, &rules, None);
    let found: Vec<&str> =
        examined.participants.iter().map(|found| found.address.as_str()).collect();
    if wanted.iter().all(|wanted| found.contains(&wanted.as_str())) {
        Vec::new()
    } else {
        vec![format!("participants {found:?}")]
    }
}

#[test]
fn every_handmade_sample_gives_what_it_says_it_must() {
    let Some(corpus) = super::corpus() else { return };
    let folder = corpus.join("corpus/hard/handmade");
    let expectations = std::fs::read_to_string(folder.join("expect.jsonl")).unwrap();
    let mut failures = Vec::new();
    for line in expectations.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let file = expected["file"].as_str().unwrap();
        let octets = std::fs::read(folder.join(file)).unwrap();
        super::corpus::check(&octets, file);
        let checks = [
            check_view(&octets, &expected),
            check_report(&octets, &expected),
            check_envelope(&octets, &expected),
        ];
        failures.extend(checks.concat().into_iter().map(|text| format!("{file}: {text}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
