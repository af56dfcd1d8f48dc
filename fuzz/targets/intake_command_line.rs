#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    intake::fuzz::command_line(octets);
});
