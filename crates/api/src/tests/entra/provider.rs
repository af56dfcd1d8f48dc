use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

/// Redirects between one page and the next.
const HOPS_MAX: usize = 10;

/// The provider, running.
pub struct Entra {
    pub certificate: String,
    port: String,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Entra {
    /// `None`, and a word about it, when its packages are not installed.
    pub fn start() -> Option<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/components/oidc-entra");
        if !home.join("node_modules/oidc-provider").is_dir() {
            let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|it| it == "1");
            assert!(!required, "oidc-provider is missing: npm ci in {}", home.display());
            eprintln!("SKIPPED: oidc-provider is missing (npm ci in {})", home.display());
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let certificate = made.cert.pem();
        let paths = ["key.pem", "cert.pem"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], made.signing_key.serialize_pem()).expect("written");
        std::fs::write(&paths[1], &certificate).expect("written");
        let mut process = Command::new("node")
            .arg(home.join("server.mjs"))
            .args(&paths)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let port = String::new();
        let mut entra = Self { certificate, port, input, output, process, _folder: folder };
        entra.port = entra.line();
        Some(entra)
    }

    /// Tells it where we are. Before that it answers nobody.
    pub fn configure(&mut self, redirect: &str) {
        self.tell(&serde_json::json!({ "redirect": redirect }));
    }

    /// It signs with a new key from now on.
    pub fn rotate(&mut self) {
        self.tell(&serde_json::json!({ "rotate": true }));
    }

    /// What is wrong with its tokens from now on: `issuer`, `nonce`, `key`; `None`: nothing.
    pub fn fault(&mut self, fault: Option<&str>) {
        self.tell(&serde_json::json!({ "fault": fault }));
    }

    fn tell(&mut self, line: &serde_json::Value) {
        writeln!(self.input.as_mut().expect("open"), "{line}").expect("it listens");
        assert_eq!(self.line(), "ready");
    }

    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn issuer(&self) -> String {
        format!("{}/11111111-2222-3333-4444-555555555555/v2.0", self.origin())
    }

    pub fn groups_url(&self) -> String {
        format!("{}/graph/me/getMemberObjects", self.origin())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it speaks");
        line.trim().to_owned()
    }
}

impl Drop for Entra {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser without pages: follows redirects and keeps cookies.
pub struct Browser {
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(entra: &Entra) -> Self {
        let root = reqwest::Certificate::from_pem(entra.certificate.as_bytes()).expect("PEM");
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge([root])
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, cookies: BTreeMap::new() }
    }

    /// The first address that belongs to `site`.
    pub async fn follow(&mut self, location: &str, site: &str) -> String {
        let mut url = reqwest::Url::parse(location).expect("an address");
        for _ in 0..HOPS_MAX {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = self.client.get(url.clone()).header(COOKIE, cookies.join("; "));
            let answer = request.send().await.expect("an answer");
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
                let (name, value) = pair.split_once('=').expect("a pair");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(next) = answer.headers().get(LOCATION).cloned() else {
                panic!("{} at {url}: {}", answer.status(), answer.text().await.expect("text"));
            };
            url = url.join(next.to_str().expect("text")).expect("an address");
            if url.as_str().starts_with(site) {
                return url.into();
            }
        }
        panic!("too many redirects");
    }
}
