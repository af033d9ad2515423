//! What an answer to `SetInstanceProtection` calls for.

use ready_pool_core::call_error::{CallError, Effect};

/// What an answer to `SetInstanceProtection` calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterProtect {
    /// Scale-in spares the instance from now on.
    Protected,
    /// AWS was busy, or the instance is not in service yet: try again.
    TryAgain,
    /// Refused, and will be again.
    Refused,
}

/// Decides what an answer to `SetInstanceProtection` calls for. Trying again does no harm.
pub fn after_protect(result: &Result<(), CallError>) -> AfterProtect {
    match result {
        Ok(()) => AfterProtect::Protected,
        Err(error) if error.says_not_protectable() => AfterProtect::TryAgain,
        Err(error) => match error.effect {
            Effect::Busy | Effect::Unknown => AfterProtect::TryAgain,
            Effect::Refused => AfterProtect::Refused,
        },
    }
}
