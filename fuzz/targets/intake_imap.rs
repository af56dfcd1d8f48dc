#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Some((&piece, rest)) = octets.split_first() {
        intake::fuzz::imap_session(rest, usize::from(piece).max(1));
    }
});
