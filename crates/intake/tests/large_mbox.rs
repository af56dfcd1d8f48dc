//! Alone in its process, because it watches the memory of the whole of it.

use std::io::{self, Read};

use intake::files::{MboxReader, WalkSettings};

/// What the process may grow by while a large mbox streams through it, in KiB.
const GROWTH_KIB_MAX: u64 = 64 * 1024;
const MAILS: u64 = 200_000;

/// An mbox of two kilobytes a mail that stands nowhere.
struct Endless {
    mail: Vec<u8>,
    left: u64,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.mail.len() && self.left > 0 {
            self.left -= 1;
            self.at = 0;
        }
        let count = buffer.len().min(self.mail.len() - self.at);
        buffer[..count].copy_from_slice(&self.mail[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn a_large_mbox_streams_in_bounded_memory() {
    let body = ">From line\nsome text of a mail\n".repeat(60);
    let mail = format!("From a@b.example Tue Jan  7 08:15:02 2025\nSubject: x\n\n{body}\n");
    let length = mail.len() as u64;
    let endless = Endless { at: mail.len(), mail: mail.into_bytes(), left: MAILS };
    let before = peak_kib();
    let mut reader = MboxReader::new(endless, &WalkSettings::default());
    let mut mails = 0;
    while let Some(mail) = reader.next_mail() {
        mail.unwrap();
        mails += 1;
    }
    assert_eq!((mails, reader.consumed_bytes()), (MAILS, MAILS * length));
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "grew by {growth} KiB");
}
