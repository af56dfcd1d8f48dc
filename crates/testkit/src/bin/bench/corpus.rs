//! The mails to measure with: generated once into a file, read as a stream.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use model::Timestamp;
use testkit::demo::{Company, Profile, Settings};

use crate::Outcome;

const SEED: u64 = 11;
/// The same corpus on every machine and day.
const END_SECONDS: i64 = 1_790_000_000;

/// Reports of one profile in one file: length (u32), token length (u8), token, octets.
pub struct Corpus {
    path: PathBuf,
    pub count: usize,
    /// Of all reports.
    pub octets: u64,
}

pub struct Mail {
    pub token: String,
    pub octets: Vec<u8>,
}

impl Corpus {
    pub fn make(folder: &Path, profile: Profile, count: usize) -> Outcome<Self> {
        let path = folder.join(format!("{profile:?}-{count}.reports"));
        if !path.exists() {
            let partial = path.with_extension("partial");
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
            let end = Timestamp::from_seconds(END_SECONDS);
            let company = Company::new(Settings { seed: SEED, end, profile });
            for report in company.reports(count) {
                out.write_all(&(report.octets.len() as u32).to_le_bytes())?;
                out.write_all(&[report.truth.body_token.len() as u8])?;
                out.write_all(report.truth.body_token.as_bytes())?;
                out.write_all(&report.octets)?;
            }
            out.flush()?;
            std::fs::rename(&partial, &path)?;
        }
        let mut corpus = Self { path, count, octets: 0 };
        let mut octets = 0;
        corpus.read(|mail| {
            octets += mail.octets.len() as u64;
            true
        })?;
        corpus.octets = octets;
        Ok(corpus)
    }

    /// Gives every mail in turn to `take`, until that says no. The file stays in the page cache.
    pub fn read(&self, take: impl FnMut(Mail) -> bool) -> Outcome<()> {
        self.read_range(0..self.count, take)
    }

    /// As [`Corpus::read`], only these mails.
    pub fn read_range(
        &self,
        range: std::ops::Range<usize>,
        mut take: impl FnMut(Mail) -> bool,
    ) -> Outcome<()> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        for number in 0..range.end {
            let mut head = [0; 5];
            file.read_exact(&mut head)?;
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let mut token = vec![0; usize::from(head[4])];
            file.read_exact(&mut token)?;
            let mut octets = vec![0; length];
            file.read_exact(&mut octets)?;
            if number < range.start {
                continue;
            }
            if !take(Mail { token: String::from_utf8(token)?, octets }) {
                break;
            }
        }
        Ok(())
    }
}
