//! claim-instance: decides which ready instance a claim gets, and detaches it from the pool.
//!
//! It is the one writer: all claims of a pool come through one FIFO message group, so one
//! invocation at a time decides, first come, first served. Each look at the world is
//! `observe → decide → act`; [`decide`] is pure.

mod act;
mod batch;
pub mod config;
pub mod decide;
mod delivery;
mod given_back;
pub mod lineup;
pub mod message;
mod observe;

pub use config::Config;
pub use delivery::ClaimInstance;
