//! Makes targets with the entry of the claim that each is made for, in one call: a group never exists without what
//! made it.

use super::assign::entry;
use super::{Act, Assignment, Progress};
use crate::config::{Creation, TIME_TO_ASSIGN};
use crate::decide::{NewTarget, Tried};
use ready_pool_aws::auto_scaling::NewGroup;
use ready_pool_core::call_error::{CallError, Effect};
use ready_pool_core::group::OPT_IN_TAG;
use ready_pool_core::ledger;
use ready_pool_core::reason::Reason;
use tracing::{Instrument, error, info, warn};

impl Act<'_> {
    /// Makes them one by one; answers the assignments whose target was made, and which are entered with it.
    pub(super) async fn make_targets<'c>(
        &mut self,
        assignments: Vec<Assignment<'c>>,
    ) -> Vec<Assignment<'c>> {
        let mut entered = Vec::new();
        for mut assignment in assignments {
            let (Some(target), Some(creation)) =
                (assignment.makes.take(), &self.function.config.creation)
            else {
                continue;
            };
            if !self.invocation.has(TIME_TO_ASSIGN) {
                // The calls before took too long; the claim comes again.
                break;
            }
            let span = assignment.span();
            let made = self.make(&assignment, &target, creation);
            match made.instrument(span.clone()).await {
                Ok(()) => {
                    span.in_scope(|| info!("made the target, with the claim's entry"));
                    entered.push(self.entered(assignment));
                }
                Err(error) => {
                    let not_made = self.not_made(assignment, &error);
                    not_made.instrument(span).await;
                }
            }
        }
        entered
    }

    async fn make(
        &mut self,
        assignment: &Assignment<'_>,
        target: &NewTarget,
        creation: &Creation,
    ) -> Result<(), CallError> {
        let claim = &assignment.claim.claim;
        let pool = self.function.config.pool.to_string();
        let entry = entry(assignment, Some(assignment.instance.clone()));
        let ours = [
            (OPT_IN_TAG.to_owned(), pool),
            (ledger::tag_key(&claim.claim_id), entry.to_string()),
        ];
        let tags: Vec<(String, String)> = target.tags.clone().into_iter().chain(ours).collect();
        let group = NewGroup {
            name: &claim.target_group,
            launch_template: &creation.launch_template,
            version: &creation.version,
            subnets: &target.subnets,
            zones: &target.zones,
            max_size: target.max_size,
            tags: &tags,
        };
        let result = self.function.auto_scaling.create(&group).await;
        let tried = Tried {
            at: self.invocation.now(),
            quota: result.as_ref().is_err_and(CallError::says_quota),
        };
        let name = claim.target_group.clone();
        self.memory.tried.insert(name, tried);
        result
    }

    /// The claim stays open, unless AWS will never make its target.
    async fn not_made(&mut self, assignment: Assignment<'_>, error: &CallError) {
        if error.says_exists() {
            info!("the target exists already; reading it again");
        } else if error.says_quota() {
            error!(%error, "the target cannot be made: the account has no room for another Auto Scaling group; raise the quota, or delete groups that nobody needs");
        } else if error.says_invalid() {
            let name = &assignment.claim.claim.target_group;
            let message = format!("group {name} cannot be made; AWS says: {}", error.message);
            self.reject(assignment.claim, Reason::TargetNotMade, message, None)
                .await;
        } else if error.says_launch_denied() {
            error!(%error, "the target cannot be made: the stack lacks a permission, or TargetLaunchTemplate names a launch template that is gone, or TargetRoles lacks its role");
        } else {
            warn!(%error, "cannot make the target; trying again");
            self.uncertain |= error.effect == Effect::Unknown;
        }
    }
}

impl Assignment<'_> {
    /// Whether its target has to be made.
    pub(super) fn is_for_a_new_target(&self) -> bool {
        self.makes.is_some() && matches!(self.progress, Progress::Chosen(_))
    }
}
