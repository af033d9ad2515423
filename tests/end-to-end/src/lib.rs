//! The harness for end-to-end scenarios: the simulated region with the template's wiring, and the
//! real handlers of the three functions in process, all on tokio's paused clock.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken harness must stop the test; nothing here is shipped"
)]

mod bench;
pub mod crash;
mod figures;
mod functions;
mod harness;
mod history;
mod invariants;
mod quiet;
mod soak;
mod weeks;

pub use bench::{A_MINUTE, Bench, Floor, Measured, Report, Step};
pub use figures::Figures;
pub use harness::{Harness, HarnessBuilder, Target, claim};
pub use invariants::Violation;
pub use soak::{Figure, SoFar, Soak, Tally, Troubles};
pub use weeks::{Lived, Trouble, Weeks};
