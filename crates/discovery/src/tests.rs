use std::collections::BTreeSet;

use catalog::{Delivery, ListRow, ParticipantRow, StoredRecord};
use model::*;
use policy::{AccountRole, Actor, OwnedAddress, Scope, Span, authorize_read};

use crate::disclosure;

const TENANT: TenantId = TenantId::from_bytes([1; 16]);
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn scope(role: AccountRole, address: &str) -> Scope {
    let addresses = vec![OwnedAddress { key: address.to_owned(), from: None, until: None }];
    let account = AccountId::from_bytes([2; 16]);
    let everything = if role == AccountRole::Auditor { vec![Span::ALWAYS] } else { Vec::new() };
    let tenant = Some(TENANT);
    let actor = Actor { account, tenant, role, addresses, everything, limited_to: None };
    authorize_read(&actor).expect("may read")
}

fn row(address: &str, role: Role, expanded_from: Option<&str>) -> ParticipantRow {
    let participant = Participant {
        address: EmailAddress::new(address),
        role,
        provenance: Provenance::JournalReport,
        expanded_from: expanded_from.map(EmailAddress::new),
        forwarded_from: None,
    };
    ParticipantRow { participant, delivery: 1 }
}

fn record(participants: Vec<ParticipantRow>) -> StoredRecord {
    let location = Location { pack: 1, slot: 0, offset: 0, length_bytes: 0 };
    StoredRecord {
        list: ListRow {
            row: 1,
            record: RecordId::from_bytes([3; 16]),
            subject: String::new(),
            from: None,
            to: Vec::new(),
            date: NOW,
            received_at: NOW,
            size_bytes: 0,
            attachments: 0,
            kind: MailKind::Mail,
            marks: Vec::new(),
            shape: Shape::JournalReport,
            versions: 0,
        },
        content: ContentId::of(b""),
        decrypted: None,
        message_id: None,
        sent_at: None,
        location,
        participants,
        deliveries: Vec::<Delivery>::new(),
    }
}

/// Who is named to `own`, with `to` in the mail's header.
fn named(role: AccountRole, own: &str, record: &StoredRecord, to: &[&str]) -> BTreeSet<String> {
    let header: Vec<_> = to.iter().map(|one| Mailbox::bare(EmailAddress::new(one))).collect();
    disclosure::participants(&scope(role, own), record, &header)
        .into_iter()
        .map(|row| row.participant.address.to_string())
        .collect()
}

#[test]
fn recipients_of_unknown_kind_are_named_as_far_as_the_header_names_them() {
    let record = record(vec![
        row("s@x.example", Role::Sender, None),
        row("t@x.example", Role::Recipient, None),
        row("member@x.example", Role::Recipient, Some("list@x.example")),
        row("blind@x.example", Role::Recipient, None),
        row("hidden@x.example", Role::Recipient, Some("secret-list@x.example")),
        row("b@x.example", Role::Bcc, None),
    ]);
    let header = ["T@x.example", "list@x.example"];
    let of = |role, own| named(role, own, &record, &header).into_iter().collect::<Vec<_>>();
    assert_eq!(
        of(AccountRole::User, "t@x.example"),
        ["member@x.example", "s@x.example", "t@x.example"]
    );
    assert_eq!(
        of(AccountRole::User, "blind@x.example"),
        ["blind@x.example", "member@x.example", "s@x.example", "t@x.example"]
    );
    assert_eq!(of(AccountRole::User, "s@x.example").len(), 6);
    assert_eq!(of(AccountRole::Auditor, "-").len(), 6);
}

#[test]
fn a_blind_copy_to_someone_in_the_header_stays_a_secret() {
    let record =
        record(vec![row("s@x.example", Role::Sender, None), row("t@x.example", Role::Bcc, None)]);
    let header = ["t@x.example"];
    assert_eq!(named(AccountRole::User, "u@x.example", &record, &header).len(), 1);
    assert_eq!(named(AccountRole::User, "t@x.example", &record, &header).len(), 2);
}

#[test]
fn reports_are_for_senders_and_auditors_and_the_envelope_for_auditors() {
    let record = record(vec![
        row("s@x.example", Role::Sender, None),
        row("boss@x.example", Role::OnBehalfOf, None),
        row("t@x.example", Role::To, None),
        row("b@x.example", Role::Bcc, None),
    ]);
    for (role, own, reports, envelope) in [
        (AccountRole::User, "s@x.example", true, false),
        (AccountRole::User, "boss@x.example", true, false),
        (AccountRole::User, "t@x.example", false, false),
        (AccountRole::User, "b@x.example", false, false),
        (AccountRole::Auditor, "-", true, true),
    ] {
        let scope = scope(role, own);
        assert_eq!(disclosure::reports(&scope, &record), reports, "{own}");
        assert_eq!(disclosure::envelope(&scope, &record), envelope, "{own}");
    }
}

#[test]
fn texts_of_erased_mails_are_let_go_and_others_stay() {
    use crate::texts::{KEPT_BYTES_MAX, TEXT_BYTES_MAX, Texts};

    let texts = Texts::default();
    let record = |number: u32| RecordId::from_bytes(u128::from(number).to_be_bytes());
    texts.keep(TENANT, record(1), "one");
    texts.keep(TENANT, record(2), "two");
    texts.forget(TenantId::from_bytes([2; 16]), &[record(1)]);
    texts.forget(TENANT, &[record(1), record(3), record(1)]);
    assert_eq!(texts.find(TENANT, record(1)), None);
    assert_eq!(texts.find(TENANT, record(2)).as_deref(), Some("two"));
    // It may come again, and the oldest one still goes first.
    texts.keep(TENANT, record(1), "one");
    let long = "x".repeat(TEXT_BYTES_MAX);
    let count = u32::try_from(KEPT_BYTES_MAX / TEXT_BYTES_MAX).expect("a number");
    for number in 0..count {
        texts.keep(TENANT, record(10 + number), &long);
    }
    assert_eq!(texts.find(TENANT, record(2)), None);
    assert!(texts.find(TENANT, record(9 + count)).is_some());
}
