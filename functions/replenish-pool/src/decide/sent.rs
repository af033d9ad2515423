//! Instances in no group that were sent an init command: whose they are, and which of them may be retired.

use super::{FullScan, Targets};
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::command::{Command, CommandStatus, claim_key_of, comment};
use ready_pool_core::group::Group;
use ready_pool_core::ids::{ClaimKey, InstanceId};
use ready_pool_core::init_failure::OnInitFailure;
use ready_pool_core::ledger::{ENTRY_OUTLIVES_COMMAND, Standing};
use ready_pool_core::reason::Reason;

/// Whether an instance in no group is what a failed claim left behind: for each of its init commands a settled
/// entry says that its claim failed with it, and the claim neither keeps nor lost it. An entry speaks only for
/// commands of its own claim: who may write a target's tags has no say about another's instances.
pub(super) fn is_left_by_failed_claims(
    scan: &FullScan,
    targets: &Targets,
    instance: &InstanceId,
) -> bool {
    if scan.places.contains_key(instance) {
        return false;
    }
    let mut commands = init_commands(scan, instance).peekable();
    commands.peek().is_some()
        && commands.all(|command| {
            let policy = command.record.header.on_init_failure;
            failed_with(targets, instance, command).is_some_and(|reason| !policy.leaves(reason))
        })
}

/// Instances that are in no group, were sent their command before they were to be in one, and that nobody speaks
/// for: a person must say whose they are. Not before every claim's entry is gone that could still say it.
pub(super) fn without_owner(
    scan: &FullScan,
    targets: &Targets,
    is_entered: impl Fn(&InstanceId) -> bool,
    now: Timestamp,
) -> Vec<InstanceId> {
    let free = scan
        .looked_at
        .iter()
        .filter(|instance| scan.listed.contains(*instance) && !scan.places.contains_key(*instance));
    let orphans = free.filter(|instance| {
        !is_entered(instance)
            && init_commands(scan, instance).any(|command| {
                is_old_and_late(command, now)
                    && !is_kept(command)
                    && failed_with(targets, instance, command).is_none()
            })
    });
    orphans.cloned().collect()
}

fn init_commands<'a>(
    scan: &'a FullScan,
    instance: &InstanceId,
) -> impl Iterator<Item = &'a Command> {
    let history = scan.histories.get(instance).into_iter().flatten();
    history.filter(|command| claim_key_of(&command.comment).is_some())
}

/// Why the command's claim failed with the instance, as its target's ledger has it.
fn failed_with(targets: &Targets, instance: &InstanceId, command: &Command) -> Option<Reason> {
    let entries = targets.groups.iter().flat_map(|target: &Group| {
        let its = |(claim_id, entry)| (ClaimKey::new(&claim_id, &target.name), entry);
        target.entries().map(its)
    });
    let mut failed = entries.filter_map(|(key, entry)| match entry.standing {
        Standing::Failed(reason)
            if entry.instance.as_ref() == Some(instance) && comment(&key) == command.comment =>
        {
            Some(reason)
        }
        _ => None,
    });
    failed.next()
}

fn is_old_and_late(command: &Command, now: Timestamp) -> bool {
    let record = &command.record;
    let old = record
        .sent_at
        .is_none_or(|sent| sent + ENTRY_OUTLIVES_COMMAND <= now);
    old && record.header.attach_when == AttachWhen::AfterInit
}

/// Whether its claim keeps it, now that its init has failed.
fn is_kept(command: &Command) -> bool {
    let failed = command.status.is_final() && command.status != CommandStatus::Succeeded;
    failed && command.record.header.on_init_failure == OnInitFailure::Keep
}
