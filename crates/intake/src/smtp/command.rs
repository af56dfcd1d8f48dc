//! One command line of RFC 5321, parsed strictly and without copying more than the addresses.

use model::EmailAddress;

/// The longest command line in octets, CRLF included: RFC 5321 §4.5.3.1.4 asks for 512, the
/// extensions add to it (RFC 1870, 3461 §5, 6531 §3.4), journal addresses may be long.
pub const COMMAND_LINE_BYTES_MAX: usize = 4096;

/// The longest ENVID, in octets of xtext (RFC 3461 §4.4).
const ENVID_BYTES_MAX: usize = 100;
/// The longest ORCPT, in octets with its type (RFC 3461 §5).
const ORCPT_BYTES_MAX: usize = 500;
/// The longest name that a client may claim in EHLO.
const EHLO_BYTES_MAX: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Auth,
    Bdat { size_bytes: u64, last: bool },
    Data,
    Ehlo(String),
    Expn,
    Helo(String),
    Help,
    Mail(MailFrom),
    Noop,
    Quit,
    Rcpt(RcptTo),
    Rset,
    StartTls,
    Vrfy,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MailFrom {
    /// `None` is the null sender.
    pub reverse_path: Option<EmailAddress>,
    pub size_bytes: Option<u64>,
    pub smtputf8: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RcptTo {
    pub forward_path: EmailAddress,
}

/// Why a line is no command; each has one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A chunk whose size is not readable: where the next command begins is not known.
    BadChunk,
    BadParameter,
    BadRecipient,
    BadSender,
    /// A bare CR, a bare LF as line end, NUL or another control character.
    ControlCharacter,
    MissingArgument,
    /// Octets beyond ASCII in an address without the parameter SMTPUTF8 (RFC 6531 §3.5).
    NotAscii,
    UnexpectedArgument,
    UnknownParameter,
    Unrecognised,
}

/// Reads one line, without its CRLF.
pub(crate) fn parse(line: &[u8]) -> Result<Command, Fault> {
    let verb_end = line.iter().position(|b| *b == b' ' || *b == b'\t').unwrap_or(line.len());
    let (verb, rest) = line.split_at(verb_end);
    let is = |name: &str| verb.eq_ignore_ascii_case(name.as_bytes());
    if line.iter().any(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f) {
        // The octets of a chunk would follow its command whatever the line looks like.
        return Err(if is("BDAT") { Fault::BadChunk } else { Fault::ControlCharacter });
    }
    let argument = rest.trim_ascii();
    let bare =
        |command| if argument.is_empty() { Ok(command) } else { Err(Fault::UnexpectedArgument) };
    if is("MAIL") {
        mail(argument).map(Command::Mail)
    } else if is("RCPT") {
        rcpt(argument).map(Command::Rcpt)
    } else if is("BDAT") {
        bdat(argument)
    } else if is("DATA") {
        bare(Command::Data)
    } else if is("EHLO") {
        client_name(argument).map(Command::Ehlo)
    } else if is("HELO") {
        client_name(argument).map(Command::Helo)
    } else if is("RSET") {
        bare(Command::Rset)
    } else if is("QUIT") {
        bare(Command::Quit)
    } else if is("STARTTLS") {
        bare(Command::StartTls)
    } else if is("NOOP") {
        Ok(Command::Noop)
    } else if is("HELP") {
        Ok(Command::Help)
    } else if is("VRFY") {
        if argument.is_empty() { Err(Fault::MissingArgument) } else { Ok(Command::Vrfy) }
    } else if is("EXPN") {
        Ok(Command::Expn)
    } else if is("AUTH") {
        Ok(Command::Auth)
    } else {
        Err(Fault::Unrecognised)
    }
}

fn client_name(argument: &[u8]) -> Result<String, Fault> {
    if argument.is_empty() {
        return Err(Fault::MissingArgument);
    }
    if argument.len() > EHLO_BYTES_MAX || argument.contains(&b' ') {
        return Err(Fault::BadParameter);
    }
    Ok(String::from_utf8_lossy(argument).into_owned())
}

