//! What happens next to one instance: pure. Each answer is the next call, or a [`Conclusion`].

mod after_init;
mod attach;
mod before_send;
mod check;
mod command_end;
mod conclusion;
mod fresh;
mod hand_over;
mod protect;
mod replacing;
mod seen;
mod send;

pub use after_init::{ATTACH_FOR, LateAttached, after_late_attach, fails};
pub use attach::{Attached, after_attach};
pub use before_send::{BeforeSend, before_send, place_in};
pub use check::{Check, Checked, Delivery, check, serves};
pub use command_end::{Report, report};
pub use conclusion::{Cause, Conclusion, Finding, Step, give_up, too_late};
pub use fresh::{ended_at, is_fresh, occasion_of_event};
pub use hand_over::{Beginning, begin};
pub use protect::{AfterProtect, after_protect};
pub use replacing::{ends_although, is_replaced};
pub use seen::{CommandEnd, KnownAttach, LOOKS_BEFORE_LOST, Occasion};
pub use send::{AfterSend, after_denial, after_send};

#[cfg(test)]
mod tests;
