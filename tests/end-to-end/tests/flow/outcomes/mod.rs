//! Outcomes as a caller reads them: one for each way a claim can end, with their details, whatever
//! becomes of events.

mod caller;
mod details;
mod endings;
mod events;
mod init_failure;
mod shared_queue;
mod traces;
