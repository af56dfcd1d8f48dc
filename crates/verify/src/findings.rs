//! What was found, as it is printed. Field names are part of the JSON output.

use evidence::VerifiedToken;
use evidence::trusted_list::{Granted, TrustedList};
use model::{RecordId, TenantId, Timestamp};
use serde::Serialize;

/// A question and its answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub proven: bool,
    /// Why not; or what a reader should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Check {
    pub const fn yes() -> Self {
        Self { proven: true, detail: None }
    }

    pub fn no(detail: impl Into<String>) -> Self {
        Self { proven: false, detail: Some(detail.into()) }
    }

    pub fn of(result: Result<(), String>) -> Self {
        result.map_or_else(Self::no, |()| Self::yes())
    }
}

/// One time stamp of a chain of renewals.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    pub at: Timestamp,
    pub authority: String,
    /// The trusted certificate.
    pub anchor: String,
    pub hash_algorithm: &'static str,
    /// The number of the chain; a new one is a hash-tree renewal.
    pub chain: usize,
    pub policy: String,
    pub serial: String,
    pub valid_until: Timestamp,
    /// The authority says that the stamp is qualified: a claim.
    pub claims_qualified: bool,
    /// What the trusted lists say of the authority at that time; absent when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualified: Option<Check>,
}

/// What an evidence record proves.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The first one says since when the objects exist.
    pub stamps: Vec<Stamp>,
    /// Authorities without revocation data in the record.
    pub without_revocation_data: Vec<String>,
    /// The record is about these objects and no others.
    pub exact: bool,
}

impl Evidence {
    pub fn of(proof: &evidence::Proof, lists: &[TrustedList]) -> Self {
        let stamp = |it: &evidence::ProvenStamp| {
            let info = it.token.token.info();
            Stamp {
                at: info.gen_time,
                authority: it.token.authority.clone(),
                anchor: it.token.anchor.clone(),
                hash_algorithm: it.algorithm.name(),
                chain: it.chain,
                policy: info.policy.clone(),
                serial: info.serial_hex(),
                valid_until: it.token.valid_until,
                claims_qualified: info.claims_qualified,
                qualified: qualified(&it.token, lists),
            }
        };
        Self {
            stamps: proof.stamps.iter().map(stamp).collect(),
            without_revocation_data: proof
                .without_revocation()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            exact: proof.exact,
        }
    }
}

/// The first list that has the authority counts.
fn qualified(token: &VerifiedToken, lists: &[TrustedList]) -> Option<Check> {
    let mut why = None;
    for list in lists {
        let chain = token.path.iter().chain([&token.root]).map(Vec::as_slice);
        match list.granted(chain, token.token.info().gen_time) {
            Ok(granted) => {
                let Granted { provider, service, since, territory, list_issued_at } = granted;
                let said = format!(
                    "{service} of {provider} is granted since {since}, by the list of {territory} of \
                     {list_issued_at}"
                );
                return Some(Check { proven: true, detail: Some(said) });
            }
            Err(error) => why = why.or(Some(error)),
        }
    }
    why.map(Check::no)
}

/// One submission of a mail.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryFindings {
    pub seq: u64,
    pub batch: u64,
    pub received_at: Option<Timestamp>,
    /// The octets here are those that the facts name.
    pub octets: Check,
    /// The evidence record holds for mail, report and facts together.
    pub time: Check,
    /// The batch has this very group under this number.
    pub ledger: Check,
    /// The journal report's recipients are those of the facts; absent without a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the evidence record of a second authority proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<Evidence>,
}

impl DeliveryFindings {
    pub fn proven(&self) -> bool {
        let recipients = self.recipients.as_ref().is_none_or(|check| check.proven);
        self.octets.proven && self.time.proven && self.ledger.proven && recipients
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MailFindings {
    pub record: RecordId,
    pub proven: bool,
    pub deliveries: Vec<DeliveryFindings>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchFindings {
    pub number: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    pub sealed_at: Option<Timestamp>,
    /// `stamped` or `local-key`.
    pub seal: &'static str,
    /// The file is whole and its header says the same.
    pub file: Check,
    /// Its evidence record or local seal holds.
    pub sealed: Check,
    /// It comes right after the batch before it.
    pub follows: Check,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the evidence record of a second authority proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<Evidence>,
}

impl BatchFindings {
    pub fn proven(&self) -> bool {
        self.file.proven && self.sealed.proven && self.follows.proven
    }
}

/// An event that is not about the arrival of mail.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFindings {
    pub seq: u64,
    pub batch: u64,
    /// Such as `hold-placed` or `disposed`.
    pub kind: String,
    pub at: Timestamp,
    /// The batch has this very note under this number.
    pub note: Check,
}

/// An archived mail that is not here because it was destroyed with a certificate.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DisposedFindings {
    /// The event of its arrival.
    pub seq: u64,
    /// The event of its destruction, whose note is here and proven.
    pub certificate: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportFindings {
    pub proven: bool,
    pub tenant: TenantId,
    pub exported_at: Timestamp,
    pub product: String,
    pub verified_at: Timestamp,
    /// Every file is the one that was exported, and there is no other.
    pub files: Check,
    /// The batches follow each other without a gap from the first to the last.
    pub ledger: Check,
    /// The mails are those that the manifest claims; and if it claims so, all that the batches name
    /// but those in `disposed`: nothing was removed.
    pub complete: Check,
    pub batches: Vec<BatchFindings>,
    /// Notes of other events.
    pub events: Vec<EventFindings>,
    pub disposed: Vec<DisposedFindings>,
    pub mails: Vec<MailFindings>,
    /// What is no flaw, but should be known.
    pub remarks: Vec<String>,
}

/// A group of files and its evidence record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SingleFindings {
    pub proven: bool,
    pub files: Vec<String>,
    pub verified_at: Timestamp,
    pub time: Check,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The batch has this very group; absent when no batch was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchFindings>,
    /// The group's numbers in the batch.
    pub seqs: Vec<u64>,
}

/// A file and a seal of the archive's own key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedFindings {
    pub file: String,
    /// By the archive's own clock.
    pub sealed_at: Option<Timestamp>,
    /// The archive sealed these very octets.
    pub proven: Check,
}