/// RFC 3030 §2: `BDAT size [LAST]`.
fn bdat(argument: &[u8]) -> Result<Command, Fault> {
    let mut words = argument.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let size_bytes = words.next().and_then(number).ok_or(Fault::BadChunk)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"LAST") => true,
        Some(_) => return Err(Fault::BadChunk),
    };
    match words.next() {
        None => Ok(Command::Bdat { size_bytes, last }),
        Some(_) => Err(Fault::BadChunk),
    }
}

/// One to twenty digits (RFC 1870 §3) that fit into 64 bits.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `FROM:<reverse-path> [parameters]`; a space behind the colon is forgiven.
fn mail(argument: &[u8]) -> Result<MailFrom, Fault> {
    let path = keyword(argument, b"FROM:").ok_or(Fault::BadParameter)?;
    let (address, parameters) = split_path(path).ok_or(Fault::BadSender)?;
    let mut mail = MailFrom::default();
    let mut seen = Seen::default();
    for word in parameters {
        let (name, value) = parameter(word)?;
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("SIZE") {
            seen.once(0)?;
            mail.size_bytes = Some(value.and_then(number).ok_or(Fault::BadParameter)?);
        } else if is("BODY") {
            seen.once(1)?;
            let value = value.ok_or(Fault::BadParameter)?;
            // BINARYMIME is not offered (RFC 3030 §3).
            if !value.eq_ignore_ascii_case(b"7BIT") && !value.eq_ignore_ascii_case(b"8BITMIME") {
                return Err(Fault::UnknownParameter);
            }
        } else if is("SMTPUTF8") {
            seen.once(2)?;
            if value.is_some() {
                return Err(Fault::BadParameter);
            }
            mail.smtputf8 = true;
        } else if is("RET") {
            seen.once(3)?;
            let value = value.ok_or(Fault::BadParameter)?;
            if !value.eq_ignore_ascii_case(b"FULL") && !value.eq_ignore_ascii_case(b"HDRS") {
                return Err(Fault::BadParameter);
            }
        } else if is("ENVID") {
            seen.once(4)?;
            value.filter(|v| v.len() <= ENVID_BYTES_MAX && xtext(v)).ok_or(Fault::BadParameter)?;
        } else {
            return Err(Fault::UnknownParameter);
        }
    }
    mail.reverse_path = match address {
        b"" => None,
        _ => Some(mailbox(address, mail.smtputf8, Fault::BadSender)?),
    };
    Ok(mail)
}

/// `TO:<forward-path> [parameters]`. Whether octets beyond ASCII are allowed depends on the
/// transaction: the caller checks.
fn rcpt(argument: &[u8]) -> Result<RcptTo, Fault> {
    let path = keyword(argument, b"TO:").ok_or(Fault::BadParameter)?;
    let (address, parameters) = split_path(path).ok_or(Fault::BadRecipient)?;
    if address.is_empty() {
        return Err(Fault::BadRecipient);
    }
    let mut seen = Seen::default();
    for word in parameters {
        let (name, value) = parameter(word)?;
        let value = value.ok_or(Fault::UnknownParameter);
        if name.eq_ignore_ascii_case(b"NOTIFY") {
            seen.once(0)?;
            notify(value?)?;
        } else if name.eq_ignore_ascii_case(b"ORCPT") {
            seen.once(1)?;
            orcpt(value?)?;
        } else {
            return Err(Fault::UnknownParameter);
        }
    }
    Ok(RcptTo { forward_path: mailbox(address, true, Fault::BadRecipient)? })
}

/// RFC 3461 §4.1: `NEVER` alone, or a list of the others.
fn notify(value: &[u8]) -> Result<(), Fault> {
    let mut words = value.split(|b| *b == b',');
    let known = |word: &[u8]| {
        [b"SUCCESS".as_slice(), b"FAILURE", b"DELAY"].iter().any(|k| word.eq_ignore_ascii_case(k))
    };
    if value.eq_ignore_ascii_case(b"NEVER") || words.all(known) {
        Ok(())
    } else {
        Err(Fault::BadParameter)
    }
}

