/// Why a batch was not archived. Its submissions stay in the spool and come again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("catalog")]
    Catalog(#[from] catalog::CatalogError),
    #[error("a legal hold keeps it; nothing is erased before the tenant's holds are released")]
    Held,
    #[error("index")]
    Index(#[from] index::Error),
    /// What was read back from the vault is not what was archived: the disk or the memory of this
    /// machine is not sound.
    #[error("the mail {content} was read back from the vault with other octets")]
    ReadBack { content: model::ContentId },
    #[error("the facts of a record cannot be written")]
    Facts(#[from] serde_json::Error),
    #[error("spool")]
    Spool(#[from] spool::SpoolError),
    #[error("vault")]
    Store(#[from] store::StoreError),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether trying the same batch again later may help; if not, one of its mails is to blame.
    pub fn passes(&self) -> bool {
        match self {
            Self::Catalog(error) => error.kind() != catalog::ErrorKind::Refuse,
            Self::Index(_) | Self::Spool(_) => true,
            Self::Store(error) => error.is_transient(),
            Self::Facts(_) | Self::Held | Self::ReadBack { .. } => false,
        }
    }

    /// The error and its causes on one line.
    pub fn chain(error: &dyn std::error::Error) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
