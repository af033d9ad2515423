//! init-instance: everything that happens to one instance, in order: attaches it to its target,
//! sends it the init command, and publishes how that ended.
//!
//! Its queue's group id is the instance's id, so two messages about one instance are never in
//! work at once, while many instances are. [`decide`] is pure, and how work on a claim ends is a
//! value of its: a [`decide::Conclusion`], which `conclude.rs` carries out.

mod attach_late;
mod command_finished;
mod conclude;
pub mod config;
pub mod decide;
mod details;
mod ended;
mod function;
mod hand_over;
mod handler;
mod look_again;
pub mod message;
mod pace;
mod protect;
mod read;
mod refusals;
mod regroup;
mod sent;
mod stopped;

pub use config::Config;
pub use function::InitInstance;
