//! The claim protocol, explored exhaustively.
//!
//! The functions' own decisions run in a tiny AWS whose every call can be cut: a handler dies, an
//! answer is lost, a message comes twice, a read is stale. See `docs/protocol.md`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a model is a test: what cannot be must stop it"
)]

mod ask;
mod aws;
pub mod calls;
pub mod configuration;
pub mod configurations;
mod environment;
pub mod exploration;
mod hashing;
mod names;
pub mod progress;
mod properties;
pub mod protocol;
mod replenisher;
pub mod state;
pub mod step;
pub mod variants;
pub mod words;
mod worker;
mod writer;