/// RFC 3461 §4.2: `rfc822;xtext`, RFC 6533 §3: `utf-8;…`.
fn orcpt(value: &[u8]) -> Result<(), Fault> {
    let semicolon = value.iter().position(|b| *b == b';').ok_or(Fault::BadParameter)?;
    let (kind, address) = value.split_at(semicolon);
    let kind_ok = !kind.is_empty() && kind.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    if kind_ok && value.len() <= ORCPT_BYTES_MAX && std::str::from_utf8(address).is_ok() {
        Ok(())
    } else {
        Err(Fault::BadParameter)
    }
}

/// RFC 3461 §4: printable ASCII, `+` only before two hexadecimal digits.
fn xtext(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b'+' if tail.len() >= 2 && tail[..2].iter().all(u8::is_ascii_hexdigit) => &tail[2..],
            b'+' | b'=' => return false,
            b'!'..=b'~' => tail,
            _ => return false,
        };
    }
    true
}

/// Each parameter at most once.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    fn once(&mut self, bit: u8) -> Result<(), Fault> {
        let mask = 1 << bit;
        if self.0 & mask != 0 {
            return Err(Fault::BadParameter);
        }
        self.0 |= mask;
        Ok(())
    }
}

/// RFC 5321 §4.1.2 esmtp-param: `keyword["=" value]`.
fn parameter(word: &[u8]) -> Result<(&[u8], Option<&[u8]>), Fault> {
    let equals = word.iter().position(|b| *b == b'=');
    let (name, value) = match equals {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    };
    let name_ok = name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    if !name_ok || value.is_some_and(<[u8]>::is_empty) {
        return Err(Fault::BadParameter);
    }
    Ok((name, value))
}

fn keyword<'a>(argument: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = argument.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| rest.trim_ascii_start())
}

/// The octets between the angle brackets, less a source route, and the words behind them.
fn split_path(text: &[u8]) -> Option<(&[u8], impl Iterator<Item = &[u8]>)> {
    let inner = text.strip_prefix(b"<")?;
    let close = closing_bracket(inner)?;
    let (address, rest) = (&inner[..close], &inner[close + 1..]);
    if !rest.is_empty() && rest[0] != b' ' {
        return None;
    }
    let words = rest.split(|b| *b == b' ').filter(|word| !word.is_empty());
    Some((without_source_route(address)?, words))
}

/// The first `>` outside a quoted string.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// RFC 5321 §4.1.1.3: a route such as `@one,@two:` is taken and ignored.
fn without_source_route(address: &[u8]) -> Option<&[u8]> {
    if address.first() != Some(&b'@') {
        return Some(address);
    }
    let colon = address.iter().position(|b| *b == b':')?;
    Some(&address[colon + 1..])
}

/// A mailbox with a local part (RFC 5321 §4.1.2, quoted or not) and, but for `postmaster`, a
/// domain. Kept as it was written.
fn mailbox(address: &[u8], utf8: bool, fault: Fault) -> Result<EmailAddress, Fault> {
    if !utf8 && !address.is_ascii() {
        return Err(Fault::NotAscii);
    }
    let text = std::str::from_utf8(address).map_err(|_| fault)?;
    let domain = match text.strip_prefix('"') {
        Some(rest) => quoted_local_part(rest).ok_or(fault)?,
        None => {
            let end = text.find('@').unwrap_or(text.len());
            let (local, domain) = text.split_at(end);
            if local.is_empty() || local.contains([' ', '"', '<', '>', '\t', '\\']) {
                return Err(fault);
            }
            domain
        }
    };
    match domain.strip_prefix('@') {
        None if domain.is_empty() => Ok(EmailAddress::new(text)),
        Some(name) if !name.is_empty() && !name.contains([' ', '"', '<', '>', '@', '\t']) => {
            Ok(EmailAddress::new(text))
        }
        _ => Err(fault),
    }
}

/// What stands behind the closing quote of a quoted string.
fn quoted_local_part(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}
