//! `evidence`: what proof costs. Sealing beside bare hashing, one proof out of many leaves,
//! `chancery-verify` and the scrub beside `sha256sum`.

mod archive;
mod export;
mod scrub;
mod trees;

use std::time::{Duration, Instant};

use evidence::{HashAlgorithm, HashValue};

use crate::{Arguments, Outcome};

const SHA256: HashAlgorithm = HashAlgorithm::Sha256;

/// What is measured several times counts by its fastest round.
const ROUNDS: usize = 3;

pub fn run(arguments: &Arguments) -> Outcome<()> {
    trees::sealing(arguments.leaves)?;
    trees::proof(arguments.proof_leaves)?;
    let archive = archive::Archive::fill(&arguments.folder, arguments.exported)?;
    archive.seal()?;
    export::proofs(&archive)?;
    export::run(&archive, &arguments.chancery.with_file_name("chancery-verify"))?;
    scrub::run(&archive)
}

/// The fastest of a few rounds.
fn fastest(mut work: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

fn hash(octets: &[u8]) -> HashValue {
    SHA256.hash(octets)
}

fn ensure(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(what.to_owned().into()) }
}
