//! The function's settings, and the figures that the protocol relies on.

use ready_pool_aws::config::{self, ConfigError, Source};
use ready_pool_aws::metrics::Detail;
use ready_pool_core::ids::GroupName;
use std::time::Duration;

/// After so many tries to attach that found the instance in the pool it is asked where it is: its detach may take
/// long, or was taken back.
pub const ASK_WHERE_AFTER: u32 = 6;
/// How long after an answer was lost before the command history is believed: it lags by about a
/// second, and the call itself may still be under way.
pub const HISTORY_SETTLES: Duration = Duration::from_secs(15);
/// How long between two tries after AWS was busy, or between two looks at a status.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long between two tries after AWS refused for what a person must mend. Each try is a line in the log.
pub const REFUSED_EVERY: Duration = Duration::from_secs(10);
/// How far past a claim's deadline its command may have been accepted: clocks differ, and an answer that was lost may
/// take effect a little later.
pub const COMMANDS_LATE: Duration = Duration::from_mins(2);
/// How often it is tried to read how a script ended, [`LOOK_EVERY`] apart, before its claim is taken to have failed by it.
pub const RUN_TRIES: u32 = 3;
/// Time that must be left for one more call.
pub const TIME_FOR_A_CALL: Duration = Duration::from_secs(14);
/// Time that must be left to ask for an outcome's details: then there is enough for the outcome itself.
pub const TIME_FOR_DETAILS: Duration = Duration::from_secs(20);
/// How often an instance is tried to be protected from scale-in, [`LOOK_EVERY`] apart: an attach that was
/// accepted takes about a second to bring it into service, and up to three were seen.
pub const PROTECT_TRIES: u32 = 10;
/// When a message that waits for an unfinished step comes again.
pub const COMES_AGAIN: Duration = Duration::from_secs(1);
/// When a message whose handling failed comes again.
pub const COMES_AGAIN_AFTER_ERROR: Duration = Duration::from_secs(15);

/// Settings from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DETAIL`: which figures become metrics.
    pub detail: Detail,
    /// `POOL_GROUP`: where instances come from.
    pub pool: GroupName,
    /// `RETIREMENT_GROUP`: where they end.
    pub retirement: GroupName,
    /// `PROVISION_QUEUE_URL`: where another instance is asked for.
    pub provision_queue: String,
    /// `INIT_QUEUE_URL`: where the messages come from.
    pub init_queue: String,
    /// `OUTCOME_QUEUE_URL`.
    pub outcome_queue: String,
    /// `INIT_DOCUMENT`: the Systems Manager document that init commands are sent with.
    pub init_document: String,
    /// `STACK`: the value of the tag that instances must have to be sent an init command.
    pub stack: String,
    /// `OUTCOME_OUTPUT_CHARACTERS`: how much of the end of a script's output an outcome carries, 0
    /// for none.
    pub output_characters: usize,
    /// `PROTECT_FROM_SCALE_IN`: whether instances are protected whose claims do not say.
    pub protects: bool,
}

impl Config {
    /// Reads the settings.
    pub fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            detail: config::required(source, "DETAIL")?,
            pool: config::group(source, "POOL_GROUP")?,
            retirement: config::group(source, "RETIREMENT_GROUP")?,
            provision_queue: config::required(source, "PROVISION_QUEUE_URL")?,
            init_queue: config::required(source, "INIT_QUEUE_URL")?,
            outcome_queue: config::required(source, "OUTCOME_QUEUE_URL")?,
            init_document: config::required(source, "INIT_DOCUMENT")?,
            stack: config::required(source, "STACK")?,
            output_characters: config::required(source, "OUTCOME_OUTPUT_CHARACTERS")?,
            protects: config::required(source, "PROTECT_FROM_SCALE_IN")?,
        })
    }
}
