//! Fuzzes `readers::look_again`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::look_again(input));
