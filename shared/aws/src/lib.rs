//! The only crate of ready-pool that names an AWS SDK. One adapter per service; each takes and
//! returns our own types, and says of every failure whether anything may have happened.

pub mod auto_scaling;
pub mod clients;
pub mod clock;
pub mod config;
pub mod error;
pub mod event;
pub mod https;
pub mod lease;
pub mod metrics;
pub mod outcomes;
pub mod queue;
pub mod queues;
pub mod retirement;
pub mod sdk_config;
pub mod systems_manager;
pub mod telemetry;

pub use clients::Clients;
pub use clock::{Clock, SharedClock, SystemClock};
