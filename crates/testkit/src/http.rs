//! A small blocking HTTP/1.1 client with a session, for tests and benchmarks against the API
//! (RFC 9112). Plain text only: the server is on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const ANSWER_SECONDS_MAX: u64 = 120;
const HEADERS_MAX: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the connection failed")]
    Connection(#[from] std::io::Error),
    #[error("not an HTTP answer: {0:?}")]
    Garbled(String),
    #[error("{path} answered {status}: {body}")]
    Status { path: String, status: u16, body: String },
    #[error("the answer is not JSON")]
    Json(#[from] serde_json::Error),
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Result<Value, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// One kept connection and the cookies of one visitor.
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    cookies: Vec<(String, String)>,
    csrf: Option<String>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, cookies: Vec::new(), csrf: None }
    }

    /// Signs in; later requests carry the session and its CSRF token.
    pub fn sign_in(&mut self, user_name: &str, password: &str) -> Result<Value, Error> {
        let body = serde_json::json!({ "userName": user_name, "password": password });
        let session = self.send_json("POST", "/api/v1/session", &body)?;
        self.csrf = session.get("csrfToken").and_then(Value::as_str).map(str::to_owned);
        Ok(session)
    }

    /// GETs JSON; any other status than 2xx is an error.
    pub fn get_json(&mut self, path: &str) -> Result<Value, Error> {
        self.request("GET", path, &[])?.json()
    }

    /// Sends JSON; any other status than 2xx is an error. An empty answer is `null`.
    pub fn send_json(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let response = self.request(method, path, body.to_string().as_bytes())?;
        if response.body.is_empty() { Ok(Value::Null) } else { response.json() }
    }

    /// One exchange; any other status than 2xx is an error.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response, Error> {
        let response = self.exchange(method, path, body)?;
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        Err(Error::Status {
            path: path.to_owned(),
            status: response.status,
            body: String::from_utf8_lossy(&response.body).into_owned(),
        })
    }

    /// One exchange, whatever the status. A kept connection that the server has closed meanwhile
    /// is opened anew, once.
    pub fn exchange(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response, Error> {
        let kept = self.stream.is_some();
        match self.attempt(method, path, body) {
            Err(Error::Connection(_)) if kept => {
                self.stream = None;
                self.attempt(method, path, body)
            }
            result => result,
        }
    }

    fn attempt(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response, Error> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.get_mut().write_all(&self.head(method, path, body))?;
        let response = read_response(&mut stream)?;
        for (name, value) in &response.headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                self.keep_cookie(value);
            }
        }
        if !response.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close")) {
            self.stream = Some(stream);
        }
        Ok(response)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>, Error> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        Ok(BufReader::with_capacity(64 * 1024, stream))
    }

    fn head(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json, */*\r\nOrigin: http://{}\r\n",
            self.address, self.address
        );
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            head.push_str(&format!("Cookie: {}\r\n", pairs.join("; ")));
        }
        if let Some(token) = self.csrf.as_ref().filter(|_| method != "GET") {
            head.push_str(&format!("X-CSRF-Token: {token}\r\n"));
        }
        if method != "GET" {
            head.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        head.push_str("\r\n");
        let mut octets = head.into_bytes();
        if method != "GET" {
            octets.extend_from_slice(body);
        }
        octets
    }

    fn keep_cookie(&mut self, value: &str) {
        let pair = value.split(';').next().unwrap_or("");
        if let Some((name, value)) = pair.split_once('=') {
            self.cookies.retain(|(other, _)| other != name);
            self.cookies.push((name.trim().to_owned(), value.to_owned()));
        }
    }
}

fn read_response(stream: &mut BufReader<TcpStream>) -> Result<Response, Error> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
    }
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| Error::Garbled(line.clone()))?;
    let mut response = Response { status, headers: Vec::new(), body: Vec::new() };
    for _ in 0..HEADERS_MAX {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            response.body = read_body(stream, &response)?;
            return Ok(response);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| Error::Garbled(line.to_owned()))?;
        response.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Err(Error::Garbled("too many headers".to_owned()))
}

fn read_body(stream: &mut BufReader<TcpStream>, head: &Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    if head.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or(""), 16)
                .map_err(|_| Error::Garbled(line.clone()))?;
            let start = body.len();
            body.resize(start + size, 0);
            stream.read_exact(&mut body[start..])?;
            stream.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    if head.status == 204 || head.status == 304 {
        return Ok(body);
    }
    match head.header("content-length").and_then(|text| text.parse().ok()) {
        Some(length) => {
            body.resize(length, 0);
            stream.read_exact(&mut body)?;
        }
        None => {
            stream.read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

/// Percent-encodes a query value (RFC 3986 §2.3: all but the unreserved characters).
pub fn query_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for &octet in text.as_bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}
