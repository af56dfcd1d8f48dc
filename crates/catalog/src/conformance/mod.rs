//! What every engine must do; each engine's tests call [`suite`] with a way to make an empty one.

mod accounts;
mod fetch;
mod ledger;
mod matters;
mod people;
mod records;
mod retention;
mod sign_in;
mod tenancy;
mod visibility;

use std::sync::Arc;

use model::{
    AccountId, ContentId, Digest, EmailAddress, Envelope, JournalReport, JournalVariant, Location,
    MailKind, Mailbox, Mark, Participant, Provenance, QuarantineId, RecordFacts, RecordId,
    ReportFacts, Role, Shape, Source, SourceId, Summary, TenantId, Timestamp,
};
use policy::{AccountRole, Actor, OwnedAddress, Scope, Span, authorize_read};

use crate::{Batch, Catalog, NewPart, NewQuarantine, NewRecord, Tenant, TenantState};

pub(crate) const A: TenantId = TenantId::from_bytes([0xa; 16]);
pub(crate) const B: TenantId = TenantId::from_bytes([0xb; 16]);
pub(crate) const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A promise of the port.
type Promise = fn(&dyn Catalog);

/// Checks every promise on an engine of its own, with the tenants [`A`] and [`B`] in it.
pub(crate) fn suite(empty: impl Fn() -> Arc<dyn Catalog>) {
    let promises: Vec<(&str, Promise)> = [
        records::PROMISES,
        visibility::PROMISES,
        accounts::PROMISES,
        people::PROMISES,
        sign_in::PROMISES,
        tenancy::PROMISES,
        fetch::PROMISES,
        ledger::PROMISES,
        retention::PROMISES,
        matters::PROMISES,
    ]
    .concat();
    for (name, promise) in promises {
        let catalog = empty();
        eprintln!("catalog keeps: {name}");
        catalog.add_tenant(&tenant(A, "Anders")).expect("added");
        catalog.add_tenant(&tenant(B, "Berg")).expect("added");
        promise(&*catalog);
        assert_eq!(catalog.integrity_check().expect("checks"), Vec::<String>::new());
        for tenant in [A, B] {
            // One that was removed has none.
            if let Ok(figures) = catalog.figures(tenant) {
                assert_eq!(figures, catalog.recount(tenant).expect("counts"), "{name}");
            }
        }
    }
}

pub(crate) fn tenant(id: TenantId, name: &str) -> Tenant {
    Tenant {
        organisations: vec!["own.example".to_owned()],
        archive_domains: vec!["archive.example".to_owned()],
        ..Tenant::new(id, name, NOON)
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    NOON.saturating_add_seconds(seconds)
}

pub(crate) fn place(slot: u32) -> Location {
    Location { pack: 1, slot, offset: u64::from(slot) * 1000, length_bytes: 1000 }
}

pub(crate) fn to(address: &str) -> Participant {
    Participant {
        address: EmailAddress::new(address),
        role: Role::To,
        provenance: Provenance::JournalReport,
        expanded_from: None,
        forwarded_from: None,
    }
}

/// The mail `name`, as a journal report `report` brought it to `recipients` (all of them To).
pub(crate) fn mail(tenant: TenantId, name: &str, report: &str, recipients: &[&str]) -> NewRecord {
    let content = ContentId::of(name.as_bytes());
    let sender = EmailAddress::new("sender@own.example");
    let mut participants = vec![Participant { role: Role::Sender, ..to("sender@own.example") }];
    participants.extend(recipients.iter().map(|address| to(address)));
    let read = JournalReport {
        variant: JournalVariant::Microsoft,
        sender: Some(sender.clone()),
        on_behalf_of: None,
        subject: None,
        message_id: None,
        label: None,
        mailbox: None,
        sent_utc: None,
        received_utc: None,
        recipients: Vec::new(),
        unknown_fields: Vec::new(),
        originator_org: Some("own.example".to_owned()),
    };
    let facts = RecordFacts {
        format: 1,
        record: RecordId::of(tenant, content),
        content,
        size_bytes: 100,
        decrypted: None,
        report: Some(ReportFacts {
            content: ContentId::of(report.as_bytes()),
            size_bytes: 150,
            report: Some(read),
        }),
        shape: Shape::JournalReport,
        received_at: NOON,
        source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
        envelope: Some(Envelope {
            reverse_path: None,
            forward_paths: vec![EmailAddress::new("journal-1@archive.example")],
            peer: Some("192.0.2.9".parse().expect("an address")),
            helo: "mail.example".to_owned(),
            tls: Some("TLSv1_3".to_owned()),
        }),
        participants,
        marks: vec![Mark::TooComplex],
    };
    let summary = Summary {
        message_id: Some(format!("{name}@own.example")),
        subject: format!("About {name}"),
        from: Some(Mailbox { name: "Der Absender".to_owned(), address: sender }),
        to: recipients.iter().map(|to| Mailbox::bare(EmailAddress::new(to))).collect(),
        sent_at: Some(at(-60)),
        size_bytes: 100,
        attachments: 2,
        kind: MailKind::Mail,
        references: Vec::new(),
    };
    NewRecord {
        facts_digest: Digest::of(format!("{name} {report}").as_bytes()),
        facts,
        summary,
        date: at(-60),
        location: place(1),
        whole: true,
    }
}

/// The same mail without a report, as a source hands on a copy.
pub(crate) fn copy(tenant: TenantId, name: &str, recipients: &[&str]) -> NewRecord {
    let mut copy = mail(tenant, name, "", recipients);
    copy.facts.report = None;
    copy.facts.shape = Shape::PlainCopy;
    copy
}

pub(crate) fn batch(records: Vec<NewRecord>) -> Batch {
    Batch { at: at(1), records, ..Batch::default() }
}

pub(crate) fn part(name: &str, slot: u32) -> NewPart {
    NewPart { content: ContentId::of(name.as_bytes()), location: place(slot) }
}

pub(crate) fn held(tenant: TenantId, name: &str) -> NewQuarantine {
    let content = ContentId::of(name.as_bytes());
    NewQuarantine {
        id: QuarantineId::of(tenant, content),
        content,
        reason_code: "foreign-organisation".to_owned(),
        reason_detail: "evil.example".to_owned(),
        originator_org: Some("evil.example".to_owned()),
        received_at: NOON,
        size_bytes: 77,
        source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
        envelope: None,
        location: place(9),
    }
}

pub(crate) fn own(key: &str, from: Option<i64>, until: Option<i64>) -> OwnedAddress {
    OwnedAddress { key: key.to_owned(), from: from.map(at), until: until.map(at) }
}

pub(crate) fn scope(tenant: TenantId, addresses: &[OwnedAddress]) -> Scope {
    scope_of(tenant, addresses, &[])
}

pub(crate) fn everything(tenant: TenantId) -> Scope {
    scope_of(tenant, &[], &[Span::ALWAYS])
}

/// An auditor's.
pub(crate) fn scope_of(tenant: TenantId, addresses: &[OwnedAddress], everything: &[Span]) -> Scope {
    let actor = Actor {
        account: AccountId::from_bytes([1; 16]),
        tenant: Some(tenant),
        role: AccountRole::Auditor,
        addresses: addresses.to_vec(),
        everything: everything.to_vec(),
        limited_to: None,
    };
    authorize_read(&actor).expect("may read")
}
