//! Property tests: the same inputs in every run, because the seed is fixed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "whatever is not as expected must stop the test"
)]

mod claims;
mod commands;
mod corpus;
mod ledger;
mod machine;
mod marker;
mod quoting;
mod strategies;
