//! What would become of a claim, if it were sent in earnest.

use super::allocation::Allocation;
use super::{Decision, MessageGroup, Request, Waiting, identity};
use ready_pool_core::claim::Claim;
use ready_pool_core::ids::InstanceId;
use ready_pool_core::ledger::{Entry, Standing};
use ready_pool_core::reason::Reason;

impl Allocation<'_> {
    /// Decides as for the real claim, on a copy of the batch: what is taken there is still there
    /// for the claims behind it.
    pub(super) fn preview(&self, request: &Request) -> Decision {
        let claim = &request.claim;
        if let Some(entry) = self.entry_of(claim) {
            return preview(Reason::WouldRepeat, known(&entry));
        }
        if self.seen.contains(&identity(claim)) {
            let message = "the claim itself is queued already".to_owned();
            return preview(Reason::WouldRepeat, message);
        }
        let in_earnest = Request {
            claim: Claim {
                dry_run: false,
                ..claim.clone()
            },
            ..request.clone()
        };
        let mut copy = self.clone();
        if request.group == MessageGroup::DryRuns {
            copy.ahead = self.view.queued;
        }
        match copy.decide(&in_earnest) {
            Decision::Assign {
                instance, makes, ..
            } => {
                let ready = self.described(&instance);
                let message = match makes {
                    Some(_) => format!(
                        "group {} does not exist, and would be made; {ready}",
                        claim.target_group
                    ),
                    None => ready,
                };
                preview(Reason::WouldBeServed, message)
            }
            Decision::Wait(why) => preview(Reason::WouldWait, self.waiting(why)),
            Decision::Close {
                reason, message, ..
            } => preview(
                Reason::WouldFail,
                format!("it would end as `failed`, `{}`: {message}", reason.code()),
            ),
            // Rejected, then, in the very words that the real claim would hear.
            decision => decision,
        }
    }

    fn waiting(&self, why: Waiting) -> String {
        let pool = &self.view.pool.name;
        match why {
            Waiting::BehindOthers => format!(
                "it would wait, up to its deadline: about {} queued claims get what is ready in pool {pool} first",
                self.view.queued
            ),
            why => {
                let because = why.because();
                let why_none = match self.view.pool.launches_nothing() {
                    Some(problem) if why == Waiting::NothingLaunches => format!(": {problem}"),
                    _ => String::new(),
                };
                format!("it would wait, up to its deadline: {because}{why_none}")
            }
        }
    }

    fn described(&self, instance: &InstanceId) -> String {
        let member = self.view.pool.member(instance);
        let zone = member.map_or("its", |member| member.zone.as_str());
        let instance_type = member.and_then(|member| member.instance_type.as_deref());
        format!(
            "an instance is ready for it, of type {} in zone {zone}",
            instance_type.unwrap_or("unknown")
        )
    }
}

/// What a claim would hear that is in the ledger already.
fn known(entry: &Entry) -> String {
    match entry.standing {
        Standing::Assigned => {
            "a claim of this id is under way for this target; sending it again changes nothing"
                .to_owned()
        }
        Standing::Ready => {
            "a claim of this id was served before for this target; sending it again only repeats that outcome"
                .to_owned()
        }
        Standing::Failed(reason) => format!(
            "a claim of this id failed before for this target, `{}`; sending it again only repeats that outcome",
            reason.code()
        ),
    }
}

fn preview(reason: Reason, message: String) -> Decision {
    Decision::Preview { reason, message }
}
