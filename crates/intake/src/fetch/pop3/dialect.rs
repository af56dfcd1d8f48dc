use super::reply::{self, Capabilities, Reply, refusal};
use super::session::REPLY_LINE;
use crate::fetch::net::{Connection, Dialect, Ports};
use crate::fetch::{FetchError, Limit};

/// Lines of a CAPA answer.
const CAPABILITIES: Limit = Limit::new("capability-lines", 200);

/// What comes before the sign-in.
pub(super) struct Pop3;

impl Dialect for Pop3 {
    fn ports(&self) -> Ports {
        Ports { implicit_tls: 995, plain: 110 }
    }

    fn greet(&mut self, connection: &mut Connection) -> Result<String, FetchError> {
        let mut line = Vec::new();
        connection.read_line(REPLY_LINE, &mut line)?;
        match reply::parse(&line) {
            Some(Reply::Ok(words)) => Ok(connection.said(words.text)),
            Some(Reply::Err(words)) => {
                let text = connection.said(words.text);
                match refusal(words, text, None) {
                    // Nobody has signed in yet.
                    FetchError::SignInRefused { text, .. } => {
                        Err(FetchError::Refused { command: "the connection", text })
                    }
                    error => Err(error),
                }
            }
            _ => Err(FetchError::Protocol(format!(
                "it greets with {:?}, which is not POP3",
                connection.said(&line)
            ))),
        }
    }

    fn start_tls(&mut self, connection: &mut Connection) -> Result<bool, FetchError> {
        let capabilities = capabilities(connection)?;
        if capabilities.known && !capabilities.stls {
            return Ok(false);
        }
        connection.write(b"STLS\r\n")?;
        let mut line = Vec::new();
        connection.read_line(REPLY_LINE, &mut line)?;
        match reply::parse(&line) {
            Some(Reply::Ok(_)) => Ok(true),
            Some(Reply::Err(words)) if capabilities.known => {
                let text = connection.said(words.text);
                Err(FetchError::Refused { command: "STLS", text })
            }
            Some(Reply::Err(_)) => Ok(false),
            _ => Err(garbled(connection, &line)),
        }
    }
}

/// Asks for them; a server that does not know the command has none.
pub(super) fn capabilities(connection: &mut Connection) -> Result<Capabilities, FetchError> {
    connection.write(b"CAPA\r\n")?;
    let mut found = Capabilities::default();
    let mut line = Vec::new();
    connection.read_line(REPLY_LINE, &mut line)?;
    match reply::parse(&line) {
        Some(Reply::Ok(_)) => {}
        Some(Reply::Err(_)) => return Ok(found),
        _ => return Err(garbled(connection, &line)),
    }
    found.known = true;
    for _ in 0..CAPABILITIES.max {
        connection.read_line(REPLY_LINE, &mut line)?;
        if line == b"." {
            return Ok(found);
        }
        found.add(&line);
    }
    Err(FetchError::LimitExceeded(CAPABILITIES))
}

pub(super) fn garbled(connection: &Connection, line: &[u8]) -> FetchError {
    FetchError::Protocol(format!("{:?} is no reply", connection.said(line)))
}
