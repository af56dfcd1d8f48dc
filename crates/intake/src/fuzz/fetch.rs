//! A POP3 server that says anything.

use std::io::{self, Read, Write};

use crate::fetch::net::{Connection, Patience};
use crate::fetch::pop3::Session;
use crate::fetch::sasl::Credentials;

/// Largest mail in these sessions, in octets: small, so that the limit is met.
const MAIL_OCTETS_MAX: u64 = 4096;

/// Mails that are read of each listing.
const MAILS_MAX: usize = 8;

/// A server that says `octets` whatever it is asked, and then ends.
pub(super) struct Talk {
    pub(super) octets: Vec<u8>,
    pub(super) at: usize,
    pub(super) piece: usize,
}

impl Read for Talk {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.octets[self.at..];
        let take = rest.len().min(into.len()).min(self.piece);
        into[..take].copy_from_slice(&rest[..take]);
        self.at += take;
        Ok(take)
    }
}

impl Write for Talk {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole session with a server that says `octets`: signing in by password or token, listing,
/// reading, deleting. The size of the pieces changes nothing; no mail is larger than its limit.
pub fn pop3_session(octets: &[u8], piece: usize) {
    for token in [false, true] {
        let whole = talk(octets, usize::MAX, token);
        let pieces = talk(octets, piece.max(1), token);
        assert_eq!(whole, pieces, "what is read depends on how the octets arrive");
    }
}

/// What came of it: mails, whole or not, and the errors.
fn talk(octets: &[u8], piece: usize, token: bool) -> (Vec<Vec<u8>>, Vec<String>) {
    let wire = Talk { octets: octets.to_vec(), at: 0, piece };
    let connection = Connection::over(Box::new(wire), Patience::default());
    let (user, secret) = ("box".to_owned(), "secret".to_owned().into());
    let credentials = match token {
        false => Credentials::Password { user, password: secret, act_as: None },
        true => Credentials::Bearer { user, token: secret },
    };
    let (mut mails, mut errors) = (Vec::new(), Vec::new());
    let session = Session::over(connection, &credentials);
    let Ok(mut session) = session.map_err(|error| errors.push(error.to_string())) else {
        return (mails, errors);
    };
    let entries = session.list().unwrap_or_else(|error| {
        errors.push(error.to_string());
        Vec::new()
    });
    let some = &entries[..entries.len().min(MAILS_MAX)];
    for entry in some {
        let mut mail = Vec::new();
        let outcome = session.retrieve(entry, MAIL_OCTETS_MAX, &mut mail);
        assert!(mail.len() as u64 <= MAIL_OCTETS_MAX, "a mail beyond its limit");
        match outcome {
            Ok(count) => assert_eq!(count, mail.len() as u64),
            Err(error) => {
                errors.push(error.to_string());
                // How much of a mail that breaks off was written depends on how it arrives.
                mail.clear();
            }
        }
        mails.push(mail);
    }
    errors.extend(session.delete(some).err().map(|error| error.to_string()));
    errors.extend(session.quit().err().map(|error| error.to_string()));
    (mails, errors)
}
