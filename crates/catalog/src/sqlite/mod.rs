//! SQLite engine.
pub const BUSY_SECONDS_MAX: u64 = 5;
