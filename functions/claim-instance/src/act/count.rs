//! Counts claims that found nothing ready, where a hit rate is asked for: in a tag of the pool, for replenish-pool,
//! and as figures.

use super::Act;
use crate::config::TIME_TO_ASSIGN;
use crate::decide::{Decision, Waiting, has_waited, is_turned_away};
use crate::pending::OpenClaim;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_aws::metrics::Record;
use ready_pool_core::claim::Claim;
use ready_pool_core::pool_size::{WAITED_TAG, waited_value};
use tracing::{info, warn};

impl Act<'_> {
    /// Counts those that are turned away, and notes whether the line stands.
    pub(super) fn see(&mut self, decided: &[(OpenClaim<'_>, Decision)]) {
        if !self.function.config.sized_by_hit_rate {
            return;
        }
        for (claim, decision) in decided {
            if is_turned_away(&claim.claim, decision) {
                self.count(&claim.claim, true);
            }
        }
        let stands =
            |(_, decision): &(_, Decision)| *decision == Decision::Wait(Waiting::PoolEmpty);
        if decided.iter().any(stands) {
            self.function.line.stands(self.invocation.now());
        }
    }

    /// Counts a claim that is entered for the first time.
    pub(super) fn count_entered(&mut self, claim: &OpenClaim<'_>) {
        let times = &claim.pending.message.times;
        if self.function.config.sized_by_hit_rate && times.entered.is_none() {
            let waited = has_waited(times.sent, self.stood, self.invocation.now());
            self.count(&claim.claim, waited);
        }
    }

    fn count(&mut self, claim: &Claim, waited: bool) {
        self.found_nothing += u64::from(waited);
        let hit = if waited { 0.0 } else { 1.0 };
        let record = Record::of(&self.function.config.pool)
            .figure_if_known("AchievedHitRate", Some(hit))
            .with("claim_id", claim.claim_id.as_str());
        self.function.metrics.write(&record, self.invocation.now());
    }

    /// Raises the pool's counter. In a call of its own: one that writes entries on targets may write nothing
    /// else. Where it fails, or where time is up, these waits are not learned from.
    pub(super) async fn write_waits(&mut self) {
        if self.found_nothing == 0 || !self.invocation.has(TIME_TO_ASSIGN) {
            return;
        }
        let function = self.function;
        let counter = function.line.count(self.found_nothing);
        let tag = GroupTag {
            group: function.config.pool.clone(),
            key: WAITED_TAG.to_owned(),
            value: waited_value(counter),
        };
        match function.auto_scaling.write_tags(&[tag]).await {
            Ok(()) => info!(
                claims = self.found_nothing,
                counter, "counted claims that found nothing ready"
            ),
            Err(error) => warn!(%error, "cannot count claims that found nothing ready"),
        }
    }
}
