//! The files in `docs/schemas` are what the types say, and say what the readers enforce.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a surprise must fail the test"
)]

mod between_functions;
mod claims;
mod examples;
mod files;
mod options;
mod validator;

use ready_pool_core::Timestamp;

/// When everything is read: the deadlines of the examples lie ahead.
const NOW: Timestamp = time::macros::datetime!(2026-11-22 20:00 UTC);
