use zeroize::Zeroizing;

use super::dialect::garbled;
use super::reply::{self, Capabilities, Reply, refusal};
use super::session::REPLY_LINE;
use crate::fetch::net::Connection;
use crate::fetch::sasl::{CHALLENGE, Credentials, Exchange, Mechanism};
use crate::fetch::{FetchError, Limit};

/// A line that may be a challenge.
const CHALLENGE_LINE: Limit = Limit::new("challenge-line-octets", CHALLENGE.max + REPLY_LINE.max);

/// Signs in; the text says by what.
///
/// # Errors
/// [`FetchError::ServerBusy`] for a maildrop that another session holds, and for servers that ask
/// for patience.
pub(super) fn sign_in(
    connection: &mut Connection,
    capabilities: &Capabilities,
    credentials: &Credentials,
    host: &str,
    port: u16,
) -> Result<String, FetchError> {
    connection.hide(credentials.secret());
    let mechanism =
        Mechanism::choose(credentials, |name| capabilities.sasl.iter().any(|it| it == name));
    match (mechanism, credentials) {
        // USER and PASS are what every server knows; LOGIN says nothing that they do not.
        (None | Some(Mechanism::Login), Credentials::Password { user, password, act_as: None })
            if capabilities.user || mechanism.is_none() =>
        {
            user_and_pass(connection, capabilities, user, password)?;
            Ok("signed in with USER and PASS".to_owned())
        }
        (Some(mechanism), _) => {
            let exchange = Exchange::new(mechanism, credentials, host, port)?;
            authenticate(connection, capabilities, exchange)?;
            Ok(format!("signed in with {}", mechanism.name()))
        }
        (None, Credentials::Bearer { .. }) => Err(FetchError::Refused {
            command: "OAuth",
            text: "it offers neither XOAUTH2 nor OAUTHBEARER".to_owned(),
        }),
        (None, Credentials::Password { .. }) => Err(FetchError::Refused {
            command: "the sign-in for another mailbox",
            text: "it does not offer SASL PLAIN".to_owned(),
        }),
    }
}

fn user_and_pass(
    connection: &mut Connection,
    capabilities: &Capabilities,
    user: &str,
    password: &str,
) -> Result<(), FetchError> {
    let breaks = |text: &str| text.bytes().any(|octet| matches!(octet, b'\r' | b'\n' | 0));
    if breaks(user) || breaks(password) {
        let text = "user name or password hold a character that cannot be sent";
        return Err(FetchError::Config(text.to_owned()));
    }
    for (verb, word) in [("USER", user), ("PASS", password)] {
        connection.write(Zeroizing::new(format!("{verb} {word}\r\n")).as_bytes())?;
        let mut line = Vec::new();
        connection.read_line(REPLY_LINE, &mut line)?;
        match reply::parse(&line) {
            Some(Reply::Ok(_)) => {}
            Some(Reply::Err(words)) => {
                let text = connection.said(words.text);
                return Err(refusal(words, text, capabilities.login_delay));
            }
            _ => return Err(garbled(connection, &line)),
        }
    }
    Ok(())
}

/// RFC 5034, without an initial response: Exchange Online wants it on a line of its own, and a
/// command line would be too short for tokens.
fn authenticate(
    connection: &mut Connection,
    capabilities: &Capabilities,
    mut exchange: Exchange,
) -> Result<(), FetchError> {
    connection.write(format!("AUTH {}\r\n", exchange.mechanism().name()).as_bytes())?;
    let mut line = Vec::new();
    loop {
        connection.read_line(CHALLENGE_LINE, &mut line)?;
        match reply::parse(&line) {
            Some(Reply::Ok(_)) => return Ok(()),
            Some(Reply::Challenge(challenge)) => {
                let answer = exchange.answer(challenge)?;
                connection.hide(&answer);
                connection.write(Zeroizing::new(format!("{}\r\n", *answer)).as_bytes())?;
            }
            Some(Reply::Err(words)) => {
                let mut text = connection.said(words.text);
                if let Some(reason) = exchange.refusal() {
                    text = format!("{text} {}", connection.said(reason.as_bytes()));
                }
                return Err(refusal(words, text, capabilities.login_delay));
            }
            None => return Err(garbled(connection, &line)),
        }
    }
}
