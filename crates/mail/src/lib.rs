//! Octets to facts: what a submission is, who took part in it, what it says.
//!
//! Nothing here fails and nothing here panics on any input: what cannot be understood is described
//! as far as it goes and marked. Nothing here changes an octet; the ranges that are returned lie
//! in the slice that was passed.
//!
//! The way of a submission: [`examine`] says whether it is a journal report and where the mail
//! lies in it; [`describe`] reads that mail for catalog, index and deduplication in one pass.
//! [`display`] and [`attachment`] serve a reader later, from the same octets.

mod address;
mod attachment;
mod charset;
mod classify;
mod cms;
mod collect;
mod describe;
mod display;
mod encoded;
mod examine;
pub mod fuzz;
mod head;
mod headers;
mod html;
mod journal;
mod limits;
mod mime;
mod params;
mod plain;
mod report;
mod text;
mod tnef;
mod transfer;
mod uuencode;

pub use attachment::{AttachmentBody, attachment};
pub use describe::{MailView, describe, encoded_parts};
pub use display::{Display, DisplayAttachment, HeaderLine, display};
pub use examine::{Examined, MailOctets, examine, examine_submission};
pub use html::html_to_text;
pub use limits::{ENCODED_NESTING_MAX, NESTING_MAX, PARTS_MAX, TEXT_BYTES_MAX};

#[cfg(test)]
mod tests;
