//! replenish-pool
