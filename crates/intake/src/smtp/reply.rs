//! Every reply of the listener, with its enhanced code (RFC 3463, RFC 2034).

use super::command::Fault;
use super::room::Refusal;

pub(crate) const ACCEPTED: &str = "250 2.0.0 Accepted, durable";
pub(crate) const BAD_CHUNK: &str = "501 5.5.4 Chunk size not readable, closing";
pub(crate) const BYE: &str = "221 2.0.0 Bye";
pub(crate) const CHUNK_TAKEN: &str = "250 2.0.0 Chunk received";
pub(crate) const DATA_GO: &str = "354 End with <CRLF>.<CRLF>";
pub(crate) const EXPN: &str = "502 5.5.1 EXPN is not implemented";
pub(crate) const AUTH: &str = "502 5.5.1 AUTH is not implemented";
pub(crate) const HELP: &str =
    "214 2.0.0 See RFC 5321; this host archives mail for registered addresses";
pub(crate) const LINE_TOO_LONG: &str = "500 5.5.2 Line too long";
pub(crate) const NESTED_MAIL: &str = "503 5.5.1 Nested MAIL, send RSET first";
pub(crate) const NOT_ALLOWED: &str = "554 5.7.1 Not allowed from your network";
pub(crate) const NOT_CRLF: &str = "500 5.5.2 Lines end with CRLF";
pub(crate) const NO_CHUNK_AND_DATA: &str = "503 5.5.1 DATA and RCPT are not possible after BDAT";
pub(crate) const NO_EHLO: &str = "503 5.5.1 Send EHLO first";
pub(crate) const NO_MAIL: &str = "503 5.5.1 Send MAIL first";
pub(crate) const NO_RECIPIENTS: &str = "503 5.5.1 Send RCPT first";
pub(crate) const NO_VALID_RECIPIENTS: &str = "554 5.5.1 No valid recipients";
pub(crate) const OK: &str = "250 2.0.0 Ok";
pub(crate) const PIPELINED_STARTTLS: &str =
    "554 5.5.1 Nothing may follow STARTTLS before the handshake, closing";
pub(crate) const RECIPIENT_FULL: &str = "452 4.2.2 The archive of this address is full";
pub(crate) const RECIPIENT_OK: &str = "250 2.1.5 Recipient ok";
pub(crate) const RECIPIENT_PUT_OFF: &str = "451 4.3.0 Not taking mail for this address now";
pub(crate) const RECIPIENT_UNKNOWN: &str = "550 5.1.1 No such address here";
pub(crate) const SENDER_OK: &str = "250 2.1.0 Sender ok";
pub(crate) const SHUTTING_DOWN: &str = "421 4.3.2 Shutting down, try again";
pub(crate) const TIMED_OUT: &str = "421 4.4.2 Time limit reached, closing";
pub(crate) const TLS_ALREADY: &str = "503 5.5.1 TLS is already in use";
pub(crate) const TLS_GO: &str = "220 2.0.0 Ready to start TLS";
pub(crate) const TLS_REQUIRED: &str = "530 5.7.0 Must issue a STARTTLS command first";
pub(crate) const TLS_UNAVAILABLE: &str = "454 4.7.0 TLS is not available now";
pub(crate) const TOO_LARGE: &str = "552 5.3.4 Mail exceeds the maximum size";
pub(crate) const TOO_LARGE_CLOSING: &str = "552 5.3.4 Mail far exceeds the maximum size, closing";
pub(crate) const TOO_MANY_CONNECTIONS: &str = "421 4.3.2 Too many connections, try again";
pub(crate) const TOO_MANY_ERRORS: &str = "421 4.7.0 Too many errors, closing";
pub(crate) const TOO_MANY_RECIPIENTS: &str = "452 4.5.3 Too many recipients, send the rest apart";
pub(crate) const UTF8_NOT_ANNOUNCED: &str = "553 5.6.7 Address needs SMTPUTF8";
pub(crate) const VRFY: &str = "252 2.5.2 Will not verify, send mail and see";

pub(crate) fn of_fault(fault: Fault) -> &'static str {
    match fault {
        Fault::BadChunk => BAD_CHUNK,
        Fault::BadParameter => "501 5.5.4 Parameter not readable",
        Fault::BadRecipient => "501 5.1.3 Recipient address not readable",
        Fault::BadSender => "501 5.1.7 Sender address not readable",
        Fault::ControlCharacter => "500 5.5.2 Control character in a command",
        Fault::MissingArgument => "501 5.5.4 Argument missing",
        Fault::NotAscii => UTF8_NOT_ANNOUNCED,
        Fault::UnexpectedArgument => "501 5.5.4 No argument expected",
        Fault::UnknownParameter => "555 5.5.4 Parameter not recognised",
        Fault::Unrecognised => "500 5.5.2 Command not recognised",
    }
}

pub(crate) fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Failed => "451 4.3.0 Cannot store mail now, try again",
        Refusal::Full => "452 4.3.1 Insufficient storage, try again",
        Refusal::TooLarge => TOO_LARGE,
    }
}
