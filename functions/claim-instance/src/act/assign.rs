//! Enters assignments and detaches their instances, in few calls for the whole batch.

use super::{Act, Assignment, Progress};
use crate::config::TIME_TO_ASSIGN;
use crate::decide::identity;
use ready_pool_aws::auto_scaling::{Capacity, EntryToWrite};
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::ledger::{Entry, Standing};
use tracing::{info, warn};

impl Act<'_> {
    /// Enters and detaches; answers the assignments whose instance has left the pool. The claims of
    /// the others stay open: their entries say what is left to do.
    pub(super) async fn assign<'c>(
        &mut self,
        assignments: Vec<Assignment<'c>>,
    ) -> Vec<Assignment<'c>> {
        if assignments.is_empty() || !self.invocation.has(TIME_TO_ASSIGN) {
            return Vec::new();
        }
        let (born, assignments): (Vec<_>, Vec<_>) = assignments
            .into_iter()
            .partition(Assignment::is_for_a_new_target);
        let mut entered = self.enter(assignments).await;
        entered.extend(self.make_targets(born).await);
        self.detach(entered).await
    }

    /// Writes the entries before anything is detached: whatever happens next, the ledger says
    /// which instance belongs to which claim.
    async fn enter<'c>(&mut self, assignments: Vec<Assignment<'c>>) -> Vec<Assignment<'c>> {
        let writes: Vec<EntryToWrite> = assignments
            .iter()
            .filter(|assignment| matches!(assignment.progress, Progress::Chosen(_)))
            .map(|assignment| EntryToWrite {
                target: assignment.claim.claim.target_group.clone(),
                claim_id: assignment.claim.claim.claim_id.clone(),
                entry: entry(assignment, Some(assignment.instance.clone())),
            })
            .collect();
        let failed = self.function.auto_scaling.enter(&writes).await;
        let mut entered = Vec::new();
        for assignment in assignments {
            let _in_span = assignment.span().entered();
            if !matches!(assignment.progress, Progress::Chosen(_)) {
                entered.push(assignment);
                continue;
            }
            let claim = &assignment.claim.claim;
            let failure = failed.iter().find(|(write, _)| {
                write.target == claim.target_group && write.claim_id == claim.claim_id
            });
            if let Some((_, error)) = failure {
                warn!(%error, "cannot write the assignment to the target's tags");
                self.uncertain |= error.effect == Effect::Unknown;
                continue;
            }
            info!(
                attempt = assignment.attempt,
                "wrote the assignment to the target's tags"
            );
            entered.push(self.entered(assignment));
        }
        entered
    }

    /// The ledger names the instance now.
    pub(super) fn entered<'c>(&mut self, mut assignment: Assignment<'c>) -> Assignment<'c> {
        self.remember(&assignment, Some(assignment.instance.clone()));
        let identity = identity(&assignment.claim.claim);
        self.memory.untouched.insert(identity);
        self.count_entered(&assignment.claim);
        let times = &mut assignment.claim.pending.message.times;
        times.entered = Some(self.invocation.now());
        // That of another instance, which this claim had before, proves nothing about this one.
        times.detached = None;
        if let Progress::Chosen(capacity) = assignment.progress {
            assignment.progress = Progress::Entered(capacity);
        }
        assignment
    }

    fn remember(&mut self, assignment: &Assignment<'_>, instance: Option<InstanceId>) {
        self.memory.spent.insert(assignment.instance.clone());
        let identity = identity(&assignment.claim.claim);
        let entry = entry(assignment, instance);
        self.memory.entries.insert(identity, entry);
    }

    /// Detaches those that leave without a replacement, then those that are replaced.
    async fn detach<'c>(&mut self, assignments: Vec<Assignment<'c>>) -> Vec<Assignment<'c>> {
        let (surplus, replaced): (Vec<_>, Vec<_>) = assignments
            .into_iter()
            .partition(|assignment| assignment.progress == Progress::Entered(Capacity::Shrink));
        let two_calls = !surplus.is_empty() && !replaced.is_empty();
        let mut detached = self.detach_together(surplus, Capacity::Shrink).await;
        if two_calls && !self.invocation.has(TIME_TO_ASSIGN) {
            // The first call took too long.
            return detached;
        }
        detached.extend(self.detach_together(replaced, Capacity::Replace).await);
        detached
    }

    /// Detaches all in one call; after a refusal one by one.
    async fn detach_together<'c>(
        &mut self,
        assignments: Vec<Assignment<'c>>,
        capacity: Capacity,
    ) -> Vec<Assignment<'c>> {
        let instances: Vec<InstanceId> = assignments
            .iter()
            .map(|assignment| assignment.instance.clone())
            .collect();
        if instances.is_empty() {
            return Vec::new();
        }
        match self.detach_from_pool(&instances, capacity).await {
            Ok(()) => assignments
                .into_iter()
                .map(|assignment| self.detached(assignment, capacity))
                .collect(),
            Err(error) if error.says_not_detachable() => {
                let one_by_one = self.detach_one_by_one(assignments, capacity, &error);
                one_by_one.await
            }
            Err(error) => {
                for assignment in assignments {
                    self.detach_failed(&assignment, &error);
                }
                Vec::new()
            }
        }
    }

    /// AWS refused one of them, and does not say what became of the others: only the one that it
    /// names is certainly where it was.
    async fn detach_one_by_one<'c>(
        &mut self,
        assignments: Vec<Assignment<'c>>,
        capacity: Capacity,
        refusal: &CallError,
    ) -> Vec<Assignment<'c>> {
        let alone = assignments.len() == 1;
        let mut detached = Vec::new();
        for assignment in assignments {
            let named = refusal.message.contains(assignment.instance.as_str());
            if named || alone {
                detached.extend(self.not_detachable(assignment, refusal));
                continue;
            }
            let identity = identity(&assignment.claim.claim);
            self.memory.untouched.remove(&identity);
            detached.extend(self.detach_alone(assignment, capacity).await);
        }
        detached
    }

    async fn detach_alone<'c>(
        &mut self,
        assignment: Assignment<'c>,
        capacity: Capacity,
    ) -> Option<Assignment<'c>> {
        let instance = std::slice::from_ref(&assignment.instance);
        match self.detach_from_pool(instance, capacity).await {
            Ok(()) => Some(self.detached(assignment, capacity)),
            Err(error) if error.says_not_detachable() => self.not_detachable(assignment, &error),
            Err(error) => {
                self.detach_failed(&assignment, &error);
                None
            }
        }
    }

    async fn detach_from_pool(
        &self,
        instances: &[InstanceId],
        capacity: Capacity,
    ) -> Result<(), CallError> {
        self.function
            .auto_scaling
            .detach(&self.function.config.pool, instances, capacity)
            .await
    }

    fn detached<'c>(&mut self, assignment: Assignment<'c>, capacity: Capacity) -> Assignment<'c> {
        assignment.claim.pending.message.times.detached = Some(self.invocation.now());
        let identity = identity(&assignment.claim.claim);
        self.memory.untouched.remove(&identity);
        let replaced = capacity == Capacity::Replace;
        assignment
            .span()
            .in_scope(|| info!(replaced, "detached from the pool"));
        Assignment {
            progress: Progress::Detached,
            ..assignment
        }
    }

    /// The instance is not in the pool, or on its way out. If we cannot have taken it, the claim
    /// gets another under the same attempt: nothing was handed over. Otherwise it may well be
    /// this claim's: it is handed over, and attaching shows.
    fn not_detachable<'c>(
        &mut self,
        assignment: Assignment<'c>,
        error: &CallError,
    ) -> Option<Assignment<'c>> {
        let _in_span = assignment.span().entered();
        let identity = identity(&assignment.claim.claim);
        if self.memory.untouched.remove(&identity) {
            info!(%error, "the instance left the pool first; choosing another");
            self.remember(&assignment, None);
            return None;
        }
        info!(%error, "left the pool before; handing it over");
        Some(Assignment {
            progress: Progress::Detached,
            ..assignment
        })
    }

    /// The detach may or may not have happened: the entry says whose it is, the next look shows.
    fn detach_failed(&mut self, assignment: &Assignment<'_>, error: &CallError) {
        assignment
            .span()
            .in_scope(|| warn!(%error, "cannot detach; trying again"));
        if error.effect == Effect::Unknown {
            let identity = identity(&assignment.claim.claim);
            self.memory.untouched.remove(&identity);
            self.uncertain = true;
        }
    }
}

/// The claim's entry as it stands with this assignment.
pub(super) fn entry(assignment: &Assignment<'_>, instance: Option<InstanceId>) -> Entry {
    Entry {
        instance,
        attempt: assignment.attempt,
        standing: Standing::Assigned,
        expires_at: assignment.claim.claim.expires_at,
        instead_of: None,
    }
}
