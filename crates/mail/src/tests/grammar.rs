use model::{EmailAddress, JournalReport, JournalVariant, Mark, RecipientField, Role, Shape};

use super::examine;
use crate::{MailOctets, journal};

fn parse(text: &str) -> JournalReport {
    journal::parse(text, JournalVariant::Microsoft).unwrap()
}

fn recipients(report: &JournalReport) -> Vec<(RecipientField, &str, Option<&str>, Option<&str>)> {
    fn via(address: &Option<EmailAddress>) -> Option<&str> {
        address.as_ref().map(EmailAddress::as_str)
    }
    let recipients = report.recipients.iter();
    recipients
        .map(|r| (r.field, r.address.as_str(), via(&r.expanded_from), via(&r.forwarded_from)))
        .collect()
}

#[test]
fn labels_may_have_any_case_order_and_spacing() {
    let report = parse(
        "MESSAGE-ID:<m@x>\r\nsender : <a@x.example>\r\nSUBJECT:\r\nbCc:b@x.example\r\nX-New: value: 1\r\n\r\nfooter",
    );
    assert_eq!(report.sender, Some(EmailAddress::new("a@x.example")));
    assert_eq!(report.message_id.as_deref(), Some("<m@x>"));
    assert_eq!(report.subject.as_deref(), Some(""));
    assert_eq!(recipients(&report), [(RecipientField::Bcc, "b@x.example", None, None)]);
    let unknown = [("X-New", "value: 1"), ("", "footer")]
        .map(|(label, value)| (label.to_owned(), value.to_owned()));
    assert_eq!(report.unknown_fields, unknown);
}

#[test]
fn expansion_and_forwarding_are_read_together_and_from_folded_lines() {
    let report = parse(
        "Sender: <>\nTo: a@x.example, Expanded: g@x.example, Forwarded: m@x.example\n\
         Cc: \"odd, local\"@x.example,\n  expanded:g2@x.example\nRecipient: Name <n@x.example>\nTo: SMTP:s@x.example",
    );
    assert_eq!(report.sender, None);
    assert_eq!(
        recipients(&report),
        [
            (RecipientField::To, "a@x.example", Some("g@x.example"), Some("m@x.example")),
            (RecipientField::Cc, "\"odd, local\"@x.example", Some("g2@x.example"), None),
            (RecipientField::Recipient, "n@x.example", None, None),
            (RecipientField::To, "s@x.example", None, None),
        ]
    );
}

#[test]
fn text_that_is_no_envelope_is_none() {
    assert_eq!(journal::parse("Dear all,\nnothing here", JournalVariant::Microsoft), None);
    assert_eq!(journal::parse("", JournalVariant::Exchange2003), None);
}

fn report(header: &str, envelope: &str, inner: &str) -> Vec<u8> {
    format!(
        "X-MS-Journal-Report:\r\nX-OriginatorOrg: Org.Example\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n{envelope}\r\n--b\r\nContent-Type: message/rfc822{header}\r\n\r\n{inner}\r\n--b--\r\n"
    )
    .into_bytes()
}

const ENVELOPE: &str = "Sender: a@x.example\r\nTo: b@x.example\r\n";

#[test]
fn an_encoded_inner_mail_is_given_decoded() {
    let inner = "Subject: =?utf-8?q?=C3=BC?=\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nText\r\n--q--\r\n";
    let quoted = inner.replace('=', "=3D");
    let octets = report("\r\nContent-Transfer-Encoding: quoted-printable", ENVELOPE, &quoted);
    let examined = examine(&octets);
    assert_eq!(examined.mail, MailOctets::Decoded(inner.as_bytes().to_vec()));
    assert_eq!(examined.originator_org.as_deref(), Some("org.example"));
    let base64 = "U3ViamVjdDogeA0KDQp5";
    let examined = examine(&report("\r\nContent-Transfer-Encoding: base64", ENVELOPE, base64));
    assert_eq!(examined.mail, MailOctets::Decoded(b"Subject: x\r\n\r\ny".to_vec()));
    let claimed = "Subject: x\r\n\r\ny";
    let octets = report("\r\nContent-Transfer-Encoding: base64", ENVELOPE, claimed);
    assert_eq!(examine(&octets).mail(&octets), claimed.as_bytes());
}

