use model::RecordId;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the octets of record {record} cannot be read")]
    Archive { record: RecordId, source: Box<dyn std::error::Error + Send + Sync> },
    /// The custodian is neither an address nor an account that owns one.
    #[error("{0:?} is neither an address nor the user name of an account with one")]
    BadCustodian(String),
    /// The cursor is of another sort order, or no cursor at all.
    #[error("the cursor does not belong to this search")]
    BadCursor,
    #[error("no such sort order")]
    BadSort,
    #[error("the catalog does not answer")]
    Catalog(#[from] catalog::CatalogError),
    #[error("evidence cannot be given")]
    Evidence(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("files of an export")]
    Files(#[source] std::io::Error),
    /// A matter with holds is not closed; one that is closed gets none.
    #[error("the matter is closed, or it still has a hold")]
    Held,
    #[error("the index does not answer")]
    Index(#[source] index::Error),
    #[error("the system gives no random bytes")]
    NoRandomness,
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The query was not understood.
    #[error("{detail}")]
    Query {
        /// The key of the text for people, such as `query.bad_date`.
        key: &'static str,
        /// One English sentence.
        detail: &'static str,
        /// Which part, in UTF-16 code units.
        start: usize,
        end: usize,
    },
    /// Nothing, or more than may be at once.
    #[error("name at least one mail and at most {0}; narrow the search")]
    TooMany(usize),
    #[error("the vault does not take a note")]
    Vault(#[source] store::StoreError),
}

impl From<index::Error> for Error {
    fn from(error: index::Error) -> Self {
        match error {
            index::Error::BadCursor => Self::BadCursor,
            error => Self::Index(error),
        }
    }
}

pub type Result<T> = std::result::Result<T, Error>;
