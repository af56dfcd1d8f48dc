//! Real directories for tests and benchmarks: OpenLDAP and Samba as an Active Directory domain.
//!
//! Each lives in a folder of its own and ends when it is dropped; only its own processes are ended.

mod people;
mod samba;
mod slapd;

pub use people::{Crowd, open_ldap};
pub use samba::{SAMBA, Samba};
pub use slapd::{SLAPD, Slapd};

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// The longest that a directory may take until it listens.
const START_MAX: Duration = Duration::from_secs(180);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Writes `ca.pem`, `tls.pem` and `tls.key`: an authority, and a server's certificate for
/// `localhost` and `address`.
pub(crate) fn certificate(folder: &Path, address: &str) -> io::Result<()> {
    let wrong = |error: rcgen::Error| io::Error::other(error.to_string());
    let mut authority = rcgen::CertificateParams::new(Vec::new()).map_err(wrong)?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Authority of the tests");
    let authority_key = rcgen::KeyPair::generate().map_err(wrong)?;
    let own = authority.self_signed(&authority_key).map_err(wrong)?;
    fs::write(folder.join("ca.pem"), own.pem())?;
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let names = ["localhost", address].map(str::to_owned).to_vec();
    let key = rcgen::KeyPair::generate().map_err(wrong)?;
    let params = rcgen::CertificateParams::new(names).map_err(wrong)?;
    let leaf = params.signed_by(&key, &issuer).map_err(wrong)?;
    fs::write(folder.join("tls.pem"), leaf.pem())?;
    fs::write(folder.join("tls.key"), key.serialize_pem())?;
    fs::set_permissions(folder.join("tls.key"), fs::Permissions::from_mode(0o600))
}

/// Connecting is the only sign that it listens.
pub(crate) fn wait_until_up(child: &mut Child, address: &str) -> io::Result<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("the server ended: {status}")));
        }
        if begun.elapsed() > START_MAX {
            return Err(io::Error::other(format!("nothing listens on {address}")));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Runs a program to its end; its words are the error.
pub(crate) fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    let output = std::process::Command::new(program).args(arguments).output()?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            Err(io::Error::other(format!("{program} {arguments:?}: {said}")))
        }
    }
}
