/// Where unguessable bytes come from; tests bring their own.
pub trait Random: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The generator of the cryptographic library, seeded by the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Proof: the library documents no failure once the operating system gave its seed; without
        // one nothing may be issued, so the process must not go on.
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives randomness");
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
