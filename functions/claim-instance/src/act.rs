//! Carries out the decisions of one look: answers first, then instances, in few calls for the
//! whole batch.

use crate::config::TIME_TO_ASSIGN;
use crate::decide::{Decision, Memory, identity};
use crate::delivery::{ClaimInstance, Pending};
use crate::message::{Received, Unreadable};
use ready_pool_aws::auto_scaling::{Capacity, EntryToWrite};
use ready_pool_aws::clock::Budget;
use ready_pool_aws::error::{AwsError, Effect};
use ready_pool_aws::queue::Outgoing;
use ready_pool_core::ids::{Attempt, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{self, HandOver, LookAgain, Message};
use ready_pool_core::outcome::{Details, Ending, Outcome, Reason};
use tracing::{error, info, warn};

/// The acting part of one look.
pub(crate) struct Act<'a> {
    function: &'a ClaimInstance,
    memory: &'a mut Memory,
    budget: &'a Budget,
    pending: Vec<Pending>,
    uncertain: bool,
}

/// A claim and the instance it is to get.
struct Assignment {
    pending: Pending,
    instance: InstanceId,
    attempt: Attempt,
    entered: bool,
    capacity: Capacity,
}

impl<'a> Act<'a> {
    pub(crate) fn new(
        function: &'a ClaimInstance,
        memory: &'a mut Memory,
        budget: &'a Budget,
    ) -> Self {
        Self {
            function,
            memory,
            budget,
            pending: Vec::new(),
            uncertain: false,
        }
    }

    /// What is still pending, in the order it came, and whether something was written that reads
    /// may not show yet.
    pub(crate) fn finish(self) -> (Vec<Pending>, bool) {
        (self.pending, self.uncertain)
    }

    pub(crate) async fn carry_out(&mut self, pending: Vec<Pending>, decisions: Vec<Decision>) {
        let order: Vec<String> = pending.iter().map(|item| item.message_id.clone()).collect();
        let mut assignments = Vec::new();
        let mut messages = Vec::new();
        for (mut item, decision) in pending.into_iter().zip(decisions) {
            match decision {
                Decision::Wait(why) => {
                    // Once in a delivery, not at each of its looks.
                    if item.waits.replace(why) != Some(why) {
                        info!(claim_id = %item.request.claim.claim_id, target_group = %item.request.claim.target_group, because = why.because(), "the claim waits");
                    }
                    self.pending.push(item);
                }
                Decision::Foretell { reason, message } => {
                    self.foretell(item, reason, message).await;
                }
                Decision::LeaveToInit(instance) => {
                    info!(claim_id = %item.request.claim.claim_id, instance_id = %instance, "told before; its end is reported by init-instance");
                }
                Decision::Reject { reason, message } => self.reject(item, reason, message).await,
                Decision::Repeat(entry) => self.repeat(item, &entry).await,
                Decision::Close {
                    reason,
                    message,
                    entry,
                } => self.close(item, reason, message, entry).await,
                Decision::Assign {
                    instance,
                    attempt,
                    entered,
                    shrinks,
                } => assignments.push(Assignment {
                    pending: item,
                    instance,
                    attempt,
                    entered,
                    capacity: if shrinks {
                        Capacity::Shrink
                    } else {
                        Capacity::Replace
                    },
                }),
                Decision::HandOver { instance, attempt } => {
                    let message = hand_over(&item, instance, attempt);
                    messages.push((item, message));
                }
                Decision::LookAgain { instance, attempt } => {
                    self.look_again(item, instance, attempt).await;
                }
            }
        }
        for assignment in self.assign(assignments).await {
            let item = assignment.pending;
            let message = hand_over(&item, assignment.instance, assignment.attempt);
            messages.push((item, message));
        }
        self.send(messages).await;
        self.pending
            .sort_by_key(|item| order.iter().position(|id| *id == item.message_id));
    }

