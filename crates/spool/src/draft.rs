use std::sync::Arc;

use model::{ContentId, DigestWriter, Envelope, Source, TenantId, Timestamp};

use crate::entry::Metadata;
use crate::large::{LargeFile, LargeWriter};
use crate::limits::INLINE_BYTES_MAX;
use crate::spool::Shared;
use crate::{Result, SpoolError};

/// One mail that is coming in. Dropping it forgets the mail and removes its file.
pub struct Draft {
    shared: Arc<Shared>,
    tenant: TenantId,
    source: Source,
    envelope: Option<Envelope>,
    received_at: Timestamp,
    released: bool,
    digest: DigestWriter,
    size_bytes: u64,
    octets: Vec<u8>,
    large: Option<LargeWriter>,
    reserved: Reserved,
}

/// What a draft takes of memory and disk; given back when dropped.
pub(crate) struct Reserved {
    shared: Arc<Shared>,
    memory_bytes: u64,
    disk_bytes: u64,
}

impl Reserved {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, memory_bytes: 0, disk_bytes: 0 }
    }

    fn memory(&mut self, bytes: u64) -> bool {
        let taken = self.shared.remember(bytes);
        self.memory_bytes += if taken { bytes } else { 0 };
        taken
    }

    fn free_memory(&mut self) {
        self.shared.forget(std::mem::take(&mut self.memory_bytes));
    }

    pub(crate) fn disk(&mut self, bytes: u64) {
        self.shared.reserve(bytes);
        self.disk_bytes += bytes;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.free_memory();
        self.shared.unreserve(self.disk_bytes);
    }
}

impl Draft {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (tenant, source): (TenantId, Source),
        envelope: Option<Envelope>,
        received_at: Timestamp,
    ) -> Self {
        Self {
            reserved: Reserved::new(Arc::clone(&shared)),
            shared,
            tenant,
            source,
            envelope,
            received_at,
            released: false,
            digest: DigestWriter::new(),
            size_bytes: 0,
            octets: Vec::new(),
            large: None,
        }
    }

    /// Adds octets. Up to 1 MiB in all stays in memory and returns at once (as long as all drafts
    /// together leave room for it); what is beyond goes to an encrypted file, so the call blocks on the disk ([`Draft::will_block`]).
    ///
    /// # Errors
    /// `TooLarge` when the mail exceeds `mail_bytes_max`, `Full` when the disk or the spool is
    /// full, `Io`. The draft is of no use afterwards.
    pub fn write(&mut self, octets: &[u8]) -> Result<()> {
        let limit_bytes = self.shared.limits().mail_bytes_max;
        let size_bytes = self.size_bytes + octets.len() as u64;
        if size_bytes > limit_bytes {
            return Err(SpoolError::TooLarge { limit_bytes });
        }
        if self.outgrows(octets.len()) || !self.reserved.memory(octets.len() as u64) {
            self.write_large(octets)?;
        } else {
            self.octets.extend_from_slice(octets);
        }
        self.digest.update(octets);
        self.size_bytes = size_bytes;
        Ok(())
    }

    /// Whether [`Draft::write`] of so many octets would write to the disk. When memory is scarce,
    /// another draft may take the last of it meanwhile: then a write of little blocks as well.
    pub fn will_block(&self, count: usize) -> bool {
        self.outgrows(count) || !self.shared.has_memory(count as u64)
    }

    fn outgrows(&self, count: usize) -> bool {
        self.large.is_some() || self.octets.len() + count > INLINE_BYTES_MAX
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Marks the submission as released from quarantine ([`model::Submission::released`]).
    pub fn set_released(&mut self, released: bool) {
        self.released = released;
    }

    /// Replaces the envelope, such as when more of it is known after the octets.
    pub fn set_envelope(&mut self, envelope: Option<Envelope>) {
        self.envelope = envelope;
    }

    /// Replaces the source, such as when more of it is known after the octets.
    pub fn set_source(&mut self, source: Source) {
        self.source = source;
    }

    fn write_large(&mut self, octets: &[u8]) -> Result<()> {
        self.shared.admit(octets.len() as u64)?;
        self.reserved.disk(octets.len() as u64);
        let large = match &mut self.large {
            Some(large) => large,
            None => {
                let number = self.shared.next_large();
                let large = self.large.insert(LargeWriter::create(&self.shared.dir, number)?);
                large.write(&self.octets)?;
                self.octets = Vec::new();
                self.reserved.disk(self.reserved.memory_bytes);
                self.reserved.free_memory();
                large
            }
        };
        large.write(octets)
    }

    pub(crate) fn finish(self) -> Result<Finished> {
        let large = self.large.map(LargeWriter::finish).transpose()?;
        let metadata = Metadata {
            tenant: self.tenant,
            source: self.source,
            envelope: self.envelope,
            received_at: self.received_at,
            released: self.released,
            size_bytes: self.size_bytes,
            content: ContentId(self.digest.finish()),
            large: large.as_ref().map(|large| large.reference.clone()),
        };
        Ok(Finished { metadata, octets: self.octets, large, reserved: self.reserved })
    }
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

/// A draft whose octets are complete.
pub(crate) struct Finished {
    pub metadata: Metadata,
    /// Empty when there is a large file.
    pub octets: Vec<u8>,
    pub large: Option<LargeFile>,
    pub reserved: Reserved,
}

impl Finished {
    /// About what it takes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let large =
            self.large.as_ref().map_or(0, |_| crate::large::file_bytes(self.metadata.size_bytes));
        1024 + self.octets.len() as u64 + large
    }
}
