//! replenish-pool: keeps the pool full, its members ready, and its claims moving.
//!
//! Level-triggered: events and the minute timer only wake it up, and it looks at the world each
//! time. Each look is `observe → decide → act`; [`decide`] is pure.

mod act;
pub mod config;
pub mod decide;
mod figures;
mod function;
mod handler;
mod memory;
mod missing;
pub mod notes;
mod observe;

pub use config::Config;
pub use function::ReplenishPool;
pub use handler::Summary;
