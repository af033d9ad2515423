//! What a hand-over is judged by, and read for that.

use crate::config::COMMANDS_LATE;
use crate::decide::{Beginning, begin, place_in};
use crate::function::InitInstance;
use ready_pool_core::Timestamp;
use ready_pool_core::attach_when::AttachWhen;
use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::{Claim, MAX_TIME_TO_EXPIRY};
use ready_pool_core::command::{Command, InitCommand, init_command};
use ready_pool_core::group::{Group, Placement};
use ready_pool_core::message::HandOver;
use std::collections::BTreeSet;

/// What a hand-over is judged by.
pub(crate) struct Read {
    history: Vec<Command>,
    pub(crate) target: Option<Group>,
    /// Where the instance is, if it is in any group; not asked where it is attached first.
    pub(crate) place: Option<Placement>,
}

impl Read {
    /// The history first, then the entry: whose instance is it?
    pub(crate) fn begins(&self, hand_over: &HandOver, now: Timestamp) -> Beginning {
        let target = self.target.as_ref();
        let entry = target.and_then(|target| target.entry(&hand_over.claim.claim_id));
        begin(hand_over, &self.history, entry.as_ref(), now)
    }

    /// The claim's command, where it was sent before the instance was to be in its target.
    pub(crate) fn late_command(&self, hand_over: &HandOver) -> Option<Command> {
        let late = hand_over.claim.attach_when == AttachWhen::AfterInit;
        match init_command(&self.history, &hand_over.claim.key()) {
            InitCommand::Sent(command) if late => Some(command),
            _ => None,
        }
    }
}

impl InitInstance {
    /// What a hand-over is judged by. Only this message group sends commands to the instance, so the order of
    /// the reads does not matter. For a fresh one the ledger cannot have moved on.
    pub(crate) async fn read(
        &self,
        hand_over: &HandOver,
        fresh: bool,
        now: Timestamp,
    ) -> Result<Read, CallError> {
        let history = self.history(hand_over, fresh, now);
        if fresh && hand_over.claim.attach_when == AttachWhen::BeforeInit {
            return Ok(Read {
                history: history.await?,
                target: None,
                place: None,
            });
        }
        let (history, (target, place)) =
            tokio::try_join!(history, self.target_and_place(hand_over))?;
        Ok(Read {
            history,
            target,
            place,
        })
    }

    /// The instance's commands, the newest first. By instance a command is listed only once its agent has it (API
    /// reference, ListCommands: "the command hasn't reached the managed node yet"), by document at once. So where
    /// the claim's command may have been sent before, and is not there, it is searched by document, too: an agent may
    /// be away.
    pub(crate) async fn history(
        &self,
        hand_over: &HandOver,
        fresh: bool,
        now: Timestamp,
    ) -> Result<Vec<Command>, CallError> {
        let (claim, instance) = (hand_over.claim.key(), &hand_over.instance_id);
        let mut history = self.systems_manager.history(instance).await?;
        if fresh || matches!(init_command(&history, &claim), InitCommand::Sent(_)) {
            return Ok(history);
        }
        // Nothing is sent before the pool has released the instance.
        let earliest = hand_over.claim.expires_at - MAX_TIME_TO_EXPIRY;
        let sent =
            hand_over.times.detached.unwrap_or(earliest) - COMMANDS_LATE..now + COMMANDS_LATE;
        let found = self.systems_manager.init_commands_of(&claim, sent).await?;
        let own = found.into_iter().filter(|it| it.instance == *instance);
        history.splice(0..0, own.map(|it| it.command));
        Ok(history)
    }

    /// In one read as a rule: on its way out of the pool the instance is still listed there.
    pub(crate) async fn target_and_place(
        &self,
        hand_over: &HandOver,
    ) -> Result<(Option<Group>, Option<Placement>), CallError> {
        let Claim {
            target_group,
            attach_when,
            ..
        } = &hand_over.claim;
        if *attach_when == AttachWhen::BeforeInit {
            return Ok((self.target(target_group).await?, None));
        }
        let (instance, pool) = (&hand_over.instance_id, &self.config.pool);
        let names = BTreeSet::from([target_group.clone(), pool.clone()]);
        let mut groups = self.auto_scaling.groups(&names).await?;
        let mut place = place_in(groups.values(), instance);
        if place.is_none() {
            // In no group, or in another one.
            let instances = std::slice::from_ref(instance);
            place = self
                .auto_scaling
                .placements(instances)
                .await?
                .remove(instance);
        }
        Ok((groups.remove(target_group), place))
    }
}
