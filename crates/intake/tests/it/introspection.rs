//! A provider that is asked whether a token is good (RFC 7662).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Answers Dovecot on a loopback port, until the test's process ends.
pub struct Introspection {
    pub url: String,
    /// Token and whose mailbox it opens.
    good: Arc<Mutex<Vec<(String, String)>>>,
}

impl Introspection {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://{}/introspect", listener.local_addr().expect("bound"));
        let good = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&good);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let known = Arc::clone(&known);
                thread::spawn(move || answer(client, &known));
            }
        });
        Self { url, good }
    }

    pub fn accept(&self, token: &str, user: &str) {
        self.good.lock().expect("sound").push((token.to_owned(), user.to_owned()));
    }

    /// No token is good any more.
    pub fn revoke(&self) {
        self.good.lock().expect("sound").clear();
    }
}

fn answer(client: TcpStream, good: &Mutex<Vec<(String, String)>>) -> Option<()> {
    client.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let mut reader = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let token = body.split('&').find_map(|field| field.strip_prefix("token="))?;
    let good = good.lock().expect("sound");
    let user = good.iter().find(|(known, _)| known == token).map(|(_, user)| user);
    let said = match user {
        Some(user) => serde_json::json!({ "active": true, "upn": user }),
        None => serde_json::json!({ "active": false }),
    }
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        said.len()
    );
    reader.get_mut().write_all((head + &said).as_bytes()).ok()
}
