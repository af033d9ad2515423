//! A simulated AWS region: good enough to develop, test, measure and break a stack without an
//! account. It knows AWS and nothing else: it reads a template, speaks AWS's wire protocols and
//! behaves as AWS is documented or was observed to behave. What is ready-pool's own (`demo`, `serve`,
//! the page) is in `tests/playground`.
//!
//! - [`World`](world::World) is plain synchronous state: every service is a module with a struct
//!   of state and one `answer` function, and everything that happens later by itself is on one
//!   agenda. The same seed and the same calls give the same world.
//! - [`Region`](region::Region) is the asynchronous handle: it moves the world along tokio's
//!   clock (paused in tests), and performs what a world cannot: invoking functions and running
//!   commands.
//! - [`endpoint`] serves it over HTTP; [`connector`] plugs it into an AWS SDK client in process.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken simulator must stop the run; nothing here is shipped"
)]

pub mod api;
pub mod autoscaling;
pub mod clock;
pub mod commands;
pub mod compute;
pub mod connector;
pub mod endpoint;
pub mod events;
pub mod faults;
pub mod iam;
pub mod journal;
pub mod lambda;
pub mod paging;
mod process_group;
pub mod region;
pub mod settings;
pub mod sqs;
pub mod ssm;
mod sts;
pub mod template;
pub mod wire;
pub mod world;
