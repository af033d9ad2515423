//! Carries out decisions: answers first, then instances, in few calls for all of them.

mod answer;
mod assign;
mod hand_over;

pub(crate) use answer::turn_away;

use crate::batch::Pending;
use crate::decide::{Decision, Memory};
use crate::delivery::ClaimInstance;
use assign::Assignment;
use hand_over::HandingOver;
use ready_pool_aws::auto_scaling::Capacity;
use ready_pool_aws::clock::Invocation;
use ready_pool_core::call_error::CallError;
use tracing::{error, info};

/// The acting part of one look.
pub(crate) struct Act<'a> {
    function: &'a ClaimInstance,
    memory: &'a mut Memory,
    invocation: &'a Invocation,
    pending: Vec<Pending>,
    uncertain: bool,
}

impl<'a> Act<'a> {
    pub(crate) fn new(
        function: &'a ClaimInstance,
        memory: &'a mut Memory,
        invocation: &'a Invocation,
    ) -> Self {
        Self {
            function,
            memory,
            invocation,
            pending: Vec::new(),
            uncertain: false,
        }
    }

    /// What is still pending, and whether something was written that reads may not show yet.
    pub(crate) fn finish(self) -> (Vec<Pending>, bool) {
        (self.pending, self.uncertain)
    }

    /// The claims that are pending so far.
    pub(crate) fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// In few calls for all of them.
    pub(crate) async fn carry_out(&mut self, decided: Vec<(Pending, Decision)>) {
        let mut assignments = Vec::new();
        let mut handing_over = Vec::new();
        for (mut item, decision) in decided {
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
                Decision::HandOver { instance, attempt } => handing_over.push(HandingOver {
                    item,
                    instance,
                    attempt,
                }),
                Decision::LookAgain { instance, attempt } => {
                    self.look_again(item, instance, attempt).await;
                }
            }
        }
        for assignment in self.assign(assignments).await {
            handing_over.push(HandingOver {
                item: assignment.pending,
                instance: assignment.instance,
                attempt: assignment.attempt,
            });
        }
        self.hand_over(handing_over).await;
    }

    /// Done, or, after a failure, still pending.
    fn settle(&mut self, item: Pending, result: Result<(), CallError>) {
        if let Err(error) = result {
            error!(claim_id = %item.request.claim.claim_id, %error, "cannot answer the claim; it comes again");
            self.pending.push(item);
        }
    }
}
