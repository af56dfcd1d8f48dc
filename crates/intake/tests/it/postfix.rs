use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use testkit::ports::free_port;

/// A private Postfix that takes mail on loopback and relays all of it to `relay` over TLS.
pub struct Postfix {
    pub address: SocketAddr,
    master: Child,
    folder: tempfile::TempDir,
}

pub const POSTFIX: &str = "/usr/sbin/postfix";
const MASTER_CF: &str = "/usr/share/postfix/master.cf.dist";

impl Postfix {
    /// Needs root, as Postfix does.
    pub fn start(relay: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        // Its processes run as another user.
        fs::set_permissions(state, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data"] {
            fs::create_dir(state.join(name)).unwrap();
        }
        let owned = Command::new("chown").arg("postfix").arg(state.join("data")).status().unwrap();
        assert!(owned.success());
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        fs::write(state.join("etc/main.cf"), main_cf(&state.display().to_string(), relay)).unwrap();
        fs::write(state.join("etc/master.cf"), master_cf(address)).unwrap();
        let master = Command::new(POSTFIX)
            .arg("-c")
            .arg(state.join("etc"))
            .arg("start-fg")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut postfix = Self { address, master, folder };
        postfix.wait_until_up();
        postfix
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("postfix.log")).unwrap_or_default()
    }

    /// Connecting is the only sign that it listens.
    fn wait_until_up(&mut self) {
        let began = std::time::Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            let ended = self.master.try_wait().unwrap();
            assert!(ended.is_none(), "Postfix ended: {ended:?}\n{}", self.log());
            assert!(began.elapsed().as_secs() < 180, "Postfix does not listen\n{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The command may hand over to a master process of its own.
        let own = self.master.id().to_string();
        let recorded = fs::read_to_string(self.folder.path().join("queue/pid/master.pid"));
        for pid in [recorded.unwrap_or_default(), own] {
            let _ = Command::new("kill").args(["-TERM", pid.trim()]).stderr(Stdio::null()).status();
        }
        let _ = self.master.wait();
    }
}

fn main_cf(state: &str, relay: SocketAddr) -> String {
    format!(
        "compatibility_level = 3.6\n\
         queue_directory = {state}/queue\n\
         data_directory = {state}/data\n\
         command_directory = /usr/sbin\n\
         daemon_directory = /usr/lib/postfix/sbin\n\
         mail_owner = postfix\n\
         setgid_group = postdrop\n\
         inet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\n\
         myhostname = mta.test\n\
         mydestination =\n\
         mynetworks = 127.0.0.0/8\n\
         alias_maps =\n\
         local_header_rewrite_clients =\n\
         local_transport = error:no local mail\n\
         relayhost = [{}]:{}\n\
         smtp_tls_security_level = encrypt\n\
         smtp_tls_loglevel = 1\n\
         smtputf8_enable = yes\n\
         maillog_file = {state}/postfix.log\n\
         maillog_file_prefixes = {state}\n\
         minimal_backoff_time = 2s\n\
         maximal_backoff_time = 5s\n\
         queue_run_delay = 2s\n\
         message_size_limit = 209715200\n\
         mailbox_size_limit = 0\n",
        relay.ip(),
        relay.port()
    )
}

/// The stock services without chroot, and one listener of our own.
fn master_cf(address: SocketAddr) -> String {
    let stock = fs::read_to_string(MASTER_CF).unwrap();
    let mut own = String::new();
    for line in stock.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["smtp", "inet", ..] => {}
            [name, kind @ ("unix" | "inet"), private, unprivileged, _chroot, rest @ ..]
                if !line.starts_with([' ', '#']) =>
            {
                let rest = rest.join(" ");
                own.push_str(&format!("{name} {kind} {private} {unprivileged} n {rest}\n"));
            }
            _ => {
                own.push_str(line);
                own.push('\n');
            }
        }
    }
    own.push_str(&format!("{address} inet n - n - - smtpd\n"));
    own
}
