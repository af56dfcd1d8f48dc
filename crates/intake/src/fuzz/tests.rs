use proptest::prelude::*;

use super::*;

/// Octets that look like a session more often than chance would have it.
fn sessions() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"EHLO x\r\n".to_vec()),
        Just(b"MAIL FROM:<x@y.example>\r\n".to_vec()),
        Just(b"MAIL FROM:<> SIZE=9\r\n".to_vec()),
        Just(b"RCPT TO:<a@archive.test>\r\n".to_vec()),
        Just(b"RCPT TO:<b@archive.test>\r\n".to_vec()),
        Just(b"DATA\r\n".to_vec()),
        Just(b"RSET\r\n".to_vec()),
        Just(b"NOOP\r\n".to_vec()),
        Just(b"STARTTLS\r\n".to_vec()),
        Just(b"BDAT 5\r\n".to_vec()),
        Just(b"BDAT 0 LAST\r\n".to_vec()),
        Just(b"BDAT 7 LAST\r\n".to_vec()),
        Just(b"\r\n.\r\n".to_vec()),
        Just(b"\n.\n".to_vec()),
        Just(b"\r.\r".to_vec()),
        Just(b"..".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b".".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(word, 0..60).prop_map(|words| {
        let mut all = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@archive.test>\r\n".to_vec();
        all.extend(words.into_iter().flatten());
        all
    })
}

/// Octets that look like a POP3 server more often than chance would have it.
fn pop3_servers() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"+OK\r\n".to_vec()),
        Just(b"+OK 1 a\r\n".to_vec()),
        Just(b"-ERR [IN-USE] no\r\n".to_vec()),
        Just(b"+ eyJ9\r\n".to_vec()),
        Just(b"1 10\r\n2 99999999999999999999\r\n".to_vec()),
        Just(b"1 10\r\n2 20\r\n.\r\n".to_vec()),
        Just(b"1 a\r\n2 b\r\n.\r\n".to_vec()),
        Just(b"SASL PLAIN XOAUTH2\r\nPIPELINING\r\n.\r\n".to_vec()),
        Just(b"\r\n.\r\n".to_vec()),
        Just(b"\r\n..\n.\r".to_vec()),
        Just(vec![b'x'; 5000]),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let words = proptest::collection::vec(word, 0..40);
    (any::<bool>(), words).prop_map(|(sasl, words)| {
        let begin: &[u8] = match sasl {
            true => b"+OK\r\n+OK\r\nSASL PLAIN XOAUTH2\r\n.\r\n+ \r\n+OK\r\n+OK\r\n1 10\r\n",
            false => b"+OK\r\n-ERR\r\n+OK\r\n+OK\r\n+OK\r\n1 10\r\n2 20\r\n.\r\n",
        };
        begin.iter().copied().chain(words.into_iter().flatten()).collect()
    })
}

/// Sessions of which some lines are missing, doubled or out of place.
fn imap_servers() -> impl Strategy<Value = Vec<u8>> {
    let seeds = imap_seeds();
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..4);
    let changes = prop::collection::vec(change, 0..6);
    (prop::sample::select(seeds), changes).prop_map(|(seed, changes)| {
        let mut lines: Vec<Vec<u8>> =
            seed[1..].split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
        for (one, other, kind) in changes {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            match kind {
                0 => lines.swap(one, other),
                1 => lines[one] = lines[other].clone(),
                2 => lines[one].truncate(other),
                _ => lines[one].clear(),
            }
        }
        lines.concat()
    })
}

proptest! {
    #[test]
    fn how_octets_arrive_changes_no_mail_and_no_reply(octets in sessions(), piece in 1usize..40) {
        smtp_session(&octets, piece);
    }

    #[test]
    fn the_decoder_agrees_with_a_reader_of_single_octets(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![&b"\r"[..], b"\n", b".", b"\r\n", b"ab"]),
            0..60,
        ),
        piece in 1usize..9,
    ) {
        dot_decoding(&parts.concat(), piece);
    }

    #[test]
    fn how_a_pop3_server_speaks_changes_no_mail(octets in pop3_servers(), piece in 1usize..40) {
        pop3_session(&octets, piece);
    }

    #[test]
    fn how_an_imap_server_speaks_changes_no_mail(octets in imap_servers(), piece in 1usize..40) {
        imap_session(&octets, piece);
    }

    #[test]
    fn no_line_panics_the_parser(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        command_line(&line);
    }
}

#[test]
fn sessions_to_begin_with_bring_their_mails() {
    let seeds = imap_seeds();
    assert_eq!(imap::mails(&seeds[0][1..], false), 2);
    assert_eq!(imap::mails(&seeds[1][1..], true), 2);
    assert_eq!(imap::mails(&seeds[2][1..], true), 0);
}
