//! The function with its clients, and what several kinds of message ask of them.

use crate::config::Config;
use crate::refusals::Refusals;
use crate::sent::SentCommands;
use ready_pool_aws::Clients;
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::outcomes::Outcomes;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_core::call_error::CallError;
use ready_pool_core::group::Group;
use ready_pool_core::ids::GroupName;

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct InitInstance {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    pub(crate) outcomes: Outcomes,
    pub(crate) metrics: Metrics,
    pub(crate) refusals: Refusals,
    pub(crate) sent: SentCommands,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is left to do for it.
    Done,
    /// It waits for something that takes its time: it comes again soon, and goes on from there.
    Later,
}

impl InitInstance {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients) -> Self {
        let clients = &clients.in_detail(config.detail);
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients).sending_with(&config.init_document),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            outcomes: Outcomes::new(clients, config.outcome_queue.clone(), config.pool.clone()),
            metrics: clients.metrics(),
            refusals: Refusals::default(),
            sent: SentCommands::default(),
            config,
        }
    }

    /// The group as it is now; `None` when there is none of this name.
    pub(crate) async fn target(&self, name: &GroupName) -> Result<Option<Group>, CallError> {
        self.auto_scaling.group(name).await
    }

    /// Whether the group is there and has opted in. Our policy asks for the tag that says so:
    /// without it AWS answers as if a permission were missing.
    pub(crate) async fn is_target(&self, name: &GroupName) -> Result<bool, CallError> {
        let group = self.target(name).await?;
        Ok(group.is_some_and(|group| group.is_opted_in_to(&self.config.pool)))
    }
}
