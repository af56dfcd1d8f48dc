//! Who took part in a mail that came without a journal report.

use model::{
    EmailAddress, Envelope, HeaderRule, HeaderRules, Mailbox, Mark, Participant, Provenance, Role,
};

use crate::address::mailboxes;
use crate::headers::Field;

/// Participants of a plain copy by the source's rules, else by its header fields with a mark.
pub fn participants(
    fields: &[Field<'_>],
    rules: &HeaderRules,
    envelope: Option<&Envelope>,
) -> (Vec<Participant>, Option<Mark>) {
    let copy = Copy { fields, rules };
    let recipients = copy.enveloped(envelope);
    let mut participants = copy.senders();
    if recipients.is_empty() {
        let named = [("To", Role::To), ("Cc", Role::Cc), ("Bcc", Role::Bcc)];
        for (name, role) in named {
            participants.extend(
                copy.named(name).map(|address| participant(address, role, Provenance::Headers)),
            );
        }
        return (participants, Some(Mark::RecipientsFromHeaders));
    }
    participants.extend(recipients);
    (participants, None)
}

pub fn participant(address: EmailAddress, role: Role, provenance: Provenance) -> Participant {
    Participant { address, role, provenance, expanded_from: None, forwarded_from: None }
}

struct Copy<'a> {
    fields: &'a [Field<'a>],
    rules: &'a HeaderRules,
}

impl Copy<'_> {
    /// The recipients that the envelope's headers and the sub-addresses name.
    fn enveloped(&self, envelope: Option<&Envelope>) -> Vec<Participant> {
        let mut found = Vec::new();
        for rule in &self.rules.rules {
            let name = match rule {
                HeaderRule::Custom(name) => name.as_str(),
                HeaderRule::DeliveredTo => "Delivered-To",
                HeaderRule::RcptSubaddress => {
                    let paths = envelope.map_or(&[][..], |envelope| &envelope.forward_paths);
                    let named = paths
                        .iter()
                        .filter_map(sub_address)
                        .filter(|address| !self.is_own(address));
                    found.extend(named.map(|address| {
                        participant(address, Role::Recipient, Provenance::SmtpEnvelope)
                    }));
                    continue;
                }
                HeaderRule::XEnvelopeTo => "X-Envelope-To",
                HeaderRule::XGmOriginalTo => "X-Gm-Original-To",
                HeaderRule::XOriginalTo => "X-Original-To",
            };
            found.extend(
                self.named(name).map(|address| {
                    participant(address, Role::Recipient, Provenance::EnvelopeHeader)
                }),
            );
        }
        found
    }

    /// X-Envelope-From where it is believed, and From; who sends for From stands in Sender.
    fn senders(&self) -> Vec<Participant> {
        let mut found = Vec::new();
        if self.rules.rules.contains(&HeaderRule::XEnvelopeTo) {
            let named = self.named("X-Envelope-From");
            found.extend(
                named.map(|address| participant(address, Role::Sender, Provenance::EnvelopeHeader)),
            );
        }
        let sender: Vec<EmailAddress> = self.named("Sender").collect();
        let from: Vec<EmailAddress> = self.named("From").collect();
        let others = sender.iter().any(|sender| from.iter().all(|from| from.key() != sender.key()));
        let role = if others && !from.is_empty() { Role::OnBehalfOf } else { Role::Sender };
        found.extend(
            sender
                .into_iter()
                .filter(|_| others)
                .map(|address| participant(address, Role::Sender, Provenance::Headers)),
        );
        found.extend(
            from.into_iter().map(|address| participant(address, role, Provenance::Headers)),
        );
        found
    }

    /// The addresses of all fields of a name that are not the archive's own.
    fn named(&self, name: &str) -> impl Iterator<Item = EmailAddress> {
        let fields = self.fields.iter().filter(move |field| field.is(name));
        let addresses = fields
            .flat_map(|field| mailboxes(field.value, None))
            .map(|Mailbox { address, .. }| address);
        addresses.filter(|address| !address.is_empty() && !self.is_own(address))
    }

    fn is_own(&self, address: &EmailAddress) -> bool {
        let (key, domain) = (address.key(), address.domain());
        self.rules.own_domains.iter().any(|own| *own == key || Some(own) == domain.as_ref())
    }
}

/// `archive+user=domain.example@archive.example` names `user@domain.example`.
fn sub_address(path: &EmailAddress) -> Option<EmailAddress> {
    let (local, _) = path.as_str().rsplit_once('@')?;
    let (_, tag) = local.split_once('+')?;
    let (user, domain) = tag.rsplit_once('=')?;
    (!user.is_empty() && !domain.is_empty()).then(|| EmailAddress::new(&format!("{user}@{domain}")))
}
