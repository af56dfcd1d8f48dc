#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let _ = store::fuzz::base64(octets);
});
