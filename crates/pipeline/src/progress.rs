/// Long work tells how far it is and asks whether it should go on.
pub trait Progress: Send + Sync {
    /// How much there is to do, as far as it is known.
    fn total(&self, total: u64);

    /// How much is done.
    fn done(&self, done: u64);

    /// Somebody wants the work to end; what is done stays done.
    fn is_cancelled(&self) -> bool;
}

/// For who does not want to know.
impl Progress for () {
    fn total(&self, _: u64) {}

    fn done(&self, _: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
