use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::{certificate, run, wait_until_up};
use crate::ports::free_port;

pub const DOVECOT: &str = "/usr/sbin/dovecot";

/// Dovecot on loopback: IMAP and POP3, in clear with STARTTLS and with implicit TLS.
///
/// Everybody exists and has the password `secret`; `admin` with `master-secret` signs in as anybody
/// (`user*admin`, or by SASL's authorization identity). Tokens are those of [`Dovecot::token`].
pub struct Dovecot {
    pub imap: u16,
    pub imaps: u16,
    pub pop3: u16,
    pub pop3s: u16,
    /// PEM of the authority that signed its certificate.
    pub authority: String,
    folder: PathBuf,
    key: EcdsaKeyPair,
    /// Who owns the mailboxes, when this is root.
    owner: Option<(u32, u32)>,
    delivered: AtomicU64,
    child: Child,
}

impl Dovecot {
    pub const PASSWORD: &str = "secret";
    pub const MASTER: &str = "admin";
    pub const MASTER_PASSWORD: &str = "master-secret";
    /// The mailboxes' folder below that of the server; each is a Maildir.
    const MAIL: &str = "mail";

    /// Serves empty mailboxes. `extra` stands at the end of the configuration.
    ///
    /// # Errors
    /// When Dovecot is missing or does not start.
    pub fn start(folder: &Path, extra: &str) -> io::Result<Self> {
        let keys = format!(
            "introspection_mode = local\nissuers = https://sts.test/\n\
             local_validation_key_dict = fs:posix:prefix={}/keys/\n",
            fs::canonicalize(folder)?.display()
        );
        Self::start_with(folder, &keys, extra)
    }

    /// The same, but every token is shown to the provider (RFC 7662), by POST to `url`.
    ///
    /// # Errors
    /// When Dovecot is missing or does not start.
    pub fn start_introspecting(folder: &Path, url: &str) -> io::Result<Self> {
        let asked = format!(
            "introspection_mode = post\nintrospection_url = {url}\nactive_attribute = active\n\
             active_value = true\n"
        );
        Self::start_with(folder, &asked, "")
    }

    fn start_with(folder: &Path, tokens: &str, extra: &str) -> io::Result<Self> {
        let folder = fs::canonicalize(folder)?;
        certificate(&folder, "127.0.0.1")?;
        // Temporary folders are for their owner; mailboxes belong to somebody else.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        let owner = owner(&folder)?;
        let keys = folder.join("keys/default/ES256");
        for path in [&folder.join(Self::MAIL), &folder.join("run"), &keys] {
            fs::create_dir_all(path)?;
        }
        if let Some((user, group)) = owner {
            chown(folder.join(Self::MAIL), Some(user), Some(group))?;
        }
        let made = rcgen::KeyPair::generate().map_err(|it| io::Error::other(it.to_string()))?;
        fs::write(keys.join("k1"), made.public_key_pem())?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.serialized_der());
        let key = key.map_err(|it| io::Error::other(it.to_string()))?;
        let ports = [free_port()?, free_port()?, free_port()?, free_port()?];
        let at = folder.display().to_string();
        fs::write(folder.join("oauth2.conf"), format!("{tokens}username_attribute = upn\n"))?;
        fs::write(folder.join("dovecot.conf"), configuration(&at, ports, owner) + extra)?;
        let child = Command::new(DOVECOT)
            .args(["-F", "-c", &format!("{at}/dovecot.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let authority = fs::read_to_string(folder.join("ca.pem"))?;
        let [imap, imaps, pop3, pop3s] = ports;
        let delivered = AtomicU64::new(0);
        let mut server =
            Self { imap, imaps, pop3, pop3s, authority, folder, key, owner, delivered, child };
        for port in ports {
            wait_until_up(&mut server.child, &format!("127.0.0.1:{port}"))
                .map_err(|error| io::Error::other(format!("{error}: {}", server.log())))?;
        }
        Ok(server)
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("dovecot.log")).unwrap_or_default()
    }

    /// Puts a mail into a mailbox as it is, unread. `box_name` is empty for the INBOX, else the
    /// folder's name, levels divided by dots. Lines must end with CRLF to come back the same.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn deliver(&self, user: &str, box_name: &str, octets: &[u8]) -> io::Result<()> {
        let home = self.folder.join(Self::MAIL).join(user);
        let maildir = match box_name {
            "" => home.clone(),
            name => home.join(format!(".{name}")),
        };
        for folder in [&home, &maildir] {
            self.make(folder)?;
        }
        for name in ["tmp", "new", "cur"] {
            self.make(&maildir.join(name))?;
        }
        let number = self.delivered.fetch_add(1, Ordering::Relaxed);
        // Dovecot numbers new mails by their names: seconds first.
        let name = format!("{}.M{number:09}.test", 1_700_000_000 + number);
        let written = maildir.join("tmp").join(&name);
        fs::write(&written, octets)?;
        self.own(&written)?;
        fs::rename(written, maildir.join("new").join(name))
    }

