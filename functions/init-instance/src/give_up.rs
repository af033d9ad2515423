//! Giving an instance up: the ledger first, then the claim's way on, then the instance.

use crate::decide::{GivingUp, GoesOn, goes_on};
use crate::delivery::{InitInstance, Progress};
use crate::report::Settled;
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::metrics::Record;
use ready_pool_aws::queue::Outgoing;
use ready_pool_aws::retirement::{Retired, retire};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::{Attempt, ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::message::{self, Message, Retry};
use ready_pool_core::outcome::{Details, Reason};
use ready_pool_core::retirement::Route;
use ready_pool_core::times::Times;
use tracing::{info, warn};

/// A claim and the instance it has.
pub(crate) struct Claimed<'a> {
    pub(crate) claim_id: &'a ClaimId,
    pub(crate) target_group: &'a GroupName,
    /// None when the last one was given up before and no other is assigned.
    pub(crate) instance: Option<&'a InstanceId>,
    pub(crate) attempt: Attempt,
    pub(crate) expires_at: Timestamp,
    /// When what happened to it so far happened.
    pub(crate) times: Times,
    /// The claim, whole, where the message at hand carries it: without it nothing more can be
    /// asked for.
    pub(crate) claim: Option<&'a Claim>,
}

impl InitInstance {
    pub(crate) async fn give_up(
        &self,
        claimed: &Claimed<'_>,
        giving_up: GivingUp,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let expired = claimed.expires_at <= invocation.now();
        // Without the claim itself nothing more can be asked for.
        let another = giving_up.another && claimed.claim.is_some();
        let way = goes_on(
            GivingUp {
                another,
                ..giving_up
            },
            claimed.attempt,
            expired,
        );
        warn!(claim_id = %claimed.claim_id, instance_id = ?claimed.instance, attempt = claimed.attempt, reason = giving_up.reason.code(), ?way, "giving the instance up");
        self.go_on(claimed, way, invocation).await?;
        match claimed.instance {
            Some(instance) if giving_up.retire => {
                self.remove(instance, claimed.target_group, invocation)
                    .await
            }
            _ => Ok(Progress::Done),
        }
    }

    /// Writes how the claim goes on, then sees to it. From the entry on a repeated hand-over of
    /// this instance is abandoned.
    async fn go_on(
        &self,
        claimed: &Claimed<'_>,
        way: GoesOn,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let entry = match way {
            GoesOn::Another(attempt) => claimed.entry(None, attempt, Standing::Assigned),
            GoesOn::Closed(reason) => {
                let instance = claimed.instance.cloned();
                claimed.entry(instance, claimed.attempt, Standing::Failed(reason))
            }
        };
        self.write_entry(entry).await?;
        self.go_on_again(claimed, way, invocation).await
    }

    /// Sees to it that the claim goes on as its entry says already. Repeatable: perhaps it was
    /// done before.
    pub(crate) async fn go_on_again(
        &self,
        claimed: &Claimed<'_>,
        way: GoesOn,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        match (way, claimed.claim) {
            (GoesOn::Another(attempt), Some(claim)) => {
                self.ask_for(claim, attempt, claimed.times, invocation)
                    .await
            }
            (GoesOn::Another(_), None) => Ok(()),
            (GoesOn::Closed(reason), _) => self.tell_closed(claimed, reason, invocation).await,
        }
    }

    pub(crate) async fn ask_for(
        &self,
        claim: &Claim,
        attempt: Attempt,
        times: Times,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let retry = Retry {
            version: message::VERSION,
            claim: claim.clone(),
            attempt,
            // The steps after the send are the next instance's to take.
            times: Times {
                sent: times.sent,
                ..Times::default()
            },
        };
        let deduplication_id = retry.deduplication_id();
        let message = Outgoing::json(&Message::Retry(retry))?
            .ordered(self.config.pool.as_str(), deduplication_id)
            .traced(invocation.trace());
        self.provision_queue.send_one(message).await?;
        info!(claim_id = %claim.claim_id, attempt, "asked for another instance");
        Ok(())
    }

    async fn tell_closed(
        &self,
        claimed: &Claimed<'_>,
        reason: Reason,
        invocation: &Invocation,
    ) -> Result<(), CallError> {
        let settled = Settled {
            claim_id: claimed.claim_id,
            target: Some(claimed.target_group),
            instance: claimed.instance,
            standing: Standing::Failed(reason),
            details: Details {
                attempt: Some(claimed.attempt),
                command: None,
                times: claimed.times,
            },
        };
        self.publish_end(&settled, invocation).await
    }

    /// Retires an instance that is free, or in the target and never to be used there.
    pub(crate) async fn remove(
        &self,
        instance: &InstanceId,
        target: &GroupName,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let retired = retire(
            &self.auto_scaling,
            instance,
            Route {
                from: target,
                pool: &self.config.pool,
                retirement: &self.config.retirement,
            },
            invocation,
        )
        .await;
        let retired = match retired {
            // Our policy asks for the opt-in tag: it would be refused each time it comes again.
            Err(error) if error.says_detach_denied() && !self.is_target(target).await? => {
                warn!(instance_id = %instance, target_group = %target, %error, "the target has opted out; its instance is left in it");
                return Ok(Progress::Done);
            }
            other => other?,
        };
        match retired {
            Retired::Terminated => {
                info!(instance_id = %instance, "retired");
                let record = Record::of(&self.config.pool)
                    .count("Retirements", 1)
                    .with("instance_id", instance.as_str());
                self.metrics.write(&record, invocation.now());
                Ok(Progress::Done)
            }
            Retired::Done => {
                info!(instance_id = %instance, "gone already, or somebody else's");
                Ok(Progress::Done)
            }
            Retired::Unfinished => Ok(Progress::Later),
        }
    }
}

impl Claimed<'_> {
    fn entry(
        &self,
        instance: Option<InstanceId>,
        attempt: Attempt,
        standing: Standing,
    ) -> EntryToWrite {
        EntryToWrite {
            target: self.target_group.clone(),
            claim_id: self.claim_id.clone(),
            entry: Entry {
                instance,
                attempt,
                standing,
                expires_at: self.expires_at,
                instead_of: None,
            },
        }
    }
}

/// A reason in a sentence, for the outcome.
pub(crate) fn explain(reason: Reason) -> &'static str {
    match reason {
        Reason::Initialised => "the init script succeeded",
        Reason::Expired => "the deadline passed before the instance was told",
        Reason::AttemptsExhausted => "every instance that was tried had to be given up",
        Reason::ScriptFailed => {
            "the init script failed; its output is in the command's history in Systems Manager"
        }
        Reason::ScriptTimedOut => {
            "the init script ran out of its time; raise execution_timeout_seconds, or make it faster"
        }
        Reason::NotDelivered => "the instance's agent did not pick the command up",
        Reason::Cancelled => "somebody cancelled the command",
        Reason::InstanceLost => "the instance left its target before it was ready",
        Reason::TargetRefused => {
            "the target group would not take the instance; check its maximum size, zones and load balancers"
        }
        _ => "see the reason",
    }
}
