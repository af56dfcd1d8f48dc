use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HtmlParams {
    /// Whether images are loaded from elsewhere (`https` only).
    #[serde(default)]
    #[param(required = false)]
    pub remote: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub id: String,
    pub subject: String,
    pub from: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    /// The Date header: a claim of the sender.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub date: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub size_bytes: u64,
    pub kind: MailKind,
    pub marks: Vec<Mark>,
    pub message_id: Option<String>,
    pub has_html: bool,
    pub has_text: bool,
    /// The plain text, made from the HTML when the mail has no other; at most 1 MB.
    pub text_body: String,
    /// Whether `textBody` ends before the mail does.
    pub truncated: bool,
    /// How many things the HTML would load from elsewhere.
    pub remote_content: u32,
    pub attachments: Vec<Attachment>,
    pub headers: Vec<Header>,
    /// Who really received it and why, as far as the reader may know.
    pub recipients: Vec<Recipient>,
    /// The journal reports, for senders and auditors.
    pub reports: Vec<Report>,
    /// Other visible mails with the same Message-ID.
    pub versions: Vec<Version>,
    /// SHA-256 of the mail's octets.
    pub content_id: String,
    pub source: SourceName,
    /// The SMTP dialogue, for auditors; null for an import.
    pub envelope: Option<Envelope>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mailbox {
    pub name: String,
    pub address: String,
}

impl From<&model::Mailbox> for Mailbox {
    fn from(mailbox: &model::Mailbox) -> Self {
        Self { name: mailbox.name.clone(), address: mailbox.address.to_string() }
    }
}

/// Copies an enumeration of the model, variant by variant.
macro_rules! mirror {
    ($name:ident of $original:path { $($variant:ident),+ $(,)? }) => {
        #[derive(Clone, Copy, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($variant),+
        }

        impl From<$original> for $name {
            fn from(value: $original) -> Self {
                match value {
                    $(<$original>::$variant => Self::$variant),+
                }
            }
        }
    };
}

mirror!(MailKind of model::MailKind { Calendar, Encrypted, Mail, Report });
mirror!(Mark of model::Mark {
    DamagedReport, DecryptedCopy, NotAMail, RecipientsFromHeaders, TooComplex, Unreadable,
});
mirror!(Role of model::Role {
    Sender, OnBehalfOf, To, Cc, Bcc, Recipient, ForwardedFrom, Mailbox,
});
mirror!(Provenance of model::Provenance {
    EnvelopeHeader, Fetched, Headers, Import, JournalReport, SmtpEnvelope,
});
mirror!(JournalVariant of model::JournalVariant { Exchange2003, Microsoft, NdrWrapped });

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub name: String,
    pub value: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub index: u32,
    pub name: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub inline: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    pub address: String,
    pub role: Role,
    pub provenance: Provenance,
    /// The list whose expansion gave this address.
    pub expanded_from: Option<String>,
    /// The mailbox that forwards to this address.
    pub forwarded_from: Option<String>,
    /// The journal report that named it: `contentId` of one of `reports`.
    pub via_report: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub content_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub size_bytes: u64,
    pub originator_org: Option<String>,
    pub variant: Option<JournalVariant>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub id: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: String,
    pub size_bytes: u64,
}

/// `kind` is `smtp`, `fetch` or `import`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceName {
    pub kind: String,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    pub reverse_path: Option<String>,
    pub forward_paths: Vec<String>,
    pub peer: Option<String>,
    pub tls: Option<String>,
}
