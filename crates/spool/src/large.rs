//! A large mail: chunks under a key of its own (`docs/format.md`, large mail).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cipher::{Cipher, KEY_BYTES, TAG_BYTES, fresh_key};
use crate::entry::LargeReference;
use crate::files;
use crate::{Result, SpoolError};

const MAGIC: &[u8; 8] = b"CHNLARGE";
const HEADER_BYTES: usize = 32;
const CHUNK_BYTES: usize = 1 << 20;
const VERSION: u16 = 1;

/// A large file that grows; removed when dropped before [`LargeWriter::finish`].
pub(crate) struct LargeWriter {
    number: u64,
    path: PathBuf,
    file: File,
    key: Zeroizing<[u8; KEY_BYTES]>,
    cipher: Cipher,
    chunk: Vec<u8>,
    chunks: u64,
    kept: bool,
}

impl LargeWriter {
    pub(crate) fn create(dir: &Path, number: u64) -> Result<Self> {
        let path = files::large_path(dir, number);
        let io = |error| SpoolError::io("create", &path, error);
        let key = fresh_key()?;
        let cipher = Cipher::new(&key)?;
        let mut file = files::create_new(&path).map_err(io)?;
        files::write_large(&mut file, &header(number)).map_err(io)?;
        let chunk = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        Ok(Self { number, path, file, key, cipher, chunk, chunks: 0, kept: false })
    }

    pub(crate) fn write(&mut self, mut octets: &[u8]) -> Result<()> {
        while !octets.is_empty() {
            if self.chunk.len() == CHUNK_BYTES {
                self.flush(false)?;
            }
            let (now, later) = octets.split_at(octets.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            octets = later;
        }
        Ok(())
    }

    /// Writes the last chunk; the file is complete, but durable only after [`LargeFile::sync`].
    pub(crate) fn finish(mut self) -> Result<LargeFile> {
        self.flush(true)?;
        self.kept = true;
        let file = self.file.try_clone().map_err(|e| SpoolError::io("keep", &self.path, e))?;
        let reference = LargeReference { number: self.number, key: *self.key };
        Ok(LargeFile { reference, path: self.path.clone(), file, kept: false })
    }

    fn flush(&mut self, last: bool) -> Result<()> {
        let nonce = (u32::from(last), self.chunks);
        self.cipher.seal(nonce, &header(self.number), &mut self.chunk, 0)?;
        files::write_large(&mut self.file, &self.chunk)
            .map_err(|error| SpoolError::io("write", &self.path, error))?;
        self.chunks += 1;
        self.chunk.clear();
        Ok(())
    }
}

impl Drop for LargeWriter {
    fn drop(&mut self) {
        if !self.kept {
            remove_quietly(&self.path);
        }
    }
}

/// A complete large file; removed when dropped before [`LargeFile::keep`].
pub(crate) struct LargeFile {
    pub reference: LargeReference,
    path: PathBuf,
    file: File,
    kept: bool,
}

impl LargeFile {
    pub(crate) fn sync(&self, dir: &Path) -> Result<()> {
        files::sync_large(&self.file, dir)
            .map_err(|error| SpoolError::io("make durable", &self.path, error))
    }

    /// A durable entry names the file now.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        if !self.kept {
            remove_quietly(&self.path);
        }
    }
}

fn remove_quietly(path: &Path) {
    if let Err(error) = files::remove(path) {
        tracing::warn!(path = %path.display(), %error, "a large file of the spool stays until the next start");
    }
}

/// Bytes on disk of a mail of `size_bytes`.
pub(crate) fn file_bytes(size_bytes: u64) -> u64 {
    let chunks = size_bytes.div_ceil(CHUNK_BYTES as u64).max(1);
    HEADER_BYTES as u64 + size_bytes + chunks * TAG_BYTES as u64
}

/// Reads a whole large mail; `Ok(None)` when it is damaged or missing.
pub(crate) fn read(
    dir: &Path,
    large: &LargeReference,
    size_bytes: u64,
) -> io::Result<Option<Vec<u8>>> {
    let path = files::large_path(dir, large.number);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != file_bytes(size_bytes) {
        return Ok(None);
    }
    let Ok(cipher) = Cipher::new(&large.key) else { return Ok(None) };
    let mut head = [0; HEADER_BYTES];
    file.read_exact(&mut head)?;
    if head != header(large.number) {
        return Ok(None);
    }
    let mut octets = Vec::with_capacity(size_bytes as usize);
    let mut chunk = vec![0; CHUNK_BYTES + TAG_BYTES];
    let chunks = size_bytes.div_ceil(CHUNK_BYTES as u64).max(1);
    for number in 0..chunks {
        let plain = (size_bytes - number * CHUNK_BYTES as u64).min(CHUNK_BYTES as u64) as usize;
        let sealed = &mut chunk[..plain + TAG_BYTES];
        file.read_exact(sealed)?;
        let nonce = (u32::from(number + 1 == chunks), number);
        match cipher.open(nonce, &head, sealed) {
            Some(plain) => octets.extend_from_slice(plain),
            None => return Ok(None),
        }
    }
    Ok(Some(octets))
}

fn header(number: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(CHUNK_BYTES as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&number.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..28]);
    bytes[28..].copy_from_slice(&crc.to_le_bytes());
    bytes
}