#[test]
fn a_rights_protected_report_gives_the_original_and_the_decrypted_copy() {
    let second = "Message-ID: <1@x>\r\n\r\nklar\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@x>\r\n\r\nentschluesselt";
    let octets = report("", ENVELOPE, second);
    let examined = examine(&octets);
    assert_eq!(examined.mail(&octets), b"Message-ID: <1@x>\r\n\r\nklar");
    assert_eq!(examined.decrypted.unwrap().of(&octets), b"Message-ID: <1@x>\r\n\r\nentschluesselt");
    assert_eq!(examined.marks, [Mark::DecryptedCopy]);
    let stranger = examine(&report("", ENVELOPE, &second.replacen("<1@x>", "<2@x>", 1)));
    assert_eq!(stranger.decrypted, None);
    assert_eq!(stranger.marks, [Mark::DamagedReport]);
}

#[test]
fn the_forwarding_mailbox_and_both_senders_take_part_and_a_group_only_explains() {
    let envelope = "Sender: s@x.example\r\nOn-Behalf-Of: boss@x.example\r\nTo: e@y.example, Forwarded: m@x.example\r\nTo: g@x.example, Expanded: all@x.example\r\n";
    let examined = examine(&report("", envelope, "Subject: x\r\n\r\ny"));
    let found: Vec<_> =
        examined.participants.iter().map(|p| (p.address.as_str(), p.role)).collect();
    assert_eq!(
        found,
        [
            ("s@x.example", Role::Sender),
            ("boss@x.example", Role::OnBehalfOf),
            ("e@y.example", Role::To),
            ("m@x.example", Role::ForwardedFrom),
            ("g@x.example", Role::To),
        ]
    );
    assert_eq!(examined.participants[4].expanded_from, Some(EmailAddress::new("all@x.example")));
}

#[test]
fn a_report_cut_before_its_last_boundary_is_read_and_marked() {
    let octets = report("", ENVELOPE, "Subject: x\r\n\r\ny");
    let cut = &octets[..octets.len() - "\r\n--b--\r\n".len()];
    let examined = examine(cut);
    assert_eq!(examined.shape, Shape::JournalReport);
    assert_eq!(examined.marks, [Mark::DamagedReport]);
    assert_eq!(examined.mail(cut), b"Subject: x\r\n\r\ny");
}

#[test]
fn bare_line_feeds_nuls_and_boundary_lookalikes_stay_in_the_inner_mail() {
    let inner = "Subject: x\n\ny\n--bb\n--b-\n --b\n--b--x\n\0\r\r\n\n\r";
    let octets = report("", ENVELOPE, inner);
    assert_eq!(examine(&octets).mail(&octets), inner.as_bytes());
    let octets = String::from_utf8(octets).unwrap().replace("\r\n", "\n").into_bytes();
    assert_eq!(examine(&octets).mail(&octets), inner.replace("\r\n", "\n").as_bytes());
}

#[test]
fn headers_of_70_kilobytes_and_10_000_recipients_are_no_limit() {
    let header: String = (0..1_500)
        .map(|n| format!("X-MS-Exchange-Organization-Field-{n}: {}\r\n", "v".repeat(30)))
        .collect();
    let inner = format!("{header}Subject: x\r\n\r\ny");
    let recipients: String =
        (0..10_000).map(|n| format!("Bcc: r{n}@x.example, Expanded: g@x.example\r\n")).collect();
    let octets = report("", &format!("Sender: a@x.example\r\n{recipients}"), &inner);
    let examined = examine(&octets);
    assert_eq!(examined.mail(&octets), inner.as_bytes());
    assert_eq!(examined.participants.len(), 10_001);
    assert_eq!(crate::describe(inner.as_bytes()).summary.subject, "x");
}

#[test]
fn only_one_level_is_unwrapped() {
    let inner =
        String::from_utf8(report("", "Sender: inner@x.example", "Subject: innermost\r\n\r\ny"))
            .unwrap();
    let inner = inner.replace("\"b\"", "\"c\"").replace("--b", "--c");
    let octets = report("", ENVELOPE, &inner);
    assert_eq!(examine(&octets).mail(&octets), inner.as_bytes());
}
