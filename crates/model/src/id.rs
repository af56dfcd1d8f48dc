use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::ContentId;

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of 32 hexadecimal digits")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let hex = text.as_bytes();
                if hex.len() != 32 || hex.iter().any(u8::is_ascii_uppercase) {
                    return Err(ParseIdError);
                }
                let mut bytes = [0; 16];
                for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16).ok_or(ParseIdError)?;
                    let low = char::from(pair[1]).to_digit(16).ok_or(ParseIdError)?;
                    *byte = (high * 16 + low) as u8;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One legal hold of a matter.
    HoldId
);
id!(
    /// One matter: a dispute or an investigation, for which mail is kept.
    MatterId
);
id!(
    /// One request of an auditor or officer for access to foreign mail.
    AccessRequestId
);
id!(
    /// One directory that accounts and groups come from.
    DirectoryId
);
id!(
    /// One run that disposes of mail, from its proposal to its end.
    DisposalRunId
);
id!(
    /// One grant: who may see the mail of whom.
    GrantId
);
id!(
    /// One look at all mail of a tenant: what its policies come to.
    SurveyId
);
id!(
    /// One group of accounts.
    GroupId
);
id!(
    /// One customer whose archive is separate from all others.
    TenantId
);
id!(
    /// One archived mail of one tenant.
    RecordId
);
id!(
    /// One person or machine that can sign in.
    AccountId
);
id!(
    /// One piece of long work, such as an export.
    JobId
);
id!(
    /// One submission that waits in quarantine for a decision.
    QuarantineId
);
id!(
    /// One way by which mail comes in: a journal address, an import, later a mailbox.
    SourceId
);
id!(
    /// One OpenID provider that accounts sign in through.
    ProviderId
);
id!(
    /// One token by which a program uses the API as an account.
    ApiTokenId
);

impl RecordId {
    /// The record that holds the mail `content` in the archive of `tenant`.
    ///
    /// Derived, not drawn: archiving the same octets again after a crash names the same record,
    /// and a rebuilt catalog has the ids of the lost one.
    pub fn of(tenant: TenantId, content: ContentId) -> Self {
        Self(derive(b"chancery record v1", tenant, content))
    }
}

impl QuarantineId {
    /// The quarantine entry for the submission `content` at `tenant`; derived like [`RecordId::of`].
    pub fn of(tenant: TenantId, content: ContentId) -> Self {
        Self(derive(b"chancery quarantine v1", tenant, content))
    }
}

fn derive(label: &[u8], tenant: TenantId, content: ContentId) -> [u8; 16] {
    let mut hash = sha2::Sha256::new();
    hash.update(label);
    hash.update(tenant.0);
    hash.update(content.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| digest[i])
}
