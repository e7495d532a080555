#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| git::fuzz::push(bytes));
