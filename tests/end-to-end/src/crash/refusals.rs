//! What the scenarios have refused, in AWS's words: final for the machine, final for the claim, or until somebody
//! mends it.

use crate::harness::Harness;
use ready_pool_core::script::{EXIT_NO_MARKER, NOTHING_RAN};
use region::api::{CallError, Service};
use region::commands::Pretence;
use region::faults::Fault;
use region::journal::Happening;
use region::world::World;

/// The wrapper finds no place for the script.
pub(super) fn by_the_wrapper() -> Pretence {
    Pretence {
        exit_code: EXIT_NO_MARKER.into(),
        stderr: format!("ready-pool: cannot write to /var/lib/ready-pool: {NOTHING_RAN}\n"),
        ..Pretence::default()
    }
}

/// Systems Manager takes no command for the machine.
pub(super) fn of_the_machine() -> Fault {
    let error = CallError::sender("InvalidInstanceId", "Instances not in a valid state");
    Fault::next(Service::Ssm, "SendCommand", error)
}

/// It takes the claim's for none.
pub(super) fn of_the_claim() -> Fault {
    let error = CallError::sender("InvalidParameters", "Parameter \"commands\" is not valid");
    Fault::next(Service::Ssm, "SendCommand", error)
}

/// The stack's rights are missing, for every machine: twice.
pub(super) fn of_all() -> Fault {
    let message = "User: ready-pool-init-instance is not authorized to perform: ssm:SendCommand on resource: \
                   arn:aws:ssm:eu-central-1::document/AWS-RunShellScript";
    let error = CallError::sender("AccessDeniedException", message);
    Fault {
        times: 2,
        ..Fault::next(Service::Ssm, "SendCommand", error)
    }
}

/// The instance is not the pool's any more.
pub(super) fn to_detach(instance: &str) -> Fault {
    let message =
        format!("The instance {instance} is not part of Auto Scaling group ready-pool-pool.");
    let error = CallError::sender("ValidationError", message);
    Fault::next(Service::AutoScaling, "DetachInstances", error)
}

/// Waits until an instance leaves the pool; answers it.
pub(super) async fn first_detached(harness: &Harness) -> String {
    let detaching = |world: &World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::Detaching { instance, .. } => Some(instance.clone()),
            _ => None,
        })
    };
    harness
        .until("an instance leaves the pool", |world| {
            detaching(world).is_some()
        })
        .await;
    harness.region.read(detaching).unwrap_or_default()
}
