//! The end of a command that came in another message group than its instance's.
//!
//! The rule names the group by a path into the event. EventBridge's page on targets has it that such
//! a path is followed; users report otherwise, and MiniStack takes it for the name itself
//! (cloudformation-coverage-roadmap#2298, aws-cdk#23790). Then all ends come in one group, one after
//! the other and beside their instances' other messages: each is sent on under the right one first.

use crate::function::InitInstance;
use crate::message::Work;
use aws_lambda_events::event::sqs::SqsMessage;
use ready_pool_aws::queue::{Outgoing, trace_of};
use ready_pool_core::call_error::CallError;
use ready_pool_core::ids::InstanceId;
use tracing::info;

impl InitInstance {
    /// Sends a message on under its instance's group, where it came in another; answers whether it
    /// did, and so is done here. A repeat is swallowed: the message keeps its id.
    pub(crate) async fn regroup(
        &self,
        work: &Work,
        record: &SqsMessage,
    ) -> Result<bool, CallError> {
        let group = record.attributes.get("MessageGroupId").map(String::as_str);
        let Some(instance) = belongs_to(work, group) else {
            return Ok(false);
        };
        let message_id = record.message_id.as_deref().unwrap_or_default();
        let same = Outgoing::plain(record.body.clone().unwrap_or_default())
            .ordered(instance.as_str(), format!("regrouped:{message_id}"))
            .traced(trace_of(record));
        self.init_queue.send_one(same).await?;
        info!(
            came_in = group,
            "a command's end came in another message group; sent on under its instance's"
        );
        Ok(true)
    }
}

/// The instance in whose group a command's end belongs, where it came in another.
fn belongs_to(work: &Work, group: Option<&str>) -> Option<InstanceId> {
    let Work::CommandFinished { detail, .. } = work else {
        return None;
    };
    let instance = InstanceId::try_from(detail.instance_id.as_str()).ok()?;
    group
        .is_some_and(|group| group != instance.as_str())
        .then_some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::event::sqs::SqsEvent;

    fn work(event: &str) -> Work {
        let event: SqsEvent = serde_json::from_str(event).unwrap();
        Work::read(event.records[0].body.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn only_a_command_s_end_in_another_group_belongs_elsewhere() {
        let ended = work(include_str!(
            "../../../events/init-instance.command-finished.json"
        ));
        let hand_over = work(include_str!("../../../events/init-instance.hand-over.json"));
        let instance = "i-0abc1234def567890";
        for (work, group, expected) in [
            (&ended, Some("$.detail.instance-id"), Some(instance)),
            (&ended, Some("i-00000000000000001"), Some(instance)),
            (&ended, Some(instance), None),
            (&ended, None, None),
            (&hand_over, Some("$.detail.instance-id"), None),
        ] {
            let found = belongs_to(work, group);
            assert_eq!(
                found.as_ref().map(InstanceId::as_str),
                expected,
                "{group:?}"
            );
        }
    }
}
