//! Enters assignments and detaches their instances, in few calls for the whole batch.

use super::Act;
use crate::batch::Pending;
use crate::config::TIME_TO_ASSIGN;
use crate::decide::identity;
use ready_pool_aws::auto_scaling::{Capacity, EntryToWrite};
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use tracing::{info, warn};

/// A claim and the instance it is to get.
pub(super) struct Assignment {
    pub(super) pending: Pending,
    pub(super) instance: InstanceId,
    pub(super) attempt: Attempt,
    pub(super) entered: bool,
    pub(super) capacity: Capacity,
}

impl Act<'_> {
    /// Enters and detaches; answers the assignments whose instance has left the pool.
    pub(super) async fn assign(&mut self, assignments: Vec<Assignment>) -> Vec<Assignment> {
        if assignments.is_empty() {
            return assignments;
        }
        if !self.invocation.has(TIME_TO_ASSIGN) {
            self.pending
                .extend(assignments.into_iter().map(|assignment| assignment.pending));
            return Vec::new();
        }
        let entered = self.enter(assignments).await;
        self.detach(entered).await
    }

    /// Writes the entries before anything is detached: whatever happens next, the ledger says
    /// which instance belongs to which claim.
    async fn enter(&mut self, assignments: Vec<Assignment>) -> Vec<Assignment> {
        let writes: Vec<EntryToWrite> = assignments
            .iter()
            .filter(|assignment| !assignment.entered)
            .map(|assignment| EntryToWrite {
                target: assignment.pending.request.claim.target_group.clone(),
                claim_id: assignment.pending.request.claim.claim_id.clone(),
                entry: Entry {
                    instance: Some(assignment.instance.clone()),
                    attempt: assignment.attempt,
                    standing: Standing::Assigned,
                    expires_at: assignment.pending.request.claim.expires_at,
                    instead_of: None,
                },
            })
            .collect();
        let failed = self.function.auto_scaling.enter(&writes).await;
        let mut entered = Vec::new();
        for mut assignment in assignments {
            let claim = &assignment.pending.request.claim;
            let failure = failed.iter().find(|(write, _)| {
                write.target == claim.target_group && write.claim_id == claim.claim_id
            });
            if let Some((_, error)) = failure {
                warn!(claim_id = %claim.claim_id, instance_id = %assignment.instance, %error, "cannot enter the assignment");
                self.uncertain |= error.effect == Effect::Unknown;
                self.pending.push(assignment.pending);
                continue;
            }
            if !assignment.entered {
                info!(claim_id = %claim.claim_id, instance_id = %assignment.instance, target_group = %claim.target_group, attempt = assignment.attempt, "entered the assignment");
                self.remember(&assignment, Some(assignment.instance.clone()));
                self.memory.untouched.insert(identity(claim));
                assignment.pending.times.entered = Some(self.invocation.now());
            }
            entered.push(assignment);
        }
        entered
    }

    fn remember(&mut self, assignment: &Assignment, instance: Option<InstanceId>) {
        let claim = &assignment.pending.request.claim;
        self.memory.spent.insert(assignment.instance.clone());
        self.memory.entries.insert(
            identity(claim),
            Entry {
                instance,
                attempt: assignment.attempt,
                standing: Standing::Assigned,
                expires_at: claim.expires_at,
                instead_of: None,
            },
        );
    }

    /// Detaches those that leave without a replacement, then those that are replaced.
    async fn detach(&mut self, assignments: Vec<Assignment>) -> Vec<Assignment> {
        let (funded, replaced): (Vec<_>, Vec<_>) = assignments
            .into_iter()
            .partition(|assignment| assignment.capacity == Capacity::Shrink);
        let two_calls = !funded.is_empty() && !replaced.is_empty();
        let mut detached = self.detach_together(funded, Capacity::Shrink).await;
        if two_calls && !self.invocation.has(TIME_TO_ASSIGN) {
            // The first call took too long. Their entries say what is left to do.
            self.pending
                .extend(replaced.into_iter().map(|assignment| assignment.pending));
            return detached;
        }
        detached.extend(self.detach_together(replaced, Capacity::Replace).await);
        detached
    }

    /// Detaches all in one call; after a refusal one by one.
    async fn detach_together(
        &mut self,
        mut assignments: Vec<Assignment>,
        capacity: Capacity,
    ) -> Vec<Assignment> {
        let instances: Vec<InstanceId> = assignments
            .iter()
            .map(|assignment| assignment.instance.clone())
            .collect();
        if instances.is_empty() {
            return assignments;
        }
        match self.detach_from_pool(&instances, capacity).await {
            Ok(()) => {
                for assignment in &mut assignments {
                    self.note_detached(assignment);
                }
                assignments
            }
            Err(error) if error.says_not_detachable() => {
                self.detach_one_by_one(assignments, &error).await
            }
            Err(error) => {
                for assignment in assignments {
                    self.detach_failed(assignment, &error);
                }
                Vec::new()
            }
        }
    }

    /// AWS refused one of them, and does not say what became of the others: only the one that it
    /// names is certainly where it was.
    async fn detach_one_by_one(
        &mut self,
        assignments: Vec<Assignment>,
        refusal: &CallError,
    ) -> Vec<Assignment> {
        let alone = assignments.len() == 1;
        let mut detached = Vec::new();
        for assignment in assignments {
            let named = refusal.message.contains(assignment.instance.as_str());
            if named || alone {
                detached.extend(self.not_detachable(assignment, refusal));
                continue;
            }
            let claim = &assignment.pending.request.claim;
            self.memory.untouched.remove(&identity(claim));
            detached.extend(self.detach_alone(assignment).await);
        }
        detached
    }

    async fn detach_alone(&mut self, mut assignment: Assignment) -> Option<Assignment> {
        match self
            .detach_from_pool(
                std::slice::from_ref(&assignment.instance),
                assignment.capacity,
            )
            .await
        {
            Ok(()) => {
                self.note_detached(&mut assignment);
                Some(assignment)
            }
            Err(error) if error.says_not_detachable() => self.not_detachable(assignment, &error),
            Err(error) => {
                self.detach_failed(assignment, &error);
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

    fn note_detached(&mut self, assignment: &mut Assignment) {
        assignment.pending.times.detached = Some(self.invocation.now());
        let claim = &assignment.pending.request.claim;
        self.memory.untouched.remove(&identity(claim));
        info!(claim_id = %claim.claim_id, instance_id = %assignment.instance, target_group = %claim.target_group, replaced = assignment.capacity == Capacity::Replace, "detached from the pool");
    }

    /// The instance is not in the pool, or on its way out. If we cannot have taken it, the claim
    /// gets another under the same attempt: nothing was handed over. Otherwise it may well be
    /// this claim's: it is handed over, and attaching tells.
    fn not_detachable(&mut self, assignment: Assignment, error: &CallError) -> Option<Assignment> {
        let claim = &assignment.pending.request.claim;
        if self.memory.untouched.remove(&identity(claim)) {
            info!(claim_id = %claim.claim_id, instance_id = %assignment.instance, %error, "the instance left the pool first; choosing another");
            self.remember(&assignment, None);
            self.pending.push(assignment.pending);
            return None;
        }
        info!(claim_id = %claim.claim_id, instance_id = %assignment.instance, %error, "left the pool before; handing it over");
        Some(assignment)
    }

    /// The detach may or may not have happened: the entry says whose it is, the next look tells.
    fn detach_failed(&mut self, assignment: Assignment, error: &CallError) {
        let claim = &assignment.pending.request.claim;
        warn!(claim_id = %claim.claim_id, instance_id = %assignment.instance, %error, "cannot detach; trying again");
        if error.effect == Effect::Unknown {
            self.memory.untouched.remove(&identity(claim));
            self.uncertain = true;
        }
        self.pending.push(assignment.pending);
    }
}
