//! The words of ready-pool: identifiers, messages, ledger entries, snapshots of groups, and the
//! script that runs on an instance.
//!
//! Nothing here does I/O, reads a clock or knows AWS's SDK: its manifest proves it. What only one
//! function uses lives with that function.

pub mod activity;
pub mod agent;
pub mod attach_when;
pub mod call_error;
pub mod claim;
pub mod command;
pub mod create_target;
mod deadline;
pub mod group;
pub mod guard;
pub mod ids;
pub mod init_failure;
pub mod lacking;
pub mod ledger;
pub mod message;
pub mod outcome;
pub mod pause;
pub mod pool_size;
pub mod preferences;
mod read;
pub mod reason;
pub mod retirement;
#[cfg(feature = "schema")]
mod schema;
pub mod script;
mod seconds;
pub mod times;
pub mod trace;
mod variable;

/// A point in time. Passed in, never read from a clock here.
pub use time::OffsetDateTime as Timestamp;
