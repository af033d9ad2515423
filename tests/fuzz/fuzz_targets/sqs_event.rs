//! Fuzzes `readers::sqs_event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::sqs_event(input));
