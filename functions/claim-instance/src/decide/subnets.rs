//! Whether pool and target are in one VPC, as far as that can be known.
//!
//! Attaching compares zones only; the VPC is looked at where a load balancer is attached (Auto Scaling
//! user guide, detach and attach instances). An instance of another VPC would be handed out as ready, and
//! nobody could reach it. A subnet that both groups name is the only proof of one VPC that Auto
//! Scaling's own answers hold.

use super::{Decision, reject};
use ready_pool_core::group::Group;
use ready_pool_core::reason::Reason;

/// Rejects a target that shares no subnet with the pool. A pool that names none asks for none:
/// its zones have to do.
pub(super) fn check(target: &Group, pool: &Group) -> Result<(), Decision> {
    if pool.subnets.is_empty() || !target.subnets.is_disjoint(&pool.subnets) {
        return Ok(());
    }
    Err(reject(
        Reason::NoCommonSubnet,
        format!(
            "group {} and pool {} share no subnet, so nothing shows that they are in one VPC; give the group one of the pool's subnets, or set the stack's parameter RequireCommonSubnet to false",
            target.name, pool.name
        ),
    ))
}
