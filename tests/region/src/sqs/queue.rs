//! One queue: what happens to its messages. Plain state; time and ids are passed in.

use super::attributes::Attributes;
use super::errors::{expired_receipt, invalid_value};
use super::message_attributes::{MessageAttributes, hex, md5_of_body};
use super::receipt::Receipt;
use crate::api::CallError;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;

/// How long a deduplication id is remembered, from the send (SQS API reference, `SendMessage`).
const DEDUPLICATION_WINDOW: Duration = Duration::from_mins(5);
/// Longest a message may stay invisible after one receive (`ChangeMessageVisibility`).
const LONGEST_INVISIBILITY: Duration = Duration::from_hours(12);

/// A queue and its messages.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Name, with `.fifo` where it is one.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// URL, the handle of most operations.
    pub url: String,
    /// What was set on it.
    pub attributes: Attributes,
    /// Tags given at creation.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When its attributes were last set.
    pub modified_at: OffsetDateTime,
    /// When it was last purged.
    pub purged_at: Option<OffsetDateTime>,
    messages: BTreeMap<u64, Message>,
    sent: u64,
    deduplication: BTreeMap<String, Remembered>,
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Message id.
    pub id: String,
    /// The text.
    pub body: String,
    /// The user's attributes.
    pub attributes: MessageAttributes,
    /// `AWSTraceHeader`, the only system attribute that can be sent.
    pub trace_header: Option<String>,
    /// Who sent it.
    pub sender: String,
    /// When it was sent; reset by a move to a FIFO dead-letter queue.
    pub sent_at: OffsetDateTime,
    /// Message group.
    pub group_id: Option<String>,
    /// Deduplication id, given or computed (FIFO).
    pub deduplication_id: Option<String>,
    /// 20 digits, growing (FIFO).
    pub sequence_number: Option<String>,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was first received.
    pub first_received_at: Option<OffsetDateTime>,
    /// The queue it came from, in a dead-letter queue.
    pub dead_letter_source: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Can be received from this time on.
    Waiting { from: OffsetDateTime },
    /// Was received, and is invisible until this time.
    InFlight {
        since: OffsetDateTime,
        until: OffsetDateTime,
    },
}

#[derive(Clone, Debug)]
struct Remembered {
    until: OffsetDateTime,
    message_id: String,
    sequence_number: Option<String>,
}

/// A message as it is sent, checked by the caller.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// The user's attributes.
    pub attributes: MessageAttributes,
    /// `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// Delay instead of the queue's.
    pub delay: Option<Duration>,
    /// Message group.
    pub group_id: Option<String>,
    /// Deduplication id, where given.
    pub deduplication_id: Option<String>,
}

/// What became of a send.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The message's id, or that of the message it repeats.
    pub message_id: String,
    /// Its place in the order (FIFO).
    pub sequence_number: Option<String>,
    /// When it can be received; `None` for a repetition, which is swallowed.
    pub receivable_at: Option<OffsetDateTime>,
}

/// A received message and the handle of this receive.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message as it was when received.
    pub message: Message,
    /// Handle for deleting it and changing its visibility.
    pub receipt_handle: String,
}

/// How a message stands at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be received.
    Visible,
    /// Somebody received it, and it is invisible until then.
    InFlight(OffsetDateTime),
    /// It was sent with a delay that lasts until then.
    Delayed(OffsetDateTime),
}

/// What one receive does.
#[derive(Debug, Default)]
pub struct Receive {
    /// The messages handed out, in order.
    pub received: Vec<Received>,
    /// Messages received too often already: they leave for the dead-letter queue.
    pub exhausted: Vec<Message>,
}

/// The three approximate counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `ApproximateNumberOfMessages`.
    pub visible: usize,
    /// `ApproximateNumberOfMessagesNotVisible`.
    pub in_flight: usize,
    /// `ApproximateNumberOfMessagesDelayed`.
    pub delayed: usize,
}

impl Message {
    /// How it stands; a look that changes nothing.
    pub fn standing(&self, now: OffsetDateTime) -> Standing {
        match self.state {
            State::Waiting { from } if from > now => Standing::Delayed(from),
            State::InFlight { until, .. } if until > now => Standing::InFlight(until),
            State::Waiting { .. } | State::InFlight { .. } => Standing::Visible,
        }
    }

    fn is_available(&self, now: OffsetDateTime) -> bool {
        self.standing(now) == Standing::Visible
    }

    fn is_in_flight(&self, now: OffsetDateTime) -> bool {
        matches!(self.standing(now), Standing::InFlight(_))
    }
}

