//! Receipt handles: opaque to callers, one per receive.

use super::errors::malformed_receipt;
use crate::api::CallError;
use aws_smithy_types::base64;

/// What a receipt handle stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue it was received from.
    pub queue: String,
    /// The message's place in that queue.
    pub position: u64,
    /// Which receive of the message it was, from 1.
    pub receive: u32,
    /// The message's id.
    pub message_id: String,
}

impl Receipt {
    /// As text.
    pub fn to_handle(&self) -> String {
        base64::encode(format!(
            "{} {} {} {}",
            self.queue, self.position, self.receive, self.message_id
        ))
    }

    /// Reads a handle that was received from `queue`.
    pub fn parse(handle: &str, queue: &str) -> Result<Self, CallError> {
        Self::read(handle)
            .filter(|receipt| receipt.queue == queue)
            .ok_or_else(|| malformed_receipt(handle))
    }

    fn read(handle: &str) -> Option<Self> {
        let text = String::from_utf8(base64::decode(handle).ok()?).ok()?;
        let mut words = text.split(' ');
        let receipt = Self {
            queue: words.next()?.to_owned(),
            position: words.next()?.parse().ok()?,
            receive: words.next()?.parse().ok()?,
            message_id: words.next()?.to_owned(),
        };
        words.next().is_none().then_some(receipt)
    }
}
