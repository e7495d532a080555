#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agent::fuzz::output(bytes));
