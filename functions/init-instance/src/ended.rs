//! A command that has ended, or is looked at: what is known of it and of its claim.

use crate::config::LOOK_EVERY;
use crate::decide::{KnownAttach, LOOKS_BEFORE_LOST, Occasion};
use crate::pace::{self, RARE_LOOK};
use ready_pool_aws::systems_manager::Run;
use ready_pool_core::Timestamp;
use ready_pool_core::command::Command;
use ready_pool_core::group::{Group, Lifecycle};
use ready_pool_core::ids::{ClaimId, InstanceId};
use std::time::Duration;

/// A claim's command, and what it is about.
pub(crate) struct Ended {
    pub(crate) occasion: Occasion,
    pub(crate) command: Command,
    /// How its script ended, once that was read.
    pub(crate) run: Option<Run>,
    pub(crate) claim_id: ClaimId,
    pub(crate) instance: InstanceId,
    /// The claim's target; `None` when it is gone.
    pub(crate) target: Option<Group>,
    /// What is known already of an attach since it was sent.
    pub(crate) attach: KnownAttach,
}

impl Ended {
    /// Whether its target shows the instance, however it is there.
    pub(crate) fn is_member(&self) -> bool {
        let target = self.target.as_ref();
        target.is_some_and(|target| target.member(&self.instance).is_some())
    }

    /// How long until another look may show more, after so many that have missed the instance: an attach that is under
    /// way soon ends.
    pub(crate) fn next_look(
        &self,
        attached: Option<Timestamp>,
        missed: u32,
        now: Timestamp,
    ) -> Duration {
        let ended = self.command.status.is_final();
        if ended && missed > LOOKS_BEFORE_LOST {
            return RARE_LOOK;
        }
        let member = self
            .target
            .as_ref()
            .and_then(|target| target.member(&self.instance));
        let arrives = match member {
            Some(member) => member.lifecycle == Lifecycle::Pending,
            // As read before it was attached, just now.
            None => attached.is_some_and(|attached| attached + LOOK_EVERY > now),
        };
        let attached = attached.or(self.command.record.header.times.attached);
        if ended && arrives {
            pace::until_in_service(attached, now)
        } else {
            LOOK_EVERY
        }
    }
}
