use model::{
    EmailAddress, HeaderRule, HeaderRules, Mark, Participant, Provenance, Role, Source, SourceId,
    Submission, TenantId, Timestamp,
};

use crate::examine;

fn listed(participants: &[Participant]) -> Vec<(&str, Role, Provenance)> {
    participants.iter().map(|p| (p.address.as_str(), p.role, p.provenance)).collect()
}

#[test]
fn without_envelope_headers_the_mail_s_own_fields_count_and_are_marked() {
    let mail = b"From: A <a@x.example>\nTo: b@x.example, Team: c@x.example, d@x.example;\nCc: <e@x.example>\nBcc: f@x.example\n\nx";
    let examined = examine(mail, &HeaderRules::default(), None);
    assert_eq!(
        listed(&examined.participants),
        [
            ("a@x.example", Role::Sender, Provenance::Headers),
            ("b@x.example", Role::To, Provenance::Headers),
            ("c@x.example", Role::To, Provenance::Headers),
            ("d@x.example", Role::To, Provenance::Headers),
            ("e@x.example", Role::Cc, Provenance::Headers),
            ("f@x.example", Role::Bcc, Provenance::Headers),
        ]
    );
    assert_eq!(examined.marks, [Mark::RecipientsFromHeaders]);
}

#[test]
fn envelope_headers_are_believed_and_the_archive_s_own_addresses_are_not_recipients() {
    let mail = b"X-Envelope-From: <bounce@x.example>\nX-Envelope-To: <b@x.example>,\n\t<journal@archive.example>,\n <c@x.example>\n\
        X-Envelope-To: d@x.example\nDelivered-To: no@x.example\nX-Custom: e@x.example\nSender: s@x.example\nFrom: a@x.example\nTo: z@x.example\n\nx";
    let mut rules =
        HeaderRules { own_domains: vec!["archive.example".into()], ..HeaderRules::default() };
    rules.rules.push(HeaderRule::Custom("x-custom".into()));
    let examined = examine(mail, &rules, None);
    assert_eq!(
        listed(&examined.participants),
        [
            ("bounce@x.example", Role::Sender, Provenance::EnvelopeHeader),
            ("s@x.example", Role::Sender, Provenance::Headers),
            ("a@x.example", Role::OnBehalfOf, Provenance::Headers),
            ("b@x.example", Role::Recipient, Provenance::EnvelopeHeader),
            ("c@x.example", Role::Recipient, Provenance::EnvelopeHeader),
            ("d@x.example", Role::Recipient, Provenance::EnvelopeHeader),
            ("e@x.example", Role::Recipient, Provenance::EnvelopeHeader),
        ]
    );
    assert!(examined.marks.is_empty());
}

#[test]
fn an_envelope_header_with_nothing_but_own_addresses_is_no_hit() {
    let mail = b"X-Original-To: archive@archive.example\nFrom: a@x.example\nTo: b@x.example\n\nx";
    let rules = HeaderRules {
        own_domains: vec!["archive@archive.example".into()],
        ..HeaderRules::default()
    };
    let examined = examine(mail, &rules, None);
    assert!(listed(&examined.participants).contains(&(
        "b@x.example",
        Role::To,
        Provenance::Headers
    )));
    assert_eq!(examined.marks, [Mark::RecipientsFromHeaders]);
}

#[test]
fn an_import_adds_the_owner_of_the_mailbox() {
    let submission = Submission {
        tenant: TenantId::from_bytes([1; 16]),
        source: Source::Import {
            id: SourceId::from_bytes([2; 16]),
            name: "a.eml".into(),
            mailbox: Some(EmailAddress::new("owner@x.example")),
        },
        envelope: None,
        received_at: Timestamp::from_seconds(0),
        released: false,
        octets: std::sync::Arc::new(b"From: a@x.example\n\nx".to_vec()),
    };
    let examined = crate::examine_submission(&submission, &HeaderRules::default());
    let owner = ("owner@x.example", Role::Mailbox, Provenance::Import);
    assert!(listed(&examined.participants).contains(&owner));
}

#[test]
fn a_source_without_journal_detection_takes_a_report_as_a_plain_copy() {
    let mail = b"X-MS-Journal-Report:\nFrom: a@x.example\nTo: b@x.example\n\nSender: a@x.example\n";
    let rules = HeaderRules { journal_reports: false, ..HeaderRules::default() };
    assert!(!examine(mail, &rules, None).is_report());
    assert!(examine(mail, &HeaderRules::default(), None).is_report());
}
