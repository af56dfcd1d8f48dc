/// How much of someone else's evidence is read before it is refused. The defaults hold a record
/// of a tree over 2^63 leaves, wide lists of other makers, and decades of renewals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One time-stamp token, in bytes.
    pub token_bytes_max: usize,
    /// One evidence record, in bytes.
    pub record_bytes_max: usize,
    pub chains_max: usize,
    /// Time stamps in one chain.
    pub stamps_max: usize,
    /// Lists in one reduced hash tree.
    pub lists_max: usize,
    /// Hash values in one list.
    pub hashes_max: usize,
    /// Certificates in one token.
    pub certificates_max: usize,
    /// CRLs and OCSP responses in one token.
    pub revocation_infos_max: usize,
    /// Revoked certificates in one CRL.
    pub revoked_max: usize,
    /// One ledger batch, in bytes.
    pub batch_bytes_max: usize,
    /// Leaves of one ledger batch.
    pub leaves_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_bytes_max: 4 << 20,
            record_bytes_max: 32 << 20,
            chains_max: 64,
            stamps_max: 256,
            lists_max: 64,
            hashes_max: 65_536,
            certificates_max: 16,
            revocation_infos_max: 16,
            revoked_max: 200_000,
            batch_bytes_max: 256 << 20,
            leaves_max: 1_000_000,
        }
    }
}
