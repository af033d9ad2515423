//! An instance that somebody stopped on its way.

use ready_pool_core::ids::InstanceId;
use tracing::error;

/// Names an instance that is in no group and stopped: Auto Scaling attaches running ones only, so nobody here can
/// give it away or retire it, and its disks cost.
pub(crate) fn say(instance: &InstanceId) {
    error!(
        instance_id = %instance,
        "somebody has stopped the instance, which is in no group: no group takes it, and nobody owns it; terminate it \
         (aws ec2 terminate-instances), and exempt the pool's instances from whatever stops instances"
    );
}
