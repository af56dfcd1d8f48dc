pub type Result<T, E = LedgerError> = std::result::Result<T, E>;

/// Why sealing or proving failed; nothing is sealed then.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("batch {batch} lists another mail for event {seq}")]
    AnotherGroup { seq: u64, batch: u64 },
    #[error("the time-stamp authority does not answer: {0}")]
    Authority(String),
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    #[error(transparent)]
    Evidence(#[from] evidence::EvidenceError),
    #[error("cannot write {path}")]
    Export { path: std::path::PathBuf, source: std::io::Error },
    #[error("the facts of event {seq} cannot be read: {why}")]
    Facts { seq: u64, why: String },
    #[error("the ledger's events after {0} have a gap")]
    Gap(u64),
    #[error("batch {batch} has no event {seq}")]
    NotInBatch { seq: u64, batch: u64 },
    #[error("the note of batch {0} in the vault is not that batch")]
    NotTheBatch(u64),
    #[error("event {0} is not sealed yet")]
    NotSealed(u64),
    #[error("no such mail in the archive: {0}")]
    UnknownRecord(model::RecordId),
    #[error(transparent)]
    Vault(#[from] store::StoreError),
}

impl LedgerError {
    /// Whether it is about octets of one event that are damaged, missing or not those that were
    /// sealed: another try, or another event, is another matter.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::AnotherGroup { .. } | Self::Facts { .. } | Self::UnknownRecord(_) => true,
            Self::Evidence(error) => matches!(error, evidence::EvidenceError::NodeLike(_)),
            Self::Vault(error) => matches!(
                error,
                store::StoreError::Damaged { .. }
                    | store::StoreError::Erased(_)
                    | store::StoreError::PartMissing(_)
            ),
            _ => false,
        }
    }
}
