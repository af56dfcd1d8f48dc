//! What of a visible mail's journal a person may know.
//!
//! Bcc stays secret, as the sender wanted: a blind-copy recipient is named to that recipient, to
//! the mail's senders, and to auditors who see the whole tenant at that time. A journal report names
//! all recipients, so it is given to senders and to those auditors only; for everybody else it does
//! not exist. The SMTP envelope names the secret journal address: those auditors only.
//!
//! What the mail itself says in its header belongs to the mail, and who may read the mail reads it.

use std::collections::HashSet;

use catalog::{ParticipantRow, StoredRecord};
use model::{Mailbox, Participant, Role};
use policy::Scope;

/// The participants that may be named to the scope. `named` are To and Cc of the mail's header:
/// who stands there is no secret, nor is a list's member whose list stands there.
pub fn participants<'r>(
    scope: &Scope,
    record: &'r StoredRecord,
    named: &[Mailbox],
) -> Vec<&'r ParticipantRow> {
    let named: HashSet<String> = named.iter().map(|mailbox| mailbox.address.key()).collect();
    let senders = sender_keys(record);
    let at = record.list.received_at;
    let visible = |participant: &Participant| match participant.role {
        Role::Sender | Role::OnBehalfOf | Role::To | Role::Cc => true,
        Role::Bcc => false,
        // The envelope does not say whether these were blind copies.
        Role::Recipient | Role::ForwardedFrom | Role::Mailbox => {
            named.contains(&participant.address.key())
                || participant
                    .expanded_from
                    .as_ref()
                    .is_some_and(|list| named.contains(&list.key()))
        }
    };
    record
        .participants
        .iter()
        .filter(|row| {
            let key = row.participant.address.key();
            visible(&row.participant)
                || scope.sees_blind_copy(&key, senders.iter().map(String::as_str), at)
        })
        .collect()
}

/// Whether the scope may read the journal reports of the mail.
pub fn reports(scope: &Scope, record: &StoredRecord) -> bool {
    let at = record.list.received_at;
    scope.sees_everything(at) || sender_keys(record).iter().any(|key| scope.sees(key, at))
}

/// Whether the scope may know the SMTP envelope of the mail.
pub fn envelope(scope: &Scope, record: &StoredRecord) -> bool {
    scope.sees_everything(record.list.received_at)
}

fn sender_keys(record: &StoredRecord) -> Vec<String> {
    record
        .participants
        .iter()
        .filter(|row| matches!(row.participant.role, Role::Sender | Role::OnBehalfOf))
        .map(|row| row.participant.address.key())
        .collect()
}
