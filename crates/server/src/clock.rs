//! The two things that only the server may ask the machine for: the time and randomness.

use model::{Clock, Timestamp};

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is a broken machine; the archive notes 1970 rather than stopping.
        Timestamp::from_micros(now.map_or(0, |since| since.as_micros() as i64))
    }
}

/// Random bytes from the operating system.
///
/// # Errors
/// When the operating system has none, which stops whatever needed them.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))?;
    Ok(bytes)
}
