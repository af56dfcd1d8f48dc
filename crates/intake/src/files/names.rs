//! What names say: mail folders, flags, and files that only keep house.

/// Files and folders that mail programs keep beside mail; passed over in silence.
pub(super) fn keeps_house(name: &str) -> bool {
    const NAMES: &[&str] = &[
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "__MACOSX",
        "maildirfolder",
        "maildirsize",
        "subscriptions",
        "courierimapuiddb",
        "courierimapsubscribed",
        "courierimapacl",
        "courierpop3dsizelist",
        "msgFilterRules.dat",
        "filterlog.html",
        "popstate.dat",
        "table_of_contents",
        "courierimapkeywords",
        "courierimaphieracl",
        ".mailboxlist",
    ];
    NAMES.contains(&name)
        || name.starts_with("dovecot")
        || name.starts_with(".dovecot")
        || name.ends_with(".msf")
        || name.ends_with(".uidvalidity")
}

/// The letters behind `:2,` in a maildir name; `;` and `!` stand for the colon where a file
/// system has none.
pub(super) fn flags(file_name: &str) -> &str {
    let info = file_name.rfind(":2,").or_else(|| file_name.rfind(";2,"));
    info.or_else(|| file_name.rfind("!2,")).map_or("", |at| &file_name[at + 3..])
}

/// The mail folder for a file whose folder has the path `parts`, below what was named.
pub(super) fn mail_folder(parts: &[&str], maildir: bool) -> String {
    let parts = match (maildir, parts) {
        (true, [above @ .., "cur" | "new"]) => above,
        _ => parts,
    };
    let mut folder = String::new();
    for part in parts {
        // Maildir++ hangs all folders below the top, as `.Parent.Child`.
        let names = match part.strip_prefix('.') {
            Some(dotted) if maildir => dotted.split('.').map(modified_utf7).collect(),
            _ => vec![part.strip_suffix(".sbd").unwrap_or(part).to_owned()],
        };
        for name in names {
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&name);
        }
    }
    folder
}

/// The mail folder that an mbox file is.
pub(super) fn mbox_folder(parts: &[&str], file_name: &str) -> String {
    let name = file_name.strip_suffix(".mbox").unwrap_or(file_name);
    match parts {
        // Apple Mail and Evolution: `Name.mbox/mbox`.
        [above @ .., last] if file_name == "mbox" && last.ends_with(".mbox") => {
            mbox_folder(above, last)
        }
        _ => mail_folder(&[parts, &[name]].concat(), false),
    }
}

/// IMAP's way to write folder names (RFC 3501 §5.1.3); as it stands when it is not that.
fn modified_utf7(name: &str) -> String {
    decode_modified_utf7(name).unwrap_or_else(|| name.to_owned())
}

fn decode_modified_utf7(name: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = name;
    while let Some((plain, shifted)) = rest.split_once('&') {
        text.push_str(plain);
        let (code, tail) = shifted.split_once('-')?;
        rest = tail;
        if code.is_empty() {
            text.push('&');
            continue;
        }
        let (mut bits, mut count, mut units) = (0u32, 0, Vec::new());
        for letter in code.bytes() {
            bits = (bits << 6 | u32::from(sextet(letter)?)) & 0x3f_ffff;
            count += 6;
            if count >= 16 {
                count -= 16;
                units.push((bits >> count) as u16);
            }
        }
        text.push_str(&String::from_utf16(&units).ok()?);
    }
    text.push_str(rest);
    Some(text)
}

fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b',' => Some(63),
        _ => None,
    }
}
