//! Mails of the world, archived as the pipeline does it.

use catalog::{Batch, NewPart, NewRecord};
use index::IndexChange;
use model::*;
use store::{NewEntry, Octets, compose_record};

use super::{A, NOW, World};

/// A mail to be archived.
pub struct NewMail {
    pub octets: Vec<u8>,
    pub report: Option<Vec<u8>>,
    pub participants: Vec<Participant>,
}

pub fn participant(address: &str, role: Role) -> Participant {
    Participant {
        address: EmailAddress::new(address),
        role,
        provenance: Provenance::JournalReport,
        expanded_from: None,
        forwarded_from: None,
    }
}

impl World {
    /// Archives mails in one batch, searchable on return; their ids in order.
    pub fn archive(&self, tenant: TenantId, mails: &[NewMail]) -> Vec<RecordId> {
        let mut batch = Batch { at: NOW, ..Batch::default() };
        let mut documents = Vec::new();
        for mail in mails {
            let (record, view) = self.store(tenant, mail, &mut batch.parts);
            documents.push((record.facts.clone(), view, record.date));
            batch.records.push(record);
        }
        let committed = self.catalog.commit(tenant, &batch).expect("committed");
        let changes =
            documents.iter().zip(&committed.records).map(|((facts, view, date), inserted)| {
                IndexChange { document: document(facts, view, *date, inserted.row), new: true }
            });
        self.index.apply(tenant, changes.collect(), committed.max_seq).expect("applied");
        self.index.commit(tenant).expect("committed");
        committed.records.iter().map(|inserted| inserted.record).collect()
    }

    /// Archives a mail that the index has not seen yet.
    pub fn archive_unindexed(&self, tenant: TenantId, mail: &NewMail) {
        let mut batch = Batch { at: NOW, ..Batch::default() };
        let (record, _) = self.store(tenant, mail, &mut batch.parts);
        batch.records.push(record);
        self.catalog.commit(tenant, &batch).expect("committed");
    }

    fn store(
        &self,
        tenant: TenantId,
        mail: &NewMail,
        parts: &mut Vec<NewPart>,
    ) -> (NewRecord, mail::MailView) {
        let content = ContentId::of(&mail.octets);
        let view = mail::describe(&mail.octets);
        let report = mail.report.as_ref().map(|report| ReportFacts {
            content: ContentId::of(report),
            size_bytes: report.len() as u64,
            report: None,
        });
        let facts = RecordFacts {
            format: 1,
            record: RecordId::of(tenant, content),
            content,
            size_bytes: mail.octets.len() as u64,
            decrypted: None,
            shape: if report.is_some() { Shape::JournalReport } else { Shape::PlainCopy },
            report,
            received_at: NOW,
            source: Source::Smtp { id: SourceId::from_bytes([5; 16]) },
            envelope: Some(Envelope {
                reverse_path: None,
                forward_paths: vec![EmailAddress::new("journal-secret@archive.example")],
                peer: None,
                helo: String::new(),
                tls: None,
            }),
            participants: mail.participants.clone(),
            marks: view.marks.clone(),
        };
        let octets = |octets, encoded_parts| Octets {
            octets,
            content: ContentId::of(octets),
            encoded_parts,
        };
        let json = serde_json::to_vec(&facts).expect("JSON");
        let report = mail.report.as_ref().map(|report| (octets(report, &[]), &[][..]));
        let composed =
            compose_record(&json, octets(&mail.octets, &view.encoded_parts), None, report);
        for part in &composed.parts {
            let location = self.append(tenant, &part.entry());
            parts.push(NewPart { content: part.content, location });
        }
        let location = self.append(tenant, &composed.entry());
        let record = NewRecord {
            facts_digest: Digest::of(&json),
            facts,
            summary: view.summary.clone(),
            date: view.summary.sent_at.unwrap_or(NOW),
            location,
            whole: true,
        };
        (record, view)
    }

    pub(super) fn append(&self, tenant: TenantId, entry: &NewEntry<'_>) -> Location {
        let sealed = self.vault.seal(tenant, entry).expect("sealed");
        self.vault.append(tenant, &[sealed]).expect("appended")[0]
    }

    /// Anna's mail to Bert with a blind copy to Cora.
    pub fn archive_letter(&self) -> (RecordId, ContentId) {
        let report = letter_report();
        let mail = NewMail {
            octets: LETTER.replace('\n', "\r\n").into_bytes(),
            report: Some(report.clone()),
            participants: vec![
                participant("anna@a.example", Role::Sender),
                participant("bert@a.example", Role::To),
                participant("cora@a.example", Role::Bcc),
            ],
        };
        (self.archive(A, &[mail])[0], ContentId::of(&report))
    }
}

fn document(
    facts: &RecordFacts,
    view: &mail::MailView,
    date: Timestamp,
    row: u64,
) -> IndexDocument {
    let of = |role: Role| -> Vec<Mailbox> {
        let all = facts.participants.iter().filter(|one| one.role == role);
        all.map(|one| Mailbox::bare(one.address.clone())).collect()
    };
    IndexDocument {
        record: facts.record,
        row,
        owners: facts.participants.iter().map(|one| one.address.key()).collect(),
        from: view.from.clone(),
        to: view.to.clone(),
        cc: view.cc.clone(),
        bcc: of(Role::Bcc),
        others: Vec::new(),
        subject: view.summary.subject.clone(),
        body: view.text.clone(),
        attachment_names: view.attachments.iter().map(|one| one.name.clone()).collect(),
        message_id: view.summary.message_id.clone(),
        date,
        received_at: facts.received_at,
        size_bytes: facts.size_bytes,
        has_attachment: view.summary.attachments > 0,
        kind: view.summary.kind,
        source: vec!["smtp".into()],
    }
}

pub fn letter_report() -> Vec<u8> {
    let report = "X-MS-Journal-Report:\nSubject: report\n\nSender: anna@a.example\nTo: bert@a.example\nBcc: cora@a.example\n";
    report.replace('\n', "\r\n").into_bytes()
}

/// With a picture, an attachment and HTML that wants more than it gets.
pub const LETTER: &str = "From: Anna Arm <anna@a.example>
To: Bert Baum <bert@a.example>
Subject: =?utf-8?Q?Rechnung_f=C3=BCr_M=C3=A4rz?=
Date: Tue, 14 Jan 2025 08:15:02 +0100
Message-ID: <letter@a.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/related; boundary=inner

--inner
Content-Type: text/html; charset=utf-8

<p>Die <b>Rechnung</b> liegt bei. <img src=\"cid:logo@a\"><img src=\"https://t.example/x.gif\"><script>alert(1)</script></p>
--inner
Content-Type: image/png
Content-ID: <logo@a>
Content-Disposition: inline; filename=logo.png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--inner--
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename=\"rechnung.pdf\"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer--
";
