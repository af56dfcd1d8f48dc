//! The octets of `DATA`, un-stuffed as they arrive (RFC 5321 §4.5.2).

use memchr::memmem;

/// Takes the stuffed octets in pieces of any size and hands on the mail's own octets.
///
/// Only `CRLF.CRLF` ends a mail, where the first CRLF may be that of the `DATA` command. A bare
/// CR or LF neither begins nor ends a line, so `LF.LF`, `CR.CR`, `LF.CRLF` and their like are
/// content. The CRLF before the final dot belongs to the mail.
#[derive(Clone, Debug, Default)]
pub(crate) struct DotDecoder {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Behind a CRLF.
    #[default]
    LineStart,
    /// Behind a dot that began a line; the dot is held back.
    Dot,
    /// Behind such a dot and a CR; both are held back.
    DotCr,
    /// Behind a CR in the text.
    Cr,
    Text,
}

/// How far a piece went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Octets of the piece that belong to this mail, stuffing and end mark included.
    pub consumed: usize,
    /// The end mark was read; what follows are commands.
    pub ended: bool,
}

impl DotDecoder {
    /// Reads `input` up to the end mark or to its end and calls `emit` with runs of content.
    pub(crate) fn decode(&mut self, input: &[u8], mut emit: impl FnMut(&[u8])) -> Progress {
        let mut at = 0;
        while at < input.len() {
            let byte = input[at];
            match self.state {
                State::LineStart if byte == b'.' => {
                    self.state = State::Dot;
                    at += 1;
                }
                State::Dot if byte == b'\r' => {
                    self.state = State::DotCr;
                    at += 1;
                }
                State::DotCr if byte == b'\n' => {
                    self.state = State::LineStart;
                    return Progress { consumed: at + 1, ended: true };
                }
                State::DotCr => {
                    emit(b"\r");
                    self.state = State::Cr;
                }
                State::Cr if byte == b'\n' => {
                    emit(b"\n");
                    self.state = State::LineStart;
                    at += 1;
                }
                State::Cr | State::Dot | State::LineStart | State::Text => {
                    at += self.text(&input[at..], &mut emit);
                }
            }
        }
        Progress { consumed: input.len(), ended: false }
    }

    /// A run of text up to the next line that begins with a dot; returns its length.
    fn text(&mut self, run: &[u8], emit: &mut impl FnMut(&[u8])) -> usize {
        let length = match memmem::find(run, b"\r\n.") {
            Some(at) => at + 2,
            None => run.len(),
        };
        let content = &run[..length];
        emit(content);
        self.state = match content {
            [.., b'\r', b'\n'] => State::LineStart,
            [.., b'\r'] => State::Cr,
            _ => State::Text,
        };
        length
    }
}
