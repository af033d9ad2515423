//! Each command against the simulated region with the functions in it: what it prints, and its exit status.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken scenario must stop its test"
)]

mod claim;
mod doctor;
mod family;
mod operator;
mod pause;
mod plan;
mod rights;
mod send;
mod status;
mod target;
mod wire;
