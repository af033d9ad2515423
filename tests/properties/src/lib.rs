//! What must hold for any input. The library has the readers of everything that comes from
//! outside, each with what must hold for whatever it is given: `tests/fuzz` feeds them with its
//! fuzzer, and this crate's own tests with the corpus found so far.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "an input that breaks a promise must stop the test or the fuzzer; nothing here is shipped"
)]

pub mod readers;
mod tags;
