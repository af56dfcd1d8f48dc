use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{certificate, run, wait_until_up};
use crate::ports::free_port;

pub const SLAPD: &str = "/usr/sbin/slapd";
const SLAPADD: &str = "/usr/sbin/slapadd";

/// The part of Active Directory's schema that synchronisation reads, with matching rules.
const AD_SCHEMA: &str = include_str!("../../components/openldap/ad.schema");

/// An OpenLDAP server on loopback, for `dc=corp,dc=test`. `cn=admin,dc=corp,dc=test` and everybody
/// have the password `secret`.
pub struct Slapd {
    /// Clear text and StartTLS.
    pub port: u16,
    pub tls_port: u16,
    /// PEM of the authority that signed its certificate.
    pub authority: String,
    child: Child,
}

impl Slapd {
    pub const BASE: &str = "dc=corp,dc=test";
    pub const ADMIN: &str = "cn=admin,dc=corp,dc=test";
    pub const PASSWORD: &str = "secret";

    /// Fills `folder` with the entries of `ldif` and serves them.
    ///
    /// # Errors
    /// When slapd is missing or does not start.
    pub fn start(folder: &Path, ldif: &str) -> io::Result<Self> {
        certificate(folder, "127.0.0.1")?;
        fs::create_dir_all(folder.join("db"))?;
        fs::write(folder.join("ad.schema"), AD_SCHEMA)?;
        fs::write(folder.join("seed.ldif"), ldif)?;
        let path = |name: &str| folder.join(name).display().to_string();
        fs::write(folder.join("slapd.conf"), configuration(&path("")))?;
        run(SLAPADD, &["-q", "-f", &path("slapd.conf"), "-l", &path("seed.ldif")])?;
        let (port, tls_port) = (free_port()?, free_port()?);
        let child = Command::new(SLAPD)
            .args(["-d", "0", "-f", &path("slapd.conf"), "-h"])
            .arg(format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let authority = fs::read_to_string(folder.join("ca.pem"))?;
        let mut slapd = Self { port, tls_port, authority, child };
        wait_until_up(&mut slapd.child, &format!("127.0.0.1:{port}"))?;
        wait_until_up(&mut slapd.child, &format!("127.0.0.1:{tls_port}"))?;
        Ok(slapd)
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Changes entries as the LDIF says; a new entry has `changetype: add`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn change(&self, folder: &Path, ldif: &str) -> io::Result<()> {
        let file = folder.join("change.ldif");
        fs::write(&file, ldif)?;
        let (url, file) = (self.url(), file.display().to_string());
        let who = ["-x", "-H", &url, "-D", Self::ADMIN, "-w", Self::PASSWORD, "-f", &file];
        run("/usr/bin/ldapmodify", &who)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &str) -> String {
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {folder}ca.pem
TLSCertificateFile {folder}tls.pem
TLSCertificateKeyFile {folder}tls.key
sizelimit size.soft=1000 size.hard=1000 size.prtotal=unlimited
database mdb
maxsize 4294967296
dbnosync
directory {folder}db
suffix {base}
rootdn {admin}
rootpw {password}
limits anonymous size.soft=1000 size.hard=1000 size.prtotal=1000
index objectClass,entryUUID,entryCSN,uid,mail eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
",
        base = Slapd::BASE,
        admin = Slapd::ADMIN,
        password = Slapd::PASSWORD,
    )
}
