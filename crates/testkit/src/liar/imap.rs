//! IMAP (RFC 9051) as far as it is needed.

use std::collections::BTreeMap;
use std::io;

use super::{Lie, Mail, Talk};

const UID_VALIDITY: u32 = 77;

pub(super) fn converse(talk: &mut Talk) -> io::Result<()> {
    talk.say_line("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready")?;
    let mut folder = Vec::new();
    loop {
        let line = command(talk)?;
        talk.note(&line);
        let mut words = line.splitn(2, |octet| *octet == b' ');
        let tag = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let rest = words.next().unwrap_or_default().to_vec();
        let text = String::from_utf8_lossy(&rest).into_owned();
        let verb = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let done = match verb.as_str() {
            "AUTHENTICATE" | "LOGIN" => {
                let offers = talk.locked().offers.clone();
                format!("OK [CAPABILITY IMAP4rev1 {offers}] in")
            }
            "LIST" => list(talk)?,
            "SELECT" | "EXAMINE" => {
                folder = name(&rest);
                open(talk, &folder, &verb, text.ends_with("(CONDSTORE)"))?
            }
            "UID" => uid(talk, &folder, &text)?,
            "LOGOUT" => {
                talk.say_line("* BYE bye")?;
                return talk.say_line(&format!("{tag} OK bye"));
            }
            "NOOP" => "OK done".to_owned(),
            _ => "BAD not known".to_owned(),
        };
        talk.say_line(&format!("{tag} {done}"))?;
    }
}

/// One command; literals stand in it as quoted strings do, without quotes.
fn command(talk: &mut Talk) -> io::Result<Vec<u8>> {
    let mut whole = talk.line()?;
    loop {
        let announced = whole.strip_suffix(b"+}").and_then(|head| {
            let at = head.iter().rposition(|octet| *octet == b'{')?;
            Some((at, std::str::from_utf8(&head[at + 1..]).ok()?.parse::<usize>().ok()?))
        });
        let Some((at, count)) = announced else { return Ok(whole) };
        whole.truncate(at);
        whole.push(b'"');
        whole.extend(talk.exactly(count)?);
        whole.push(b'"');
        whole.extend(talk.line()?);
    }
}

/// The first string in quotes.
fn name(rest: &[u8]) -> Vec<u8> {
    let quotes: Vec<usize> =
        rest.iter().enumerate().filter(|(_, octet)| **octet == b'"').map(|(at, _)| at).collect();
    match (quotes.first(), quotes.last()) {
        (Some(first), Some(last)) if first < last => rest[first + 1..*last].to_vec(),
        _ => Vec::new(),
    }
}

fn list(talk: &mut Talk) -> io::Result<String> {
    let names: Vec<Vec<u8>> = talk.locked().folders.keys().cloned().collect();
    for name in names {
        talk.say(format!("* LIST () \".\" {{{}}}\r\n", name.len()).as_bytes())?;
        talk.say(&name)?;
        talk.say(b"\r\n")?;
    }
    Ok("OK done".to_owned())
}

fn mails(talk: &Talk, folder: &[u8]) -> BTreeMap<u32, Mail> {
    talk.locked().folders.get(folder).cloned().unwrap_or_default()
}

fn open(talk: &mut Talk, folder: &[u8], verb: &str, conditional: bool) -> io::Result<String> {
    if !talk.locked().folders.contains_key(folder) {
        return Ok("NO there is none".to_owned());
    }
    let mails = mails(talk, folder);
    let next = mails.last_key_value().map_or(1, |(last, _)| last + 1);
    talk.say_line(&format!("* {} EXISTS", mails.len()))?;
    talk.say_line(&format!("* OK [UIDVALIDITY {UID_VALIDITY}] valid"))?;
    let no_next = talk.locked().offers.contains("X-NO-UIDNEXT");
    if !no_next {
        talk.say_line(&format!("* OK [UIDNEXT {next}] next"))?;
    }
    if conditional {
        talk.say_line(&format!("* OK [HIGHESTMODSEQ {}] changes", 10 + mails.len()))?;
    }
    let right = if verb == "SELECT" { "READ-WRITE" } else { "READ-ONLY" };
    Ok(format!("OK [{right}] open"))
}

