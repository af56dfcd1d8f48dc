use std::path::PathBuf;

/// What the caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be fulfilled as it is; the catalog is fine.
    Refuse,
    /// The same call may succeed later: the mail stays in the spool until then.
    Retry,
    /// The catalog cannot be used until a person has looked at it.
    Stop,
}

/// Which rule an entry would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another account of the tenant owns the address at this time.
    AddressOwned,
    /// A directory of the tenant has this name.
    DirectoryName,
    /// A group that was made here has this name.
    GroupName,
    /// An account, a source or a tenant has this id.
    Id,
    /// The address is already a way into this or another tenant.
    JournalAddress,
    /// Another account or group came from this entry of the directory.
    Origin,
    /// The account is linked to somebody else at the provider, or that person to another account.
    Linked,
    /// A matter of the tenant has this name.
    MatterName,
    /// A legal hold keeps it.
    Held,
    /// A tenant has this name.
    TenantName,
    /// An account has this user name, perhaps in other case.
    UserName,
}

impl Conflict {
    /// The stable name, such as `address-owned`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AddressOwned => "address-owned",
            Self::DirectoryName => "directory-name-taken",
            Self::GroupName => "group-name-taken",
            Self::Id => "id-taken",
            Self::Linked => "linked",
            Self::JournalAddress => "journal-address-taken",
            Self::Origin => "directory-entry-taken",
            Self::MatterName => "matter-name-taken",
            Self::Held => "held",
            Self::TenantName => "tenant-name-taken",
            Self::UserName => "user-name-taken",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::AddressOwned => "the address belongs to another account",
            Self::DirectoryName => "a directory has this name",
            Self::GroupName => "a group has this name",
            Self::Id => "the id is taken",
            Self::JournalAddress => "the journal address is taken",
            Self::Origin => "the entry of the directory belongs to another account",
            Self::Linked => "the account or the person at the provider is linked otherwise",
            Self::MatterName => "a matter has this name",
            Self::Held => "a legal hold keeps it; holds are released in their matters first",
            Self::TenantName => "the tenant's name is taken",
            Self::UserName => "the user name is taken",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Another process writes for longer than five seconds.
    #[error("the catalog is locked by another process; end it or try again")]
    Busy,
    #[error("{}", .0.text())]
    Conflict(Conflict),
    #[error("the catalog {path} is damaged ({detail}); restore a backup or run `chancery rebuild`")]
    Corrupt { path: PathBuf, detail: String },
    #[error("{path} exists already; name another file")]
    Exists { path: PathBuf },
    #[error("the disk of the catalog {path} is full; make room")]
    Full { path: PathBuf },
    /// The value is too long or empty.
    #[error("{0} is empty or too long")]
    Invalid(&'static str),
    /// A batch refers to a part that was erased meanwhile: it is to be stored again.
    #[error("part {0} is not in the catalog any more")]
    MissingPart(model::ContentId),
    /// A batch reports a further delivery of a record that the catalog does not have, and the
    /// entry that was written does not contain the mail.
    #[error("record {0} is not in the catalog, and its entry holds no mail")]
    MissingRecord(model::RecordId),
    #[error(
        "the catalog {path} has schema {found}, this program knows {known}; update the program"
    )]
    NewerSchema { path: PathBuf, found: u32, known: u32 },
    #[error("{0} does not exist")]
    NotFound(&'static str),
    #[error(transparent)]
    Policies(policy::retain::SetError),
    #[error("cannot open the catalog {path}; look at the folder and its permissions")]
    Open { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the catalog {path} cannot be written to; look at its permissions")]
    ReadOnly { path: PathBuf },
    /// Anything else that the database says.
    #[error("catalog operation failed in {path}")]
    Storage { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("no catalog engine for {url}; expected sqlite:<path>")]
    UnknownEngine { url: String },
}

impl CatalogError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy | Self::Full { .. } | Self::MissingPart(_) => ErrorKind::Retry,
            Self::Conflict(_)
            | Self::Exists { .. }
            | Self::Invalid(_)
            | Self::MissingRecord(_)
            | Self::NotFound(_)
            | Self::Policies(_) => ErrorKind::Refuse,
            Self::Corrupt { .. }
            | Self::NewerSchema { .. }
            | Self::Open { .. }
            | Self::ReadOnly { .. }
            | Self::Storage { .. }
            | Self::UnknownEngine { .. } => ErrorKind::Stop,
        }
    }
}
