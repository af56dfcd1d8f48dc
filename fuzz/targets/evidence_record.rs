#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| evidence::fuzz::record(octets));
