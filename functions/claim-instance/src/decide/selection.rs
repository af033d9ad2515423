//! Which ready instance suits a claim best.

use super::Waiting;
use super::allocation::Allocation;
use ready_pool_core::claim::Claim;
use ready_pool_core::group::{Group, Member};
use ready_pool_core::ids::InstanceId;
use ready_pool_core::preferences::Preferences;
use std::collections::BTreeSet;

impl<'a> Allocation<'a> {
    /// The ready instance that suits the claim best: the one that meets most of its preferences;
    /// of those one from the zone that is least represented in the target; and of those the first by
    /// its id, which is any (nothing that is read here says how old they are). Or why the claim gets
    /// none now.
    pub(super) fn choose(&self, target: &Group, claim: &Claim) -> Result<&'a Member, Waiting> {
        if self.view.pool.pause().claims {
            return Err(Waiting::Paused);
        }
        let assigned = self.zones.get(&target.name);
        let in_zone = |zone: &str| {
            target
                .members
                .iter()
                .filter(|member| member.zone == zone)
                .count()
                + assigned.map_or(0, |zones| {
                    zones.iter().filter(|taken| *taken == zone).count()
                })
        };
        let candidates = self.candidates(target);
        // Each of those ahead gets one first.
        if !candidates.is_empty() && candidates.len() <= self.ahead {
            return Err(Waiting::BehindOthers);
        }
        candidates
            .into_iter()
            .min_by_key(|member| {
                (
                    distance(&claim.preferences, member),
                    in_zone(&member.zone),
                    &member.instance,
                )
            })
            .ok_or(match self.view.pool.launches_nothing() {
                Some(_) => Waiting::NothingLaunches,
                None => Waiting::PoolEmpty,
            })
    }

    /// What is ready and may be given to this target.
    fn candidates(&self, target: &Group) -> Vec<&'a Member> {
        let entered: BTreeSet<InstanceId> = target
            .entries()
            .filter(|(_, entry)| entry.is_open())
            .filter_map(|(_, entry)| entry.instance)
            .collect();
        self.view
            .pool
            .members
            .iter()
            .filter(|member| {
                member.is_fit()
                    && target.zones.contains(&member.zone)
                    && self.view.online.contains(&member.instance)
                    && !self.taken.contains(&member.instance)
                    && !entered.contains(&member.instance)
            })
            .collect()
    }
}

/// How far an instance is from what is preferred, less is better: how many preferences it does not
/// meet, then how far down the lists it stands. The type goes before the zone.
fn distance(preferences: &Preferences, member: &Member) -> (usize, usize, usize) {
    let place = |names: &[String], name: Option<&str>| {
        names
            .iter()
            .position(|preferred| Some(preferred.as_str()) == name)
            .unwrap_or(names.len())
    };
    let types = &preferences.instance_types;
    let of_type = place(types, member.instance_type.as_deref());
    let zones = &preferences.zones;
    let of_zone = place(zones, Some(&member.zone));
    let is_open = |place: usize, names: &[String]| usize::from(place == names.len());
    let open = is_open(of_type, types) + is_open(of_zone, zones);
    (open, of_type, of_zone)
}
