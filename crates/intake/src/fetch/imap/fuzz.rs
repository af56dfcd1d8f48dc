//! For fuzzing: any octets as the answer of a server.

use super::fetched::{Bodies, FetchItem};
use super::reader::{Read, ReadError, Reader, Source};
use super::response::{self, Response};
use super::utf7;
use crate::fetch::FetchError;

/// Octets that arrive in pieces, and then no more.
pub(super) struct Pieces<'a> {
    pub(super) octets: &'a [u8],
    pub(super) piece: usize,
    pub(super) left: usize,
}

impl Source for Pieces<'_> {
    fn held(&mut self) -> Result<&[u8], FetchError> {
        if self.left == 0 {
            self.left = self.piece.min(self.octets.len());
        }
        match self.left {
            0 => Err(FetchError::closed()),
            left => Ok(&self.octets[..left]),
        }
    }

    fn consume(&mut self, octets: usize) {
        self.octets = &self.octets[octets..];
        self.left -= octets;
    }
}

/// What was handed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taker {
    announced: Vec<u64>,
    pub(super) octets: Vec<u8>,
    complete: u64,
}

impl Bodies for Taker {
    fn begin(&mut self, _uid: Option<u32>, octets: u64) -> Result<bool, FetchError> {
        self.announced.push(octets);
        Ok(true)
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        self.octets.extend_from_slice(run);
        Ok(())
    }

    fn complete(&mut self, _item: &FetchItem) -> Read<()> {
        self.complete += 1;
        Ok(())
    }
}

/// Responses to their end or to the first that cannot be read. In which pieces the octets arrive
/// makes no difference, and no body has octets that were not announced.
pub fn responses(octets: &[u8], piece: usize) {
    let whole = read_all(octets, usize::MAX);
    let pieces = read_all(octets, piece.max(1));
    assert_eq!(whole, pieces, "the answer depends on how it arrives");
    let announced: u64 = whole.1.announced.iter().sum();
    assert!(whole.1.octets.len() as u64 <= announced, "octets that nobody announced");
}

/// A folder's name in modified UTF-7 that can be read is the one that is written.
pub fn folder_name(raw: &[u8]) {
    if let Some(name) = utf7::decode(raw) {
        let written = utf7::encode(&name);
        assert_eq!(utf7::decode(written.as_bytes()).as_deref(), Some(name.as_str()));
    }
}

fn read_all(octets: &[u8], piece: usize) -> (Vec<Response>, Taker, String) {
    let mut source = Pieces { octets, piece, left: 0 };
    let mut taker = Taker::default();
    let mut found = Vec::new();
    loop {
        match response::read(&mut Reader::new(&mut source), &mut taker) {
            Ok(response) => found.push(response),
            Err(ReadError::Syntax(what)) => return (found, taker, what.to_owned()),
            Err(ReadError::Failed(error)) => return (found, taker, error.to_string()),
        }
    }
}
