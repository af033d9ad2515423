//! Target groups, as scenarios create them.

use super::{Harness, TENANTS_TEMPLATE};
use region::api::Service;
use serde_json::json;

/// A target group to create.
pub struct Target {
    name: String,
    zones: Vec<&'static str>,
    max_size: u32,
    opted_in: bool,
    /// Which pool it opted in to, if not the harness's.
    pool: Option<String>,
    vpc: u8,
    rebalances: bool,
}

impl Target {
    /// A target in all zones of the pool, with room for one hundred.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zones: vec!["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            max_size: 100,
            opted_in: true,
            pool: None,
            vpc: 1,
            rebalances: false,
        }
    }

    /// Only in these zones.
    #[must_use]
    pub fn zones(self, zones: &[&'static str]) -> Self {
        Self {
            zones: zones.to_vec(),
            ..self
        }
    }

    /// In another VPC than the pool.
    #[must_use]
    pub fn in_another_vpc(self) -> Self {
        Self { vpc: 2, ..self }
    }

    /// With the process `AZRebalance`, which `docs/operations.md` has a target suspend.
    #[must_use]
    pub fn rebalances(self) -> Self {
        Self {
            rebalances: true,
            ..self
        }
    }

    /// With this maximum size.
    #[must_use]
    pub fn max_size(self, max_size: u32) -> Self {
        Self { max_size, ..self }
    }

    /// Of this pool.
    #[must_use]
    pub fn of(self, pool: &str) -> Self {
        Self {
            pool: Some(pool.to_owned()),
            ..self
        }
    }

    /// Without the tag that opts it in.
    #[must_use]
    pub fn not_opted_in(self) -> Self {
        Self {
            opted_in: false,
            ..self
        }
    }
}

impl Harness {
    /// Creates a target.
    pub async fn create(&self, target: Target) {
        let tags = if target.opted_in {
            let pool = target.pool.as_ref().unwrap_or(&self.pool);
            json!([{ "Key": "ready-pool:pool", "Value": pool, "PropagateAtLaunch": false,
                     "ResourceId": target.name, "ResourceType": "auto-scaling-group" }])
        } else {
            json!([])
        };
        let input = json!({
            "AutoScalingGroupName": target.name,
            "MinSize": 0,
            "MaxSize": target.max_size,
            "DesiredCapacity": 0,
            "VPCZoneIdentifier": subnets_of(target.vpc, &target.zones),
            "LaunchTemplate": { "LaunchTemplateName": TENANTS_TEMPLATE, "Version": "1" },
            "Tags": tags,
        });
        self.call(Service::AutoScaling, "CreateAutoScalingGroup", input)
            .await
            .expect("the target can be created");
        if !target.rebalances {
            self.region.with(|world| {
                let group = world.autoscaling.groups.get_mut(&target.name);
                let suspended = &mut group.expect("it was just created").suspended;
                suspended.insert("AZRebalance".to_owned(), "User suspended".to_owned());
            });
        }
    }
}

/// A VPC's subnets in these zones: the zone is the last letter of each name.
fn subnets_of(vpc: u8, zones: &[&str]) -> String {
    let subnets = zones.iter().map(|zone| {
        let letter = zone.chars().next_back().unwrap_or_default();
        format!("subnet-{vpc}{letter}")
    });
    subnets.collect::<Vec<_>>().join(",")
}
