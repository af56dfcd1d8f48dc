use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{certificate, run, wait_until_up};

pub const SAMBA: &str = "/usr/sbin/samba";

/// A domain controller of the Active Directory domain `CORP.TEST`. The ports are fixed, so it has
/// a loopback address of its own, another one in each process. Needs root.
pub struct Samba {
    pub address: String,
    /// PEM of the authority that signed its certificate.
    pub authority: String,
    child: Child,
}

impl Samba {
    pub const BASE: &str = "DC=corp,DC=test";
    pub const ADMIN: &str = "Administrator@corp.test";
    pub const PASSWORD: &str = "Passw0rd!x";

    /// Makes the domain in `folder` with the entries of `ldif` and serves it; takes some half a
    /// minute.
    ///
    /// # Errors
    /// When Samba is missing, this is not root, or it does not start.
    pub fn start(folder: &Path, ldif: &str) -> io::Result<Self> {
        let address = own_address();
        certificate(folder, &address)?;
        fs::create_dir_all(folder.join("run"))?;
        let path = |name: &str| folder.join(name).display().to_string();
        provision(&path("dc"), &address)?;
        fs::write(folder.join("seed.ldif"), ldif)?;
        run("/usr/bin/ldbadd", &["-H", &path("dc/private/sam.ldb"), &path("seed.ldif")])?;
        fs::write(folder.join("smb.conf"), configuration(&path(""), &address))?;
        let child = Command::new(SAMBA)
            .args(["-F", "--no-process-group", "--debug-stdout", "-M", "single", "-s"])
            .arg(folder.join("smb.conf"))
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("samba.log"))?)
            .stderr(Stdio::null())
            .spawn()?;
        let authority = fs::read_to_string(folder.join("ca.pem"))?;
        let mut samba = Self { address, authority, child };
        for port in [389, 636] {
            wait_until_up(&mut samba.child, &format!("{}:{port}", samba.address))?;
        }
        Ok(samba)
    }

    /// An entry for the seed: a user who can sign in with [`Samba::PASSWORD`].
    pub fn user(name: &str, control: u32, more: &str) -> String {
        format!(
            "dn: CN={name},CN=Users,DC=corp,DC=test\nobjectClass: user\nsAMAccountName: {name}\n\
             userPrincipalName: {name}@corp.test\ngivenName: {name}\nsn: Test\n\
             userAccountControl: {control}\nunicodePwd:: {}\n{more}\n",
            unicode_password(Self::PASSWORD)
        )
    }

    pub fn group(name: &str, members: impl IntoIterator<Item = String>) -> String {
        let mut entry = format!(
            "dn: CN={name},CN=Users,DC=corp,DC=test\nobjectClass: group\nsAMAccountName: {name}\n"
        );
        for member in members {
            entry.push_str(&format!("member: CN={member},CN=Users,DC=corp,DC=test\n"));
        }
        entry + "\n"
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        // Asks it to end, so that it ends its children; they would outlive a kill.
        let own = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &own]).status();
        let _ = self.child.wait();
    }
}

/// Loopback is a network: 127.100.0.1 to 127.199.249.250, by process.
fn own_address() -> String {
    let id = std::process::id();
    format!("127.{}.{}.{}", 100 + id / 62_500 % 100, id / 250 % 250, 1 + id % 250)
}

fn provision(target: &str, address: &str) -> io::Result<()> {
    let password = format!("--adminpass={}", Samba::PASSWORD);
    let target = format!("--targetdir={target}");
    let address = format!("--host-ip={address}");
    run(
        "/usr/bin/samba-tool",
        &[
            "domain",
            "provision",
            "--realm=CORP.TEST",
            "--domain=CORP",
            "--server-role=dc",
            "--dns-backend=NONE",
            "--host-name=dc1",
            &password,
            &target,
            &address,
        ],
    )
}

/// Base64 of the password in quotation marks, in UTF-16 (MS-ADTS §3.1.1.3.1.5.1).
fn unicode_password(password: &str) -> String {
    use base64::Engine as _;
    let octets: Vec<u8> =
        format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    base64::engine::general_purpose::STANDARD.encode(octets)
}

fn configuration(folder: &str, address: &str) -> String {
    format!(
        "[global]
interfaces = {address}/8
bind interfaces only = yes
netbios name = DC1
workgroup = CORP
realm = CORP.TEST
server role = active directory domain controller
server services = ldap
private dir = {folder}dc/private
lock directory = {folder}dc
state directory = {folder}dc/state
cache directory = {folder}dc/cache
ncalrpc dir = {folder}run
pid directory = {folder}run
tls certfile = {folder}tls.pem
tls keyfile = {folder}tls.key
tls cafile = {folder}ca.pem
"
    )
}
