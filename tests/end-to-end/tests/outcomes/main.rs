//! Outcomes as a caller reads them: one for each way a claim can end, with their details, whatever
//! becomes of events.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken stage must stop the test"
)]

mod caller;
mod details;
mod endings;
mod events;
