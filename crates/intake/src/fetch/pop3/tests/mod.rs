//! Against servers that say what a trace tells them to.

mod dialogue;
mod lies;
mod security;

use std::time::Duration;

use testkit::lying::LyingServer;

use super::Session;
use crate::fetch::net::{Patience, Security, Server, Trust};
use crate::fetch::sasl::Credentials;
use crate::fetch::{FetchError, Probe};

fn password() -> Credentials {
    Credentials::Password {
        user: "box".to_owned(),
        password: "geheim".to_owned().into(),
        act_as: None,
    }
}

fn bearer() -> Credentials {
    Credentials::Bearer { user: "box@x.test".to_owned(), token: "ey.J".to_owned().into() }
}

fn clear(server: &LyingServer) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port: Some(server.port()),
        security: Security::Clear,
        allow_clear: false,
        trust: Trust::System,
    }
}

fn open(server: &LyingServer, credentials: &Credentials) -> Result<Session, FetchError> {
    Session::open(&clear(server), &Patience::default(), credentials, &mut Probe::default())
}

/// For servers that will not answer.
fn impatient() -> Patience {
    let short = Duration::from_millis(200);
    Patience { connect: short, answer: short, ..Patience::default() }
}

/// A server that lets `box` in and goes on as `rest` says.
fn inside(rest: &str) -> LyingServer {
    let begin = "S: +OK ready\nC: CAPA\nS: +OK\nS: USER\nS: UIDL\nS: .\n\
                 C: USER box\nS: +OK\nC: PASS geheim\nS: +OK welcome\n";
    LyingServer::start(&[&format!("{begin}{rest}")])
}
