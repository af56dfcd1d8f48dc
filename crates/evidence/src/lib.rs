//! Hash trees and evidence records (RFC 4998), time-stamp tokens (RFC 3161), ledger batches: build,
//! renew, verify.
//!
//! No I/O and no clock in here: octets, times and trust anchors are passed in. Everything is read
//! as strict DER, because renewals hash encodings, and nothing is accepted that is not covered by
//! a check: what this crate does not understand it refuses with the reason.
//!
//! The way of a proof: [`ledger::Batch`] lists the leaves of a span of the ledger, [`HashTree`]
//! brings them under one root, [`Request`] asks an authority for a token over that root,
//! [`EvidenceRecord`] carries the reduced tree of one leaf and the token, [`Verifier`] checks it.

mod batch_proof;
mod certificate;
mod chain;
mod der;
mod error;
pub mod export;
pub mod fuzz;
mod hash;
pub mod ledger;
mod limits;
mod objects;
mod oid;
mod record;
mod renew;
mod request;
mod response;
mod revocation;
mod seal;
mod signature;
mod time;
mod token;
mod token_check;
mod tree;
pub mod trusted_list;
mod tst_info;
mod verify;

pub use batch_proof::{BatchTrees, LeafPlace, RenewedBatch, Strand};
pub use chain::TrustAnchors;
pub use error::{EvidenceError, Result};
pub use hash::{HashAlgorithm, HashValue};
pub use limits::Limits;
pub use objects::DataObjects;
pub use record::{ArchiveTimeStamp, ArchiveTimeStampChain, EvidenceRecord};
pub use renew::{HashTreeRenewal, TimeStampRenewal};
pub use request::Request;
pub use response::check_response;
pub use revocation::{
    CertificateStatus, RevocationInfo, RevocationReason, RevocationSource, revocation_sources,
};
pub use seal::{LocalKey, LocalSeal};
pub use token::TimeStampToken;
pub use token_check::{VerifiedToken, verify_token};
pub use tree::{HashTree, group_hash, reduced_hash_tree};
pub use tst_info::TstInfo;
pub use verify::{Options, Proof, ProvenStamp, Verifier};

#[cfg(test)]
mod tests;
