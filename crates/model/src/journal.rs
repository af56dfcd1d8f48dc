use serde::{Deserialize, Serialize};

use crate::EmailAddress;

/// Which envelope line named a recipient (MS-XJRNL §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientField {
    To,
    Cc,
    Bcc,
    /// The kind is not known: submissions from outside, edge or Exchange 2003.
    Recipient,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecipient {
    pub field: RecipientField,
    pub address: EmailAddress,
    /// The group whose expansion gave this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded_from: Option<EmailAddress>,
    /// The mailbox that forwards to this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<EmailAddress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalVariant {
    /// Exchange 2000/2003: `Content-Identifier: ExJournalReport`, also misspelt.
    Exchange2003,
    /// Exchange 2007 and later, Exchange Online, Amazon WorkMail, Oracle `:journal`.
    Microsoft,
    /// A report that came back inside an undeliverable report.
    NdrWrapped,
}

/// What the envelope part of a journal report says. The octets of the report are kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalReport {
    pub variant: JournalVariant,
    /// Who sent it; `None` for the null sender of a non-delivery report.
    pub sender: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// As written: the syntax of the two times is not documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_utc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_utc: Option<String>,
    pub recipients: Vec<JournalRecipient>,
    /// Lines with a field name that is not known, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<(String, String)>,
    /// The value of `X-OriginatorOrg`, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator_org: Option<String>,
}
