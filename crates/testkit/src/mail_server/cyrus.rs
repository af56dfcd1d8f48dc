use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::directory::{certificate, run, wait_until_up};
use crate::ports::free_port;

const MASTER: &str = "/usr/lib/cyrus/bin/master";

/// Cyrus on loopback: IMAP and POP3 in clear with STARTTLS. A second opinion beside Dovecot, whose
/// packages exclude those of Cyrus: `cargo xtask test` unpacks them here instead of installing.
/// Needs root.
pub struct Cyrus {
    pub imap: u16,
    pub pop3: u16,
    /// PEM of the authority that signed its certificate.
    pub authority: String,
    folder: PathBuf,
    child: Child,
}

impl Cyrus {
    pub const PASSWORD: &str = "secret";

    /// Where the packages `cyrus-imapd` and `cyrus-pop3d` are unpacked.
    pub fn unpacked() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("components/cyrus/root")
    }

    /// Whether it can be started. Where `CHANCERY_REQUIRE_TOOLS` is 1 it must be there; else its
    /// absence is said aloud.
    ///
    /// # Panics
    /// When it is required and missing.
    pub fn is_there() -> bool {
        let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !root {
            eprintln!("left out: Cyrus needs root");
            return false;
        }
        let there = Path::new(MASTER).is_file()
            && ["imapd", "pop3d"].iter().all(|name| binary(name).is_file());
        let required = std::env::var_os("CHANCERY_REQUIRE_TOOLS").is_some_and(|it| it == "1");
        assert!(there || !required, "Cyrus is missing: cargo xtask test unpacks it");
        if !there {
            eprintln!("left out: Cyrus is missing (cargo xtask test unpacks it)");
        }
        there
    }

    /// Serves the empty INBOX of each of `users`.
    ///
    /// # Errors
    /// When it is missing, this is not root, or it does not start.
    pub fn start(folder: &Path, users: &[&str]) -> io::Result<Self> {
        let folder = fs::canonicalize(folder)?;
        certificate(&folder, "127.0.0.1")?;
        for name in ["conf/socket", "mail", "sieve"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let at = folder.display().to_string();
        let (imap, pop3) = (free_port()?, free_port()?);
        fs::write(folder.join("imapd.conf"), settings(&at))?;
        fs::write(folder.join("cyrus.conf"), services(&at, imap, pop3))?;
        for user in users {
            password(&at, user)?;
        }
        run("/bin/chown", &["-R", "cyrus:mail", &at])?;
        run("/bin/chmod", &["755", &at])?;
        let child = Command::new(MASTER)
            .args(["-D", "-C", &format!("{at}/imapd.conf"), "-M", &format!("{at}/cyrus.conf")])
            .args(["-p", &format!("{at}/master.pid")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let authority = fs::read_to_string(folder.join("ca.pem"))?;
        let mut server = Self { imap, pop3, authority, folder, child };
        for port in [imap, pop3] {
            wait_until_up(&mut server.child, &format!("127.0.0.1:{port}"))?;
        }
        Ok(server)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        let _ = run("/bin/kill", &["-TERM", &self.child.id().to_string()]);
        let _ = self.child.wait();
    }
}

fn binary(name: &str) -> PathBuf {
    Cyrus::unpacked().join("usr/lib/cyrus/bin").join(name)
}

fn password(at: &str, user: &str) -> io::Result<()> {
    let mut child = Command::new("/usr/sbin/saslpasswd2")
        .args(["-p", "-c", "-f", &format!("{at}/sasldb2"), "-u", "localhost", user])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(Cyrus::PASSWORD.as_bytes())?;
    }
    match child.wait()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("saslpasswd2 failed")),
    }
}

fn settings(at: &str) -> String {
    format!(
        "configdirectory: {at}/conf
defaultpartition: default
partition-default: {at}/mail
sievedir: {at}/sieve
servername: localhost
admins: cyrus
allowplaintext: yes
unixhierarchysep: yes
altnamespace: yes
autocreate_quota: 0
autocreate_post: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_mech_list: PLAIN LOGIN
sasl_sasldb_path: {at}/sasldb2
tls_server_cert: {at}/tls.pem
tls_server_key: {at}/tls.key
lmtpsocket: {at}/conf/socket/lmtp
idlesocket: {at}/conf/socket/idle
proc_path: {at}/conf/proc
"
    )
}

fn services(at: &str, imap: u16, pop3: u16) -> String {
    let (imapd, pop3d) = (binary("imapd"), binary("pop3d"));
    format!(
        "START {{
 recover cmd=\"/usr/lib/cyrus/bin/ctl_cyrusdb -C {at}/imapd.conf -r\"
}}
SERVICES {{
 imap cmd=\"{} -C {at}/imapd.conf\" listen=\"127.0.0.1:{imap}\" prefork=0
 pop3 cmd=\"{} -C {at}/imapd.conf\" listen=\"127.0.0.1:{pop3}\" prefork=0
}}
",
        imapd.display(),
        pop3d.display()
    )
}
