/// For the fuzzer: reads `octets` as a server's message and as a filter; must not panic, and a
/// filter that is understood is understood again.
pub fn fuzz(octets: &[u8]) {
    let mut elements = super::ber::Reader::new(octets);
    while let Ok(Some(element)) = elements.next() {
        let _ = super::entry::Entry::read(element.octets);
    }
    let text = String::from_utf8_lossy(octets);
    let _ = super::entry::dn_key(&text);
    let _ = super::filter::encode(&text);
    let value = super::filter::escape(octets);
    assert!(super::filter::encode(&format!("(cn={value})")).is_ok() || octets.len() > 1_000);
}
