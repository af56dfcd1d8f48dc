use model::{
    EmailAddress, MailKind, Mailbox, Participant, Provenance, RecordId, Role, Source, SourceId,
    Timestamp,
};

use crate::{Known, document, list_date, view};

const DAY: i64 = 24 * 60 * 60;

fn participant(address: &str, role: Role, expanded_from: Option<&str>) -> Participant {
    Participant {
        address: EmailAddress::new(address),
        role,
        provenance: Provenance::JournalReport,
        expanded_from: expanded_from.map(EmailAddress::new),
        forwarded_from: None,
    }
}

fn addresses(mailboxes: &[Mailbox]) -> Vec<&str> {
    mailboxes.iter().map(|mailbox| mailbox.address.as_str()).collect()
}

#[test]
fn a_date_header_is_believed_only_when_it_is_plausible() {
    let received = Timestamp::from_seconds(20_000 * DAY);
    for (sent, expected) in [
        (None, received),
        (Some(Timestamp::from_seconds(10_000 * DAY)), Timestamp::from_seconds(10_000 * DAY)),
        (Some(Timestamp::from_seconds(20_001 * DAY)), Timestamp::from_seconds(20_001 * DAY)),
        (Some(Timestamp::from_seconds(20_003 * DAY)), received),
        (Some(Timestamp::from_seconds(0)), received),
        (Some(Timestamp::from_micros(i64::MIN)), received),
    ] {
        assert_eq!(list_date(sent, received), expected, "{sent:?}");
    }
}

#[test]
fn recipients_of_a_report_that_no_header_names_are_found_as_blind_copies() {
    let mail =
        b"From: Anna <anna@a.example>\r\nTo: Bert <BERT@a.example>\r\nSubject: x\r\n\r\ntext\r\n";
    let participants = [
        participant("anna@a.example", Role::Sender, None),
        participant("bert@a.example", Role::Recipient, None),
        participant("carla@a.example", Role::Recipient, None),
        participant("dora@a.example", Role::Recipient, Some("team@a.example")),
        participant("emil@a.example", Role::Bcc, None),
    ];
    let known = Known {
        record: RecordId::from_bytes([1; 16]),
        row: 7,
        received_at: Timestamp::from_seconds(20_000 * DAY),
        sources: &[Source::Smtp { id: SourceId::from_bytes([2; 16]) }],
        participants: &participants,
    };
    let document = document(&view(mail, None), &known);
    assert_eq!(addresses(&document.from), ["anna@a.example"]);
    assert_eq!(addresses(&document.to), ["BERT@a.example"]);
    assert_eq!(addresses(&document.bcc), ["carla@a.example", "emil@a.example"]);
    assert_eq!(addresses(&document.others), ["bert@a.example", "dora@a.example", "team@a.example"]);
    assert_eq!(
        document.owners,
        ["anna@a.example", "bert@a.example", "carla@a.example", "dora@a.example", "emil@a.example"]
    );
    assert_eq!(document.source, ["02".repeat(16), "smtp".to_owned()]);
    assert_eq!(document.kind, MailKind::Mail);
}

#[test]
fn a_decrypted_copy_is_found_under_the_mail_that_it_came_with() {
    let mail = b"From: a@a.example\r\nSubject: outer\r\n\r\nciphertext\r\n";
    let decrypted = b"From: a@a.example\r\nSubject: outer\r\n\r\nplaintext\r\n";
    let view = view(mail, Some(decrypted));
    assert!(view.text.contains("ciphertext") && view.text.contains("plaintext"));
    assert_eq!(view.summary.size_bytes, mail.len() as u64);
}
