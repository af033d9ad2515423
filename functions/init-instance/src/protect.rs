//! Protects a claim's instance from scale-in of its target.

use crate::config::{LOOK_EVERY, PROTECT_TRIES, TIME_FOR_A_CALL};
use crate::decide::{AfterProtect, after_protect};
use crate::function::InitInstance;
use ready_pool_aws::clock::{Invocation, sleep};
use ready_pool_core::ids::{GroupName, InstanceId};
use tracing::{debug, error, info};

impl InitInstance {
    /// Protects the instance, as far as that can be had: what matters more, the init command and the outcome,
    /// does not wait for it, nor fail with it.
    pub(crate) async fn protect(
        &self,
        target: &GroupName,
        instance: &InstanceId,
        invocation: &Invocation,
    ) {
        let mut last = None;
        for tried in 0..PROTECT_TRIES {
            if !invocation.has(TIME_FOR_A_CALL) {
                break;
            }
            if tried > 0 {
                sleep(LOOK_EVERY).await;
            }
            let result = self.auto_scaling.protect(target, instance).await;
            let next = after_protect(&result);
            last = result.err();
            match next {
                AfterProtect::Protected => {
                    info!("protected from scale-in");
                    return;
                }
                AfterProtect::TryAgain => {
                    let error = last.as_ref().map(ToString::to_string);
                    debug!(error, "cannot be protected from scale-in yet");
                }
                AfterProtect::Refused => break,
            }
        }
        let error = last.map(|error| error.to_string());
        error!(error, "not protected from scale-in, which the claim wants");
    }
}
