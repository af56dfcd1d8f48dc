//! File names of strangers in our headers.

use crate::download::disposition;

fn shown(name: &str) -> String {
    disposition("attachment", name).to_str().expect("ASCII").to_owned()
}

#[test]
fn names_are_given_in_ascii_and_in_utf_8() {
    assert_eq!(
        shown("Grüße 2025.pdf"),
        "attachment; filename=\"Gr__e 2025.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%202025.pdf"
    );
}

#[test]
fn no_name_breaks_out_of_its_header_or_its_folder() {
    for name in [
        "a\r\nSet-Cookie: x=1",
        "a\"; filename=\"b.exe",
        "a\u{0}b.txt",
        "..\\..\\windows\\system32\\cmd.exe",
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\x.txt",
        ".htaccess",
        "invoice\u{202e}fdp.exe",
        "a%22%0d%0ab",
        "",
        " \t ",
        "\u{200b}",
        &"x".repeat(10_000),
        &"ü".repeat(5_000),
    ] {
        let value = shown(name);
        let plain = value.split('"').nth(1).expect("a name");
        assert!(!plain.is_empty() && plain.len() <= 200, "{value}");
        assert!(
            !plain.starts_with('.') && !plain.contains(['/', '\\', '\r', '\n', '"', '%']),
            "{value}"
        );
        assert_eq!(value.matches('"').count(), 2, "{value}");
        assert!(value.is_ascii() && value.len() < 2_000, "{value}");
        assert!(!value.to_uppercase().contains("%E2%80%AE"), "{value}");
    }
}

#[test]
fn a_long_name_keeps_its_ending() {
    let value = shown(&format!("{}.pdf", "x".repeat(500)));
    assert!(value.split('"').nth(1).expect("a name").ends_with(".pdf"), "{value}");
}
