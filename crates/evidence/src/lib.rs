//! Hash trees (RFC 4998), time-stamp tokens (RFC 3161): build, renew, verify.
