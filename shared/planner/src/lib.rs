//! The planner: answers from a pool's history, before anybody pays, how large it must be, at what hit
//! rate, and whether it is worth its money.
//!
//! It runs the pool's own `learn` and `decide` ([`ready_pool_sizing`]) in a simulated pool
//! ([`pool`]), next to fixed sizes, a percentage, and whoever knew the rate beforehand ([`bench`]),
//! judges ([`verdict`]), and tells ([`words`], [`picture`], [`html`], and the plan as JSON). `ready-pool plan` is its command line.

mod arguments;
pub mod bench;
pub mod demand;
pub mod family;
mod figures;
pub mod history;
pub mod html;
pub mod outcome;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod pool;
pub mod row;
pub mod stopped;
mod table;
pub mod verdict;
pub mod words;

pub use arguments::{Arguments, PlanError, price};
