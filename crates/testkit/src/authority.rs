//! A time-stamp authority for tests: `openssl ts` with certificates of its own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ANSWER_SECONDS_MAX: u64 = 60;

/// Certificates, keys and configuration in a folder, and perhaps a server on a loopback port,
/// which ends with this value.
pub struct Authority {
    folder: PathBuf,
    server: Option<Server>,
}

struct Server {
    child: Child,
    port: u16,
    /// For TLS.
    mutual: u16,
}

/// Whether a program or file is there. It is an error when `CHANCERY_REQUIRE_TOOLS` is 1, and is
/// said aloud otherwise.
///
/// # Panics
/// When it is required and missing.
pub fn has_tool(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{program} is missing: install the Debian package {package}");
    eprintln!("left out: {program} is missing (Debian package {package})");
    false
}

/// Whether all that an [`Authority`] needs is there.
pub fn has_authority() -> bool {
    has_tool("openssl", "openssl")
}

fn component(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("components/tsa").join(file)
}

/// Runs a program to its end.
///
/// # Panics
/// With what it said, when it fails.
pub fn succeed<I: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = I>) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{complained}");
    said
}

impl Authority {
    /// Makes a root, an issuing authority and a signer with a key such as `ec:P-256` or `rsa:3072`.
    ///
    /// # Panics
    /// When openssl fails.
    pub fn make(folder: &Path, key: &str) -> Self {
        let script = component("make.sh");
        succeed("bash", [script.as_os_str(), folder.as_os_str(), OsStr::new(key)]);
        Self { folder: folder.to_owned(), server: None }
    }

    /// [`Authority::make`], served, and with certificates that say that their revocation is known there;
    /// also by TLS for who shows a certificate ([`Authority::mutual_address`]).
    ///
    /// # Panics
    /// When openssl or python fail.
    pub fn reachable(folder: &Path, key: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut authority = Self { folder: folder.to_owned(), server: None };
        authority.serve();
        let mut command = Command::new("bash");
        command.arg(component("make.sh")).arg(folder).arg(key);
        let output = command.env("ADDRESS", authority.address()).stdin(Stdio::null()).output();
        let output = output.expect("bash starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        authority
    }

    /// [`Authority::make`] as of another day, such as `2020-01-01 00:00:00` (UTC).
    ///
    /// # Panics
    /// When faketime or openssl fails.
    pub fn make_at(folder: &Path, key: &str, at: &str) -> Self {
        let script = component("make.sh");
        let mut command = Command::new("faketime");
        command.env("TZ", "UTC").arg(at).arg("bash").arg(script).arg(folder).arg(key);
        assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
        Self { folder: folder.to_owned(), server: None }
    }

    /// Replaces the signer by another one, certified for ten years from `at` (UTC).
    ///
    /// # Panics
    /// When faketime or openssl fail.
    pub fn next_signer(&self, at: &str) {
        let script = component("make.sh");
        let mut command = Command::new("faketime");
        command.env("TZ", "UTC").arg(at).arg("bash").arg(script).arg(&self.folder);
        let output = command.arg("next:ec:P-256").stdin(Stdio::null()).output();
        let output = output.expect("faketime starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A file that `make.sh` made: `root.pem`, `tsa.pem`, `issuing.crl` …
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The octets of such a file.
    ///
    /// # Panics
    /// When it is not there.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The answer to a request in DER, as of now or as of another day.
    ///
    /// # Panics
    /// When openssl does not answer.
    pub fn reply(&self, query: &[u8], at: Option<&str>) -> Vec<u8> {
        let (question, answer) = (self.file("query"), self.file("answer"));
        std::fs::write(&question, query).expect("the folder is writable");
        let mut command = match at {
            Some(at) => {
                let mut command = Command::new("faketime");
                command.env("TZ", "UTC").arg(at).arg("openssl");
                command
            }
            None => Command::new("openssl"),
        };
        command.args(["ts", "-reply", "-config"]).arg(self.file("tsa.cnf"));
        command.arg("-queryfile").arg(&question).arg("-out").arg(&answer);
        let output = command.stdin(Stdio::null()).output().expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(&answer).expect("openssl wrote its answer")
    }

    /// Starts the HTTP server.
    ///
    /// # Panics
    /// When python does not start or names no port.
    pub fn serve(&mut self) {
        let python =
            if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        let mut child = Command::new(python)
            .arg(component("tsa.py"))
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        let said = child.stdout.take().expect("its output is a pipe");
        BufReader::new(said).read_line(&mut line).expect("it says its port");
        let mut ports = line.split_whitespace().map(|port| port.parse().expect("a number"));
        let (port, mutual) = (ports.next().expect("a port"), ports.next().expect("another"));
        self.server = Some(Server { child, port, mutual });
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server was started")
    }

    /// Where the server is: `http://127.0.0.1:` and its port.
    ///
    /// # Panics
    /// When it was not started.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.server().port)
    }

    /// Where it speaks TLS, with the certificate `tls.pem`, to clients with one such as `client.both`.
    ///
    /// # Panics
    /// When it was not started.
    pub fn mutual_address(&self) -> String {
        format!("https://127.0.0.1:{}", self.server().mutual)
    }

    /// Posts a request; gives the status, the media type and the body.
    ///
    /// # Panics
    /// When there is no server or no answer.
    pub fn post(&self, path: &str, query: &[u8]) -> (u16, String, Vec<u8>) {
        let address = ("127.0.0.1", self.server().port);
        let mut stream = TcpStream::connect(address).expect("the server listens");
        let patience = Some(Duration::from_secs(ANSWER_SECONDS_MAX));
        stream.set_read_timeout(patience).expect("a timeout can be set");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/timestamp-query\r\nContent-Length: {}\r\n\r\n",
            query.len()
        );
        stream.write_all(&[head.as_bytes(), query].concat()).expect("the request is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer comes");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head ends");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
        (status, kind.unwrap_or_default().to_owned(), answer[end + 4..].to_vec())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // It is our own child; that it has ended already is fine.
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
    }
}
