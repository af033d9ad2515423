//! The function with everything it needs.

use crate::config::Config;
use crate::intake::released::Released;
use crate::line::Line;
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::outcomes::Outcomes;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;
use ready_pool_aws::{Clients, SharedClock};

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct ClaimInstance {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    pub(crate) outcomes: Outcomes,
    pub(crate) rejected_queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) clock: SharedClock,
    pub(crate) released: Released,
    pub(crate) line: Line,
}

impl ClaimInstance {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients, clock: SharedClock) -> Self {
        let clients = &clients.in_detail(config.detail);
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            outcomes: Outcomes::new(clients, config.outcome_queue.clone(), config.pool.clone()),
            rejected_queue: Queue::new(clients, config.rejected_queue.clone()),
            metrics: clients.metrics(),
            config,
            clock,
            released: Released::default(),
            line: Line::default(),
        }
    }
}
