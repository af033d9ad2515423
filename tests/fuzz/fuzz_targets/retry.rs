//! Fuzzes `readers::retry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::retry(input));
