//! What happens to a pool in weeks.

use super::send;
use crate::harness::Harness;
use ready_pool_sizing::tags;
use region::api::Service;
use region::faults::{self, Calls, Failure, Fault, Moment};
use serde_json::json;
use std::time::Duration;

/// How long no launch succeeds.
const OUTAGE: Duration = Duration::from_mins(10);
/// More claims than the pool may have machines.
const BURST: usize = 12;
const PAUSE: &str = "ready-pool:pause";

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No launch succeeds for ten minutes, and the pool is empty.
    Outage,
    /// Somebody's tool deletes all tags in which the pool has what it learned.
    Wipe,
    /// replenish-pool is killed when it changes the size next, between the tag and the capacity.
    Kill,
    /// More claims at once than the pool may have machines.
    Burst,
    /// A scheduled action sets the group's minimum.
    Minimum(u32),
    /// An operator pauses the pool.
    Pause,
    /// And lets it go on.
    Resume,
}

impl Trouble {
    pub(super) async fn happen(self, harness: &Harness) {
        match self {
            Self::Outage => {
                harness
                    .region
                    .with(|world| faults::refuse_capacity(world, OUTAGE));
                for n in 0..4 {
                    send(
                        harness,
                        &format!("outage-{}-{n}", harness.now().unix_timestamp()),
                    );
                }
            }
            Self::Wipe => {
                let of_sizing = [
                    tags::SIZING,
                    tags::FORECASTS,
                    "ready-pool:size",
                    "ready-pool:own",
                ];
                let all = of_sizing.iter().chain(&tags::DAY).chain(&tags::WEEK);
                delete_tags(harness, all.copied()).await;
            }
            Self::Kill => harness.break_next(Fault::nth(
                Calls::of(Service::AutoScaling, "CreateOrUpdateTags")
                    .by("ready-pool-replenish-pool")
                    .mentioning("ready-pool:size\""),
                1,
                Moment::AfterTheEffect,
                Failure::Kill,
            )),
            Self::Burst => {
                for n in 0..BURST {
                    send(harness, &format!("burst-{n}"));
                }
            }
            Self::Minimum(size) => {
                let input = json!({ "AutoScalingGroupName": harness.pool, "MinSize": size });
                let set = harness.call(Service::AutoScaling, "UpdateAutoScalingGroup", input);
                set.await.expect("the minimum can be set");
            }
            Self::Pause => {
                let tag = json!({
                    "ResourceType": "auto-scaling-group", "ResourceId": harness.pool,
                    "PropagateAtLaunch": false, "Key": PAUSE, "Value": "all",
                });
                let input = json!({ "Tags": [tag] });
                let set = harness.call(Service::AutoScaling, "CreateOrUpdateTags", input);
                set.await.expect("the pool can be paused");
            }
            Self::Resume => delete_tags(harness, [PAUSE]).await,
        }
    }
}

async fn delete_tags(harness: &Harness, keys: impl IntoIterator<Item = &'static str>) {
    let tags = keys.into_iter().map(|key| {
        json!({ "ResourceType": "auto-scaling-group", "ResourceId": harness.pool, "Key": key })
    });
    let input = json!({ "Tags": tags.collect::<Vec<_>>() });
    let deleted = harness.call(Service::AutoScaling, "DeleteTags", input);
    deleted.await.expect("tags can be deleted");
}
