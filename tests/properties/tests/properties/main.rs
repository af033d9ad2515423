//! Property tests: the same inputs in every run, because the seed is fixed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "whatever is not as expected must stop the test"
)]

mod claims;
mod commands;
mod corpus;
mod ledger;
mod machine;
mod marker;
mod names;
mod quoting;
mod script;
mod strategies;
mod streams;
