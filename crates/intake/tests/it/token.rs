//! Tokens of applications from a certified provider with Entra ID's layout.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use intake::fetch::net::{Patience, Server, Trust};
use intake::fetch::oauth::{
    AssertionAlgorithm, ClientKey, HttpTokenWeb, Remedy, TokenClient, TokenSettings,
};
use intake::fetch::pop3::Session;
use intake::fetch::sasl::Credentials;
use intake::fetch::{FetchError, FetchErrorKind, Probe};
use model::{Clock, Timestamp};
use testkit::mail_server::{DOVECOT, Dovecot};

use crate::introspection::Introspection;
use crate::support::has_tool;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_seconds(now.expect("after 1970").as_secs() as i64)
    }
}

/// The provider, running; the application with its key.
struct Provider {
    token_url: String,
    authority: String,
    application: String,
    key: String,
    input: Option<ChildStdin>,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Provider {
    /// `None`, and a word about it, when its packages are not installed.
    fn start() -> Option<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/components/oidc-entra");
        if !home.join("node_modules/oidc-provider").is_dir() {
            let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|it| it == "1");
            assert!(!required, "oidc-provider is missing: npm ci in {}", home.display());
            eprintln!("left out: oidc-provider is missing (npm ci in {})", home.display());
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let authority = made.cert.pem();
        let paths = ["key.pem", "cert.pem"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], made.signing_key.serialize_pem()).expect("written");
        std::fs::write(&paths[1], &authority).expect("written");
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        let application = params.self_signed(&key).expect("signed").pem();
        let mut process = Command::new("node")
            .arg(home.join("server.mjs"))
            .args(&paths)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut input = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("it speaks");
            line.trim().to_owned()
        };
        let port = line();
        let about = serde_json::json!({
            "redirect": "https://localhost/callback", "appCertificate": application,
        });
        writeln!(input, "{about}").expect("it listens");
        assert_eq!(line(), "ready");
        let tenant = "11111111-2222-3333-4444-555555555555";
        Some(Self {
            token_url: format!("https://localhost:{port}/{tenant}/oauth2/v2.0/token"),
            authority,
            application,
            key: key.serialize_pem(),
            input: Some(input),
            process,
            _folder: folder,
        })
    }

    fn settings(&self, client_id: &str, key: ClientKey) -> TokenSettings {
        TokenSettings {
            token_url: self.token_url.clone(),
            authorities_pem: Some(self.authority.clone()),
            ..TokenSettings::microsoft365("", client_id, key)
        }
    }

    fn certificate(&self, algorithm: AssertionAlgorithm) -> ClientKey {
        ClientKey::Certificate {
            certificate_pem: self.application.clone(),
            key_pem: self.key.clone().into(),
            algorithm,
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn secret(text: &str) -> ClientKey {
    ClientKey::Secret(text.to_owned().into())
}

#[test]
fn an_application_gets_tokens_by_secret_and_by_certificate() {
    let Some(provider) = Provider::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let web = Arc::new(HttpTokenWeb::new(runtime.handle().clone()));
    let client = TokenClient::new(web, Arc::new(SystemClock));
    for (client_id, key) in [
        ("app-secret", secret("archive-secret")),
        ("app-certificate", provider.certificate(AssertionAlgorithm::Ps256)),
        ("app-certificate", provider.certificate(AssertionAlgorithm::Rs256)),
    ] {
        let token = client.token(&provider.settings(client_id, key)).expect("given");
        assert_eq!(token.roles, ["IMAP.AccessAsApp", "POP.AccessAsApp"]);
        let left = token.expires_at.as_seconds() - SystemClock.now().as_seconds();
        assert!((1..=3599).contains(&left), "{left}");
    }
}

#[test]
fn a_token_of_the_provider_opens_a_mailbox() {
    let Some(provider) = Provider::start() else { return };
    if !has_tool(DOVECOT, "dovecot-pop3d") {
        return;
    }
    let introspection = Introspection::start();
    let folder = tempfile::tempdir().expect("a folder");
    let dovecot = Dovecot::start_introspecting(folder.path(), &introspection.url);
    let dovecot = dovecot.expect("Dovecot starts");
    let mail = b"Subject: by token\r\n\r\n";
    dovecot.deliver("journal@x.test", "", mail).expect("delivered");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let web = Arc::new(HttpTokenWeb::new(runtime.handle().clone()));
    let client = TokenClient::new(web, Arc::new(SystemClock));
    let key = provider.certificate(AssertionAlgorithm::Ps256);
    let token = client.token(&provider.settings("app-certificate", key)).expect("given");
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port: Some(dovecot.pop3s),
        trust: Trust::Authorities(dovecot.authority.clone()),
        ..Server::default()
    };
    let credentials =
        Credentials::Bearer { user: "journal@x.test".to_owned(), token: token.secret.clone() };
    let open = || Session::open(&server, &Patience::default(), &credentials, &mut Probe::default());
    // The provider does not know it yet: the server asks and refuses, and says so before it ends.
    let error = open().err().expect("refused");
    assert_eq!(error.kind(), FetchErrorKind::SignInRefused, "{error}");
    introspection.accept(&token.secret, "journal@x.test");
    let mut session = open().expect("signed in");
    let entries = session.list().expect("listed");
    let mut octets = Vec::new();
    session.retrieve(&entries[0], 1000, &mut octets).expect("there");
    assert_eq!(octets, mail);
    session.quit().expect("confirmed");
}

#[test]
fn a_provider_that_refuses_says_what_to_do() {
    let Some(provider) = Provider::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let web = Arc::new(HttpTokenWeb::new(runtime.handle().clone()));
    let client = TokenClient::new(web, Arc::new(SystemClock));
    let refused = |settings: &TokenSettings| match client.token(settings).expect_err("refused") {
        FetchError::SignInRefused { remedy, .. } => remedy,
        error => panic!("{error}"),
    };
    let wrong = provider.settings("app-secret", secret("wrong"));
    assert_eq!(refused(&wrong), Some(Remedy::SecretWrong));
    // A certificate that nobody registered.
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    let stranger = ClientKey::Certificate {
        certificate_pem: params.self_signed(&key).expect("signed").pem(),
        key_pem: key.serialize_pem().into(),
        algorithm: AssertionAlgorithm::Ps256,
    };
    let stranger = provider.settings("app-certificate", stranger);
    assert_eq!(refused(&stranger), Some(Remedy::CertificateUnknown));
    // Another server than the one whose certificate is believed.
    let foreign = TokenSettings { authorities_pem: None, ..wrong };
    let error = client.token(&foreign).expect_err("not believed");
    assert_eq!(error.kind(), FetchErrorKind::NoConnection, "{error}");
}
