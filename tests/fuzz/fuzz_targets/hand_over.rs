//! Fuzzes `readers::hand_over`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::hand_over(input));
