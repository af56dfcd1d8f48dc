/// Why nothing can be said at all. What is found not to be proven is a finding, not an error.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("cannot write what was found: {0}")]
    Output(#[from] std::io::Error),
    #[error("{0}")]
    Usage(&'static str),
    #[error("cannot read {0}: {1}")]
    Unreadable(String, String),
}
