use model::Timestamp;

pub type Result<T, E = EvidenceError> = std::result::Result<T, E>;

/// Why evidence is refused. Each text says what is wrong, so that an auditor can look at it with
/// another tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    #[error("the time stamp answer does not carry the requested {0}")]
    AnswerDiffers(&'static str),
    #[error("the authority refused: {0}")]
    AuthorityRefused(String),
    #[error("the batches do not follow each other: {0}")]
    BatchOrder(String),
    #[error("a certificate in the token leads to no trusted authority: {0}")]
    CertificateAstray(String),
    #[error("the certificate of {subject} ended at {ended}, before {needed}")]
    CertificateEnded { subject: String, ended: Timestamp, needed: Timestamp },
    #[error("the certificate of the time stamp authority does not fit: {0}")]
    CertificateUnfit(String),
    #[error("the certificate chain does not hold: {0}")]
    ChainBroken(String),
    #[error("the time stamp says {stamped}, but it is {now}")]
    ClockDiffers { stamped: Timestamp, now: Timestamp },
    #[error("equal hash values in one list of the hash tree")]
    DuplicateHash,
    #[error("nothing to prove: no data object was given")]
    NoObjects,
    #[error("the hash value of the data object is not in the first list of its evidence record")]
    HashAbsent,
    #[error("the hash tree does not lead to the hash value that was time-stamped")]
    HashTreeBroken,
    #[error("{structure} is not valid DER: {flaw}")]
    Malformed { structure: &'static str, flaw: &'static str },
    #[error("a data object of {0} bytes could be a row of hash values of the tree")]
    NodeLike(usize),
    #[error("the first list of the evidence record holds other objects than those of the group")]
    NotExact,
    #[error("the hash-tree renewal combines its hash values in sorted order")]
    RenewalSorted,
    #[error("the certificate of {subject} was revoked at {at} ({reason})")]
    Revoked { subject: String, at: Timestamp, reason: &'static str },
    #[error("revocation data in the token is not usable: {0}")]
    RevocationUnfit(String),
    #[error("no revocation data for the certificate of {0}")]
    RevocationMissing(String),
    #[error("the local seal does not hold: {0}")]
    SealBroken(&'static str),
    #[error("the signature of {0} does not hold")]
    SignatureBroken(&'static str),
    #[error("time stamps are not in ascending order: {later} follows {earlier}")]
    TimeOrder { earlier: Timestamp, later: Timestamp },
    #[error("{what} holds more than {limit}")]
    TooMuch { what: &'static str, limit: usize },
    #[error("the trusted list is not usable: {0}")]
    TrustedListUnfit(String),
    #[error("the algorithm {algorithm} of {place} is not known or not fit for evidence")]
    UnknownAlgorithm { place: &'static str, algorithm: String },
    #[error("{0}, which is not supported")]
    Unsupported(String),
    #[error("the wrong kind of structure: {0}")]
    WrongKind(String),
}
