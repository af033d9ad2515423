//! Instances on their way out that Systems Manager does not list any more. Most are gone. One that somebody has
//! stopped looks the same, and only an attach says which: no group takes it, so a person is named it.

use super::Act;
use crate::notes;
use ready_pool_core::Timestamp;
use ready_pool_core::ids::InstanceId;
use tracing::{error, warn};

impl Act<'_> {
    /// Tries to attach them to the retirement group. The note of one that is not gone stays, so that it is retired
    /// once it runs again; it is tried, and named, once an hour.
    pub(super) async fn try_unlisted(&mut self, unlisted: &[InstanceId], now: Timestamp) {
        let function = self.function;
        for instance in unlisted {
            if !function.memory.stopped_is_said(instance, now) {
                let group = &function.config.retirement;
                match function.auto_scaling.attach(group, instance).await {
                    Err(error) if error.says_stopped() => {
                        error!(
                            instance_id = %instance,
                            "somebody has stopped the instance, which is in no group, on its way out: no group takes \
                             it; terminate it (aws ec2 terminate-instances), or start it, and it is retired"
                        );
                        function.memory.stopped_was_said(instance, now);
                    }
                    Err(error) if error.says_instance_gone() => continue,
                    Ok(()) => warn!(instance_id = %instance, "attached it to the retirement group"),
                    other => {
                        self.count("attach to the retirement group", other);
                    }
                }
            }
            self.kept_notes.insert(notes::tag_key(instance));
        }
    }
}
