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
    Fault {
        times: u32::MAX,
        ..Fault::next(Service::Ssm, "SendCommand", error)
    }
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

/// Waits until a claim for the target has an instance; answers it.
pub(super) async fn first_entered(harness: &Harness, target: &str) -> String {
    let entered = |world: &World| {
        let mut tags = world.autoscaling.groups[target].tags.iter();
        let (_, tag) = tags.find(|(key, _)| key.contains(":claim/"))?;
        tag.value.split(' ').nth(1).map(str::to_owned)
    };
    harness
        .until("an entry", |world| entered(world).is_some())
        .await;
    harness.region.read(entered).unwrap_or_default()
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