    async fn reject(&mut self, item: Pending, reason: Reason, message: String) {
        let claim = &item.request.claim;
        warn!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), problem = message, "rejected a claim");
        let outcome = Outcome::of(
            claim,
            Ending::Rejected,
            reason,
            message,
            None,
            self.budget.now(),
        )
        .with(known(&item, None));
        let answered = if claim.dry_run {
            publish(self.function, &outcome).await
        } else {
            keep(self.function, &item.body, &outcome).await
        };
        self.settle(item, answered);
    }

    /// Answers a dry run.
    async fn foretell(&mut self, item: Pending, reason: Reason, message: String) {
        let claim = &item.request.claim;
        info!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), "answered a dry run");
        let outcome = Outcome::of(
            claim,
            Ending::DryRun,
            reason,
            message,
            None,
            self.budget.now(),
        )
        .with(known(&item, None));
        let sent = publish(self.function, &outcome).await;
        self.settle(item, sent);
    }

    async fn repeat(&mut self, item: Pending, entry: &Entry) {
        let claim = &item.request.claim;
        let (ending, reason, message) = match entry.standing {
            Standing::Failed(reason) => (
                Ending::Failed,
                reason,
                "this claim failed before; send a new claim id for another try",
            ),
            Standing::Ready | Standing::Assigned => (
                Ending::Ready,
                Reason::Initialised,
                "this claim was served before",
            ),
        };
        info!(claim_id = %claim.claim_id, instance_id = ?entry.instance, reason = reason.code(), "settled before; telling it again");
        let outcome = Outcome::of(
            claim,
            ending,
            reason,
            message,
            entry.instance.clone(),
            self.budget.now(),
        )
        .with(Details {
            attempt: Some(entry.attempt),
            ..Details::default()
        });
        let sent = publish(self.function, &outcome).await;
        self.settle(item, sent);
    }

    async fn close(
        &mut self,
        item: Pending,
        reason: Reason,
        message: String,
        entry: Option<Entry>,
    ) {
        let claim = &item.request.claim;
        warn!(claim_id = %claim.claim_id, target_group = %claim.target_group, reason = reason.code(), "closing the claim as failed");
        if let Some(entry) = &entry {
            let write = EntryToWrite {
                target: claim.target_group.clone(),
                claim_id: claim.claim_id.clone(),
                entry: entry.clone(),
            };
            if let Some((_, error)) = self.function.auto_scaling.enter(&[write]).await.pop() {
                self.settle(item, Err(error));
                return;
            }
            self.memory.entries.insert(identity(claim), entry.clone());
        }
        let outcome = Outcome::of(
            claim,
            Ending::Failed,
            reason,
            message,
            None,
            self.budget.now(),
        )
        .with(known(&item, entry.as_ref().map(|entry| entry.attempt)));
        let sent = publish(self.function, &outcome).await;
        self.settle(item, sent);
    }

    /// Done, or, after a failure, still pending.
    fn settle(&mut self, item: Pending, result: Result<(), AwsError>) {
        if let Err(error) = result {
            error!(claim_id = %item.request.claim.claim_id, %error, "cannot answer the claim; it comes again");
            self.pending.push(item);
        }
    }

    /// Enters and detaches; answers the assignments whose instance has left the pool.
    async fn assign(&mut self, assignments: Vec<Assignment>) -> Vec<Assignment> {
        if assignments.is_empty() {
            return assignments;
        }
        if !self.budget.has(TIME_TO_ASSIGN) {
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
                assignment.pending.times.entered = Some(self.budget.now());
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
        if two_calls && !self.budget.has(TIME_TO_ASSIGN) {
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
        refusal: &AwsError,
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
    ) -> Result<(), AwsError> {
        self.function
            .auto_scaling
            .detach(&self.function.config.pool, instances, capacity)
            .await
    }

    fn note_detached(&mut self, assignment: &mut Assignment) {
        assignment.pending.times.detached = Some(self.budget.now());
        let claim = &assignment.pending.request.claim;
        self.memory.untouched.remove(&identity(claim));
        info!(claim_id = %claim.claim_id, instance_id = %assignment.instance, target_group = %claim.target_group, replaced = assignment.capacity == Capacity::Replace, "detached from the pool");
    }

    /// The instance is not in the pool, or on its way out. If we cannot have taken it, the claim
    /// gets another under the same attempt: nothing was handed over. Otherwise it may well be
    /// this claim's: it is handed over, and attaching tells.
    fn not_detachable(&mut self, assignment: Assignment, error: &AwsError) -> Option<Assignment> {
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
    fn detach_failed(&mut self, assignment: Assignment, error: &AwsError) {
        let claim = &assignment.pending.request.claim;
        warn!(claim_id = %claim.claim_id, instance_id = %assignment.instance, %error, "cannot detach; trying again");
        if error.effect == Effect::Unknown {
            self.memory.untouched.remove(&identity(claim));
            self.uncertain = true;
        }
        self.pending.push(assignment.pending);
    }

    /// Asks init-instance to settle the claim. The message is kept until that is done: should the
    /// entry be lost meanwhile, it is what still knows the claim.
    async fn look_again(&mut self, item: Pending, instance: InstanceId, attempt: Attempt) {
        let result = match look_again(&item, instance, attempt, self.budget) {
            Ok(message) => self.function.init_queue.send_one(message).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                info!(claim_id = %item.request.claim.claim_id, "past its deadline; init-instance settles it");
            }
            Err(error) => {
                warn!(claim_id = %item.request.claim.claim_id, %error, "cannot ask init-instance to settle the claim");
            }
        }
        self.uncertain = true;
        self.pending.push(item);
    }

    async fn send(&mut self, messages: Vec<(Pending, Result<Outgoing, AwsError>)>) {
        let mut items = Vec::new();
        let mut outgoing = Vec::new();
        for (item, message) in messages {
            match message {
                Ok(message) => {
                    items.push(item);
                    outgoing.push(message);
                }
                Err(error) => self.settle(item, Err(error)),
            }
        }
        let results = self.function.init_queue.send(&outgoing).await;
        for (item, result) in items.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    info!(claim_id = %item.request.claim.claim_id, "handed over to init-instance");
                }
                Err(error) => {
                    warn!(claim_id = %item.request.claim.claim_id, %error, "cannot hand over; trying again");
                    self.uncertain = true;
                    self.pending.push(item);
                }
            }
        }
    }
}

