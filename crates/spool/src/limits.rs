use std::time::Duration;

/// A mail up to this size is kept in memory until it is durable; above, in an encrypted file.
pub(crate) const INLINE_BYTES_MAX: usize = 1 << 20;

/// Submissions that share one `fdatasync` at most.
pub(crate) const BATCH_COUNT_MAX: usize = 4096;

/// Bytes that share one `fdatasync` at most; one submission always fits.
pub(crate) const BATCH_BYTES_MAX: usize = 16 << 20;

/// A segment without unsettled entries is erased after this time, although it is not full.
pub(crate) const IDLE_SEGMENT_AGE: Duration = Duration::from_secs(5);

/// A segment that was begun so long ago is followed by a new one, although it is not full: what
/// leaves the archive must not stay here until much other mail has come.
pub(crate) const SEGMENT_AGE: Duration = Duration::from_secs(60);

/// How long an entry waits that could not be read.
pub(crate) const READ_RETRY: Duration = Duration::from_secs(30);

/// Octets of all mails together that are on their way in and kept in memory; beyond this, further
/// octets go to files at once.
pub(crate) const DRAFTS_BYTES_MAX: u64 = 256 << 20;

/// How much the spool may hold.
#[derive(Clone, Copy, Debug)]
pub struct SpoolLimits {
    /// Bytes of all segments and large files together.
    pub bytes_max: u64,
    /// Bytes that stay free on the disk.
    pub reserve_free_bytes: u64,
    /// Octets of one mail.
    pub mail_bytes_max: u64,
    /// A segment that is larger (its large files counted) is followed by a new one.
    pub segment_bytes: u64,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self {
            bytes_max: 8 << 30,
            reserve_free_bytes: 1 << 30,
            mail_bytes_max: 256 << 20,
            segment_bytes: 64 << 20,
        }
    }
}
