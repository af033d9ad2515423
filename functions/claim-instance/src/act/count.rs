//! What is said of waiting claims, for replenish-pool, in tags of the pool: how many wait for which zone, and, where a
//! hit rate is asked for, how many found nothing ready (that as figures, too).

use super::Act;
use crate::config::TIME_TO_ASSIGN;
use crate::decide::{Decision, Waiting, has_waited, is_turned_away};
use crate::pending::OpenClaim;
use ready_pool_aws::auto_scaling::GroupTag;
use ready_pool_aws::metrics::Record;
use ready_pool_core::claim::Claim;
use ready_pool_core::lacking::{lacking_key, lacking_value};
use ready_pool_core::pool_size::{WAITED_TAG, waited_value};
use std::time::Duration;
use tracing::{info, warn};

/// For how long it is believed how many claims wait for a zone. Longer than until it is said again.
const LACKING_BELIEVED_FOR: Duration = Duration::from_mins(2);

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

    /// In a call of its own: one that writes entries on targets may write nothing else. Where it fails, or where time
    /// is up, these waits are not learned from, and what lacks is said a minute later.
    pub(super) async fn write_waits(&mut self) {
        if !self.invocation.has(TIME_TO_ASSIGN) {
            return;
        }
        let mut tags = self.lacking();
        tags.extend(self.counter());
        if tags.is_empty() {
            return;
        }
        if let Err(error) = self.function.auto_scaling.write_tags(&tags).await {
            warn!(%error, "cannot say on the pool how many claims wait");
        }
    }

    /// The pool's counter, raised.
    fn counter(&mut self) -> Option<GroupTag> {
        let claims = std::mem::take(&mut self.found_nothing);
        if claims == 0 {
            return None;
        }
        let counter = self.function.line.count(claims);
        info!(claims, counter, "counting claims that found nothing ready");
        Some(self.tag(WAITED_TAG.to_owned(), waited_value(counter)))
    }

    /// How many claims wait for which zone.
    fn lacking(&self) -> Vec<GroupTag> {
        let now = self.invocation.now();
        let lacking = self.function.line.lacking_to_say(now).into_iter();
        lacking
            .map(|(zone, claims)| {
                info!(zone, claims, "claims wait for an instance in this zone");
                let value = lacking_value(claims, now + LACKING_BELIEVED_FOR);
                self.tag(lacking_key(&zone), value)
            })
            .collect()
    }

    fn tag(&self, key: String, value: String) -> GroupTag {
        let group = self.function.config.pool.clone();
        GroupTag { group, key, value }
    }
}
