//! The headers that Exchange Online adds on the way, and the journal report around a mail
//! (in the shape of real reports; body by MS-XJRNL §2.1).

use model::{EmailAddress, JournalRecipient, RecipientField};

use super::calendar::utc;
use super::directory::ORGANISATION;
use super::letter::{Direction, Letter};
use super::mime::{Charset, TextEncoding, text_part};
use crate::Random;

/// Local part of the sender of every journal report.
const JOURNAL_AGENT: &str = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e";

pub fn server(random: &mut Random) -> String {
    let stem = random.pick(&["FRAP281MB", "BE1P281MB", "FR0P281MB", "AM9PR07MB", "DB9PR10MB"]);
    format!("{stem}{:04}", random.below(9_999))
}

fn alphanumeric(octets: usize, random: &mut Random) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(random.octets(octets))
}

pub fn received(
    direction: Direction,
    domain: &str,
    when: i64,
    out: &mut String,
    random: &mut Random,
) {
    let (from, by) = (server(random), server(random));
    let (date, build) = (utc(when), random.between(7_000, 7_999));
    out.push_str(&format!(
        "Received: from {from}.DEUP281.PROD.OUTLOOK.COM\r\n (2603:10a6:d10:{:x}::{:x}) by \
         {by}.DEUP281.PROD.OUTLOOK.COM\r\n (2603:10a6:d18:{:x}::{:x}) with Microsoft SMTP Server \
         (version=TLS1_2,\r\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.{build}.{};\r\n {date}\r\n",
        random.below(4_096),
        random.below(256),
        random.below(4_096),
        random.below(256),
        random.below(50),
    ));
    if direction != Direction::Inbound {
        return;
    }
    let address = format!("198.51.100.{}", random.below(255));
    out.push_str(&format!(
        "Authentication-Results: spf=pass (sender IP is {address})\r\n smtp.mailfrom={domain}; dkim=pass \
         (signature was verified)\r\n header.d={domain};dmarc=pass action=none header.from={domain};\
         compauth=pass\r\n reason=100\r\nReceived-SPF: Pass (protection.outlook.com: domain of {domain} \
         designates\r\n {address} as permitted sender) receiver=protection.outlook.com;\r\n \
         client-ip={address}; helo=mail.{domain}; pr=C\r\nReceived: from mail.{domain} ({address}) by\r\n \
         FR2DEU01FT{:03}.mail.protection.outlook.com (10.152.{}.{}) with Microsoft\r\n SMTP Server \
         (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.{build}.16\r\n via Frontend Transport; \
         {date}\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\r\n\
         \th=from:to:subject:date:message-id; bh={};\r\n\tb={}\r\n",
        random.below(999),
        random.below(255),
        random.below(255),
        alphanumeric(32, random),
        alphanumeric(45, random),
    ));
}

pub fn stamps(
    direction: Direction,
    network: &str,
    antispam_lines: usize,
    out: &mut String,
    random: &mut Random,
) {
    let (from, by) = (server(random), server(random));
    let inbound = direction == Direction::Inbound;
    out.push_str(&format!(
        "X-MS-Exchange-Organization-ExpirationStartTimeReason: OriginalSubmit\r\n\
         X-MS-Exchange-Organization-ExpirationInterval: 1:00:00:00.0000000\r\n\
         X-MS-Exchange-Organization-Network-Message-Id:\r\n {network}\r\nX-EOPAttributedMessage: 0\r\n\
         X-MS-Exchange-Organization-MessageDirectionality: {}\r\nX-MS-PublicTrafficType: Email\r\n\
         X-MS-TrafficTypeDiagnostic: {from}:EE_|{by}:EE_\r\nX-MS-Exchange-Organization-AuthSource:\r\n \
         {from}.DEUP281.PROD.OUTLOOK.COM\r\nX-MS-Exchange-Organization-AuthAs: {}\r\n\
         X-MS-Office365-Filtering-Correlation-Id: {network}\r\nX-MS-Exchange-Organization-SCL: {}\r\n\
         X-Microsoft-Antispam: BCL:0;ARA:13230040|{}|{}|366016;\r\nX-Forefront-Antispam-Report:\r\n \
         CIP:255.255.255.255;CTRY:;LANG:de;SCL:1;SRV:;IPV:NLI;SFV:NSPM;H:{from}.DEUP281.PROD.OUTLOOK.COM;\
         PTR:;CAT:NONE;SFS:({})({});DIR:INT;SFP:1102;\r\nX-Microsoft-Antispam-Message-Info:\r\n",
        if inbound { "Incoming" } else { "Originating" },
        if inbound { "Anonymous" } else { "Internal" },
        if inbound { "1" } else { "-1" },
        random.below(999_999_999_999),
        random.below(999_999_999_999),
        random.below(99_999_999_999),
        random.below(99_999_999_999),
    ));
    for _ in 0..antispam_lines {
        out.push_str(&format!(" {}\r\n", alphanumeric(54, random)));
    }
}

