//! Fuzzes `readers::replenish_event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::replenish_event(input));
