//! For the fuzzer.

/// Reads `octets` as a server's messages, as a name and as a filter; must not panic, and what is
/// escaped for a filter stands in one.
pub fn answer(octets: &[u8]) {
    let mut elements = super::ber::Reader::new(octets);
    while let Ok(Some(element)) = elements.next() {
        let _ = super::entry::Entry::read(element.octets);
    }
    let text = String::from_utf8_lossy(octets);
    let _ = super::entry::dn_key(&text);
    let _ = super::filter::encode(&text);
    let some = &octets[..octets.len().min(1_000)];
    let escaped = super::filter::encode(&format!("(cn={})", super::filter::escape(some)));
    assert!(escaped.is_ok(), "an escaped value is not understood");
}
