//! An LDAP client (RFC 4511): bind, search with pages (RFC 2696), StartTLS. Blocking; every wait,
//! message and answer is bounded.

use std::net::TcpStream;

use super::ber::{
    self, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, boolean, element, nested, text,
};
use super::connect::{Patience, Stream};
use super::entry::Entry;
use super::error::{BindFailure, DirectoryError};
use super::filter;

/// Longer messages are refused; a group with 100,000 members takes some 10 MiB.
const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A directory that says more than that on one connection is not read further.
const OCTETS_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Pages of one search; a server may answer empty ones.
const PAGES_MAX: u32 = 100_000;

/// Longer cookies between two pages are refused.
const COOKIE_BYTES_MAX: usize = 64 * 1024;

/// Answers to a search that was given up are passed over, so many on one connection.
const STALE_MAX: u32 = 20_000;

const READ_BYTES: usize = 64 * 1024;

/// RFC 4511 §4.14.1.
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

const BIND: u8 = 0x60;
const BOUND: u8 = 0x61;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const FOUND: u8 = 0x64;
const SEARCHED: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x77;
const EXTENDED_DONE: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;
const CONTROLS: u8 = 0xa0;

const SUCCESS: i32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Base,
    Subtree,
}

/// What to look for.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) depth: Depth,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// Entries of one page; 0 asks without pages.
    pub(super) page_size: u32,
    /// Beyond that the answer is refused.
    pub(super) entries_max: u32,
}

/// How a search went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Searched {
    pub(super) entries: u32,
    /// Referrals to other servers, which are not followed.
    pub(super) references: u32,
}

/// One connection to one host.
pub(super) struct Client {
    stream: Stream,
    patience: Patience,
    /// Where it leads, for people.
    host: String,
    received: Vec<u8>,
    octets: u64,
    last_id: i32,
}

struct Message {
    id: i32,
    tag: u8,
    octets: Vec<u8>,
    /// Those that come with the answer; empty for none.
    controls: Vec<u8>,
}

struct Answer {
    code: i32,
    text: String,
}

impl Client {
    pub(super) fn new(stream: Stream, patience: Patience, host: String) -> Self {
        Self { stream, patience, host, received: Vec::new(), octets: 0, last_id: 0 }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Signs in by name and password (RFC 4513 §5.1.3); both empty is nobody.
    ///
    /// # Errors
    /// A name without a password is refused here: servers take it for nobody and say yes
    /// (RFC 4513 §5.1.2).
    pub(super) fn bind(&mut self, name: &str, password: &[u8]) -> Result<(), DirectoryError> {
        if password.is_empty() != name.is_empty() {
            let what = "a user name needs a password".to_owned();
            return Err(DirectoryError::Config(what));
        }
        let operation = nested(
            BIND,
            &[ber::integer(INTEGER, 3), text(OCTET_STRING, name), element(0x80, password)],
        );
        let id = self.send(operation, None)?;
        let answer = self.answer_to(id, BOUND)?;
        match answer.code {
            SUCCESS => Ok(()),
            code => Err(DirectoryError::Bind(BindFailure::new(code, &answer.text))),
        }
    }

    /// # Errors
    /// When the server refuses; nothing else was sent.
    pub(super) fn start_tls(&mut self) -> Result<(), DirectoryError> {
        let id = self.send(nested(EXTENDED, &[text(0x80, START_TLS)]), None)?;
        let answer = self.answer_to(id, EXTENDED_DONE)?;
        match answer.code {
            SUCCESS => Ok(()),
            code => Err(DirectoryError::StartTls(format!("{} ({code})", answer.text))),
        }
    }

    /// The socket below, to encrypt it.
    ///
    /// # Errors
    /// When something was received that nobody asked for.
    pub(super) fn into_socket(self) -> Result<TcpStream, DirectoryError> {
        if !self.received.is_empty() {
            let what = "it sent more than its answer in clear text";
            return Err(DirectoryError::StartTls(what.to_owned()));
        }
        self.stream.into_clear().ok_or(DirectoryError::Malformed)
    }

    /// Hands every entry to `each`, page by page. Referrals are counted, not followed. An answer
    /// that the server cut short is an error, never a smaller answer.
    pub(super) fn search(
        &mut self,
        search: &Search<'_>,
        mut each: impl FnMut(Entry) -> Result<(), DirectoryError>,
    ) -> Result<Searched, DirectoryError> {
        let operation = operation(search)?;
        let mut searched = Searched::default();
        let mut cookie = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = (search.page_size > 0).then(|| page_control(search.page_size, &cookie));
            let id = self.send(operation.clone(), page)?;
            let controls = loop {
                let message = self.receive(id)?;
                match message.tag {
                    FOUND => {
                        if searched.entries >= search.entries_max {
                            let limit = u64::from(search.entries_max);
                            return Err(DirectoryError::TooMuch { limit, what: "entries" });
                        }
                        searched.entries += 1;
                        each(Entry::read(&message.octets)?)?;
                    }
                    REFERENCE => searched.references = searched.references.saturating_add(1),
                    INTERMEDIATE => {}
                    SEARCHED => {
                        let Answer { code, text } = answer(&message.octets)?;
                        if code != SUCCESS {
                            let operation = "the search";
                            return Err(DirectoryError::Refused { operation, code, text });
                        }
                        break message.controls;
                    }
                    _ => return Err(DirectoryError::Malformed),
                }
            };
            cookie = next_page(&controls)?;
            if cookie.is_empty() {
                return Ok(searched);
            }
        }
        Err(DirectoryError::TooMuch { limit: u64::from(PAGES_MAX), what: "pages" })
    }

