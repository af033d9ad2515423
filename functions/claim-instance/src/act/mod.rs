//! Carries out decisions: responses first, then instances, in few calls for all of them.

mod assign;
mod count;
mod hand_over;
mod make_targets;
pub(crate) mod respond;

use crate::decide::{Decision, Memory, NewTarget};
use crate::function::ClaimInstance;
use crate::pending::OpenClaim;
use ready_pool_aws::auto_scaling::Capacity;
use ready_pool_aws::clock::Invocation;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::{Attempt, InstanceId};
use tracing::{Instrument, Span, info};

/// The acting part of one look.
pub(crate) struct Act<'a> {
    function: &'a ClaimInstance,
    memory: &'a mut Memory,
    invocation: &'a Invocation,
    uncertain: bool,
    /// When the line of claims last stood, before this look.
    stood: Option<Timestamp>,
    /// Claims of this look that found nothing ready.
    found_nothing: u64,
}

/// A claim and the instance it is to get.
struct Assignment<'a> {
    claim: OpenClaim<'a>,
    instance: InstanceId,
    attempt: Attempt,
    progress: Progress,
    /// Its target, where that does not exist.
    makes: Option<NewTarget>,
}

/// How far an assignment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The instance is in the pool, and the ledger does not name it yet.
    Chosen(Capacity),
    /// The ledger names it.
    Entered(Capacity),
    /// It left the pool: it is to be handed over.
    Detached,
}

impl Assignment<'_> {
    fn span(&self) -> Span {
        self.claim.span(Some(&self.instance))
    }
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
            uncertain: false,
            stood: function.line.stood(),
            found_nothing: 0,
        }
    }

    /// Whether something was written that reads may not show yet.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    /// In few calls for all of them. A claim that is not settled here stays open.
    pub(crate) async fn carry_out(&mut self, decided: Vec<(OpenClaim<'_>, Decision)>) {
        self.see(&decided);
        let mut assignments = Vec::new();
        let mut handing_over = Vec::new();
        for (claim, decision) in decided {
            match decision {
                Decision::Wait(why) => claim.wait(why),
                Decision::LeaveToInit(instance) => {
                    claim.span(Some(&instance)).in_scope(|| {
                        info!("its command was sent before; init-instance publishes its outcome");
                    });
                    claim.settle();
                }
                Decision::Reject {
                    reason,
                    message,
                    opted_in_to,
                } => {
                    let span = claim.span(None);
                    let reject = self.reject(claim, reason, message, opted_in_to);
                    reject.instrument(span).await;
                }
                Decision::Preview { reason, message } => {
                    let span = claim.span(None);
                    self.preview(claim, reason, message).instrument(span).await;
                }
                Decision::Repeat(entry) => {
                    let span = claim.span(entry.instance.as_ref());
                    self.repeat(claim, &entry).instrument(span).await;
                }
                Decision::Close {
                    reason,
                    message,
                    entry,
                } => {
                    let instance = entry.as_ref().and_then(|entry| entry.instance.as_ref());
                    let span = claim.span(instance);
                    let close = self.close(claim, reason, message, entry);
                    close.instrument(span).await;
                }
                Decision::LookAgain { instance, attempt } => {
                    let span = claim.span(Some(&instance));
                    let look_again = self.look_again(claim, instance, attempt);
                    look_again.instrument(span).await;
                }
                Decision::Assign {
                    instance,
                    attempt,
                    entered,
                    decrements,
                    makes,
                } => {
                    let capacity = if decrements {
                        Capacity::Shrink
                    } else {
                        Capacity::Replace
                    };
                    let progress = if entered {
                        Progress::Entered(capacity)
                    } else {
                        Progress::Chosen(capacity)
                    };
                    assignments.push(Assignment {
                        claim,
                        instance,
                        attempt,
                        progress,
                        makes,
                    });
                }
                Decision::HandOver { instance, attempt } => handing_over.push(Assignment {
                    claim,
                    instance,
                    attempt,
                    progress: Progress::Detached,
                    makes: None,
                }),
            }
        }
        handing_over.extend(self.assign(assignments).await);
        self.hand_over(handing_over).await;
        self.write_waits().await;
    }
}