/// A report and where the original lies in it.
pub struct Report {
    pub octets: Vec<u8>,
    pub inner: std::ops::Range<usize>,
}

/// The journal report of `letter` for `recipients`; `inner` is the original as it is enclosed.
pub fn report(
    letter: &Letter,
    sender: &EmailAddress,
    on_behalf_of: Option<&EmailAddress>,
    recipients: &[JournalRecipient],
    forked: bool,
    inner: &str,
    random: &mut Random,
) -> Report {
    let boundary = format!("_{}_", random.guid());
    let (machine, second) = (server(random), server(random));
    let date = utc(letter.draft.when + 1);
    let mut out = String::with_capacity(inner.len() + 4_000 + recipients.len() * 80);
    out.push_str(&format!(
        "Received: from {second}.DEUP281.PROD.OUTLOOK.COM (2603:10a6:d10:{:x}::{:x}) by\r\n \
         {machine}.DEUP281.PROD.OUTLOOK.COM (2603:10a6:d10:{:x}::7) with Microsoft SMTP\r\n Server \
         (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\r\n 15.20.7826.40; {date}\r\n\
         Content-Type: multipart/mixed;\r\n\tboundary=\"{boundary}\"\r\nSubject: {}\r\n",
        random.below(4_096),
        random.below(256),
        random.below(4_096),
        letter.subject_header
    ));
    if !letter.draft.to.is_empty() {
        out.push_str(&format!("To: {}\r\n", letter.to_header));
    }
    if !letter.draft.cc.is_empty() {
        out.push_str(&format!("CC: {}\r\n", letter.cc_header));
    }
    out.push_str(&format!(
        "From: {}\r\nMIME-Version: 1.0\r\nSender:\r\n\t<{JOURNAL_AGENT}@{ORGANISATION}>\r\n\
         Message-ID: <{}@journal.report.generator>\r\nDate: {date}\r\nX-MS-PublicTrafficType: Email\r\n\
         X-MS-Journal-Report:\r\nX-MS-Exchange-Parent-Message-Id:\r\n\t{}\r\n\
         Auto-Submitted: auto-generated\r\nX-MS-Exchange-Generated-Message-Source: Journal Agent\r\n\
         X-MS-TrafficTypeDiagnostic: {machine}:JournalingReport\r\nX-OriginatorOrg: {ORGANISATION}\r\n\
         X-MS-Exchange-CrossTenant-Network-Message-Id:\r\n\t{}\r\n\
         X-MS-Exchange-CrossTenant-FromEntityHeader: Hosted\r\n\
         X-MS-Exchange-Transport-CrossTenantHeadersStamped: {machine}\r\n",
        letter.from_header,
        random.guid(),
        letter.message_id,
        random.guid(),
    ));
    if forked {
        out.push_str("X-MS-Exchange-Transport-Forked: True\r\n");
    }
    out.push_str(&format!("\r\n--{boundary}\r\n"));
    out.push_str(&envelope(letter, sender, on_behalf_of, recipients, random));
    out.push_str(&format!("\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n"));
    let start = out.len();
    out.push_str(inner);
    let end = out.len();
    out.push_str(&format!("\r\n--{boundary}--\r\n"));
    Report { octets: out.into_bytes(), inner: start..end }
}

fn envelope(
    letter: &Letter,
    sender: &EmailAddress,
    on_behalf_of: Option<&EmailAddress>,
    recipients: &[JournalRecipient],
    random: &mut Random,
) -> String {
    let mut text = format!("Sender: {sender}\n");
    if let Some(address) = on_behalf_of {
        text.push_str(&format!("On-Behalf-Of: {address}\n"));
    }
    text.push_str(&format!(
        "Subject: {}\nMessage-Id: {}\n",
        letter.draft.subject, letter.message_id
    ));
    for recipient in recipients {
        let field = match recipient.field {
            RecipientField::To => "To",
            RecipientField::Cc => "Cc",
            RecipientField::Bcc => "Bcc",
            RecipientField::Recipient => "Recipient",
        };
        text.push_str(&format!("{field}: {}", recipient.address));
        if let Some(list) = &recipient.expanded_from {
            text.push_str(&format!(", Expanded: {list}"));
        }
        if let Some(mailbox) = &recipient.forwarded_from {
            text.push_str(&format!(", Forwarded: {mailbox}"));
        }
        text.push('\n');
    }
    if text.is_ascii() {
        return format!(
            "Content-Type: text/plain; charset=\"us-ascii\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{}",
            text.replace('\n', "\r\n")
        );
    }
    let encoding =
        if random.chance(0.5) { TextEncoding::Base64 } else { TextEncoding::QuotedPrintable };
    text_part("plain", &text, Charset::Utf8, encoding)
}
