//! An instance's Systems Manager agent.

/// An instance's agent. When it registered Systems Manager does not say of EC2 instances: ages are read
/// from the pool's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Whether it is `Online`, on a machine that runs shell scripts.
    pub online: bool,
}
