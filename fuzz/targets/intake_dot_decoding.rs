#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    // The first octet says in which pieces the rest arrives.
    if let Some((&piece, rest)) = octets.split_first() {
        intake::fuzz::dot_decoding(rest, usize::from(piece).max(1));
    }
});
