//! POP3 (RFC 1939) as far as it is needed.

use std::io;

use super::{Lie, Mail, Talk};

const INBOX: &[u8] = b"INBOX";

pub(super) fn converse(talk: &mut Talk) -> io::Result<()> {
    talk.say_line("+OK ready")?;
    let mails: Vec<(u32, Mail)> =
        talk.locked().folders.get(INBOX).cloned().unwrap_or_default().into_iter().collect();
    let mut doomed = Vec::new();
    loop {
        let line = talk.line()?;
        talk.note(&line);
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut words = text.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        let named = number.and_then(|number| mails.get(number.checked_sub(1)?));
        match (verb.as_str(), named) {
            ("CAPA", _) => talk.say_line("+OK\r\nUSER\r\nUIDL\r\n.")?,
            ("USER" | "PASS" | "NOOP", _) => talk.say_line("+OK")?,
            ("STAT", _) => talk.say_line(&format!("+OK {} 1", mails.len()))?,
            ("LIST" | "UIDL", None) => {
                talk.say_line("+OK")?;
                for (place, (uid, mail)) in mails.iter().enumerate() {
                    talk.say_line(&said(&verb, place + 1, *uid, mail))?;
                }
                talk.say_line(".")?;
            }
            ("LIST" | "UIDL", Some((uid, mail))) => {
                let line = said(&verb, number.unwrap_or_default(), *uid, mail);
                talk.say_line(&format!("+OK {line}"))?;
            }
            ("RETR", Some((_, mail))) => give(talk, mail)?,
            ("DELE", Some((_, mail))) if mail.lie == Some(Lie::Stays) => {
                talk.say_line("-ERR this mail is under a hold")?;
            }
            ("DELE", Some((uid, _))) => {
                doomed.push(*uid);
                talk.say_line("+OK")?;
            }
            ("QUIT", _) => {
                if let Some(mails) = talk.locked().folders.get_mut(INBOX) {
                    mails.retain(|uid, _| !doomed.contains(uid));
                }
                return talk.say_line("+OK bye");
            }
            _ => talk.say_line("-ERR not known")?,
        }
    }
}

fn said(verb: &str, place: usize, uid: u32, mail: &Mail) -> String {
    match verb {
        "LIST" => format!("{place} {}", mail.size()),
        _ => format!("{place} u{uid}"),
    }
}

fn give(talk: &mut Talk, mail: &Mail) -> io::Result<()> {
    let half = mail.octets.len() / 2;
    match mail.lie {
        None | Some(Lie::SaysSize(_) | Lie::Stays) => {
            talk.say_line("+OK")?;
            talk.say(&mail.octets)?;
            talk.say(b".\r\n")
        }
        Some(Lie::CutShort | Lie::PromisesLess) => {
            talk.say_line("+OK")?;
            talk.say(&mail.octets[..half])?;
            talk.leave()
        }
        Some(Lie::EndlessLine) => {
            talk.say(b"+OK ")?;
            talk.say_for_ever()
        }
        Some(Lie::EndlessMail) => {
            talk.say_line("+OK")?;
            talk.say_for_ever()
        }
        Some(Lie::ForeignAnswer) => talk.say_line("* 1 FETCH (UID 1)"),
        Some(Lie::Garbage) => talk.say(b"\xff\xfe\x80\x00\r\n"),
        Some(Lie::NoOctets) => talk.say_line("-ERR no such file"),
        Some(Lie::Silence) => {
            talk.say_line("+OK")?;
            talk.say(&mail.octets[..half])?;
            talk.silence()
        }
    }
}
