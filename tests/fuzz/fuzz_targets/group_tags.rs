//! Fuzzes `readers::group_tags`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::group_tags(input));