    /// The one entry at `base`; `None` when there is none.
    pub(super) fn entry(
        &mut self,
        base: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, DirectoryError> {
        let search = Search {
            base,
            depth: Depth::Base,
            filter: "(objectClass=*)",
            attributes,
            page_size: 0,
            entries_max: 1,
        };
        let mut found = None;
        let searched = self.search(&search, |entry| {
            found = Some(entry);
            Ok(())
        });
        match searched {
            Ok(_) => Ok(found),
            Err(DirectoryError::Refused { code: 32, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says good-bye; a server that is gone already is left alone.
    pub(super) fn close(mut self) {
        let _ = self.send(element(UNBIND, &[]), None);
    }

    fn send(
        &mut self,
        operation: Vec<u8>,
        control: Option<Vec<u8>>,
    ) -> Result<i32, DirectoryError> {
        self.last_id = self.last_id.checked_add(1).ok_or(DirectoryError::Malformed)?;
        let mut parts = vec![ber::integer(INTEGER, self.last_id), operation];
        parts.extend(control.map(|control| nested(CONTROLS, &[control])));
        self.stream.write(&nested(SEQUENCE, &parts), &self.patience)?;
        Ok(self.last_id)
    }

    fn answer_to(&mut self, id: i32, tag: u8) -> Result<Answer, DirectoryError> {
        let message = self.receive(id)?;
        if message.tag == tag {
            Ok(answer(&message.octets)?)
        } else {
            Err(DirectoryError::Malformed)
        }
    }

    /// The next message of `id`. Answers to what was asked before and given up are passed over.
    fn receive(&mut self, id: i32) -> Result<Message, DirectoryError> {
        for _ in 0..STALE_MAX {
            let message = self.message()?;
            match message.id {
                // The notice of disconnection (RFC 4511 §4.4.1).
                0 => return Err(DirectoryError::Closed),
                found if found == id => return Ok(message),
                found if found > id || found < 0 => return Err(DirectoryError::Malformed),
                _ => {}
            }
        }
        Err(DirectoryError::Malformed)
    }

    fn message(&mut self) -> Result<Message, DirectoryError> {
        let octets = self.frame()?;
        let mut parts = Reader::new(&octets);
        let id = parts.integer(INTEGER)?;
        let operation = parts.next()?.ok_or(DirectoryError::Malformed)?;
        let controls = parts.next()?.filter(|part| part.tag == CONTROLS);
        Ok(Message {
            id,
            tag: operation.tag,
            octets: operation.octets.to_vec(),
            controls: controls.map(|part| part.octets.to_vec()).unwrap_or_default(),
        })
    }

    /// The contents of the next LDAPMessage.
    fn frame(&mut self) -> Result<Vec<u8>, DirectoryError> {
        loop {
            if let Some((header, length)) = ber::header(&self.received)? {
                if self.received[0] != SEQUENCE {
                    return Err(DirectoryError::Malformed);
                }
                if length > MESSAGE_BYTES_MAX {
                    let limit = MESSAGE_BYTES_MAX as u64;
                    return Err(DirectoryError::TooMuch { limit, what: "octets in one message" });
                }
                if self.received.len() >= header + length {
                    let rest = self.received.split_off(header + length);
                    let mut frame = std::mem::replace(&mut self.received, rest);
                    frame.drain(..header);
                    return Ok(frame);
                }
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), DirectoryError> {
        let begin = self.received.len();
        self.received.resize(begin + READ_BYTES, 0);
        let read = self.stream.read(&mut self.received[begin..], &self.patience);
        self.received.truncate(begin + *read.as_ref().unwrap_or(&0));
        let read = read?;
        self.octets += read as u64;
        if read == 0 {
            return Err(DirectoryError::Closed);
        }
        if self.octets > OCTETS_MAX {
            return Err(DirectoryError::TooMuch { limit: OCTETS_MAX, what: "octets" });
        }
        Ok(())
    }
}

fn operation(search: &Search<'_>) -> Result<Vec<u8>, DirectoryError> {
    let attributes: Vec<Vec<u8>> =
        search.attributes.iter().map(|name| text(OCTET_STRING, name)).collect();
    let depth = match search.depth {
        Depth::Base => 0,
        Depth::Subtree => 2,
    };
    Ok(nested(
        SEARCH,
        &[
            text(OCTET_STRING, search.base),
            ber::integer(ENUMERATED, depth),
            // Aliases are not followed: they may lead in circles.
            ber::integer(ENUMERATED, 0),
            // No limits of size and time: the client has its own, and says which.
            ber::integer(INTEGER, 0),
            ber::integer(INTEGER, 0),
            boolean(false),
            filter::encode(search.filter)?,
            nested(SEQUENCE, &attributes),
        ],
    ))
}

fn page_control(size: u32, cookie: &[u8]) -> Vec<u8> {
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    let value = nested(SEQUENCE, &[ber::integer(INTEGER, size), element(OCTET_STRING, cookie)]);
    nested(SEQUENCE, &[text(OCTET_STRING, PAGED_RESULTS), element(OCTET_STRING, &value)])
}

/// The cookie for the next page; empty: there is none.
fn next_page(controls: &[u8]) -> Result<Vec<u8>, DirectoryError> {
    let mut controls = Reader::new(controls);
    while let Some(control) = controls.next()? {
        let mut parts = Reader::new(control.octets);
        if parts.expect(OCTET_STRING)? != PAGED_RESULTS.as_bytes() {
            continue;
        }
        let mut value = None;
        while let Some(part) = parts.next()? {
            value = Some(part).filter(|part| part.tag == OCTET_STRING).or(value);
        }
        let value = value.ok_or(DirectoryError::Malformed)?;
        let mut value = Reader::new(Reader::new(value.octets).expect(SEQUENCE)?);
        value.expect(INTEGER)?;
        let cookie = value.expect(OCTET_STRING)?;
        if cookie.len() > COOKIE_BYTES_MAX {
            let limit = COOKIE_BYTES_MAX as u64;
            return Err(DirectoryError::TooMuch { limit, what: "octets in a cookie" });
        }
        return Ok(cookie.to_vec());
    }
    Ok(Vec::new())
}

fn answer(octets: &[u8]) -> Result<Answer, DirectoryError> {
    let mut parts = Reader::new(octets);
    let code = parts.integer(ENUMERATED)?;
    parts.expect(OCTET_STRING)?;
    let text = String::from_utf8_lossy(parts.expect(OCTET_STRING)?);
    Ok(Answer { code, text: text.chars().filter(|one| !one.is_control()).take(500).collect() })
}

impl Entry {
    /// The contents of a SearchResultEntry.
    pub(super) fn read(octets: &[u8]) -> Result<Self, DirectoryError> {
        let mut parts = Reader::new(octets);
        let dn = String::from_utf8_lossy(parts.expect(OCTET_STRING)?).into_owned();
        let mut attributes = Vec::new();
        let mut list = Reader::new(parts.expect(SEQUENCE)?);
        while let Some(attribute) = list.next()? {
            let mut parts = Reader::new(attribute.octets);
            let name = String::from_utf8_lossy(parts.expect(OCTET_STRING)?).to_lowercase();
            let mut set = Reader::new(parts.expect(SET)?);
            let mut values = Vec::new();
            while let Some(value) = set.next()? {
                values.push(value.octets.to_vec());
            }
            attributes.push((name, values));
        }
        Ok(Self { dn, attributes })
    }
}