    fn make(&self, folder: &Path) -> io::Result<()> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.own(folder),
        }
    }

    fn own(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// An access token for XOAUTH2 and OAUTHBEARER that opens the mailbox of `user` until
    /// `expires_at` (seconds since 1970).
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn token(&self, user: &str, expires_at: i64) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": "k1" }));
        let claims = part(serde_json::json!({
            "iss": "https://sts.test/", "sub": user, "upn": user, "iat": 0, "nbf": 0, "exp": expires_at,
            "roles": ["IMAP.AccessAsApp", "POP.AccessAsApp"],
        }));
        let signed = format!("{head}.{claims}");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("randomness");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // The master ends its children when it is asked to, not when it is killed.
        let _ = run("/bin/kill", &["-TERM", &self.child.id().to_string()]);
        let _ = self.child.wait();
    }
}

/// Root cannot own mailboxes: Debian's user `mail` does then.
fn owner(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    let line = passwd.lines().find_map(|line| line.strip_prefix("mail:"));
    let mut fields = line.into_iter().flat_map(|line| line.split(':').skip(1));
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    match (number(), number()) {
        (Some(user), Some(group)) => Ok(Some((user, group))),
        _ => Err(io::Error::other("there is no user mail")),
    }
}

/// The name of who runs this, or of the group.
fn whoami(what: &str) -> String {
    let output = Command::new("id").arg(what).output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
}

fn configuration(at: &str, ports: [u16; 4], owner: Option<(u32, u32)>) -> String {
    let [imap, imaps, pop3, pop3s] = ports;
    // Without root everything runs as whoever runs the tests.
    let rights = match owner {
        Some((user, group)) => {
            format!(
                "userdb {{\n driver = static\n args = uid={user} gid={group} home={at}/mail/%u\n}}\n"
            )
        }
        None => {
            let (name, group) = (whoami("-un"), whoami("-gn"));
            format!(
                "default_internal_user = {name}\ndefault_login_user = {name}\n\
                 default_internal_group = {group}\nservice anvil {{\n chroot =\n}}\n\
                 service imap-login {{\n chroot =\n}}\nservice pop3-login {{\n chroot =\n}}\n\
                 userdb {{\n driver = static\n args = home={at}/mail/%u\n}}\n"
            )
        }
    };
    format!(
        "base_dir = {at}/run
state_dir = {at}/run
log_path = {at}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3
first_valid_uid = 0
mail_location = maildir:{at}/mail/%u
mail_max_userip_connections = 500
auth_mechanisms = plain login xoauth2 oauthbearer
auth_master_user_separator = *
auth_failure_delay = 0
auth_verbose = yes
ssl = yes
ssl_cert = <{at}/tls.pem
ssl_key = <{at}/tls.key
passdb {{
 driver = oauth2
 mechanisms = xoauth2 oauthbearer
 args = {at}/oauth2.conf
}}
passdb {{
 driver = static
 master = yes
 mechanisms = plain login
 args = user={master} password={master_password}
}}
passdb {{
 driver = static
 mechanisms = plain login
 args = password={password}
}}
namespace inbox {{
 inbox = yes
}}
service imap-login {{
 inet_listener imap {{
  port = {imap}
 }}
 inet_listener imaps {{
  port = {imaps}
 }}
}}
service pop3-login {{
 inet_listener pop3 {{
  port = {pop3}
 }}
 inet_listener pop3s {{
  port = {pop3s}
 }}
}}
{rights}",
        master = Dovecot::MASTER,
        master_password = Dovecot::MASTER_PASSWORD,
        password = Dovecot::PASSWORD,
    )
}
