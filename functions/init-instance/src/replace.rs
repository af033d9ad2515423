//! Another instance for a claim whose init failed: the ledger first, then the instance's way out,
//! then the claim's way on. In this order a claim never has two instances, and a full target has
//! room again when the next one comes.

use crate::delivery::{InitInstance, Progress};
use crate::report::Finished;
use ready_pool_aws::auto_scaling::EntryToWrite;
use ready_pool_aws::clock::Invocation;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::Attempt;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::outcome::Reason;
use tracing::{info, warn};

/// An instance's place in its claim, to be taken by another one.
pub(crate) struct Replacement {
    /// Why.
    pub(crate) reason: Reason,
    /// The attempt to ask for.
    pub(crate) attempt: Attempt,
    /// Whether the ledger says so already.
    pub(crate) entered: bool,
}

impl InitInstance {
    /// Repeatable: from the entry on whoever comes again goes on from there.
    pub(crate) async fn replace(
        &self,
        finished: &Finished,
        entry: Option<Entry>,
        replacement: &Replacement,
        invocation: &Invocation,
    ) -> Result<Progress, CallError> {
        let Some(claim) = finished.command.record.claim.as_deref() else {
            // Nobody wants a replacement then.
            return Ok(Progress::Done);
        };
        if !replacement.entered && !self.move_on(finished, claim, replacement).await? {
            // The target has opted out, or is gone: there will be no other instance.
            let failed = Standing::Failed(replacement.reason);
            self.tell_end(finished, entry, failed, invocation).await?;
            return self.retire_failed(finished, invocation).await;
        }
        match self.retire_failed(finished, invocation).await? {
            Progress::Done => {
                let times = finished.command.record.header.times;
                self.ask_for(claim, replacement.attempt, times, invocation)
                    .await?;
                Ok(Progress::Done)
            }
            Progress::Later => Ok(Progress::Later),
        }
    }

    /// Writes that the claim goes on with the next attempt, and instead of which instance; answers
    /// whether the target took the entry.
    async fn move_on(
        &self,
        finished: &Finished,
        claim: &Claim,
        replacement: &Replacement,
    ) -> Result<bool, CallError> {
        let attempt = replacement.attempt;
        warn!(claim_id = %claim.claim_id, instance_id = %finished.instance, attempt, reason = replacement.reason.code(), "init failed; replacing the instance");
        let written = self
            .write_entry(EntryToWrite {
                target: claim.target_group.clone(),
                claim_id: claim.claim_id.clone(),
                entry: Entry {
                    instance: None,
                    attempt,
                    standing: Standing::Assigned,
                    expires_at: claim.expires_at,
                    instead_of: Some(finished.instance.clone()),
                },
            })
            .await?;
        if !written {
            info!(claim_id = %claim.claim_id, target_group = %claim.target_group, "the target takes no entry; the claim fails");
        }
        Ok(written)
    }
}
