//! An instance's Systems Manager agent.

/// An instance's agent. When it registered Systems Manager does not say of EC2 instances: ages are read
/// from the pool's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Whether it is `Online`, on an instance that runs shell scripts.
    pub online: bool,
    /// Whether an association of State Manager's is still to run on its instance (`AssociationStatus` is
    /// `Pending`): it may restart the agent, or reboot the instance.
    pub awaits_association: bool,
}
