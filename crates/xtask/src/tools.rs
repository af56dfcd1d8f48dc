//! Programs that must be there: found, or installed with apt-get where that is possible.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::shell;

/// Keeps packages with daemons from starting them at installation.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const NODE_MAJOR_MIN: u32 = 20;

/// A program, and the packages of Debian that bring it.
pub struct Tool {
    pub program: &'static str,
    pub packages: &'static [&'static str],
}

pub const BUILD: &[Tool] = &[
    Tool { program: "cc", packages: &["build-essential"] },
    Tool { program: "node", packages: &["nodejs"] },
    Tool { program: "npm", packages: &["npm"] },
];

pub const TEST: &[Tool] = &[
    Tool { program: "chromium", packages: &["chromium"] },
    // Those of Cyrus that do not exclude Dovecot; the rest is unpacked by `cyrus`.
    Tool { program: "/usr/lib/cyrus/bin/master", packages: &["cyrus-common"] },
    Tool { program: "dovecot", packages: &["dovecot-imapd", "dovecot-pop3d"] },
    // Judges of our evidence, and the clock of the time stamps' tests.
    Tool { program: "/usr/share/java/bcpkix.jar", packages: &["libbcpkix-java"] },
    Tool { program: "faketime", packages: &["faketime"] },
    Tool { program: "javac", packages: &["openjdk-17-jdk-headless"] },
    Tool { program: "openssl", packages: &["openssl"] },
    Tool { program: "python3", packages: &["python3"] },
    Tool { program: "ldapsearch", packages: &["ldap-utils"] },
    Tool { program: "ldbadd", packages: &["ldb-tools"] },
    Tool { program: "postfix", packages: &["postfix"] },
    Tool {
        program: "samba",
        packages: &[
            "samba",
            "samba-ad-dc",
            "samba-ad-provision",
            "samba-dsdb-modules",
            "samba-vfs-modules",
            "winbind",
        ],
    },
    Tool { program: "slapd", packages: &["slapd"] },
    Tool { program: "saslpasswd2", packages: &["sasl2-bin"] },
    Tool { program: "promtool", packages: &["prometheus"] },
    Tool { program: "swaks", packages: &["swaks", "libnet-ssleay-perl"] },
];

/// Installs what is missing.
///
/// # Errors
/// When a tool is missing and this is no Debian, or neither root nor sudo is at hand; the message
/// says what to install.
pub fn provide(tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<&Tool> =
        tools.iter().filter(|tool| shell::find(tool.program).is_none()).collect();
    if !missing.is_empty() {
        let packages: Vec<&str> = missing.iter().flat_map(|it| it.packages).copied().collect();
        install(&packages)?;
    }
    if tools.iter().any(|tool| tool.program == "node") {
        check_node()?;
    }
    Ok(())
}

fn check_node() -> anyhow::Result<()> {
    let version = shell::output(shell::command("node", &["--version"]))?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or("");
    ensure!(
        major.parse().is_ok_and(|major: u32| major >= NODE_MAJOR_MIN),
        "node is {}, but the web interface is built with {NODE_MAJOR_MIN} or later: see https://nodejs.org",
        version.trim()
    );
    Ok(())
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let list = packages.join(" ");
    println!("installing {list}");
    ensure!(
        shell::find("apt-get").is_some(),
        "these packages are missing, and there is no apt-get to install them: {list}"
    );
    let root = shell::output(shell::command("id", &["-u"]))?.trim() == "0";
    if !root && shell::find("sudo").is_none() {
        bail!("please run as root: apt-get install {list}");
    }
    let guarded = root && !Path::new(POLICY).exists();
    if guarded {
        std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").context("cannot write the policy file")?;
        std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))?;
    }
    let result = apt(root, packages);
    if guarded {
        std::fs::remove_file(POLICY).context("cannot remove the policy file")?;
    }
    result
}

fn apt(root: bool, packages: &[&str]) -> anyhow::Result<()> {
    let run = |arguments: &[&str]| {
        let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
        words.extend(arguments);
        let command = match root {
            true => shell::command(words[0], &words[1..]),
            false => shell::command("sudo", &words),
        };
        shell::succeed(command)
    };
    // An old package list is often good enough; a refresh may not be possible.
    let refreshed = run(&["update"]);
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    run(&arguments).map_err(|error| match refreshed {
        Ok(()) => error,
        Err(stale) => error.context(format!("and apt-get update failed: {stale:#}")),
    })
}

/// `npm ci`, unless what is installed is newer than the lock file.
pub fn node_modules() -> anyhow::Result<()> {
    let web = shell::root().join("web");
    let age = |path: &str| std::fs::metadata(web.join(path)).and_then(|it| it.modified()).ok();
    if age("node_modules/.package-lock.json") >= age("package-lock.json") {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund"])
}

/// The packages of counterparts of tests.
pub fn component_modules() -> anyhow::Result<()> {
    let folder = shell::root().join("crates/testkit/components/oidc-entra");
    let age = |path: &str| std::fs::metadata(folder.join(path)).and_then(|it| it.modified()).ok();
    if age("node_modules/.package-lock.json") >= age("package-lock.json") {
        return Ok(());
    }
    let mut command = shell::command("npm", &["ci", "--no-audit", "--no-fund"]);
    command.current_dir(folder);
    shell::succeed(command)
}

/// Unpacks the packages of Cyrus that cannot be installed beside Dovecot's. Its tests need root and
/// leave themselves out without.
pub fn cyrus() -> anyhow::Result<()> {
    let folder = shell::root().join("crates/testkit/components/cyrus/root");
    let there = |name: &str| folder.join("usr/lib/cyrus/bin").join(name).is_file();
    let root = shell::output(shell::command("id", &["-u"]))?.trim() == "0";
    if !root || (there("imapd") && there("pop3d")) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder).context("cannot make the folder of Cyrus")?;
    let download = || {
        let names = ["-qq", "download", "cyrus-imapd", "cyrus-pop3d"];
        let mut command = shell::command("apt-get", &names);
        command.current_dir(&folder);
        shell::succeed(command)
    };
    if download().is_err() {
        // The package list is missing or old.
        shell::succeed(shell::command("apt-get", &["-qq", "update"]))?;
        download()?;
    }
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "deb") {
            let mut unpack = shell::command("dpkg-deb", &["-x"]);
            unpack.arg(&path).arg(&folder);
            shell::succeed(unpack)?;
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

pub fn npm(arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = shell::command("npm", arguments);
    command.current_dir(shell::root().join("web"));
    shell::succeed(command)
}

/// `npm run build`, unless `dist` is newer than everything it is made from.
pub fn web_build() -> anyhow::Result<()> {
    let web = shell::root().join("web");
    let built = std::fs::metadata(web.join("dist/index.html")).and_then(|it| it.modified()).ok();
    let sources = ["src", "public", "index.html", "package-lock.json", "vite.config.ts"];
    let newest = sources.iter().filter_map(|name| newest(&web.join(name))).max();
    if built.is_some() && built > newest {
        println!("web/dist is up to date");
        return Ok(());
    }
    npm(&["run", "build"])
}

fn newest(path: &Path) -> Option<std::time::SystemTime> {
    let own = std::fs::metadata(path).ok()?;
    if !own.is_dir() {
        return own.modified().ok();
    }
    let entries = std::fs::read_dir(path).ok()?;
    entries.flatten().filter_map(|entry| newest(&entry.path())).max()
}
