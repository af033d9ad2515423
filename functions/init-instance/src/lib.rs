//! init-instance: everything that happens to one instance, in order: attaches it to its target,
//! tells it the init command, and reports how that ended.
//!
//! Its queue's group id is the instance's id, so two messages about one instance are never in
//! work at once, while many instances are. [`decide`] is pure.

pub mod config;
pub mod decide;
mod delivery;
mod details;
mod give_up;
mod hand_over;
pub mod message;
mod replace;
mod report;

pub use config::Config;
pub use delivery::InitInstance;
