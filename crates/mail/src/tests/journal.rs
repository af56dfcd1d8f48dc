use model::{
    EmailAddress, Envelope, HeaderRules, JournalReport, JournalVariant, Mark, RecipientField, Role,
    Shape,
};
use serde_json::Value;

use super::{examine, fixtures};
use crate::MailOctets;

/// Every sample beside its expected facts.
fn samples() -> Vec<(Vec<u8>, Value)> {
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(fixtures().join("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            let facts = std::fs::read(path.with_extension("json")).unwrap();
            samples.push((std::fs::read(&path).unwrap(), serde_json::from_slice(&facts).unwrap()));
        }
    }
    assert!(samples.len() >= 16);
    samples
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn address(value: &Option<EmailAddress>) -> Option<String> {
    value.as_ref().map(|address| address.as_str().to_owned())
}

fn check_report(report: &JournalReport, expected: &Value) {
    let file = &expected["file"];
    assert_eq!(address(&report.sender), text(&expected["sender"]), "{file}");
    assert_eq!(address(&report.on_behalf_of), text(&expected["on_behalf_of"]), "{file}");
    assert_eq!(report.subject, text(&expected["subject"]), "{file}");
    assert_eq!(report.label, text(&expected["label"]), "{file}");
    assert_eq!(report.mailbox, text(&expected["mailbox"]), "{file}");
    assert_eq!(report.sent_utc, text(&expected["sent_utc"]), "{file}");
    assert_eq!(report.received_utc, text(&expected["received_utc"]), "{file}");
    let recipients = expected["recipients"].as_array().unwrap();
    assert_eq!(report.recipients.len(), recipients.len(), "{file}");
    for (found, expected) in report.recipients.iter().zip(recipients) {
        let kind = match found.field {
            RecipientField::To => "to",
            RecipientField::Cc => "cc",
            RecipientField::Bcc => "bcc",
            RecipientField::Recipient => "recipient",
        };
        assert_eq!(kind, expected["kind"].as_str().unwrap(), "{file}");
        assert_eq!(found.address.as_str(), expected["address"].as_str().unwrap(), "{file}");
        assert_eq!(address(&found.expanded_from), text(&expected["expanded_from"]), "{file}");
        assert_eq!(address(&found.forwarded_from), text(&expected["forwarded_from"]), "{file}");
    }
}

#[test]
fn every_journal_sample_gives_its_envelope_and_the_exact_octets_of_the_mail() {
    for (octets, expected) in samples() {
        let file = &expected["file"];
        let format = expected["format"].as_str().unwrap();
        let examined = examine(&octets);
        let (shape, variant) = match format {
            "ms-journal" => (Shape::JournalReport, Some(JournalVariant::Microsoft)),
            "ms-journal-damaged" => (Shape::DamagedReport, Some(JournalVariant::Microsoft)),
            "ex2003-envelope" => (Shape::JournalReport, Some(JournalVariant::Exchange2003)),
            "ndr-wrapped-ms-journal" => (Shape::JournalReport, Some(JournalVariant::NdrWrapped)),
            _ => (Shape::PlainCopy, None),
        };
        assert_eq!(examined.shape, shape, "{file}");
        assert_eq!(examined.report.as_ref().map(|report| report.variant), variant, "{file}");
        if let Some(report) = &examined.report {
            check_report(report, &expected);
        }
        let damaged = shape == Shape::DamagedReport;
        assert_eq!(examined.marks.contains(&Mark::DamagedReport), damaged, "{file}");
        for (inner, mail) in expected["inner"]
            .as_array()
            .unwrap()
            .iter()
            .zip([Some(&examined.mail), examined.decrypted.as_ref()])
        {
            let mail = mail.unwrap().of(&octets);
            assert_eq!(mail.len() as u64, inner["bytes"].as_u64().unwrap(), "{file}");
            assert_eq!(
                model::Digest::of(mail).to_hex(),
                inner["sha256"].as_str().unwrap(),
                "{file}"
            );
            let message_id = format!("<{}>", crate::describe(mail).summary.message_id.unwrap());
            assert_eq!(message_id, inner["message_id"].as_str().unwrap(), "{file}");
        }
        if damaged {
            assert_eq!(examined.mail, MailOctets::Range(0..octets.len()), "{file}");
        }
    }
}

#[test]
fn samples_without_a_report_name_their_recipients_by_header_or_sub_address() {
    for (octets, expected) in
        samples().into_iter().filter(|(_, expected)| expected["format"] == "headers")
    {
        let paths = expected["smtp"]["rcpt_to"].as_array().unwrap().iter();
        let envelope = Envelope {
            reverse_path: None,
            forward_paths: paths.map(|path| EmailAddress::new(path.as_str().unwrap())).collect(),
            peer: None,
            helo: String::new(),
            tls: None,
        };
        let rules = HeaderRules {
            own_domains: vec!["journal.archiv.example".to_owned()],
            ..HeaderRules::default()
        };
        let examined = crate::examine(&octets, &rules, Some(&envelope));
        let of_role = |role| {
            examined
                .participants
                .iter()
                .filter(move |found| found.role == role)
                .map(|found| found.address.as_str())
        };
        let recipients: Vec<&str> = expected["recipients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["address"].as_str().unwrap())
            .collect();
        assert_eq!(
            of_role(Role::Recipient).collect::<Vec<_>>(),
            recipients,
            "{}",
            expected["file"]
        );
        assert!(of_role(Role::Sender).any(|sender| sender == expected["sender"].as_str().unwrap()));
        assert!(!examined.marks.contains(&Mark::RecipientsFromHeaders));
    }
}
