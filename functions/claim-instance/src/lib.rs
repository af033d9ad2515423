//! claim-instance: decides which ready instance a claim gets, and detaches it from the pool.
//!
//! It is the one writer: all claims of a pool come through one FIFO message group, so one
//! invocation at a time decides, first come, first served. Each look at the world is
//! `observe → decide → act`; [`decide`] is pure.
//!
//! The way of a message, file by file: `handler` → `intake` → `batch` (a vector of `pending`
//! messages) → `observe` → [`decide`] → `act`.

mod act;
mod batch;
pub mod config;
pub mod decide;
mod function;
mod handler;
pub mod intake;
mod line;
mod observe;
mod pending;

pub use config::Config;
pub use function::ClaimInstance;
