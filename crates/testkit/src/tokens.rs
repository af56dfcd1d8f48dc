//! A token endpoint (RFC 6749 §3.2) that gives `token-1`, `token-2` and so on to whoever shows the
//! right secret.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::lying::Wire;
use crate::tls::Identity;

const PATIENCE: Duration = Duration::from_secs(120);
const FORM_OCTETS_MAX: usize = 1 << 16;

/// Its threads end with the test's process.
pub struct TokenEndpoint {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    given: AtomicUsize,
    forms: Mutex<Vec<String>>,
}

impl TokenEndpoint {
    pub const SECRET: &str = "as-secret-as-can-be";
    /// How long a token is good.
    pub const SECONDS: i64 = 3600;

    /// # Panics
    /// When no port is free.
    pub fn start(identity: &Identity) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("https://{}/token", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared { given: AtomicUsize::new(0), forms: Mutex::default() });
        let (config, known) = (identity.server(), Arc::clone(&shared));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&known));
                // One that breaks off is the client's affair.
                thread::spawn(move || answer(client, config, &shared));
            }
        });
        Self { url, shared }
    }

    /// How many tokens it gave.
    pub fn given(&self) -> usize {
        self.shared.given.load(Ordering::SeqCst)
    }

    /// What it was asked, as forms.
    pub fn forms(&self) -> Vec<String> {
        self.shared.forms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(client: TcpStream, config: Arc<rustls::ServerConfig>, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(Wire::encrypted(client, config)?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut form = vec![0; usize::min(length, FORM_OCTETS_MAX)];
    reader.read_exact(&mut form)?;
    let form = String::from_utf8_lossy(&form).into_owned();
    let knows = form.contains(&format!("client_secret={}", TokenEndpoint::SECRET));
    shared.forms.lock().unwrap_or_else(PoisonError::into_inner).push(form);
    let (status, body) = if knows {
        let number = shared.given.fetch_add(1, Ordering::SeqCst) + 1;
        let token = serde_json::json!({
            "access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": TokenEndpoint::SECONDS,
        });
        ("200 OK", token)
    } else {
        ("401 Unauthorized", serde_json::json!({ "error": "invalid_client" }))
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let wire = reader.get_mut();
    wire.write_all((head + &body).as_bytes())?;
    wire.flush()
}
