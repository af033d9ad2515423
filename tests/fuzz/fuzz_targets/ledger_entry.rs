//! Fuzzes `readers::ledger_entry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::readers::ledger_entry(input));
