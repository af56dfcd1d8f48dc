//! The small files of a tenant's folder: its wrapped key, the header of its info.

use std::path::Path;

use model::TenantId;

use crate::cipher::{self, NONCE_BYTES, Secret, TAG_BYTES, WRAPPED_BYTES};
use crate::master_key::MasterKey;
use crate::{Result, StoreError, files};

const KEY_MAGIC: &[u8; 8] = b"CHNTENKY";
const KEY_FILE_BYTES: usize = 96;
const INFO_MAGIC: &[u8; 8] = b"CHNTENIF";
const VERSION: u16 = 1;
pub(crate) const INFO_HEADER_BYTES: usize = 32;

/// A key file with a fresh key.
pub(crate) fn new_key(id: TenantId, master: &MasterKey) -> Result<[u8; KEY_FILE_BYTES]> {
    let key = cipher::fresh_key()?;
    let mut octets = [0; KEY_FILE_BYTES];
    octets[..8].copy_from_slice(KEY_MAGIC);
    octets[8..10].copy_from_slice(&VERSION.to_le_bytes());
    octets[16..32].copy_from_slice(id.as_bytes());
    octets[32..40].copy_from_slice(master.id().as_bytes());
    octets[40..80].copy_from_slice(&cipher::wrap(master.secret(), &key)?);
    let crc = crc32c::crc32c(&octets[..92]);
    octets[92..].copy_from_slice(&crc.to_le_bytes());
    Ok(octets)
}

pub(crate) fn read_key(dir: &Path, id: TenantId, master: &MasterKey) -> Result<Secret> {
    let path = dir.join(files::TENANT_KEY);
    let octets = std::fs::read(&path).map_err(|error| StoreError::io("read", &path, error))?;
    let damaged = |why: &str| StoreError::damaged(path.display().to_string(), why);
    let octets: [u8; KEY_FILE_BYTES] =
        octets.try_into().map_err(|_| damaged("its length is wrong"))?;
    let crc = crc32c::crc32c(&octets[..92]).to_le_bytes();
    if &octets[..8] != KEY_MAGIC || octets[92..] != crc {
        return Err(damaged("its checksum is wrong"));
    }
    let version = u16::from_le_bytes([octets[8], octets[9]]);
    if version != VERSION {
        return Err(StoreError::UnknownVersion { path, version });
    }
    if octets[16..32] != *id.as_bytes() {
        return Err(damaged("it belongs to another tenant"));
    }
    if octets[32..40] != *master.id().as_bytes() {
        let wanted = cipher::hex(&octets[32..40]);
        return Err(StoreError::WrongKey { path, wanted, given: master.id().to_string() });
    }
    let mut wrapped = [0; WRAPPED_BYTES];
    wrapped.copy_from_slice(&octets[40..80]);
    cipher::unwrap(master.secret(), &wrapped).ok_or_else(|| damaged("its key does not unwrap"))
}

pub(crate) fn info_header(nonce: [u8; NONCE_BYTES], body: usize) -> [u8; INFO_HEADER_BYTES] {
    let mut header = [0; INFO_HEADER_BYTES];
    header[..8].copy_from_slice(INFO_MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[12..24].copy_from_slice(&nonce);
    header[24..28].copy_from_slice(&(body as u32).to_le_bytes());
    let crc = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// What the caller wanted kept of the tenant; `None` before it was written for the first time.
pub(crate) fn read_info(dir: &Path, id: TenantId, key: &Secret) -> Result<Option<Vec<u8>>> {
    let path = dir.join(files::TENANT_INFO);
    let octets = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        octets => octets.map_err(|error| StoreError::io("read", &path, error))?,
    };
    let damaged = |why: &str| StoreError::damaged(path.display().to_string(), why);
    let Some((header, body)) = octets.split_first_chunk::<INFO_HEADER_BYTES>() else {
        return Err(damaged("it is too short"));
    };
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&header[12..24]);
    if *header != info_header(nonce, body.len()) {
        return Err(damaged("its header is wrong"));
    }
    let mut body = body.to_vec();
    cipher::decrypt(key, nonce, &info_aad(id, header), &mut body)
        .ok_or_else(|| damaged("it does not decrypt"))?;
    Ok(Some(body))
}

/// Durable on return; after a crash the old or the new one is there.
pub(crate) fn write_info(dir: &Path, id: TenantId, key: &Secret, info: &[u8]) -> Result<()> {
    let nonce = cipher::fresh_nonce()?;
    let header = info_header(nonce, info.len() + TAG_BYTES);
    let mut body = info.to_vec();
    cipher::encrypt(key, nonce, &info_aad(id, &header), &mut body)?;
    files::replace(dir, files::TENANT_INFO, &[&header[..], &body].concat())
}

fn info_aad(id: TenantId, header: &[u8]) -> Vec<u8> {
    [header, id.as_bytes()].concat()
}
