//! An instance's Systems Manager agent.

use crate::Timestamp;

/// An instance's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Whether it is `Online`, on a machine that runs shell scripts.
    pub online: bool,
    /// When it registered.
    pub registered_at: Timestamp,
}
