//! Where entries of a pack stand in its file: a pack that was compacted has gaps.

use model::TenantId;

use crate::walk::{FILE_HEADER_BYTES, FileHeader, PACK_MAGIC, Source, u32_at, u64_at};

/// The format version of a pack that was compacted.
pub(crate) const COMPACTED_VERSION: u16 = 2;
const GAP_BYTES: usize = 16;

/// Octets that are no longer in the file: the entries there were erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// In the pack as it was first written.
    pub offset: u64,
    pub length: u64,
}

impl Gap {
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// Translates places of the pack as it was first written into places of the file as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// In order, apart from each other.
    gaps: Vec<Gap>,
    /// Before each gap: octets of the gaps before it.
    before: Vec<u64>,
    /// Entries that were left out.
    pub dropped: u32,
    compacted: bool,
}

/// What the beginning of a pack says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Damaged,
    Sound(Layout),
    /// An intact header of a version that this release does not know.
    Unknown(u16),
}

impl Layout {
    /// `None` when the gaps are not in order or touch each other.
    pub(crate) fn new(gaps: Vec<Gap>, dropped: u32) -> Option<Self> {
        let mut end = None;
        let mut sum = 0u64;
        let mut before = Vec::with_capacity(gaps.len());
        for gap in &gaps {
            let apart = end.is_none_or(|end| gap.offset > end);
            if !apart || gap.length == 0 || gap.offset < FILE_HEADER_BYTES as u64 {
                return None;
            }
            before.push(sum);
            sum = sum.checked_add(gap.length)?;
            end = Some(gap.end()?);
        }
        Some(Self { gaps, before, dropped, compacted: true })
    }

    pub(crate) fn is_compacted(&self) -> bool {
        self.compacted
    }

    pub(crate) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Octets that compaction took out of the pack, ever.
    pub(crate) fn dropped_bytes(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.length).sum()
    }

    /// Where the first entry stands in the file.
    pub(crate) fn start(&self) -> u64 {
        (FILE_HEADER_BYTES + GAP_BYTES * self.gaps.len()) as u64
    }

    /// Where that stands in the file which was first written at `offset`; `None` in a gap.
    pub(crate) fn place_of(&self, offset: u64) -> Option<u64> {
        let after = self.gaps.partition_point(|gap| gap.offset <= offset);
        let Some(last) = after.checked_sub(1) else {
            return (offset + self.start()).checked_sub(FILE_HEADER_BYTES as u64);
        };
        if self.gaps[last].end().is_none_or(|end| offset < end) {
            return None;
        }
        let gone = self.before[last] + self.gaps[last].length;
        Some(offset - gone - FILE_HEADER_BYTES as u64 + self.start())
    }

    /// The head of a compacted pack: header and gaps.
    pub(crate) fn head(&self, tenant: TenantId, number: u32) -> Vec<u8> {
        let mut table = Vec::with_capacity(GAP_BYTES * self.gaps.len());
        for gap in &self.gaps {
            table.extend_from_slice(&gap.offset.to_le_bytes());
            table.extend_from_slice(&gap.length.to_le_bytes());
        }
        let mut head = FileHeader { magic: *PACK_MAGIC, tenant, number }.bytes().to_vec();
        head[8..10].copy_from_slice(&COMPACTED_VERSION.to_le_bytes());
        head[32..36].copy_from_slice(&(self.gaps.len() as u32).to_le_bytes());
        head[36..40].copy_from_slice(&self.dropped.to_le_bytes());
        head[40..48].copy_from_slice(&self.dropped_bytes().to_le_bytes());
        head[48..52].copy_from_slice(&crc32c::crc32c(&table).to_le_bytes());
        let crc = crc32c::crc32c(&head[..60]);
        head[60..64].copy_from_slice(&crc.to_le_bytes());
        head.extend_from_slice(&table);
        head
    }

    /// Reads the beginning of a pack.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub(crate) fn read(
        source: &dyn Source,
        tenant: TenantId,
        number: u32,
    ) -> std::io::Result<Head> {
        let length = source.length()?;
        if length < FILE_HEADER_BYTES as u64 {
            return Ok(Head::Damaged);
        }
        let mut header = [0; FILE_HEADER_BYTES];
        source.read_at(0, &mut header)?;
        if header == (FileHeader { magic: *PACK_MAGIC, tenant, number }).bytes() {
            return Ok(Head::Sound(Self::default()));
        }
        match crate::walk::foreign_version(&header) {
            None => return Ok(Head::Damaged),
            Some(COMPACTED_VERSION) => {}
            Some(version) => return Ok(Head::Unknown(version)),
        }
        let (gaps, dropped) = (u32_at(&header, 32), u32_at(&header, 36));
        let table_bytes = u64::from(gaps) * GAP_BYTES as u64;
        if table_bytes > length - FILE_HEADER_BYTES as u64 {
            return Ok(Head::Damaged);
        }
        let mut table = vec![0; table_bytes as usize];
        source.read_at(FILE_HEADER_BYTES as u64, &mut table)?;
        let gaps = table
            .chunks_exact(GAP_BYTES)
            .map(|gap| Gap { offset: u64_at(gap, 0), length: u64_at(gap, 8) })
            .collect();
        // What is not exactly as it would be written again is damage.
        let sound = Self::new(gaps, dropped).filter(|layout| {
            let head = layout.head(tenant, number);
            head[..FILE_HEADER_BYTES] == header && head[FILE_HEADER_BYTES..] == table
        });
        Ok(sound.map_or(Head::Damaged, Head::Sound))
    }
}
