//! When a scenario is over: nothing is under way any more.

use region::autoscaling::Lifecycle;
use region::world::World;

/// Whose work must have come to rest.
#[derive(Clone, Debug)]
pub(crate) struct Quiet {
    pub(crate) pool: String,
    pub(crate) pool_size: usize,
    pub(crate) retirement: String,
}

impl Quiet {
    /// What is still under way, if anything is.
    pub(crate) fn unrest(&self, world: &World) -> Option<String> {
        let running: Vec<&String> = world
            .lambda
            .functions
            .keys()
            .filter(|function| world.lambda.concurrency(function) > 0)
            .collect();
        if !running.is_empty() {
            return Some(format!("{running:?} running"));
        }
        for queue in world.sqs.queues.values() {
            let consumed = world
                .lambda
                .mappings
                .iter()
                .any(|mapping| mapping.queue_arn == queue.arn);
            if consumed && queue.messages(world.now).next().is_some() {
                return Some(format!("{} is not empty", queue.name));
            }
        }
        for group in world.autoscaling.groups.values() {
            for (instance, member) in &group.members {
                if member.lifecycle != Lifecycle::InService {
                    let state = member.lifecycle;
                    return Some(format!("{instance} is {state:?} in {}", group.name));
                }
            }
            if group.name != self.pool
                && group.name != self.retirement
                && let Some((key, tag)) = group.tags.iter().find(|(key, tag)| {
                    key.starts_with("ready-pool:claim/") && tag.value.contains(" assigned ")
                })
            {
                return Some(format!("{key} = {} on {}", tag.value, group.name));
            }
        }
        let group = |name: &str| &world.autoscaling.groups[name].members;
        let ready = group(&self.pool).len();
        if ready != self.pool_size {
            return Some(format!("{ready} instances in the pool"));
        }
        if !group(&self.retirement).is_empty() {
            return Some("an instance in the retirement group".to_owned());
        }
        None
    }
}
