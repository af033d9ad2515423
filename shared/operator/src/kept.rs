//! Instances that failed claims keep (`on_init_failure: keep`). One that its script was to run on before it is attached
//! stays in no group: nothing lists it, and nothing terminates it.

use crate::session::Place;
use ready_pool_core::command::{Command, CommandStatus};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::init_failure::OnInitFailure;

/// Whether the command's claim keeps the instance, now that its init has failed.
pub(crate) fn is_kept_by(command: &Command) -> bool {
    let failed = command.status.is_final() && command.status != CommandStatus::Succeeded;
    failed && command.record.header.on_init_failure == OnInitFailure::Keep
}

/// How a person ends it.
pub(crate) fn terminate(place: &Place, instance: &InstanceId) -> String {
    place.aws(&format!(
        "ec2 terminate-instances --instance-ids {instance}"
    ))
}