fn uid(talk: &mut Talk, folder: &[u8], text: &str) -> io::Result<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let verb = words.get(1).copied().unwrap_or_default();
    let mails = mails(talk, folder);
    if verb == "SEARCH" {
        let all: Vec<String> = mails.keys().map(u32::to_string).collect();
        let set = talk.locked().list.clone().unwrap_or_else(|| all.join(","));
        let all = if set.is_empty() { String::new() } else { format!(" ALL {set}") };
        talk.say_line(&format!("* ESEARCH (TAG \"x\") UID{all}"))?;
        return Ok("OK done".to_owned());
    }
    let uids = numbers(words.get(2).copied().unwrap_or_default());
    for (place, (uid, mail)) in mails.iter().enumerate() {
        if !uids.iter().any(|(first, last)| (first..=last).contains(&uid)) {
            continue;
        }
        match verb {
            "EXPUNGE" => {
                if let Some(mails) = talk.locked().folders.get_mut(folder) {
                    mails.remove(uid);
                }
            }
            "FETCH" if text.contains("BODY.PEEK[]") => give(talk, place + 1, *uid, mail)?,
            "FETCH" => {
                let size = mail.size();
                let facts = format!("UID {uid} RFC822.SIZE {size} {DATE} FLAGS (\\Seen)");
                talk.say_line(&format!("* {} FETCH ({facts})", place + 1))?;
            }
            _ => {}
        }
    }
    Ok("OK done".to_owned())
}

const DATE: &str = "INTERNALDATE \"02-Jan-2024 03:04:05 +0000\"";

fn give(talk: &mut Talk, place: usize, uid: u32, mail: &Mail) -> io::Result<()> {
    let count = mail.octets.len();
    let head = |octets: u64| {
        format!("* {place} FETCH (UID {uid} {DATE} FLAGS (\\Seen) BODY[] {{{octets}}}\r\n")
    };
    let half = count / 2;
    match mail.lie {
        None | Some(Lie::SaysSize(_) | Lie::Stays) => {
            talk.say(head(count as u64).as_bytes())?;
            talk.say(&mail.octets)?;
            talk.say(b")\r\n")
        }
        Some(Lie::CutShort) => {
            talk.say(head(count as u64).as_bytes())?;
            talk.say(&mail.octets[..half])?;
            talk.leave()
        }
        Some(Lie::EndlessLine) => {
            talk.say(format!("* {place} FETCH (UID {uid} X \"").as_bytes())?;
            talk.say_for_ever()
        }
        Some(Lie::EndlessMail) => {
            talk.say(head(u64::MAX / 2).as_bytes())?;
            talk.say_for_ever()
        }
        Some(Lie::ForeignAnswer) => talk.say_line("C999999 OK that is done"),
        Some(Lie::Garbage) => talk.say(b"\xff\xfe\x80\x00 {5\r\n\xc3("),
        Some(Lie::NoOctets) => talk.say_line(&format!("* {place} FETCH (UID {uid} BODY[] NIL)")),
        Some(Lie::PromisesLess) => {
            talk.say(head(half as u64).as_bytes())?;
            talk.say(&mail.octets)?;
            talk.say(b")\r\n")
        }
        Some(Lie::Silence) => {
            talk.say(head(count as u64).as_bytes())?;
            talk.say(&mail.octets[..half])?;
            talk.silence()
        }
    }
}

/// `3,5:9` as spans.
fn numbers(set: &str) -> Vec<(u32, u32)> {
    let number = |text: &str| text.parse().unwrap_or(u32::MAX);
    let span = |span: &str| {
        let (first, last) = span.split_once(':').unwrap_or((span, span));
        (number(first), number(last))
    };
    set.split(',').map(span).collect()
}
