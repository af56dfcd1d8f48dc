//! One question to the name server: who takes mail for a domain (RFC 1035, RFC 5321 §5.1).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

/// How long each name server may take.
const ANSWER: Duration = Duration::from_secs(3);

/// Name servers that are asked.
const SERVERS_MAX: usize = 3;

/// A name is this long at most, and has no more pointers to follow.
const POINTERS_MAX: usize = 32;

const TYPE_MX: u16 = 15;
const CLASS_IN: u16 = 1;
const QUESTION_ID: u16 = 0x4348;
const HEADER_BYTES: usize = 12;

/// The names of the mail exchangers, the preferred one first; empty when the domain has none.
///
/// # Errors
/// When no name server answers.
pub fn mail_exchangers(domain: &str) -> io::Result<Vec<String>> {
    let question = question(domain)?;
    let mut last = io::Error::other("no name server in /etc/resolv.conf");
    for server in servers(&std::fs::read_to_string("/etc/resolv.conf")?) {
        match ask(server, &question) {
            Ok(answer) => {
                let wrong = || io::Error::other("the name server's answer is not readable");
                return parse(&answer).ok_or_else(wrong);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn servers(text: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| rest.trim().parse::<IpAddr>().ok())
        .map(|ip| SocketAddr::new(ip, 53))
        .take(SERVERS_MAX)
        .collect()
}

fn ask(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr = if server.is_ipv4() {
        SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0)
    } else {
        SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), 0)
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(ANSWER))?;
    socket.connect(server)?;
    socket.send(question)?;
    let mut answer = vec![0; 4096];
    let count = socket.recv(&mut answer)?;
    answer.truncate(count);
    Ok(answer)
}

pub(super) fn question(domain: &str) -> io::Result<Vec<u8>> {
    let mut octets = QUESTION_ID.to_be_bytes().to_vec();
    // Recursion desired, one question.
    octets.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in domain.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length));
        let length = length.ok_or_else(|| io::Error::other("not a domain name"))?;
        octets.push(length);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets.extend(TYPE_MX.to_be_bytes());
    octets.extend(CLASS_IN.to_be_bytes());
    Ok(octets)
}

/// `None` when the answer cannot be read, or says that the name server failed.
pub(super) fn parse(answer: &[u8]) -> Option<Vec<String>> {
    let number = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let code = answer.get(3)? & 0x0f;
    // 3: there is no such name, so there is no exchanger either.
    if number(0)? != QUESTION_ID || !matches!(code, 0 | 3) {
        return None;
    }
    let (questions, answers) = (number(4)?, number(6)?);
    let mut at = HEADER_BYTES;
    for _ in 0..questions {
        at = name(answer, at)?.1 + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        at = name(answer, at)?.1;
        let (kind, length) = (number(at)?, usize::from(number(at + 8)?));
        let data = at + 10;
        if kind == TYPE_MX {
            found.push((number(data)?, name(answer, data + 2)?.0));
        }
        at = data + length;
    }
    found.sort();
    Some(found.into_iter().map(|(_, name)| name).collect())
}

/// A name, and where what follows it begins (RFC 1035 §4.1.4).
fn name(answer: &[u8], mut at: usize) -> Option<(String, usize)> {
    let (mut labels, mut end) = (Vec::new(), None);
    for _ in 0..POINTERS_MAX * 8 {
        let length = usize::from(*answer.get(at)?);
        match length {
            0 => return Some((labels.join("."), end.unwrap_or(at + 1))),
            1..64 => {
                let label = answer.get(at + 1..at + 1 + length)?;
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += 1 + length;
            }
            192.. => {
                end.get_or_insert(at + 2);
                at = (length & 0x3f) << 8 | usize::from(*answer.get(at + 1)?);
            }
            _ => return None,
        }
    }
    None
}
