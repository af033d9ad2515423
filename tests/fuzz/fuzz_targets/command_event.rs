//! Fuzzes `readers::command_event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::command_event(input));
