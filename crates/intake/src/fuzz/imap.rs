//! An IMAP server that says anything.

use super::fetch::Talk;
use crate::fetch::FetchError;
use crate::fetch::imap::{Folder, Imap, MailFacts, Receiver, Session, fuzz};
use crate::fetch::net::{Connection, Dialect as _, Patience};
use crate::fetch::sasl::Credentials;

/// Mails that are read of each folder.
const UID_MAX: u32 = 40;
/// Mails that are larger are not wanted.
const MAIL_OCTETS_MAX: u64 = 4096;

/// A whole session with a server that says `octets`: signing in by password or token, listing,
/// reading, moving, removing. The size of the pieces changes nothing; no mail that came is longer
/// than it was announced.
pub fn imap_session(octets: &[u8], piece: usize) {
    fuzz::responses(octets, piece);
    fuzz::folder_name(octets);
    for token in [false, true] {
        let whole = talk(octets, usize::MAX, token);
        let pieces = talk(octets, piece.max(1), token);
        assert_eq!(whole, pieces, "what is read depends on how the octets arrive");
    }
}

/// Sessions to begin with: one to its end by password, one by token, and a refusal. The first octet
/// says in which pieces the rest arrives.
pub fn imap_seeds() -> Vec<Vec<u8>> {
    let mails = "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\nC4 OK [READ-WRITE] x\r\n\
                 * ESEARCH (TAG \"C5\") UID ALL 2,7\r\nC5 OK x\r\n\
                 * 1 FETCH (UID 2 RFC822.SIZE 3 INTERNALDATE \" 1-Jan-1970 00:00:09 +0000\" FLAGS (\\Seen))\r\n\
                 C6 OK x\r\n* 1 FETCH (UID 2 BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {2}\r\n\r\n)\r\nC7 OK x\r\n\
                 * 1 FETCH (UID 2 BODY[] {3}\r\na\r\n)\r\n* 2 FETCH (BODY[] {1}\r\nb UID 7)\r\nC8 OK x\r\n\
                 C9 NO [TRYCREATE] x\r\nC10 OK x\r\nC11 OK x\r\nC12 OK x\r\n* 1 EXPUNGE\r\nC13 OK x\r\n";
    let lists = "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\nC2 OK x\r\n* LIST (\\Trash) \"/\" \"a b\"\r\nC3 OK x\r\n";
    let offers = "IMAP4rev1 UIDPLUS MOVE ESEARCH NAMESPACE";
    let sign_in = |name: &str| {
        format!(
            "\u{5}* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH={name}] hi\r\n\
             C1 OK [CAPABILITY {offers}] in\r\n{lists}{mails}"
        )
        .into_bytes()
    };
    let refused = "\u{1}* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi\r\n\
                   + eyJzdGF0dXMiOiI0MDEifQ==\r\nC1 NO [AUTHENTICATIONFAILED] no\r\n";
    vec![sign_in("PLAIN"), sign_in("OAUTHBEARER"), refused.as_bytes().to_vec()]
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Basket {
    /// Of the folders before.
    earlier: usize,
    mails: Vec<(MailFacts, Vec<u8>)>,
    announced: u64,
    held: Vec<u8>,
}

impl Receiver for Basket {
    fn begin(&mut self, _uid: Option<u32>, octets: u64) -> Result<bool, FetchError> {
        self.held.clear();
        self.announced = octets;
        Ok(octets <= MAIL_OCTETS_MAX)
    }

    fn octets(&mut self, run: &[u8]) -> Result<(), FetchError> {
        assert!(self.announced <= MAIL_OCTETS_MAX, "a mail that is not wanted");
        self.held.extend_from_slice(run);
        Ok(())
    }

    fn end(&mut self, mail: MailFacts) -> Result<(), FetchError> {
        assert_eq!(self.held.len() as u64, self.announced, "a mail that is not whole");
        assert!(self.mails.iter().all(|(other, _)| other.uid != mail.uid), "a mail came twice");
        self.mails.push((mail, std::mem::take(&mut self.held)));
        Ok(())
    }
}

/// Mails that a session brought.
#[cfg(test)]
pub(super) fn mails(octets: &[u8], token: bool) -> usize {
    let (_, basket) = talk(octets, usize::MAX, token);
    basket.earlier + basket.mails.len()
}

/// What came of it: what was said about each step, and the mails.
fn talk(octets: &[u8], piece: usize, token: bool) -> (Vec<String>, Basket) {
    let wire = Talk { octets: octets.to_vec(), at: 0, piece };
    let mut connection = Connection::over(Box::new(wire), Patience::default());
    let (user, secret) = ("box".to_owned(), "secret".to_owned().into());
    let credentials = match token {
        false => Credentials::Password { user, password: secret, act_as: None },
        true => Credentials::Bearer { user, token: secret },
    };
    let mut imap = Imap::default();
    let mut basket = Basket::default();
    let greeting = imap.greet(&mut connection);
    let mut said = vec![format!("{greeting:?}")];
    if greeting.is_err() {
        return (said, basket);
    }
    let mut session = Session::new(connection, imap);
    said.push(format!("{:?}", session.sign_in(&credentials, "mail.example", 993)));
    let folders = session.folders();
    said.push(format!("{folders:?}"));
    let inbox = session.folder("INBOX");
    let mut listed: Vec<Folder> = folders.unwrap_or_default();
    listed.truncate(2);
    listed.push(inbox.clone());
    for folder in &listed {
        // A folder is read once; UIDs of another would count as mails that came twice.
        let earlier = basket.earlier + basket.mails.len();
        basket = Basket { earlier, ..Basket::default() };
        let state = session.select(folder);
        said.push(format!("{state:?}"));
        let Ok(state) = state else { continue };
        let uids = session.uids(1..=UID_MAX, None, None);
        said.push(format!("{uids:?}"));
        let Ok(uids) = uids else { continue };
        said.push(format!("{:?}", session.sizes(&uids)));
        said.push(format!("{:?}", session.headers(&uids)));
        let fetched = session.fetch(&uids, &mut basket);
        said.push(format!("{fetched:?}"));
        said.push(format!("{:?}", session.move_to(&uids, state.uid_validity, &inbox)));
        said.push(format!("{:?}", session.remove(&uids, state.uid_validity)));
    }
    said.push(format!("{:?}", session.append(&inbox, &[], None, b"Subject: a\r\n\r\n")));
    // How much of a mail that breaks off was handed over depends on how it arrives.
    basket.held.clear();
    (said, basket)
}