/// What an outcome can say of how it went.
fn known(item: &Pending, attempt: Option<Attempt>) -> Details {
    Details {
        attempt,
        times: item.times,
        ..Details::default()
    }
}

fn hand_over(item: &Pending, instance: InstanceId, attempt: Attempt) -> Result<Outgoing, AwsError> {
    let group_id = instance.to_string();
    let hand_over = HandOver {
        version: message::VERSION,
        claim: item.request.claim.clone(),
        attempt,
        instance_id: instance,
        times: item.times,
    };
    let deduplication_id = hand_over.deduplication_id();
    let message = Outgoing::json(&Message::HandOver(hand_over))?;
    Ok(message.ordered(group_id, deduplication_id))
}

fn look_again(
    item: &Pending,
    instance: InstanceId,
    attempt: Attempt,
    budget: &Budget,
) -> Result<Outgoing, AwsError> {
    let claim = &item.request.claim;
    let look_again = LookAgain {
        version: message::VERSION,
        claim_id: claim.claim_id.clone(),
        target_group: claim.target_group.clone(),
        instance_id: Some(instance),
        attempt,
        expires_at: claim.expires_at,
    };
    let group_id = look_again.group_id();
    let deduplication_id = look_again.deduplication_id(budget.now());
    let message = Outgoing::json(&Message::LookAgain(look_again))?;
    Ok(message.ordered(group_id, deduplication_id))
}

/// A longer original is kept without attributes: they count towards SQS's limit of 1 MiB.
const LONGEST_WITH_ATTRIBUTES: usize = 1_000_000;

/// Keeps the original of a rejected message where an operator finds it, then tells the sender.
async fn keep(function: &ClaimInstance, body: &str, outcome: &Outcome) -> Result<(), AwsError> {
    let mut original = Outgoing::plain(body.to_owned());
    if body.len() < LONGEST_WITH_ATTRIBUTES {
        original = original
            .with("reason", outcome.reason.code())
            .with("message", outcome.message.clone());
    }
    function.rejected_queue.send_one(original).await?;
    publish(function, outcome).await
}

async fn publish(function: &ClaimInstance, outcome: &Outcome) -> Result<(), AwsError> {
    function.outcomes.publish(outcome).await
}

/// Rejects a message that is no claim.
pub(crate) async fn turn_away(
    function: &ClaimInstance,
    message: &Received,
    refusal: &Unreadable,
) -> Result<(), AwsError> {
    let outcome = Outcome::unreadable(
        refusal.claim_id.as_deref(),
        refusal.target_group.as_deref(),
        refusal.reason,
        &refusal.message,
        function.clock.now(),
    );
    if refusal.dry_run {
        return publish(function, &outcome).await;
    }
    keep(function, &message.body, &outcome).await
}
