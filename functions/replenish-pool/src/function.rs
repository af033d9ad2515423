//! The function and what it works with.

use crate::config::Config;
use crate::memory::Memory;
use ready_pool_aws::Clients;
use ready_pool_aws::auto_scaling::AutoScaling;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::queue::Queue;
use ready_pool_aws::systems_manager::SystemsManager;

/// The function with everything it needs.
#[derive(Clone, Debug)]
pub struct ReplenishPool {
    pub(crate) config: Config,
    pub(crate) auto_scaling: AutoScaling,
    pub(crate) systems_manager: SystemsManager,
    pub(crate) provision_queue: Queue,
    pub(crate) init_queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) memory: Memory,
}

impl ReplenishPool {
    /// The function on these clients.
    pub fn new(config: Config, clients: &Clients) -> Self {
        let clients = &clients.in_detail(config.detail);
        Self {
            auto_scaling: AutoScaling::new(clients),
            systems_manager: SystemsManager::new(clients),
            provision_queue: Queue::new(clients, config.provision_queue.clone()),
            init_queue: Queue::new(clients, config.init_queue.clone()),
            metrics: clients.metrics(),
            memory: Memory::default(),
            config,
        }
    }
}