impl Queue {
    /// An empty queue.
    pub fn new(
        name: String,
        arn: String,
        url: String,
        attributes: Attributes,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            name,
            arn,
            url,
            attributes,
            tags: BTreeMap::new(),
            created_at: now,
            modified_at: now,
            purged_at: None,
            messages: BTreeMap::new(),
            sent: 0,
            deduplication: BTreeMap::new(),
        }
    }

    /// Appends a message, unless it repeats one of the last five minutes (FIFO).
    pub fn send(&mut self, new: NewMessage, id: String, sender: &str, now: OffsetDateTime) -> Sent {
        let fifo = self.attributes.is_fifo();
        let deduplication_id = fifo.then(|| {
            new.deduplication_id
                .unwrap_or_else(|| sha256(new.body.as_bytes()))
        });
        let remembered_as = deduplication_id.as_ref().map(|id| {
            match (&new.group_id, self.attributes.deduplicates_per_group()) {
                (Some(group), true) => format!("{group}\n{id}"),
                _ => id.clone(),
            }
        });
        self.deduplication.retain(|_, known| known.until > now);
        if let Some(known) = remembered_as
            .as_ref()
            .and_then(|key| self.deduplication.get(key))
        {
            return Sent {
                message_id: known.message_id.clone(),
                sequence_number: known.sequence_number.clone(),
                receivable_at: None,
            };
        }
        let position = self.next_position();
        let sequence_number = fifo.then(|| sequence_number(position));
        if let Some(key) = remembered_as {
            let remembered = Remembered {
                until: now + DEDUPLICATION_WINDOW,
                message_id: id.clone(),
                sequence_number: sequence_number.clone(),
            };
            self.deduplication.insert(key, remembered);
        }
        let from = now + new.delay.unwrap_or_else(|| self.attributes.delay());
        let message = Message {
            id: id.clone(),
            body: new.body,
            attributes: new.attributes,
            trace_header: new.trace_header,
            sender: sender.to_owned(),
            sent_at: now,
            group_id: new.group_id,
            deduplication_id,
            sequence_number: sequence_number.clone(),
            receive_count: 0,
            first_received_at: None,
            dead_letter_source: None,
            state: State::Waiting { from },
        };
        self.messages.insert(position, message);
        Sent {
            message_id: id,
            sequence_number,
            receivable_at: Some(from),
        }
    }

    /// Takes a message from another queue that has given up on it.
    pub fn bury(&mut self, mut message: Message, source_arn: &str, now: OffsetDateTime) {
        let position = self.next_position();
        if self.attributes.is_fifo() {
            // Only FIFO queues reset it: SQS Developer Guide, dead-letter queues.
            message.sent_at = now;
            message.sequence_number = Some(sequence_number(position));
        }
        message.dead_letter_source = Some(source_arn.to_owned());
        message.state = State::Waiting { from: now };
        self.messages.insert(position, message);
    }

    /// Puts back a message that could not be moved away from this dead-letter queue.
    pub fn bury_again(&mut self, mut message: Message, now: OffsetDateTime) {
        message.state = State::Waiting { from: now };
        let position = self.next_position();
        self.messages.insert(position, message);
    }

    /// Takes up to `limit` messages out that nobody has received at present, oldest first.
    pub fn take_visible(&mut self, limit: usize, now: OffsetDateTime) -> Vec<Message> {
        self.expire(now);
        let positions: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, message)| message.is_available(now))
            .map(|(position, _)| *position)
            .take(limit)
            .collect();
        positions
            .into_iter()
            .filter_map(|position| self.messages.remove(&position))
            .collect()
    }

    /// Takes a message back from its dead-letter queue, as a new one.
    pub fn redrive(&mut self, message: Message, id: String, now: OffsetDateTime) {
        let position = self.next_position();
        let redriven = Message {
            id,
            sent_at: now,
            sequence_number: self.attributes.is_fifo().then(|| sequence_number(position)),
            receive_count: 0,
            first_received_at: None,
            dead_letter_source: None,
            state: State::Waiting { from: now },
            ..message
        };
        self.messages.insert(position, redriven);
    }

    /// Hands out up to `limit` messages. A FIFO queue gives as many as it can of one group before
    /// it turns to the next, and none of a group that has a message in flight.
    pub fn receive(
        &mut self,
        limit: usize,
        visibility: Option<Duration>,
        now: OffsetDateTime,
    ) -> Receive {
        self.expire(now);
        let until = now + visibility.unwrap_or_else(|| self.attributes.visibility_timeout());
        let most = self
            .attributes
            .redrive_policy()
            .map(|policy| policy.max_receive_count);
        let mut result = Receive::default();
        for position in self.available(now) {
            if result.received.len() == limit {
                break;
            }
            let message = self.messages.get_mut(&position).expect("just listed");
            if most.is_some_and(|most| message.receive_count >= most) {
                let message = self.messages.remove(&position).expect("just listed");
                result.exhausted.push(message);
                continue;
            }
            message.receive_count += 1;
            message.first_received_at.get_or_insert(now);
            message.state = State::InFlight { since: now, until };
            let receipt = Receipt {
                queue: self.name.clone(),
                position,
                receive: message.receive_count,
                message_id: message.id.clone(),
            };
            result.received.push(Received {
                message: message.clone(),
                receipt_handle: receipt.to_handle(),
            });
        }
        result
    }

    /// Whether a receive would find something now.
    pub fn has_available(&self, now: OffsetDateTime) -> bool {
        !self.available(now).is_empty()
    }

    /// Positions of the messages that may be handed out now, in the order of handing out.
    fn available(&self, now: OffsetDateTime) -> Vec<u64> {
        let live = || {
            let retention = self.attributes.retention();
            self.messages
                .iter()
                .filter(move |(_, message)| message.sent_at + retention > now)
        };
        if !self.attributes.is_fifo() {
            return live()
                .filter(|(_, message)| message.is_available(now))
                .map(|(position, _)| *position)
                .collect();
        }
        // A delayed message holds up the ones behind it as one in flight does.
        let blocked: BTreeSet<&Option<String>> = live()
            .filter(|(_, message)| message.is_in_flight(now))
            .map(|(_, message)| &message.group_id)
            .collect();
        let mut groups: Vec<(&Option<String>, Vec<u64>, bool)> = Vec::new();
        for (position, message) in live() {
            if blocked.contains(&message.group_id) {
                continue;
            }
            let index = groups
                .iter()
                .position(|(group, ..)| *group == &message.group_id)
                .unwrap_or_else(|| {
                    groups.push((&message.group_id, Vec::new(), false));
                    groups.len() - 1
                });
            let (_, positions, held_up) = &mut groups[index];
            *held_up |= !message.is_available(now);
            if !*held_up {
                positions.push(*position);
            }
        }
        groups
            .into_iter()
            .flat_map(|(_, positions, _)| positions)
            .collect()
    }

    /// Deletes a message; its id, when it was still there. A FIFO queue takes only the handle of
    /// the present receive, a standard queue any handle of the message.
    pub fn delete(
        &mut self,
        receipt: &Receipt,
        handle: &str,
        now: OffsetDateTime,
    ) -> Result<Option<String>, CallError> {
        self.expire(now);
        let Some(message) = self.find(receipt) else {
            return Ok(None);
        };
        if self.attributes.is_fifo() && !is_current(message, receipt, now) {
            return Err(expired_receipt(handle));
        }
        self.messages.remove(&receipt.position);
        Ok(Some(receipt.message_id.clone()))
    }

    /// Makes a message in flight visible `timeout` from now. Returns that time. A message of a
    /// standard queue that is visible again stays so, without an error (seen at AWS: `LocalStack`'s
    /// `test_change_message_visibility_after_visibility_timeout_expiration`).
    pub fn change_visibility(
        &mut self,
        receipt: &Receipt,
        handle: &str,
        timeout: Duration,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, CallError> {
        self.expire(now);
        let fifo = self.attributes.is_fifo();
        let Some(message) = self.find(receipt) else {
            return Err(invalid_value(
                handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ));
        };
        if fifo && !is_current(message, receipt, now) {
            return Err(expired_receipt(handle));
        }
        let State::InFlight { since, until } = message.state else {
            return Ok(now);
        };
        if until <= now {
            return Ok(now);
        }
        let until = now + timeout;
        if until - since > LONGEST_INVISIBILITY {
            return Err(invalid_value(
                timeout.as_secs(),
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ));
        }
        let message = self
            .messages
            .get_mut(&receipt.position)
            .expect("just found");
        message.state = State::InFlight { since, until };
        Ok(until)
    }

    /// Deletes every message.
    pub fn purge(&mut self, now: OffsetDateTime) {
        self.messages.clear();
        self.purged_at = Some(now);
    }

    /// The messages in it, oldest first, in whatever state.
    pub fn messages(&self, now: OffsetDateTime) -> impl Iterator<Item = &Message> {
        let retention = self.attributes.retention();
        self.messages
            .values()
            .filter(move |message| message.sent_at + retention > now)
    }

    /// How many messages are in which state.
    pub fn counts(&self, now: OffsetDateTime) -> Counts {
        let mut counts = Counts::default();
        for message in self.messages(now) {
            match message.standing(now) {
                Standing::Visible => counts.visible += 1,
                Standing::InFlight(_) => counts.in_flight += 1,
                Standing::Delayed(_) => counts.delayed += 1,
            }
        }
        counts
    }

    fn find(&self, receipt: &Receipt) -> Option<&Message> {
        self.messages
            .get(&receipt.position)
            .filter(|message| message.id == receipt.message_id)
    }

    fn next_position(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    fn expire(&mut self, now: OffsetDateTime) {
        let retention = self.attributes.retention();
        self.messages
            .retain(|_, message| message.sent_at + retention > now);
    }
}

fn is_current(message: &Message, receipt: &Receipt, now: OffsetDateTime) -> bool {
    message.receive_count == receipt.receive && message.is_in_flight(now)
}

/// The shape of real ones: 20 digits, in steps of 256.
fn sequence_number(position: u64) -> String {
    const FIRST: u128 = 18_849_496_460_467_696_128;
    (FIRST + u128::from(position) * 256).to_string()
}

/// SHA-256 in hex: the deduplication id of a message without one.
fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

impl Message {
    /// MD5 of the body, in hex.
    pub fn md5_of_body(&self) -> String {
        md5_of_body(&self.body)
    }
}
