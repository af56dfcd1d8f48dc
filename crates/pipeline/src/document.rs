//! What the index is told of a record.

use std::collections::{BTreeMap, BTreeSet};

use mail::MailView;
use model::{IndexDocument, Mailbox, Participant, RecordId, Role, Source, Timestamp};

/// A Date header is believed up to two days after the arrival: clocks and time zones are wrong,
/// but a mail from 2099 must not stand on top of every list.
const FUTURE_SECONDS_MAX: i64 = 2 * 24 * 60 * 60;

/// Before 1971 a Date header is a default value, not a date.
const DATE_MIN: Timestamp = Timestamp::from_seconds(365 * 24 * 60 * 60);

/// What lists are sorted by: the Date header if it is plausible, else the time of arrival.
pub fn list_date(sent_at: Option<Timestamp>, received_at: Timestamp) -> Timestamp {
    let latest = received_at.saturating_add_seconds(FUTURE_SECONDS_MAX);
    sent_at.filter(|sent| (DATE_MIN..=latest).contains(sent)).unwrap_or(received_at)
}

/// The facts of a record that do not stand in its octets.
pub struct Known<'a> {
    pub record: RecordId,
    pub row: u64,
    /// When the mail first arrived.
    pub received_at: Timestamp,
    /// Of all deliveries.
    pub sources: &'a [Source],
    /// Of all deliveries.
    pub participants: &'a [Participant],
}

/// The document of a record, from its mail as read and from all that the catalog knows of it.
pub fn document(view: &MailView, known: &Known<'_>) -> IndexDocument {
    let mut names = Names::of(view);
    for participant in known.participants {
        names.add(participant);
    }
    let owners: BTreeSet<String> =
        known.participants.iter().map(|participant| participant.address.key()).collect();
    let source = known
        .sources
        .iter()
        .flat_map(|source| {
            let kind = match source {
                Source::Fetched(_) => "fetch",
                Source::Import { .. } => "import",
                Source::Smtp { .. } => "smtp",
            };
            [kind.to_owned(), source.id().to_string()]
        })
        .collect::<BTreeSet<String>>();
    IndexDocument {
        record: known.record,
        row: known.row,
        owners: owners.into_iter().filter(|key| !key.is_empty()).collect(),
        from: names.from,
        to: names.to,
        cc: names.cc,
        bcc: names.bcc,
        others: names.others,
        subject: view.summary.subject.clone(),
        body: view.text.clone(),
        attachment_names: view
            .attachments
            .iter()
            .filter(|attachment| !attachment.name.is_empty())
            .map(|attachment| attachment.name.clone())
            .collect(),
        message_id: view.summary.message_id.clone(),
        date: list_date(view.summary.sent_at, known.received_at),
        received_at: known.received_at,
        size_bytes: view.summary.size_bytes,
        has_attachment: view.summary.attachments > 0,
        kind: view.summary.kind,
        source: source.into_iter().collect(),
    }
}

/// The addresses of a mail by the field under which a person looks for them.
struct Names {
    from: Vec<Mailbox>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    bcc: Vec<Mailbox>,
    others: Vec<Mailbox>,
    /// The fields in which a key stands already.
    seen: BTreeMap<String, BTreeSet<Field>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    From,
    To,
    Cc,
    Bcc,
    Others,
}

impl Names {
    fn of(view: &MailView) -> Self {
        let mut names = Self {
            from: Vec::new(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            others: Vec::new(),
            seen: BTreeMap::new(),
        };
        let headers = [
            (Field::From, &view.from),
            (Field::From, &view.sender),
            (Field::To, &view.to),
            (Field::Cc, &view.cc),
            (Field::Bcc, &view.bcc),
            (Field::Others, &view.reply_to),
        ];
        for (field, mailboxes) in headers {
            for mailbox in mailboxes {
                names.push(field, mailbox.clone());
            }
        }
        names
    }

    fn add(&mut self, participant: &Participant) {
        let key = participant.address.key();
        let visible = |names: &Self| {
            names
                .seen
                .get(&key)
                .is_some_and(|fields| fields.contains(&Field::To) || fields.contains(&Field::Cc))
        };
        let field = match participant.role {
            Role::Sender | Role::OnBehalfOf => Field::From,
            Role::To => Field::To,
            Role::Cc => Field::Cc,
            Role::Bcc => Field::Bcc,
            // Named by no header and not reached through a group: a blind copy.
            Role::Recipient if visible(self) || participant.expanded_from.is_some() => {
                Field::Others
            }
            Role::Recipient => Field::Bcc,
            Role::ForwardedFrom | Role::Mailbox => Field::Others,
        };
        self.push(field, Mailbox::bare(participant.address.clone()));
        for other in [&participant.expanded_from, &participant.forwarded_from].into_iter().flatten()
        {
            self.push(Field::Others, Mailbox::bare(other.clone()));
        }
    }

    fn push(&mut self, field: Field, mailbox: Mailbox) {
        let key = mailbox.address.key();
        let is_new = self.seen.entry(key).or_default().insert(field);
        if !is_new && mailbox.name.is_empty() {
            return;
        }
        match field {
            Field::From => self.from.push(mailbox),
            Field::To => self.to.push(mailbox),
            Field::Cc => self.cc.push(mailbox),
            Field::Bcc => self.bcc.push(mailbox),
            Field::Others => self.others.push(mailbox),
        }
    }
}
